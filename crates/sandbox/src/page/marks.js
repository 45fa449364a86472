// A text with its marks. Offsets are in UTF-16 units, as those of strings here.
import { make } from "./dom.js";

const safe = (target) => (/^(https?|tg|mailto|tel):/i.test(target) ? target : "http://" + target);
const link = (href, node) => make("a", { href: safe(href), target: "_blank", rel: "noreferrer noopener" }, node);
const wrap = (tag) => (node) => make(tag, {}, node);

/** What each kind of mark becomes, from the node inside, the mark and its text. */
const KINDS = {
  bold: wrap("b"),
  italic: wrap("i"),
  underline: wrap("u"),
  strikethrough: wrap("s"),
  code: wrap("code"),
  pre: (node, mark) => make("pre", { dataset: mark.language ? { language: mark.language } : {} }, make("code", {}, node)),
  blockquote: wrap("blockquote"),
  expandable_blockquote: (node) => make("blockquote", { className: "folded", tabIndex: 0, onclick: unfold, onkeydown: unfold }, node),
  spoiler: (node) => make("button", { type: "button", className: "spoiler", "aria-pressed": "false", "aria-label": "Hidden text", onclick: reveal }, make("span", {}, node)),
  url: (node, mark, text) => link(text, node),
  text_link: (node, mark) => link(mark.url, node),
  email: (node, mark, text) => link("mailto:" + text, node),
  phone_number: (node, mark, text) => link("tel:" + text, node),
  mention: wrap("a"),
  hashtag: wrap("a"),
  bot_command: (node, mark, text) => make("button", { type: "button", className: "tap", dataset: { command: text } }, node),
};

export function marked(text, entities) {
  const sorted = [...entities].sort((a, b) => a.offset - b.offset || b.length - a.length);
  const inner = span(text, 0, text.length, sorted);
  const words = make("div", { className: "words", dir: "auto" }, inner);
  return words;
}

function span(text, from, to, marks) {
  const fragment = document.createDocumentFragment();
  let at = from, waiting = marks;
  while (waiting.length) {
    const [mark, ...others] = waiting;
    const start = Math.max(mark.offset, at), end = Math.min(mark.offset + mark.length, to);
    if (start >= end) { waiting = others; continue; }
    fragment.append(text.slice(at, start));
    const inside = others.filter((other) => other.offset < end);
    const make = KINDS[mark.type] || ((node) => node);
    fragment.append(make(span(text, start, end, inside), mark, text.slice(start, end)));
    at = end;
    // What sticks out of this mark goes on behind it.
    waiting = others.filter((other) => other.offset + other.length > end);
  }
  fragment.append(text.slice(at, to));
  return fragment;
}

function unfold(event) {
  if (event.type === "keydown" && event.key !== "Enter") return;
  event.currentTarget.classList.remove("folded");
}

function reveal(event) {
  event.currentTarget.setAttribute("aria-pressed", "true");
  event.currentTarget.removeAttribute("aria-label");
}
