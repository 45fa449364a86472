// Dark or light: as the system has it, until one is chosen.
import { $, icon } from "./dom.js";

const system = matchMedia("(prefers-color-scheme: dark)");
const chosen = () => localStorage.getItem("theme") || (system.matches ? "dark" : "light");

function show() {
  const theme = chosen();
  document.documentElement.dataset.theme = theme;
  $("theme").replaceChildren(icon(theme === "dark" ? "sun" : "moon"));
  $("theme").setAttribute("aria-label", theme === "dark" ? "Light colours" : "Dark colours");
}

export function start() {
  show();
  system.addEventListener("change", show);
  $("theme").onclick = () => {
    localStorage.setItem("theme", chosen() === "dark" ? "light" : "dark");
    show();
  };
}
