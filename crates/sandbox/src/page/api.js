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
export const messages = (user, chat, limit) => call("/chat?" + new URLSearchParams({ user, chat, limit }));
export const send = (user, chat, text, reply_to) => call("/send", { user, chat, text, reply_to });
export const press = (user, bot, message_id, data) => call("/press", { user, bot, message_id, data, timeout_ms: 15000 });
export const unblock = (user, bot) => call("/unblock?" + new URLSearchParams({ user, bot }), {});
export const changed = (after) => call("/wait?" + new URLSearchParams({ after, timeout_ms: 25000 }));
export const wire = (after) => call("/wire?" + new URLSearchParams({ after, timeout_ms: 25000 }));

/** Where the bytes of a message's file are. */
export const file = (user, chat, message_id) => "/control/file?" + new URLSearchParams({ user, chat, message_id });
export const thumb = (user, chat, message_id) => "/control/thumb?" + new URLSearchParams({ user, chat, message_id });

export const rest = (ms) => new Promise((resume) => setTimeout(resume, ms));
