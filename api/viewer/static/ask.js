// A question before something is written: what will happen, and the reason, which the history keeps.

import { element } from "./dom.js";
import { say } from "./i18n.js";

/** @returns a promise of {who, why} when the reader goes ahead, of null when not. `fields`: further labelled inputs. */
export function askReason({ title, words, go, required = false, fields = [] }) {
  return new Promise((resolve) => {
    const why = element("textarea", { id: "ask-why", rows: 3, maxlength: 500, required });
    const who = element("input", { id: "ask-who", type: "text", maxlength: 100, autocomplete: "name" });
    const form = element("form", { method: "dialog" },
      element("h2", { id: "ask-title" }, title),
      element("p", {}, words),
      fields,
      element("label", { for: "ask-who" }, say("yourName")), who,
      element("label", { for: "ask-why" }, say("reason")), why,
      element("div", { class: "actions end" },
        element("button", { class: "plain", type: "button", onclick: () => dialog.close() }, say("cancel")),
        element("button", { class: "primary", type: "submit", value: "go" }, go)));
    // Escape closes the question, not the card behind it.
    const dialog = element("dialog", { class: "ask", "aria-labelledby": "ask-title", onkeydown: (event) => event.stopPropagation() }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "go" ? { who: who.value.trim(), why: why.value.trim() } : null);
    });
    document.body.append(dialog);
    dialog.showModal();
    why.focus();
  });
}
