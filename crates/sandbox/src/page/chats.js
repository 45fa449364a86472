// The list of chats, and the switch between persons.
import { $, clock, icon, make, paint } from "./dom.js";
import { gist } from "./message.js";

const ACTIONS = { typing: "is typing…", upload_video: "is sending a video…", upload_photo: "is sending a picture…", upload_document: "is sending a file…", upload_voice: "is sending a voice message…" };

/** What a bot is doing, in words. */
export const doing = (chat) => (chat.action ? ACTIONS[chat.action] || "is busy…" : "");

export function drawUsers(users, me, choose) {
  const select = $("user"), key = JSON.stringify(users.map((user) => [user.id, user.username, user.first_name]));
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...users.map((user) => make("option", { value: nameOf(user), textContent: user.first_name + (user.phone ? ` · ${user.phone}` : "") })));
    select.onchange = () => choose(select.value);
  }
  select.value = me;
  paint($("me-avatar"), users.find((user) => nameOf(user) === me)?.first_name || "?");
}

/** What the control API calls a person: accounts may have no username. */
export const nameOf = (user) => user.username || String(user.id);

export function drawChats(chats, open, choose) {
  const list = $("chats"), focused = list.contains(document.activeElement) ? document.activeElement.dataset.chat : null;
  list.replaceChildren(...chats.map((chat) => {
    const avatar = make("span", { className: "avatar", "aria-hidden": "true" });
    paint(avatar, chat.title);
    const title = make("b", {}, chat.kind === "bot" ? null : icon(chat.kind), chat.title);
    const when = make("time", { textContent: chat.last ? clock(chat.last.date) : "" });
    const button = make("button", { type: "button", className: "chat", "aria-current": chat.chat === open, dataset: { chat: chat.chat } }, avatar, title, when, below(chat));
    button.onclick = () => choose(chat.chat);
    return make("div", { role: "listitem" }, button);
  }));
  if (focused) list.querySelector(`[data-chat="${CSS.escape(focused)}"]`)?.focus();
}

function below(chat) {
  if (chat.action) return make("span", {}, make("i", { textContent: doing(chat) }));
  if (!chat.last) return make("span", { textContent: chat.kind === "bot" ? "bot" : chat.kind });
  return make("span", {}, chat.last.mine ? make("i", { textContent: "You: " }) : null, gist(chat.last));
}
