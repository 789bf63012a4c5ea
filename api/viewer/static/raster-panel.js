// Imagery and elevation in the catalogue: one group of rows, each with opacity, date, look and legend.

import { element } from "./dom.js";
import { formatDate, formatNumber, pick, say } from "./i18n.js";
import { icon } from "./icons.js";
import { LOOKS } from "./raster-layers.js";

export class RasterPanel {
  /** @param on {draw(), zoomTo(entry)} */
  constructor(rasters, on) {
    this.rasters = rasters;
    this.on = on;
    this.open = new Set();
    this.folded = false;
  }

  /** The group; null where there are no rasters, or none whose words hold these. */
  group(words) {
    const entries = this.rasters.entries.filter((entry) => matches(entry, words));
    if (!entries.length) return null;
    const shown = entries.filter(({ id }) => this.rasters.choice(id).visible).length;
    const folded = this.folded && !words;
    const fold = element(
      "button",
      {
        class: "group-title", "aria-expanded": String(!folded), "data-focus": "fold-rasters",
        onclick: () => {
          this.folded = !this.folded;
          this.on.draw();
        },
      },
      icon("chevron"), element("span", { class: "group-name" }, say("rasters")),
      element("span", { class: "group-count" }, `${shown}/${entries.length}`),
    );
    return element(
      "section", { class: "group", "data-department": "rasters" },
      element("div", { class: "group-head" }, fold),
      folded ? null : element("ul", { class: "group-layers" }, entries.map((entry) => this.#row(entry))),
    );
  }

  #row(entry) {
    const { id } = entry;
    const title = pick(entry.title) || id;
    const choice = this.rasters.choice(id);
    const box = element("input", {
      type: "checkbox", class: "switch", id: `show-raster-${id}`, "data-focus": `show-raster-${id}`,
      onchange: (event) => {
        if (event.target.checked) this.open.add(id);
        this.rasters.choose(id, { visible: event.target.checked });
      },
    });
    box.checked = choice.visible;
    const more = element(
      "button",
      {
        class: "quiet more", "aria-expanded": String(this.open.has(id)), "aria-label": `${say("details")}: ${title}`, title: say("details"),
        "data-focus": `more-raster-${id}`,
        onclick: () => {
          if (!this.open.delete(id)) this.open.add(id);
          this.on.draw();
        },
      },
      icon("chevron"),
    );
    return element(
      "li", { class: `layer${choice.visible ? "" : " off"}`, "data-raster": id },
      element("div", { class: "layer-head" },
        more, swatch(entry.kind), element("label", { for: `show-raster-${id}`, class: "layer-name" }, title), box),
      this.open.has(id) ? this.#details(entry, title, choice) : null,
    );
  }

  #details(entry, title, choice) {
    const { id, kind, days } = entry;
    const told = this.rasters.told.get(id);
    const shown = element("output", {}, `${Math.round(choice.opacity * 100)}%`);
    const slider = element("input", {
      type: "range", min: 0, max: 100, step: 5, "aria-label": `${say("opacity")}: ${title}`, "data-focus": `opacity-raster-${id}`,
      oninput: (event) => this.rasters.choose(id, { opacity: event.target.value / 100 }),
    });
    slider.value = Math.round(choice.opacity * 100);
    const looks = Object.keys(LOOKS[kind]);
    return element(
      "div", { class: "details" },
      told?.problem && choice.visible ? element("p", { class: "belief", role: "status" }, told.problem) : null,
      choice.visible && told?.legend ? legend(told.legend) : null,
      days.length ? this.#select(id, "day", title, choice.day, [["", say("rasterNewest")], ...days.map((day) => [day, formatDate(day)])]) : null,
      looks.length > 1 ? this.#select(id, "look", title, choice.look, looks.map((look) => [look, say(`look_${look}`)])) : null,
      element("div", { class: "opacity" }, element("span", {}, say("opacity")), slider, shown),
      entry.owner ? element("p", { class: "facts" }, entry.owner) : null,
      element("div", { class: "actions" },
        element("button", { class: "chip", "data-zoom": `raster-${id}`, onclick: () => this.on.zoomTo(entry) }, icon("target"), say("zoomTo"))),
    );
  }

  #select(id, name, title, value, choices) {
    const words = say(name === "day" ? "rasterDay" : "rasterLook");
    const select = element(
      "select",
      {
        "aria-label": `${words}: ${title}`, "data-focus": `${name}-raster-${id}`,
        onchange: (event) => this.rasters.choose(id, { [name]: event.target.value }),
      },
      choices.map(([key, text]) => element("option", { value: key }, text)),
    );
    select.value = value;
    return element("label", { class: "raster-choice" }, element("span", {}, words), select);
  }
}

function matches({ id, title, owner }, words) {
  return !words || [id, title?.zh, title?.en, owner, say("rasters")].filter(Boolean).join(" ").toLowerCase().includes(words);
}

function legend({ kind, stops, unit, classes, bands, contours }) {
  const body = [];
  if (kind === "ramp") {
    const [low, high] = [stops[0].value, stops.at(-1).value];
    const end = (value, sign) => element("span", {}, `${sign} ${formatNumber(Number(value.toPrecision(3)))}${unit ? ` ${unit}` : ""}`);
    body.push(
      element("div", { class: "ramp-bar", style: { background: `linear-gradient(90deg, ${stops.map(({ colour }) => colour).join(", ")})` } }),
      element("div", { class: "ramp-ends" }, end(low, "≤"), end(high, "≥")),
    );
  } else if (kind === "classes") {
    const sample = (colour) => element("span", { class: "raster-class", style: { background: colour } });
    body.push(element("ul", { class: "legend-list" }, classes.map(({ value, colour }) => element("li", {}, sample(colour), element("span", {}, value)))));
  } else if (kind === "bands") {
    body.push(element("p", { class: "facts" }, bands.map(({ channel, name }) => `${say(`channel_${channel}`)} ${name}`).join(" · ")));
  }
  if (contours) body.push(element("p", { class: "facts" }, say("contourEvery", { n: formatNumber(contours.interval), u: unit })));
  return body.length ? element("div", { class: "legend" }, body) : null;
}

const SHAPES = { imagery: "M2 11l4-5 3 3.500 2.500-3L16 11z", elevation: "M1.500 12L7 3l3 4.500L12 5l4.500 7z", values: "M3 12V8M7 12V4M11 12V6.500M15 12V2.500" };

function swatch(kind) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 18 14");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  for (const [name, value] of Object.entries({ d: SHAPES[kind], fill: "none", stroke: "currentColor", "stroke-width": 1.4, "stroke-linejoin": "round" })) path.setAttribute(name, value);
  svg.append(path);
  return svg;
}
