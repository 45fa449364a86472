// The topics of a forum, as tabs over its messages.
import { $, icon, make } from "./dom.js";

/** What stands in no topic. */
export const GENERAL = 0;

/** The open topic of a chat: `wanted`, if there is such a one; else the general one, unless that is hidden. */
export function opened(chat, wanted) {
  if (chat?.topics?.some((topic) => topic.id === wanted)) return wanted;
  return chat?.general?.hidden && chat.topics.length ? chat.topics[0].id : GENERAL;
}

export function draw(chat, open, choose) {
  const bar = $("topics"), key = JSON.stringify([chat?.chat, chat?.topics, chat?.general, open]);
  bar.hidden = !chat?.topics;
  if (bar.dataset.key === key) return;
  bar.dataset.key = key;
  const hadFocus = bar.contains(document.activeElement);
  const hash = make("span", { className: "topic-icon", "aria-hidden": "true", textContent: "#" });
  const general = chat?.general && (!chat.general.hidden || open === GENERAL) ? [tab(GENERAL, open, choose, hash, chat.general.name, chat.general.writable ? null : icon("lock"))] : [];
  bar.replaceChildren(...general, ...(chat?.topics || []).map((topic) => {
    const colour = "#" + topic.color.toString(16).padStart(6, "0");
    const sign = make("span", { className: "topic-icon", "aria-hidden": "true", style: { "--colour": colour }, textContent: [...topic.name][0] });
    return tab(topic.id, open, choose, sign, topic.name, topic.writable ? null : icon("lock"));
  }));
  const current = bar.querySelector("[aria-current=true]");
  if (hadFocus) current?.focus();
  current?.scrollIntoView({ block: "nearest", inline: "center" });
}

function tab(id, open, choose, ...inside) {
  return make("button", { type: "button", "aria-current": id === open, dataset: { topic: id }, onclick: () => choose(id) }, ...inside);
}
