// Puts the page together: who one is, which chat is open, and the loop that keeps it true.
import * as api from "./api.js";
import { doing, drawChats, drawUsers, nameOf } from "./chats.js";
import * as composer from "./composer.js";
import { $, icon, paint } from "./dom.js";
import * as messages from "./messages.js";
import * as reactions from "./reactions.js";
import * as replyKeys from "./reply_keys.js";
import * as theme from "./theme.js";
import * as topics from "./topics.js";
import * as wire from "./wire.js";

const address = new URLSearchParams(location.search);
let me = address.get("user"), open = address.get("chat"), topic = Number(address.get("topic"));
let chats = [], version = 0;

function remember() {
  const now = new URLSearchParams(Object.entries({ user: me, chat: open, topic }).filter(([, value]) => value));
  history.replaceState(null, "", "?" + now);
}

async function chooseUser(user) {
  me = user;
  open = null;
  topic = topics.GENERAL;
  messages.clear();
  await refresh();
}

async function chooseChat(chat) {
  if (chat !== open) { messages.clear(); topic = topics.GENERAL; }
  open = chat;
  document.body.dataset.view = "chat";
  await refresh();
  if (matchMedia("(hover: hover)").matches && !$("write").hidden) $("text").focus();
}

async function chooseTopic(wanted) {
  if (wanted !== topic) messages.clear();
  topic = wanted;
  await refresh();
}

/** Asks for everything that is on the page and draws what has changed. */
async function refresh() {
  const everybody = await api.who();
  version = everybody.version;
  const users = everybody.users;
  if (!users.length) return say("There is nobody to be: start with --user ann");
  if (!users.some((user) => nameOf(user) === me)) { me = nameOf(users[0]); messages.clear(); }
  const person = me;
  chats = await api.chats(person);
  if (person !== me) return;
  if (!chats.some((chat) => chat.chat === open)) { open = chats[0]?.chat ?? null; topic = topics.GENERAL; messages.clear(); }
  drawUsers(users, me, chooseUser);
  drawChats(chats, open, chooseChat);
  const chat = chats.find((chat) => chat.chat === open);
  const there = topics.opened(chat, topic);
  if (there !== topic) { topic = there; messages.clear(); }
  remember();
  drawHead(chat);
  topics.draw(chat, topic, chooseTopic);
  composer.show(me, chat, topic, !chat?.last);
  if (!chat) return say("There is no chat yet");
  const place = { user: me, chat: chat.chat, kind: chat.kind, writable: !$("write").hidden, topic: chat.topics ? topic : undefined };
  const keyboard = await messages.draw(place, () => place.user === me && place.chat === open && (place.topic ?? topic) === topic);
  if (keyboard !== undefined) replyKeys.show(keyboard, place);
}

function drawHead(chat) {
  $("title").textContent = chat?.title || "Loopback Telegram";
  document.title = chat ? `${chat.title} – Loopback Telegram` : "Loopback Telegram";
  paint($("chat-avatar"), chat?.title || "?");
  if (!chat) return;
  const count = chat.members === 1 ? "1 member" : `${chat.members} members`;
  $("state").textContent = doing(chat) || (chat.kind === "bot" ? `@${chat.chat} · bot` : `${chat.kind} · ${count}`);
  $("state").classList.toggle("busy", Boolean(chat.action));
}

function say(text) {
  $("state").textContent = text;
}

function escape() {
  if (document.querySelector("dialog[open], :popover-open")) return;
  if (composer.isAnswering()) composer.answer(null);
  else if (wire.isOpen()) wire.toggle(false);
  else if (document.activeElement.closest(".message")) $("text").focus();
  else document.body.dataset.view = "list";
}

async function follow() {
  for (;;) {
    try {
      await refresh();
      // While a bot is at work its notice has to go away by itself.
      const quiet = chats.some((chat) => chat.action) ? api.rest(5000) : new Promise(() => {});
      await Promise.race([api.changed(version), quiet]);
      await api.rest(60);
    } catch {
      say("Not connected: is the sandbox running?");
      await api.rest(1000);
    }
  }
}

for (const [id, name] of Object.entries({ back: "back", "wire-toggle": "wire", down: "down", "no-reply": "close", "wire-close": "close", "wire-clear": "bin" })) $(id).append(icon(name));
document.querySelector(".send").append(icon("send"));
$("back").onclick = () => { document.body.dataset.view = "list"; };
if (open) document.body.dataset.view = "chat";
document.addEventListener("keydown", (event) => { if (event.key === "Escape") escape(); });
theme.start();
composer.start();
reactions.start();
replyKeys.start();
wire.start();
messages.start({ reply: (id) => composer.answer(messages.find(id)), command: composer.submit, older: refresh });
follow();
