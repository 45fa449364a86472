// What lies over the page for a while: short notices, alerts, a picture in full.
import { $, icon, make } from "./dom.js";

let timer;
export function toast(text) {
  $("toast").textContent = text;
  clearTimeout(timer);
  timer = setTimeout(() => { $("toast").textContent = ""; }, 4000);
}

export function alert(text) {
  $("alert").querySelector("p").textContent = text;
  $("alert").showModal();
}

/** Shows a picture or a video in full; Escape or a click beside it closes. */
export function view(node, caption) {
  const viewer = $("viewer");
  const close = make("button", { type: "button", className: "icon", "aria-label": "Close", onclick: () => viewer.close() }, icon("close"));
  viewer.replaceChildren(node, caption ? make("p", { textContent: caption }) : "", close);
  viewer.onclick = (event) => { if (event.target === viewer) viewer.close(); };
  // A video would go on sounding.
  viewer.onclose = () => viewer.replaceChildren();
  viewer.showModal();
}
