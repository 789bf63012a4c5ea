// Tabs by the ARIA pattern: arrows move between them, what a tab shows is made when it is first looked at.

import { element } from "./dom.js";
import { say } from "./i18n.js";

/**
 * @param tabs    [{id, title, draw}]; `draw` gives a node, or a promise of one
 * @param chosen  id of the tab that is open at first
 * @param onChoose(id)
 */
export function tabbed(tabs, chosen, onChoose) {
  const panel = element("div", { class: "tab-panel", role: "tabpanel", id: "tab-panel", tabindex: 0 });
  const buttons = tabs.map(({ id, title }) =>
    element("button", { class: "tab", role: "tab", id: `tab-${id}`, "aria-controls": "tab-panel", onclick: () => choose(id) }, title));
  const list = element("div", { class: "tabs", role: "tablist", onkeydown: (event) => step(event) }, buttons);
  let open;

  function choose(id) {
    open = tabs.some((tab) => tab.id === id) ? id : tabs[0].id;
    buttons.forEach((button, i) => {
      button.setAttribute("aria-selected", String(tabs[i].id === open));
      button.tabIndex = tabs[i].id === open ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `tab-${open}`);
    onChoose(open);
    show(open);
  }

  async function show(id) {
    const made = tabs.find((tab) => tab.id === id).draw();
    if (!(made instanceof Promise)) return panel.replaceChildren(made);
    panel.replaceChildren(element("p", { class: "soft" }, say("loading")));
    const node = await made.catch((error) => element("p", { class: "soft bad" }, error.message));
    if (open === id) panel.replaceChildren(node);
  }

  function step(event) {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const next = (tabs.findIndex((tab) => tab.id === open) + by + tabs.length) % tabs.length;
    choose(tabs[next].id);
    buttons[next].focus();
  }

  choose(chosen);
  return [list, panel];
}
