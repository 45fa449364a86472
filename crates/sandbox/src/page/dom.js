// Making elements, and how numbers and times are written.

export const $ = (id) => document.getElementById(id);

/** An element with properties (`dataset` and `style` merge, `aria-…` become attributes) and children. */
export function make(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null) continue;
    if (name === "dataset") Object.assign(node.dataset, value);
    else if (name === "style") for (const [key, text] of Object.entries(value)) node.style.setProperty(key, text);
    else if (name.startsWith("aria-")) node.setAttribute(name, value);
    else node[name] = value;
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const PATHS = {
  back: "M15 5l-7 7 7 7",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12l16-8-5 16-4-6-7-2zM11 14l4-4",
  wire: "M4 7h11m0 0l-3-3m3 3l-3 3M20 17H9m0 0l3-3m-3 3l3 3",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.4 1.4m11.2 11.2L19 19M5 19l1.4-1.4M17.6 6.4L19 5",
  moon: "M20 14.5A8.5 8.5 0 119.5 4a7 7 0 0010.500 10.500z",
  down: "M6 9l6 6 6-6",
  reply: "M10 6L4 12l6 6M5 12h9a6 6 0 016 6v1",
  bin: "M5 7h14M10 7V5h4v2m-7 0l1 13h8l1-13",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  out: "M8 16L18 6M10 6h8v8",
  copy: "M9 9h10v11H9zM5 15V4h10",
  play: "M7 4l13 8-13 8z",
  channel: "M4 10v4l10 4V6zM14 9a3 3 0 010 6M7 15l1 5h3l-1-4",
  group: "M8 11a3 3 0 100-6 3 3 0 000 6zm8 0a3 3 0 100-6 3 3 0 000 6zM2 19c0-4 3-6 6-6s6 2 6 6zm14 0c0-2-.5-4-2-5.500 4-1 8 1 8 5.500z",
  bot: "M6 9h12v10H6zM12 9V5M9 13v2m6-2v2",
  smile: "M12 3a9 9 0 100 18 9 9 0 000-18zM8 14c1 2 2.500 3 4 3s3-1 4-3M9 9.500h0m6 0h0",
  person: "M12 12a4 4 0 100-8 4 4 0 000 8zM4.500 20.500c0-4 3-6 7.500-6s7.500 2 7.500 6",
  place: "M12 21.500s7-6.500 7-11.500a7 7 0 10-14 0c0 5 7 11.500 7 11.500zM12 7.500a2.500 2.500 0 100 5 2.500 2.500 0 000-5z",
  star: "M12 2.500l2.900 6.200 6.700.800-5 4.600 1.400 6.700L12 17.400l-6 3.400 1.400-6.700-5-4.600 6.700-.800z",
  receipt: "M6 3h12v18l-3-2-3 2-3-2-3 2zM9 8h6m-6 4h6",
  keys: "M4 5h16v14H4zM8 9h0m4 0h0m4 0h0M8 12h0m4 0h0m4 0h0M9 15.500h6",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 016 0v3",
  read: "M1 7l4 4 8-9M8 10l1 1 8-9",
};

/** A picture that says nothing by itself: its button has a label. */
export function icon(name, box = 24) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", box === 24 ? "0 0 24 24" : box);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

export const hue = (name) => [...String(name)].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 360, 7);

/** Fills the round picture of a person or a chat: its first letter on a colour of its own. */
export function paint(avatar, name) {
  avatar.style.setProperty("--hue", hue(name));
  avatar.textContent = ([...name][0] || "?").toUpperCase();
}

export const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hour12: false });
export const day = (seconds) => {
  const date = new Date(seconds * 1000), today = new Date();
  const options = date.getFullYear() === today.getFullYear() ? { day: "numeric", month: "long" } : { day: "numeric", month: "long", year: "numeric" };
  return date.toDateString() === today.toDateString() ? "Today" : date.toLocaleDateString([], options);
};
export const length = (seconds) => {
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const [hours, minutes, rest] = parts.map((part) => String(part).padStart(2, "0"));
  return parts[0] ? `${parts[0]}:${minutes}:${rest}` : `${Number(hours) * 60 + Number(minutes)}:${rest}`;
};
export const bytes = (count) =>
  count < 1000 ? `${count} B` : count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
