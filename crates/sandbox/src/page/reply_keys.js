// The keyboard that a bot shows beneath the box to write in.
import * as api from "./api.js";
import * as composer from "./composer.js";
import { $, icon, make } from "./dom.js";
import { find, isAtEnd, toEnd } from "./messages.js";
import { toast } from "./overlays.js";

const PLACEHOLDER = $("text").placeholder;

let drawn = "";

/** `keyboard` is what the chat's newest message about it says, or null; it stays as it is until that changes. */
export function show(keyboard, place) {
  const key = JSON.stringify([keyboard, place]);
  if (key === drawn) return;
  drawn = key;
  $("text").placeholder = keyboard?.placeholder || PLACEHOLDER;
  const rows = keyboard?.is === "shown" ? keyboard.rows : [];
  $("keys").replaceChildren(...rows.map((row) => make("div", { className: "keys" }, ...row.map((button) => tile(button, keyboard, place)))));
  $("keys").classList.toggle("tall", Boolean(rows.length && !keyboard.resize));
  $("keys-toggle").hidden = !rows.length || keyboard.persistent;
  open(rows.length > 0);
  if (keyboard?.is === "force_reply") composer.answer(find(keyboard.message_id) || null);
}

/** In a group the bot is answered, so that it hears of it whatever it may hear. */
function tile(button, keyboard, place) {
  const to = place.kind === "bot" ? undefined : keyboard.message_id;
  const share = () => api.tap(place, button.text).catch((error) => toast(error.message));
  return make("button", { type: "button", textContent: button.text, onclick: () => (button.asks_for ? share() : composer.submit(button.text, to)) });
}

function open(isOpen) {
  const wasAtEnd = isAtEnd();
  $("keys").hidden = !isOpen;
  $("keys-toggle").setAttribute("aria-expanded", isOpen);
  // It must not cover the newest message.
  if (wasAtEnd) toEnd();
}

export function start() {
  $("keys-toggle").append(icon("keys"));
  $("keys-toggle").onclick = () => open($("keys").hidden);
}
