// What only few messages have: an invoice, a contact or a place, the bot that offered them; and the lines that tell what happened.
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

/** What somebody lets a bot know at the press of a key. */
export function shared({ messages: [{ shared }] }) {
  if (!shared) return [];
  const isContact = shared.is === "contact";
  const [title, below] = isContact ? [shared.first_name, `+${shared.phone_number}`] : ["Location", `${shared.latitude.toFixed(4)}, ${shared.longitude.toFixed(4)}`];
  const words = make("span", { className: "file-words" }, make("b", { textContent: title }), make("span", { className: "facts", textContent: below }));
  return [make("div", { className: "file" }, make("span", { className: "disc" }, icon(isContact ? "person" : "place")), words)];
}

/** The line of a service message; one about a message leads there. */
export function notice({ message_id: id, notice: { text, about } }) {
  return about ? make("button", { type: "button", className: "notice", dataset: { id, goto: about }, textContent: text }) : make("div", { className: "notice", dataset: { id }, textContent: text });
}
