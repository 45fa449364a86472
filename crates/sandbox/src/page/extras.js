// What only few messages have: an invoice, reactions, the bot that offered them; and the lines that tell what happened.
import { icon, make } from "./dom.js";

export const stars = (amount) => `${amount} ${amount === 1 ? "Star" : "Stars"}`;

/** What can be paid; the button that pays is one of the message's keyboard. */
export function invoice({ messages: [{ invoice }] }) {
  if (!invoice) return [];
  const price = make("span", { className: "price" }, icon("star"), stars(invoice.amount));
  return [make("div", { className: "invoice" }, make("b", { textContent: invoice.title }), make("span", { className: "about", textContent: invoice.description }), price)];
}

/** "via @bot" over what somebody chose from a bot's results. */
export function offered({ messages: [{ via_bot: bot }] }) {
  return bot ? [make("span", { className: "from head" }, "via ", make("b", { textContent: "@" + bot }))] : [];
}

/** Each emoji once, with how many chose it. */
export function reactions(message) {
  if (!message.reactions.length) return null;
  const counts = new Map();
  for (const emoji of message.reactions) counts.set(emoji, (counts.get(emoji) || 0) + 1);
  const chips = [...counts].map(([emoji, count]) => make("span", { className: "reaction" }, emoji, count > 1 ? make("small", { textContent: count }) : null));
  const row = make("div", { className: "reactions", role: "group" }, ...chips);
  row.setAttribute("aria-label", "Reactions");
  return row;
}

/** The line of a service message; one about a message leads there. */
export function notice({ message_id: id, notice: { text, about } }) {
  return about ? make("button", { type: "button", className: "notice", dataset: { id, goto: about }, textContent: text }) : make("div", { className: "notice", dataset: { id }, textContent: text });
}
