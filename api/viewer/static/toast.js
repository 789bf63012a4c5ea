// Short messages in words, at the bottom of the map. The same message never stands there twice.

import { byId, element } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./i18n.js";

const shown = new Map();

export function toast(message, { key = message, kind = "info", action = null, seconds = 6 } = {}) {
  shown.get(key)?.remove();
  const node = element(
    "div",
    { class: `toast ${kind}` },
    element("span", {}, message),
    action && element("button", { class: "toast-action", onclick: () => (action.run(), dismiss(key)) }, action.words),
    element("button", { class: "quiet", "aria-label": say("close"), onclick: () => dismiss(key) }, icon("close")),
  );
  shown.set(key, node);
  byId("toasts").append(node);
  if (seconds) setTimeout(() => shown.get(key) === node && dismiss(key), seconds * 1000);
}

export function dismiss(key) {
  shown.get(key)?.remove();
  shown.delete(key);
}
