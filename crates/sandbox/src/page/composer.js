// The box to write in, and what stands there when one may not write.
import * as api from "./api.js";
import { $ } from "./dom.js";
import { gist } from "./message.js";
import { toast } from "./overlays.js";

let replyTo = null;
let open = null;

/** `chat` is the open chat of the list, `topic` the open one of a forum; `isEmpty` tells whether nothing was said there yet. */
export function show(user, chat, topic, isEmpty) {
  if (open?.chat !== chat?.chat || open?.user !== user || open?.topic !== topic) answer(null);
  open = chat && { ...chat, user, topic };
  const isClosed = topic ? chat?.topics?.some((one) => one.id === topic && !one.writable) : chat?.general && !chat.general.writable;
  const instead = !chat ? null : chat.blocked ? ["Unblock", () => api.unblock(user, chat.chat)]
    : !chat.writable ? ["Only admins can write here", null]
    : isClosed ? ["Only admins can write in this topic", null]
    : chat.kind === "bot" && isEmpty ? ["Start", () => submit("/start")] : null;
  $("write").hidden = !chat || Boolean(instead);
  $("instead").hidden = !instead;
  if (!instead) return;
  $("instead").textContent = instead[0];
  $("instead").disabled = !instead[1];
  $("instead").onclick = instead[1];
}

/** From now on the next text answers this message; `null` ends that. */
export function answer(message) {
  replyTo = message?.message_id ?? null;
  $("replying").hidden = !message;
  if (!message) return;
  $("replying").querySelector("b").textContent = message.mine ? "You" : message.author;
  $("replying").querySelector("span").textContent = gist(message);
  $("text").focus();
}

export const isAnswering = () => replyTo !== null;

/** Sends a text, as an answer to what is being answered, or to the message of this number. */
export async function submit(text, to = replyTo) {
  if (!text.trim() || !open) return false;
  try {
    await api.send(open, text, to ?? undefined);
    answer(null);
    return true;
  } catch (error) {
    toast(error.message);
    return false;
  }
}

export function start() {
  $("no-reply").onclick = () => { answer(null); $("text").focus(); };
  $("write").onsubmit = async (event) => {
    event.preventDefault();
    if (await submit($("text").value)) $("text").value = "";
    $("text").focus();
  };
  $("text").onkeydown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    $("write").requestSubmit();
  };
}
