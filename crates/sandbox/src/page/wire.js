// The panel with what came over both faces: beside the chat, or a drawer where there is no room.
import * as api from "./api.js";
import { $, bytes, make } from "./dom.js";

/** Lines that are kept, and of these the most that are drawn. */
const KEPT = 3000;
const DRAWN = 300;
const FACES = { bot_api: "Bot API", mtproto: "MTProto" };

const lines = new Map();
let version = 0, listening = false, clearedBefore = 0;

export const isOpen = () => !$("wire").hidden;

export function toggle(open = !isOpen()) {
  $("wire").hidden = $("shade").hidden = !open;
  document.body.classList.toggle("wired", open);
  $("wire-toggle").setAttribute("aria-expanded", open);
  if (open) {
    $("wire-text").focus();
    listen();
  } else if (document.activeElement === document.body || !document.activeElement.isConnected || document.activeElement.closest("#wire")) {
    $("wire-toggle").focus();
  }
}

/** Only while it is open, so that a closed panel costs nothing. */
async function listen() {
  if (listening) return;
  listening = true;
  while (isOpen()) {
    try {
      const news = await api.wire(version);
      // A sandbox that was started anew counts from the beginning.
      if (news.version < version) lines.clear();
      version = news.version;
      for (const line of news.entries) lines.set(line.number, line);
      for (const number of lines.keys()) if (lines.size > KEPT) lines.delete(number); else break;
      if (news.entries.length) draw();
      await api.rest(300);
    } catch {
      version = 0;
      await api.rest(1000);
    }
  }
  listening = false;
}

function draw() {
  const text = $("wire-text").value.trim().toLowerCase(), face = $("wire-face").value, errors = $("wire-errors").checked;
  const fits = (line) =>
    line.number >= clearedBefore && (!face || line.face === face) && (!errors || line.error) &&
    (!text || [line.method, line.who, line.error, `#${line.connection}`].some((field) => field?.toLowerCase().includes(text)));
  const found = [...lines.values()].filter(fits);
  const calls = found.reduce((sum, line) => sum + line.calls, 0);
  $("wire-count").textContent = `${calls} ${calls === 1 ? "call" : "calls"} · in ${bytes(total(found, "bytes_in"))} · out ${bytes(total(found, "bytes_out"))}`;
  $("wire-lines").replaceChildren(...found.slice(-DRAWN).reverse().map(row));
}

const total = (found, field) => found.reduce((sum, line) => sum + line[field], 0);

function row(line) {
  const at = new Date(line.at_ms);
  const when = at.toLocaleTimeString([], { hour12: false }) + "." + String(at.getMilliseconds()).padStart(3, "0");
  const method = make("b", { textContent: line.method });
  const count = make("small", { textContent: (line.calls > 1 ? `×${line.calls} · ` : "") + FACES[line.face] });
  const who = [when, line.who, `#${line.connection}`].filter(Boolean).join(" · ");
  const node = make("li", { dataset: { face: line.face } }, make("span", { className: "call" }, method, " ", count), make("span", { className: "took", textContent: took(line.took_us) }),
    make("span", { className: "sub" }, make("span", { textContent: who }), make("span", { textContent: `↑ ${bytes(line.bytes_in)}  ↓ ${bytes(line.bytes_out)}` })));
  if (line.error) node.append(make("span", { className: "error", textContent: line.error }));
  return node;
}

const took = (us) => (us < 1000 ? `${us} µs` : us < 1e6 ? `${(us / 1000).toFixed(us < 1e4 ? 1 : 0)} ms` : `${(us / 1e6).toFixed(1)} s`);

export function start() {
  $("wire-toggle").onclick = () => toggle();
  $("wire-close").onclick = $("shade").onclick = () => toggle(false);
  $("wire-clear").onclick = () => { clearedBefore = Math.max(0, ...lines.keys()) + 1; draw(); };
  $("wire-filter").oninput = draw;
  $("wire-filter").onsubmit = (event) => event.preventDefault();
}
