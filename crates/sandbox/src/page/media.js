// What a message's file looks like, by its kind. `place` says whose chat it is in.
import * as api from "./api.js";
import { bytes, icon, length, make } from "./dom.js";
import { view } from "./overlays.js";

const LANES = { mtproto: "by MTProto", bot_api: "by Bot API" };

/** Nodes for one file. Kinds that are pictures fill the bubble from edge to edge. */
export function media(message, place) {
  const kind = KINDS[message.media.kind] || document_;
  return kind(message, place);
}

export const isSight = (message) => ["photo", "video", "animation", "video_note", "sticker"].includes(message.media?.kind);
/** Shown without a bubble around it. */
export const isFree = (message) => ["video_note", "sticker"].includes(message.media?.kind);

export const facts = (file) =>
  [bytes(file.size), file.duration ? length(file.duration) : null, file.width ? `${file.width}×${file.height}` : null, LANES[file.lane]].filter(Boolean).join(" · ");

const KINDS = { photo, video, animation: video, audio, voice: audio, video_note: video, sticker };

function photo(message, place) {
  const source = api.file(place.user, place.chat, message.message_id);
  const picture = make("img", { src: source, alt: message.caption || "Photo", loading: "lazy" });
  const full = () => view(make("img", { src: source, alt: message.caption || "Photo" }), message.caption);
  const button = make("button", { type: "button", className: "sight", title: facts(message.media), "aria-label": `Photo: ${message.caption || facts(message.media)}` }, picture);
  button.style.aspectRatio = ratio(message.media);
  button.onclick = uncovered(button, message, full);
  return [button];
}

/** A film is a still with its length until it is started; a GIF runs by itself. */
function video(message, place) {
  const file = message.media, source = api.file(place.user, place.chat, message.message_id);
  const title = file.kind === "video_note" ? "Video message" : file.file_name || "Video";
  const frame = make("div", { className: "sight", title: facts(file) });
  frame.style.aspectRatio = ratio(file);
  frame.classList.toggle("round", file.kind === "video_note");
  const player = (properties) => {
    const node = make("video", { src: source, playsInline: true, ...properties });
    node.setAttribute("aria-label", title);
    return node;
  };
  if (file.kind === "animation") {
    frame.append(player({ autoplay: true, loop: true, muted: true }), make("span", { className: "badge", textContent: "GIF" }));
    frame.onclick = uncovered(frame, message, () => {});
    return [frame];
  }
  const begin = make("button", { type: "button", className: "begin", "aria-label": `Play ${title}, ${length(file.duration)}` }, ...still(message, place));
  begin.onclick = uncovered(frame, message, () => {
    const film = player({ controls: true, autoplay: true });
    frame.replaceChildren(film);
    film.focus();
  });
  frame.append(begin);
  return [frame];
}

/** A picture, or a film that runs by itself; what no browser plays (TGS) is shown as what it stands for. */
function sticker(message, place) {
  const file = message.media, source = api.file(place.user, place.chat, message.message_id);
  const name = `Sticker ${file.emoji || ""}`.trim();
  const frame = make("div", { className: "sight sticker", title: facts(file) });
  frame.style.aspectRatio = ratio(file);
  if (file.mime === "image/webp") frame.append(make("img", { src: source, alt: name, loading: "lazy" }));
  else if (file.mime === "video/webm") frame.append(make("video", { src: source, autoplay: true, loop: true, muted: true, playsInline: true, "aria-label": name }));
  else frame.append(make("span", { className: "stands-for", textContent: file.emoji || "🖼", role: "img", "aria-label": name }));
  return [frame];
}

/** A video that does not run: its small picture or else its first frame, its length, the sign to start it. */
function still(message, place) {
  const file = message.media;
  const shown = file.thumb
    ? make("img", { src: api.thumb(place.user, place.chat, message.message_id), alt: "", loading: "lazy" })
    : make("video", { src: api.file(place.user, place.chat, message.message_id) + "#t=0.1", preload: "metadata", muted: true, tabIndex: -1 });
  return [shown, make("span", { className: "badge", textContent: length(file.duration) }), make("span", { className: "play" }, icon("play"))];
}

/** A tile of an album: opens in full. */
export function tile(message, place) {
  const file = message.media, source = api.file(place.user, place.chat, message.message_id);
  const isVideo = file.kind !== "photo";
  const shown = isVideo ? still(message, place) : [make("img", { src: source, alt: "", loading: "lazy" })];
  const button = make("button", { type: "button", className: "sight", title: facts(file), "aria-label": `${isVideo ? "Video" : "Photo"}: ${message.caption || facts(file)}` }, ...shown);
  const full = () => view(isVideo ? make("video", { src: source, controls: true, autoplay: true }) : make("img", { src: source, alt: message.caption || "Photo" }), message.caption);
  button.onclick = uncovered(button, message, full);
  return button;
}

function audio(message, place) {
  const file = message.media, isVoice = file.kind === "voice";
  const title = isVoice ? "Voice message" : [file.performer, file.title].filter(Boolean).join(" – ") || file.file_name || "Audio";
  const player = make("audio", { src: api.file(place.user, place.chat, message.message_id), controls: true, preload: "none" });
  player.setAttribute("aria-label", title);
  const cover = file.thumb ? make("img", { src: api.thumb(place.user, place.chat, message.message_id), alt: "" }) : icon("play");
  return [make("div", { className: "file" }, make("span", { className: "disc" }, cover), words(title, facts(file))), player];
}

function document_(message, place) {
  const file = message.media, name = file.file_name || "file";
  const picture = file.thumb ? make("img", { src: api.thumb(place.user, place.chat, message.message_id), alt: "" }) : icon("file");
  return [make("a", { className: "file", href: api.file(place.user, place.chat, message.message_id), download: name }, make("span", { className: "disc" }, picture), words(name, facts(file)))];
}

const words = (title, below) => make("span", { className: "file-words" }, make("b", { textContent: title }), make("span", { className: "facts", textContent: below }));

/** Pictures that are very high or very wide are cut, as clients do. */
const ratio = (file) => (file.width && file.height ? Math.min(Math.max(file.width / file.height, 0.6), 2.4) : 1);

/** What a click does; the first one takes the cover of a spoiler away. */
function uncovered(node, message, act) {
  if (message.spoiler) node.classList.add("covered");
  return () => (node.classList.contains("covered") ? node.classList.remove("covered") : act());
}
