// An answer kept as a layer: the question is run once more with the name of the layer, so that the server itself registers what it found.

import { Run } from "./analysis-run.js";
import { problemNode } from "./analysis-stages.js";
import { element } from "./dom.js";
import { say } from "./i18n.js";

const PATTERN = "[a-z0-9]+(-[a-z0-9]+)*";

function suggested(process) {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  return `${process}-${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}-${two(now.getHours())}${two(now.getMinutes())}${two(now.getSeconds())}`;
}

/** Asks for the name of the layer and makes it; gives its id, or null when the reader gives up. What goes wrong is said in the question. */
export function askLayer(process, title, inputs) {
  return new Promise((resolve) => {
    let made = null;
    const name = element("input", { id: "keep-title", type: "text", maxlength: 200, required: true });
    const id = element("input", { id: "keep-id", type: "text", maxlength: 50, required: true, pattern: PATTERN, spellcheck: "false" });
    name.value = title;
    id.value = suggested(process);
    const told = element("div", { role: "status" });
    const go = element("button", { class: "primary", type: "submit", id: "keep-go" }, say("saveLayer"));
    const form = element("form", {
      method: "dialog",
      onsubmit: async (event) => {
        event.preventDefault();
        go.disabled = true;
        told.replaceChildren(element("p", { class: "soft" }, say("running")));
        try {
          const document = await new Run(process, { ...inputs, register_as: { id: id.value, title: name.value.trim() } }, () => {}).answer();
          made = document?.answer.layer ?? null;
          dialog.close();
        } catch (error) {
          told.replaceChildren(problemNode(error.problem?.detail ? error.problem : { detail: error.message }));
          go.disabled = false;
        }
      },
    },
    element("h2", { id: "ask-title" }, say("saveTitle")), element("p", {}, say("saveWords")),
    element("label", { for: "keep-title" }, say("layerName")), name,
    element("label", { for: "keep-id" }, say("layerId")), id, told,
    element("div", { class: "actions end" }, element("button", { class: "plain", type: "button", onclick: () => dialog.close() }, say("cancel")), go));
    const dialog = element("dialog", { class: "ask", "aria-labelledby": "ask-title", onkeydown: (event) => event.stopPropagation() }, form);
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(made);
    });
    document.body.append(dialog);
    dialog.showModal();
    name.select();
  });
}

