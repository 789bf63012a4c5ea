// A place of a question: drawn on the map, taken from the chosen feature, or written as numbers.

import { idOf, row } from "./analysis-fields.js";
import { areaOf } from "./analysis-measure.js";
import { toldOf } from "./analysis-draw.js";
import { element } from "./dom.js";
import { formatArea, say } from "./i18n.js";
import { icon } from "./icons.js";

const WAYS = {
  point: { words: "drawPoint", icon: "pin" }, points: { words: "drawPoints", icon: "points" },
  line: { words: "drawLine", icon: "line" }, area: { words: "drawArea", icon: "area" },
};
const WAY_OF = { Point: "point", LineString: "line", Polygon: "area" };

// What a hand can draw for a field.
const waysOf = ({ kind, shapes }) => (kind === "place" ? [...new Set(shapes.map((shape) => WAY_OF[shape]).filter(Boolean))] : [kind]);

/** Corners as the value that a field takes. */
export function valueOf({ kind }, way, corners) {
  if (kind === "points") return corners;
  if (kind === "point") return corners[0];
  if (way === "point") return { type: "Point", coordinates: corners[0] };
  if (way === "line") return { type: "LineString", coordinates: corners };
  return { type: "Polygon", coordinates: [[...corners, corners[0]]] };
}

/** The GeoJSON geometry of a value; null where there is none. */
export function geometryOf(value) {
  if (value?.type && value.coordinates) return value;
  if (!Array.isArray(value) || !value.length) return null;
  if (typeof value[0] === "number") return value.length >= 2 ? { type: "Point", coordinates: value } : null;
  return typeof value[0]?.[0] === "number" ? { type: "MultiPoint", coordinates: value } : null;
}

/** What a feature gives to a field: its geometry where that fits, its point, or null. */
export function valueFrom(field, geometry) {
  if (!geometry) return null;
  if (field.kind === "place") return field.shapes.includes(geometry.type) ? flat(geometry) : null;
  if (geometry.type !== "Point") return null;
  const [lon, lat] = geometry.coordinates;
  return field.kind === "points" ? [[lon, lat]] : [lon, lat];
}

// Heights of a drawing are no question's business: they are inputs of their own.
const flat = ({ type, coordinates }) => ({ type, coordinates: strip(coordinates) });
const strip = (node) => (typeof node[0] === "number" ? node.slice(0, 2) : node.map(strip));

function told(geometry) {
  if (!geometry) return say("notSet");
  const { type, coordinates } = geometry;
  if (type === "Point") return coordinates.map((number) => number.toFixed(6)).join(", ");
  if (type === "MultiPoint") return toldOf("points", coordinates);
  if (type === "LineString") return toldOf("line", coordinates);
  if (type === "Polygon" && coordinates.length === 1) return toldOf("area", coordinates[0].slice(0, -1));
  const parts = type === "Polygon" ? [coordinates] : coordinates;
  return say("partsTold", { n: parts.length, a: formatArea(parts.reduce((sum, part) => sum + areaOf(part), 0)) });
}

/** The row of a place. */
export function placeField(form, field, path) {
  const id = idOf(path);
  const value = form.value(path);
  const geometry = geometryOf(value);
  const take = (next) => {
    form.set(path, next);
    form.draw();
  };
  const draw = async (way) => {
    const corners = await form.tool.begin(way);
    if (corners) take(valueOf(field, way, corners));
    form.focus(`${id}-${way}`);
  };
  const chosen = valueFrom(field, form.chosen());
  const button = (name, words, onclick, more) =>
    element("button", { class: "chip", type: "button", id: `${id}-${name}`, onclick, ...more }, icon(more.icon), words);
  const control = element("div", { class: "input-place", role: "group", "aria-labelledby": `${id}-name`, id, tabindex: -1 },
    waysOf(field).length === 1 && field.kind === "point" ? written(form, field, path, value, take) : element("output", { class: geometry ? null : "unknown" }, told(geometry)),
    element("div", { class: "input-ways" },
      waysOf(field).map((way) => button(way, say(WAYS[way].words), () => draw(way), { icon: WAYS[way].icon })),
      chosen ? button("chosen", say("useChosen"), () => take(chosen), { icon: "target" }) : null,
      geometry ? button("clear", say("clearPlace"), () => take(undefined), { icon: "close" }) : null));
  return row(form, field, path, control, { wide: true, group: true });
}

// A single point can be written, too.
function written(form, field, path, value, take) {
  const input = element("input", {
    id: `${idOf(path)}-written`, type: "text", inputmode: "text", placeholder: say("coordinatesInput"), "aria-label": `${form.nameOf(field, path)}: ${say("coordinatesInput")}`,
    onchange: ({ target }) => {
      const numbers = target.value.trim().split(/[,，\s]+/).map(Number);
      const good = numbers.length === 2 && numbers.every(Number.isFinite) && Math.abs(numbers[0]) <= 180 && Math.abs(numbers[1]) <= 90;
      if (good || !target.value.trim()) return take(good ? numbers : undefined);
      form.fault(path, say("badCoordinates"));
    },
  });
  input.value = geometryOf(value) ? value.map((number) => Number(number.toFixed(7))).join(", ") : "";
  return input;
}
