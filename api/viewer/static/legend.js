// What the colours of a layer mean, from its style and the titles of its schema.

import { element } from "./dom.js";
import { glyphPath } from "./glyphs.js";
import { formatNumber, pick, say } from "./i18n.js";
import { theme } from "./theme.js";

const isDark = () => theme() === "dark";
const side = (light, dark) => (isDark() && dark) || light;

/** The plain colour of a layer, for its row in the tree. */
export const layerColor = (style) => side(style.color, style.color_dark);

function shape(style, color) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 18 14");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("aria-hidden", "true");
  const outline = side(style.outline, style.outline_dark);
  const add = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    svg.append(node);
  };
  if (style.kind === "line") {
    if (outline) add("path", { d: "M1 7h16", stroke: outline, "stroke-width": 6 });
    add("path", { d: "M1 7h16", stroke: color, "stroke-width": outline ? 4 : 2.5 });
  } else if (style.kind === "circle") {
    add("circle", { cx: 9, cy: 7, r: style.icon ? 6.5 : 4.5, fill: color });
    if (style.icon) {
      const { d, filled } = glyphPath(style.icon);
      const paint = isDark() ? "#10161d" : "#fff";
      add("path", {
        d, transform: "translate(4.6 2.6) scale(.367)", fill: filled ? paint : "none", stroke: filled ? "none" : paint,
        "stroke-width": 2.4, "stroke-linecap": "round",
      });
    }
  } else if (style.kind === "label") {
    svg.setAttribute("viewBox", "0 0 18 14");
    add("path", { d: "M5 11.500L9 2.500l4 9M6.500 8.500h5", stroke: color, fill: "none", "stroke-width": 1.4 });
  } else {
    add("rect", {
      x: 1.5, y: 1.5, width: 15, height: 11, rx: 2, fill: color, "fill-opacity": Math.max(style.opacity ?? 1, 0.35),
      stroke: outline || "currentColor", "stroke-opacity": outline ? 1 : 0.18,
    });
  }
  return svg;
}

export const layerSwatch = (style) => shape(style, layerColor(style));

function titleOf(property, value) {
  const code = property?.codes?.find((entry) => String(entry.value) === String(value));
  return code ? pick(code.title) || String(value) : String(value);
}

function ramp(stops, unit) {
  const [first, last] = [stops[0][0], stops.at(-1)[0]];
  const span = last - first || 1;
  const colors = stops.map(([value, color]) => `${color} ${(((value - first) / span) * 100).toFixed(1)}%`);
  return element(
    "div",
    { class: "ramp" },
    element("div", { class: "ramp-bar", style: { background: `linear-gradient(90deg, ${colors.join(", ")})` } }),
    element("div", { class: "ramp-ends" },
      element("span", {}, formatNumber(first)),
      element("span", {}, `≥ ${formatNumber(last)}${unit ? ` ${unit}` : ""}`)),
  );
}

/** The legend of one layer, or null where its colour says nothing more. */
export function drawLegend(entry) {
  const { style } = entry;
  const by = style.color_by;
  if (!by) return null;
  const property = entry.schema?.find((candidate) => candidate.name === by.property);
  const title = pick(property?.title) || by.property;
  const body = [];
  if (by.stops) body.push(ramp(side(by.stops, by.stops_dark), property?.unit));
  else {
    const table = { ...by.values, ...(isDark() ? by.values_dark : null) };
    const rows = Object.entries(table)
      .filter(([, color]) => !/00$/.test(color) || color.length < 9)
      .map(([value, color]) => element("li", {}, shape(style, color), element("span", {}, titleOf(property, value))));
    const rest = side(by.default, by.default_dark);
    const said = Object.values(table).includes(rest);
    if (rest && !said && !/^#......00$/.test(rest)) rows.push(element("li", {}, shape(style, rest), element("span", {}, say("other"))));
    body.push(element("ul", { class: "legend-list" }, rows));
  }
  return element("div", { class: "legend" }, element("p", { class: "legend-title" }, title), ...body);
}
