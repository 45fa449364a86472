// The buttons under a message.
import * as api from "./api.js";
import { icon, make } from "./dom.js";
import { alert, toast } from "./overlays.js";

/** The first kind whose field a button has makes it. A new kind of button is a line here. */
const KINDS = [
  ["url", (button) => make("a", { href: button.url, target: "_blank", rel: "noreferrer noopener", textContent: button.text }, hint("out"))],
  ["copy", (button) => make("button", { type: "button", textContent: button.text, onclick: () => copy(button.copy) }, hint("copy"))],
  ["data", (button, message, place) => {
    const node = make("button", { type: "button", textContent: button.text });
    node.onclick = () => press(node, button, message, place);
    return node;
  }],
];

export function keyboard(message, place) {
  return message.buttons.map((row) => make("div", { className: "keys" }, ...row.map((button) => key(button, message, place))));
}

function key(button, message, place) {
  const kind = KINDS.find(([field]) => button[field] !== undefined && button[field] !== null);
  return kind ? kind[1](button, message, place) : make("button", { type: "button", textContent: button.text, disabled: true });
}

const hint = (name) => make("span", { className: "hint" }, icon(name));

async function press(node, button, message, place) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    const { answer } = await api.press(place.user, place.chat, message.message_id, button.data);
    if (answer.url) open(answer.url, "_blank", "noreferrer");
    else if (answer.text) (answer.show_alert ? alert : toast)(answer.text);
  } catch (error) {
    toast(error.message.split(";")[0]);
  }
  node.removeAttribute("aria-busy");
}

async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast("Copied");
}
