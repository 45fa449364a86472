// Several files as one message: pictures as a grid, others one below the other.
import { make } from "./dom.js";
import { isSight, media, tile } from "./media.js";

/** How many of six columns each tile takes, by how many tiles there are. */
const SPANS = {
  2: [3, 3],
  3: [6, 3, 3],
  4: [3, 3, 3, 3],
  5: [3, 3, 2, 2, 2],
  6: [2, 2, 2, 2, 2, 2],
  7: [3, 3, 2, 2, 2, 3, 3],
  8: [3, 3, 2, 2, 2, 2, 2, 2],
  9: [2, 2, 2, 2, 2, 2, 2, 2, 2],
  10: [3, 3, 2, 2, 2, 2, 2, 2, 3, 3],
};
const RATIO = { 6: "16 / 9", 3: "4 / 3", 2: "1" };

export function album(messages, place) {
  if (!messages.every(isSight)) return messages.flatMap((message) => media(message, place));
  const spans = SPANS[messages.length] || messages.map(() => 2);
  const tiles = messages.map((message, index) => {
    const node = tile(message, place);
    node.style.setProperty("--span", spans[index]);
    node.style.setProperty("--ratio", RATIO[spans[index]]);
    return node;
  });
  return [make("div", { className: "album" }, ...tiles)];
}
