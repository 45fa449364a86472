// The buttons under a message.
import * as api from "./api.js";
import { icon, make } from "./dom.js";
import { stars } from "./extras.js";
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
  ["pay", (button, message, place) => {
    if (message.paid) return make("button", { type: "button", textContent: "Receipt", onclick: () => alert(receipt(message)) }, hint("receipt"));
    const node = make("button", { type: "button", className: "pay" }, ...starred(button.text));
    node.onclick = () => pay(node, message, place);
    return node;
  }],
];

/** Why nothing was paid, in words; a bot's own reason is shown as it is. */
const UNPAID = { BALANCE_TOO_LOW: "You do not have enough Stars.", BOT_PRECHECKOUT_TIMEOUT: "The bot did not answer in time. Nothing was paid." };

export function keyboard(message, place) {
  return message.buttons.map((row) => make("div", { className: "keys" }, ...row.map((button) => key(button, message, place))));
}

function key(button, message, place) {
  const kind = KINDS.find(([field]) => button[field] !== undefined && button[field] !== null);
  return kind ? kind[1](button, message, place) : make("button", { type: "button", textContent: button.text, disabled: true });
}

const hint = (name) => make("span", { className: "hint" }, icon(name));

const press = (node, button, message, place) => busy(node, async () => {
  const { answer } = await api.press(place, message, button.data);
  if (answer.url) open(answer.url, "_blank", "noreferrer");
  else if (answer.text) (answer.show_alert ? alert : toast)(answer.text);
});

const pay = (node, message, place) => busy(node, () => api.pay(place, message));

const receipt = ({ invoice, paid }) => `${invoice.title}\n${stars(invoice.amount)}\n\nCharge ${paid}`;

/** A text with a star drawn for each ⭐, as clients do on the buttons that pay. */
const starred = (text) => text.split(/(⭐️?)/u).map((part) => (part.startsWith("⭐") ? icon("star") : part));

/** Shows that something is under way, does it once, and tells what went wrong. */
async function busy(node, act) {
  if (node.getAttribute("aria-busy") === "true") return;
  node.setAttribute("aria-busy", "true");
  try {
    await act();
  } catch (error) {
    toast(UNPAID[error.message] || error.message.split(";")[0]);
  }
  node.removeAttribute("aria-busy");
}

async function copy(text) {
  await navigator.clipboard.writeText(text);
  toast("Copied");
}
