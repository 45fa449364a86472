// The control API: what the page knows and does goes through it, so that programs can do the same.

export async function call(path, body) {
  const options = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch("/control" + path, options);
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error || response.statusText);
  return answer;
}

export const who = () => call("/who");
export const chats = (user) => call("/chats?" + new URLSearchParams({ user }));
export const messages = (place, limit) => call("/chat?" + new URLSearchParams({ user: place.user, chat: place.chat, limit, ...inTopic(place) }));
/** `place`: {user, chat, topic}; a topic that is undefined means that the chat has none. */
export const send = (place, text, reply_to) => call("/send", { user: place.user, chat: place.chat, text, reply_to, ...(place.topic ? inTopic(place) : {}) });
export const press = (place, message, data) => call("/press", { ...at(place, message), message_id: message.message_id, data, timeout_ms: 15000 });
export const pay = (place, message) => call("/pay", { ...at(place, message), message_id: message.message_id });
export const unblock = (user, chat) => call("/unblock", { user, chat });
/** An emoji of one's own on a message; null takes it away. */
export const react = (place, message, emoji) => call("/react", { user: place.user, chat: place.chat, message_id: message.message_id, emoji });
/** Presses a key that asks for more than a text. */
export const tap = (place, label) => call("/tap", { user: place.user, chat: place.chat, label });
export const changed = (after) => call("/wait?" + new URLSearchParams({ after, timeout_ms: 25000 }));
export const wire = (after) => call("/wire?" + new URLSearchParams({ after, timeout_ms: 25000 }));

const inTopic = ({ topic }) => (topic === undefined ? {} : { message_thread_id: topic });
/** Who does something to a message of a bot, and where it stands. */
const at = ({ user, chat, kind }, message) => (kind === "bot" ? { user, chat } : { user, chat, bot: message.via_bot || message.from });

/** Where the bytes of a message's file are. */
export const file = (user, chat, message_id) => "/control/file?" + new URLSearchParams({ user, chat, message_id });
export const thumb = (user, chat, message_id) => "/control/thumb?" + new URLSearchParams({ user, chat, message_id });

export const rest = (ms) => new Promise((resume) => setTimeout(resume, ms));
