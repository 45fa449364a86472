// The messages of the open chat, kept as they are while others come, change and go around them.
import * as api from "./api.js";
import { $, day, make } from "./dom.js";
import { notice } from "./extras.js";
import { bubble } from "./message.js";

const PAGE = 60;
/** Messages of one author within this time stand close together, in seconds. */
const NEAR = 300;
const EMPTY = { bot: "No messages here yet", channel: "Nothing was posted yet", group: "Nobody has written yet" };

let rows = new Map();
let known = new Map();
let limit = PAGE;

/** Another chat, or another person: begin anew. */
export function clear() {
  rows = new Map();
  known = new Map();
  limit = PAGE;
  $("messages").replaceChildren();
}

export const find = (id) => known.get(id);

/** Draws what has changed, and gives the keyboard that the bot shows. `isCurrent` tells whether the chat is still the open one; if not, undefined is given. */
export async function draw(place, isCurrent) {
  const { messages, more, keyboard } = await api.messages(place, limit);
  if (!isCurrent()) return undefined;
  known = new Map(messages.map((message) => [message.message_id, message]));
  const list = $("messages");
  const atEnd = isAtEnd();
  const heightBelow = list.scrollHeight - list.scrollTop;
  const newest = messages.at(-1);
  const wanted = [];
  if (more) wanted.push(["older", () => make("button", { type: "button", id: "older", textContent: "Older messages" }), ""]);
  let shownDay = "";
  for (const item of items(messages, place)) {
    const [first] = item.messages;
    if (day(first.date) !== shownDay) {
      shownDay = day(first.date);
      const text = shownDay;
      wanted.push([`day ${text}`, () => make("div", { className: "day", textContent: text }), ""]);
    }
    wanted.push([first.message_id, () => (first.notice ? notice(first) : bubble(item, place, find)), JSON.stringify([item, place, item.messages.map((message) => known.get(message.reply_to))])]);
  }
  if (!messages.length) wanted.push(["empty", () => make("div", { className: "empty", textContent: EMPTY[place.kind] }), place.kind]);
  const isFirst = rows.size === 0, hadNewest = rows.has(newest?.message_id) || newest?.media_group_id;
  replace(list, wanted);
  if (isFirst || atEnd || (newest?.mine && !hadNewest)) toEnd();
  else if (wanted[0] && list.scrollTop < 100) list.scrollTop = list.scrollHeight - heightBelow;
  return keyboard;
}

/** Rows that did not change stay as they are, so that a video goes on playing. */
function replace(list, wanted) {
  const next = new Map();
  let before = null;
  for (const [id, build, key] of wanted) {
    const old = rows.get(id);
    const node = old && old.key === key ? old.node : build();
    if (old && old.node !== node) {
      const hadFocus = old.node.contains(document.activeElement);
      old.node.replaceWith(node);
      if (hadFocus) node.focus({ preventScroll: true });
    } else if (!old) before ? before.after(node) : list.prepend(node);
    next.set(id, { node, key });
    before = node;
  }
  for (const [id, { node }] of rows) if (!next.has(id)) node.remove();
  rows = next;
}

/** Albums become one; each knows whether it continues what its author said. */
function items(messages, place) {
  const grouped = [];
  for (const message of messages) {
    const last = grouped.at(-1);
    if (message.media_group_id && last?.[0].media_group_id === message.media_group_id) last.push(message);
    else grouped.push([message]);
  }
  const together = (one, other) => one && other && !one.notice && !other.notice && one.author_id === other.author_id && other.date - one.date < NEAR && day(one.date) === day(other.date);
  return grouped.map((album, index) => {
    const near = Boolean(together(grouped[index - 1]?.at(-1), album[0]));
    const last = !together(album.at(-1), grouped[index + 1]?.[0]);
    return { messages: album, near, last, named: place.kind === "group" && !album[0].mine && !near };
  });
}

/** Whether the newest messages are in sight, or nearly. */
export function isAtEnd() {
  const list = $("messages");
  return list.scrollHeight - list.scrollTop - list.clientHeight < 140;
}

export function toEnd() {
  const list = $("messages");
  list.scrollTop = list.scrollHeight;
}

/** Scrolling, the arrow keys from message to message, and what is clicked inside of them. */
export function start({ reply, command, older }) {
  const list = $("messages");
  $("down").onclick = () => { toEnd(); list.focus(); };
  list.onscroll = () => { $("down").hidden = list.scrollHeight - list.scrollTop - list.clientHeight < 240; };
  // Pictures that arrive late must not push the end out of sight.
  list.addEventListener("load", () => { if ($("down").hidden) toEnd(); }, true);
  list.onclick = ({ target }) => {
    const by = target.closest("[data-reply], [data-goto], [data-command], #older");
    if (by?.dataset.reply) reply(Number(by.dataset.reply));
    else if (by?.dataset.goto) focusOn(rows.get(Number(by.dataset.goto))?.node);
    else if (by?.dataset.command) command(by.dataset.command);
    else if (by?.id === "older") { limit += PAGE; older(); }
  };
  list.onkeydown = (event) => {
    const messages = [...list.querySelectorAll(".message")];
    const at = messages.indexOf(document.activeElement.closest(".message"));
    const step = { ArrowUp: at < 0 ? messages.length - 1 : at - 1, ArrowDown: at < 0 ? messages.length - 1 : at + 1 }[event.key];
    const inPlayer = document.activeElement.matches("video, audio");
    if (step !== undefined && messages[step] && !inPlayer) {
      event.preventDefault();
      focusOn(messages[step]);
    } else if (event.key === "r" && at >= 0) {
      event.preventDefault();
      reply(Number(messages[at].dataset.id));
    } else if (event.key === "e" && at >= 0) {
      event.preventDefault();
      messages[at].querySelector(".react").click();
    }
  };
}

function focusOn(node) {
  node?.focus({ preventScroll: true });
  node?.scrollIntoView({ block: "nearest" });
}
