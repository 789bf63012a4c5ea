// The catalogue at the left: departments, their layers, and what the reader can do with each.

import { chipLink } from "./card.js";
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { heldRow, isShown } from "./held.js";
import { formatDate, formatNumber, pick, say } from "./i18n.js";
import { drawLegend, layerSwatch } from "./legend.js";
import { isNow } from "./moment.js";
import { sceneTag } from "./scene-panel.js";
import { itemsPage } from "./server.js";

const BASEMAP = "basemap";

export class Tree {
  /** @param on {toggle(ids, visible), opacity(id, value), rasters(words), scene(entry), zoomTo(entry), review(entry)}; `scene` gives nodes */
  constructor(root, state, on) {
    this.root = root;
    this.state = state;
    this.on = on;
    this.open = new Set(); // layers whose details are open
    this.closed = new Set([BASEMAP]); // departments that are folded
    this.words = "";
  }

  /** Leaves the layers whose words hold these. */
  filter(words) {
    this.words = words.trim().toLowerCase();
    this.draw();
  }

  draw() {
    const groups = this.#groups();
    const focused = document.activeElement?.dataset?.focus;
    const empty = this.state.layers.length + this.state.held.length ? say("nothingFound") : say("noLayers");
    const nodes = groups.map((group) => this.#group(group));
    const rasters = this.on.rasters(this.words);
    if (rasters) nodes.splice(groups[0]?.id === BASEMAP ? 1 : 0, 0, rasters);
    this.root.replaceChildren(...(nodes.length ? nodes : [element("p", { class: "tree-empty" }, empty)]));
    if (focused) this.root.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
  }

  // Base map first, then departments in the order of their titles; in a group the top-most layer first, as on the map.
  #groups() {
    const groups = new Map();
    for (const entry of [...this.state.held, ...this.state.layers]) {
      const title = entry.department === BASEMAP ? say("basemap") : pick(entry.department_title) || entry.department;
      if (!this.#matches(entry, title)) continue;
      if (!groups.has(entry.department)) groups.set(entry.department, { id: entry.department, title, layers: [] });
      groups.get(entry.department).layers.unshift(entry);
    }
    return [...groups.values()].sort(
      (a, b) => (b.id === BASEMAP) - (a.id === BASEMAP) || a.title.localeCompare(b.title, document.documentElement.lang),
    );
  }

  #matches(entry, department) {
    if (!this.words) return true;
    const text = [entry.id, entry.title?.zh, entry.title?.en, entry.owner, department, entry.department_title?.zh, entry.department_title?.en];
    return text.filter(Boolean).join(" ").toLowerCase().includes(this.words);
  }

  #group({ id, title, layers }) {
    const usable = layers.filter(isShown);
    const shown = usable.filter((entry) => this.state.visible.has(entry.id)).length;
    const folded = this.closed.has(id) && !this.words;
    const all = element("input", {
      type: "checkbox", class: "switch", "aria-label": `${say("show")}: ${title}`, "data-focus": `group-${id}`,
      "data-group": id,
      onchange: (event) => this.on.toggle(usable.map((entry) => entry.id), event.target.checked),
    });
    all.checked = shown > 0;
    all.indeterminate = shown > 0 && shown < usable.length;
    all.disabled = !usable.length;
    const fold = element(
      "button",
      {
        class: "group-title", "aria-expanded": String(!folded), "data-focus": `fold-${id}`,
        onclick: () => {
          if (!this.closed.delete(id)) this.closed.add(id);
          this.draw();
        },
      },
      icon("chevron"), element("span", { class: "group-name" }, title),
      element("span", { class: "group-count" }, `${shown}/${usable.length}`),
    );
    return element(
      "section", { class: "group", "data-department": id },
      element("div", { class: "group-head" }, fold, all),
      folded ? null : element("ul", { class: "group-layers" }, layers.map((entry) => (isShown(entry) ? this.#row(entry) : this.#held(entry)))),
    );
  }

  #fold(id) {
    if (!this.open.delete(id)) this.open.add(id);
    this.draw();
  }

  #held(entry) {
    return heldRow(entry, this.open.has(entry.id), { fold: () => this.#fold(entry.id), review: this.on.review });
  }

  #row(entry) {
    const { id } = entry;
    const title = pick(entry.title) || id;
    const open = this.open.has(id);
    const visible = this.state.visible.has(id);
    const box = element("input", {
      type: "checkbox", class: "switch", id: `show-${id}`, "data-focus": `show-${id}`,
      onchange: (event) => this.on.toggle([id], event.target.checked),
    });
    box.checked = visible;
    const more = element(
      "button",
      {
        class: "quiet more", "aria-expanded": String(open), "aria-label": `${say("details")}: ${title}`, title: say("details"),
        "data-focus": `more-${id}`,
        onclick: () => this.#fold(id),
      },
      icon("chevron"),
    );
    return element(
      "li", { class: `layer${visible ? "" : " off"}`, "data-layer": id },
      element("div", { class: "layer-head" },
        more, layerSwatch(entry.style), element("label", { for: `show-${id}`, class: "layer-name" }, title), sceneTag(entry), box),
      open ? this.#details(entry, title) : null,
    );
  }

  #details(entry, title) {
    const value = Math.round((this.state.opacity.get(entry.id) ?? 1) * 100);
    const shown = element("output", {}, `${value}%`);
    const slider = element("input", {
      type: "range", min: 0, max: 100, step: 5, "aria-label": `${say("opacity")}: ${title}`, "data-focus": `opacity-${entry.id}`,
      oninput: (event) => {
        shown.textContent = `${event.target.value}%`;
        this.on.opacity(entry.id, event.target.value / 100);
      },
    });
    slider.value = value;
    const { moment } = this.state;
    const count = entry.feature_count;
    const files = entry.scene && entry.scene.kind !== "buildings"; // its layer has a row for each file that was delivered
    const [one, many] = files ? ["sceneFile", "sceneFiles"] : ["countOne", "count"];
    const words = isNow(moment) // what the catalogue counts is the layer of today
      ? [
          count === 1 ? say(one) : say(many, { n: formatNumber(count ?? 0) }),
          entry.updated_at && say("updated", { t: formatDate(entry.updated_at) }),
        ].filter(Boolean)
      : [];
    return element(
      "div", { class: "details" },
      entry.scene ? this.on.scene(entry) : null,
      entry.scene && entry.scene.kind !== "buildings" ? null : drawLegend(entry),
      element("div", { class: "opacity" }, element("span", {}, say("opacity")), slider, shown),
      element("p", { class: "facts" }, words.join(" · "), entry.synthetic ? element("em", {}, say("synthetic")) : null),
      entry.owner ? element("p", { class: "facts" }, entry.owner) : null,
      element("div", { class: "actions" },
        element("button", { class: "chip", "data-zoom": entry.id, disabled: !entry.bounds, onclick: () => this.on.zoomTo(entry) },
          icon("target"), say("zoomTo")),
        chipLink("table", say("data"), itemsPage(entry.id, moment))),
    );
  }
}
