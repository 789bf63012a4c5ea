// Light and dark: the page by CSS variables, the map by asking the composer for the other view.

import { byId } from "./dom.js";
import { icon } from "./icons.js";

export const theme = () => document.documentElement.dataset.theme;

export function setTheme(next, keep = true) {
  document.documentElement.dataset.theme = next;
  if (keep) {
    try {
      localStorage.setItem("onemap.theme", next);
    } catch {
      // storage is switched off
    }
  }
  byId("theme").replaceChildren(icon(next === "dark" ? "sun" : "moon"));
}
