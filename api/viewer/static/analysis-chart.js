// Small charts of an answer: a section and a skyline. A reading line follows the mouse and the arrow keys, and a place on the map
// follows the reading line. A stretch that nobody knows is a gap, never a zero.

import { element } from "./dom.js";
import { formatNumber, say } from "./i18n.js";

const W = 320;
const H = 150;
const ROOM = { left: 34, right: 8, top: 8, bottom: 20 };
const SVG = "http://www.w3.org/2000/svg";

function svg(tag, attributes, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

const known = Number.isFinite;
const metres = (value) => (known(value) ? `${formatNumber(Math.round(value * 10) / 10)} m` : say("unknown"));

/** Round numbers between two ends, three to six of them. */
export function ticks(low, high) {
  const rough = (high - low) / 4 || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const found = [];
  for (let value = Math.ceil(low / step) * step; value <= high + step * 1e-9; value += step) found.push(Math.round(value / step) * step);
  return found;
}

/** Stretches [from, to] of indices in which every value is known. */
export function stretches(values) {
  const found = [];
  values.forEach((value, i) => {
    if (!known(value)) return;
    if (i && known(values[i - 1])) found.at(-1)[1] = i;
    else found.push([i, i]);
  });
  return found;
}

/**
 * A chart of values over xs.
 * @param series  [{values, base?, kind}], lowest first; filled down to `base` (values or a number)
 * @param labels  {x: [[value, words]], y: [value]}
 * @returns {node, show(index)}
 */
function chart({ name, xs, range, series, labels, words, onRead }) {
  const [low, high] = range;
  const x = (value) => ROOM.left + ((value - xs[0]) / (xs.at(-1) - xs[0] || 1)) * (W - ROOM.left - ROOM.right);
  const y = (value) => H - ROOM.bottom - ((value - low) / (high - low || 1)) * (H - ROOM.top - ROOM.bottom);
  const line = svg("line", { class: "chart-cursor", y1: ROOM.top, y2: H - ROOM.bottom, visibility: "hidden" });
  const out = element("output", { class: "chart-words", "aria-live": "polite" }, say("chartHelp"));
  const shapes = series.flatMap(({ values, base, kind }) => stretches(values).map(([from, to]) => {
    const steps = Array.from({ length: to - from + 1 }, (_, i) => from + i);
    const top = steps.map((i) => `${x(xs[i]).toFixed(1)},${y(values[i]).toFixed(1)}`);
    const under = steps.toReversed().map((i) => `${x(xs[i]).toFixed(1)},${y(known(base) ? base : (base[i] ?? low)).toFixed(1)}`);
    return svg("path", { class: `chart-${kind}`, d: `M${[...top, ...under].join("L")}Z` });
  }));
  const gaps = stretches(xs.map((_, i) => (series.some(({ values, kind }) => kind !== "building" && known(values[i])) ? NaN : 1)))
    .map(([from, to]) => svg("rect", { class: "chart-gap", x: x(xs[Math.max(0, from - 1)]), width: x(xs[Math.min(xs.length - 1, to + 1)]) - x(xs[Math.max(0, from - 1)]), y: ROOM.top, height: H - ROOM.top - ROOM.bottom },
      svg("title", {}, say("unknown"))));
  const grid = labels.y.map((value) => svg("g", {},
    svg("line", { class: "chart-grid", x1: ROOM.left, x2: W - ROOM.right, y1: y(value), y2: y(value) }),
    svg("text", { class: "chart-text", x: ROOM.left - 5, y: y(value) + 3.5, "text-anchor": "end" }, formatNumber(value))));
  const below = labels.x.map(([value, text]) => svg("text", { class: "chart-text", x: Math.min(W - 4, x(value)), y: H - 6, "text-anchor": value === xs.at(-1) ? "end" : "middle" }, text));
  const picture = svg("svg", { viewBox: `0 0 ${W} ${H}`, class: "chart", role: "slider", tabindex: 0, id: "analysis-chart", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": xs.length - 1, "aria-valuenow": 0, "aria-valuetext": say("chartHelp") },
    ...gaps, ...grid, ...shapes, ...below, line);
  let at = -1;

  function show(index) {
    at = index;
    line.setAttribute("visibility", index < 0 ? "hidden" : "visible");
    out.textContent = index < 0 ? say("chartHelp") : words(index);
    if (index < 0) return;
    line.setAttribute("x1", x(xs[index]));
    line.setAttribute("x2", x(xs[index]));
    picture.setAttribute("aria-valuenow", index);
    picture.setAttribute("aria-valuetext", words(index));
  }

  const read = (index) => {
    show(index);
    onRead(index);
  };
  picture.addEventListener("pointermove", (event) => {
    const box = picture.getBoundingClientRect();
    const value = xs[0] + ((((event.clientX - box.left) / box.width) * W - ROOM.left) / (W - ROOM.left - ROOM.right)) * (xs.at(-1) - xs[0]);
    read(nearest(xs, value));
  });
  picture.addEventListener("pointerleave", () => read(-1));
  picture.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -Infinity, End: Infinity }[event.key];
    if (!by) return;
    event.preventDefault();
    read(Math.min(xs.length - 1, Math.max(0, at + by)));
  });
  return { node: element("figure", { class: "chart-figure" }, element("figcaption", { class: "soft" }, name), picture, out), show };
}

const nearest = (xs, value) => xs.reduce((best, x, i) => (Math.abs(x - value) < Math.abs(xs[best] - value) ? i : best), 0);

/** The section of an answer of "profile"; null where there is nothing to draw. */
export function profileChart({ features }, onRead) {
  const rows = features.map(({ properties }) => properties);
  const ground = rows.map(({ ground_m }) => ground_m ?? NaN);
  const tops = rows.map(({ top_m, under_building }) => (under_building ? (top_m ?? NaN) : NaN));
  const heights = [...ground, ...tops].filter(known);
  if (rows.length < 2 || !heights.length) return null;
  const xs = rows.map(({ distance_m }) => distance_m);
  const [least, most] = [Math.min(...heights), Math.max(...heights)];
  const pad = Math.max(2, (most - least) * 0.12);
  const range = [least - pad, most + pad];
  const words = (i) => [metres(xs[i]), say("chartGround", { m: metres(ground[i]) }), rows[i].under_building && say("chartTop", { m: metres(tops[i]) })].filter(Boolean).join(" · ");
  return chart({
    name: say("chartProfile"), xs, range, words, onRead,
    series: [{ values: tops, base: ground, kind: "building" }, { values: ground, base: range[0], kind: "ground" }],
    labels: { x: ticks(xs[0], xs.at(-1)).map((value) => [value, `${formatNumber(value)} m`]), y: ticks(...range) },
  });
}

/** The skyline of an answer; null where there is none. */
export function skylineChart({ answer }, onRead) {
  const { azimuth_deg: xs, altitude_deg: altitudes } = answer.values;
  if (!(xs?.length > 1)) return null;
  const values = altitudes.map((value) => value ?? NaN);
  const most = Math.max(5, ...values.filter(known));
  const range = [Math.min(0, ...values.filter(known)), most * 1.12];
  const names = say("northEastSouthWest").split(" ");
  // Round to north again, so that the circle is closed.
  const round = [...xs, xs[0] + 360];
  const closed = [...values, values[0]];
  const words = (i) => say("chartSky", { a: formatNumber(Math.round((round[i] % 360) * 10) / 10), h: known(closed[i]) ? `${formatNumber(Math.round(closed[i] * 10) / 10)}°` : say("unknown") });
  return chart({
    name: say("chartSkyline"), xs: round, range, words, onRead: (i) => onRead(i < 0 ? i : i % xs.length),
    series: [{ values: closed, base: range[0], kind: "sky" }],
    labels: { x: names.map((text, i) => [Math.min(round.at(-1), round[0] + 90 * i), text]), y: ticks(...range) },
  });
}
