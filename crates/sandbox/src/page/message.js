// One message, or the messages of one album, as a bubble.
import { album } from "./album.js";
import { clock, hue, icon, make } from "./dom.js";
import { invoice, offered, shared } from "./extras.js";
import { keyboard } from "./keyboard.js";
import { marked } from "./marks.js";
import { isFree, isSight, media } from "./media.js";
import { reactButton, reactions } from "./reactions.js";

/**
 * `item`: {messages, near, last, named} of `messages.js`; `place`: {user, chat, kind, writable, topic}; `find` gives a message by its number.
 * What a bubble is made of, from top to bottom: a new kind of content is a line in this list.
 */
const PARTS = [author, forwarded, offered, answered, invoice, shared, shown];

export function bubble(item, place, find) {
  const [first] = item.messages;
  const node = make("div", { className: "bubble" });
  for (const part of PARTS) node.append(...part(item, place, find));
  const caption = captioned(item);
  const words = caption && marked(caption.text || caption.caption, caption.entities);
  const above = caption?.caption_above && node.querySelector(".sight, .album");
  if (words) above ? above.before(words) : node.append(words);
  const sights = item.messages.every(isSight);
  const chips = reactions(first, place);
  if (chips) node.append(chips);
  if (!words && !sights && !chips && !first.invoice && !first.shared) node.classList.add("line");
  if (sights && (!chips || isFree(first)) && (!words || above)) node.classList.add("bare");
  node.append(meta(item, chips || words));
  const stack = make("div", { className: "stack" }, node, ...keyboard(first, place));
  const classes = ["message", first.mine && "mine", item.near && "near", item.last && "last", first.media && (isFree(first) ? "free" : "wide"), first.buttons.length && "keyed"];
  const row = make("article", { className: classes.filter(Boolean).join(" "), tabIndex: -1, dataset: { id: first.message_id } }, stack);
  row.setAttribute("aria-label", `${first.mine ? "You" : first.author}, ${clock(first.date)}`);
  const acts = make("span", { className: "acts" }, reactButton(first, place));
  if (place.writable) acts.append(make("button", { type: "button", className: "icon", "aria-label": "Answer this message", tabIndex: -1, dataset: { reply: first.message_id } }, icon("reply")));
  row.append(acts);
  return row;
}

/** The one message of an album that has a caption; two captions stand in the full view only. */
function captioned(item) {
  const found = item.messages.filter((message) => message.text || message.caption);
  return found.length === 1 || item.messages.length === 1 ? found[0] : undefined;
}

/** What a message is, in a line: for the list of chats and for quotes. */
export function gist(message) {
  const kinds = { photo: "Photo", video: "Video", animation: "GIF", audio: "Audio", voice: "Voice message", video_note: "Video message", sticker: "Sticker", document: "File" };
  const kind = message.media?.kind || message.media;
  return message.notice?.text || message.invoice?.title || message.text || message.caption || (isFree(message) ? kinds[kind] : message.media?.file_name) || kinds[kind] || { contact: "Contact", location: "Location" }[message.shared?.is] || "";
}

function author({ messages: [first], named }) {
  return named ? [make("span", { className: "author head", textContent: first.author, style: { "--hue": hue(first.author) } })] : [];
}

function forwarded({ messages: [first] }) {
  return first.forwarded ? [make("span", { className: "from head" }, "Forwarded from ", make("b", { textContent: first.forwarded_from }))] : [];
}

function answered({ messages: [first] }, place, find) {
  if (!first.reply_to) return [];
  const to = find(first.reply_to);
  const who = make("b", { textContent: to ? (to.mine ? "You" : to.author) : "Message" });
  return [make("button", { type: "button", className: "quote head", dataset: { goto: first.reply_to } }, who, make("span", { textContent: to ? gist(to) : `#${first.reply_to}` }))];
}

function shown({ messages }, place) {
  if (messages.length > 1) return album(messages, place);
  return messages[0].media ? media(messages[0], place) : [];
}

function meta({ messages }, beside) {
  const newest = messages.at(-1);
  const edited = messages.some((message) => message.edited);
  const parts = [edited ? make("span", { textContent: "edited" }) : null, make("time", { textContent: clock(newest.date) }), newest.mine ? icon("read", "0 0 18 13") : null];
  // Room for it at the end of the last line.
  beside?.style.setProperty("--meta", `${44 + (edited ? 44 : 0) + (newest.mine ? 20 : 0)}px`);
  return make("span", { className: "meta" }, ...parts);
}
