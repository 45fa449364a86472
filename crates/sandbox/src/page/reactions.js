// The emoji on a message: those that are there, and the choice of one's own.
import * as api from "./api.js";
import { $, icon, make } from "./dom.js";
import { toast } from "./overlays.js";

/** The usual ones; Telegram has more. */
const EMOJI = ["👍", "❤", "🔥", "🎉", "😁", "🤔", "👎"];

/** Each emoji once, with how many chose it. A click joins them, or takes one's own away. */
export function reactions(message, place) {
  if (!message.reactions.length) return null;
  const counts = new Map();
  for (const emoji of message.reactions) counts.set(emoji, (counts.get(emoji) || 0) + 1);
  const chips = [...counts].map(([emoji, count]) => {
    const chip = make("button", { type: "button", className: "reaction", "aria-pressed": emoji === message.my_reaction }, emoji, count > 1 ? make("small", { textContent: count }) : null);
    chip.onclick = () => react(message, place, emoji);
    return chip;
  });
  const row = make("div", { className: "reactions", role: "group" }, ...chips);
  row.setAttribute("aria-label", "Reactions");
  return row;
}

/** The button beside a message that offers the emoji. */
export function reactButton(message, place) {
  const button = make("button", { type: "button", className: "icon react", "aria-label": "React to this message", tabIndex: -1 }, icon("smile"));
  button.onclick = () => offer(button, message, place);
  return button;
}

function offer(button, message, place) {
  const picker = $("picker");
  const choices = EMOJI.map((emoji) => {
    const choice = make("button", { type: "button", textContent: emoji, "aria-pressed": emoji === message.my_reaction });
    choice.onclick = () => { picker.hidePopover(); button.closest(".message").focus(); react(message, place, emoji); };
    return choice;
  });
  picker.replaceChildren(...choices);
  picker.showPopover();
  // Above the button, and never out of sight.
  const at = button.getBoundingClientRect(), size = picker.getBoundingClientRect();
  picker.style.left = `${Math.max(8, Math.min(at.left + at.width / 2 - size.width / 2, innerWidth - size.width - 8))}px`;
  picker.style.top = `${at.top > size.height + 16 ? at.top - size.height - 6 : at.bottom + 6}px`;
  choices[0].focus();
}

async function react(message, place, emoji) {
  try {
    await api.react(place, message, emoji === message.my_reaction ? null : emoji);
  } catch (error) {
    toast(error.message);
  }
}

/** The arrow keys go from one choice to the next. */
export function start() {
  const picker = $("picker");
  picker.onkeydown = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...picker.children];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  };
}
