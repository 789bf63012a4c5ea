// Which layers and properties a question may name: those of this page that can serve.

import { pick, say } from "./i18n.js";

const NUMBERS = new Set(["number", "integer"]);
const CAMERA = { azimuth: /azimuth|direction/i, fov: /fov|field.?(of.?view|angle)/i, range: /range|distance/i };

/** Whether a layer holds cameras with what is needed to tell what they see. */
export function isCameraLayer(entry) {
  const names = (entry?.schema ?? []).map(({ name }) => name);
  return /Point/.test(entry?.geometry_type ?? "") && Object.values(CAMERA).every((pattern) => names.some((name) => pattern.test(name)));
}

const hasHeights = (entry) =>
  /Polygon/.test(entry.geometry_type) && (Boolean(entry.style?.extrude) || (entry.schema ?? []).some(({ name, type }) => NUMBERS.has(type) && /height|floor|storey/i.test(name)));

/** Layers for an input, the usual one first: [{value, title}]. */
export function layerChoices(name, state) {
  const wanted = name === "cameras" ? isCameraLayer : hasHeights;
  const found = state.layers.filter(wanted).map(({ id, title }) => ({ value: id, title: pick(title) || id }));
  found.sort((a, b) => (b.value === name) - (a.value === name));
  return name === "buildings" ? [...found, { value: "none", title: say("noBuildings") }] : found;
}

/** Properties of a layer for an input; the first choice leaves it to the server. */
export function propertyChoices({ fallback }, entry) {
  const properties = (entry?.schema ?? []).filter(({ type }) => NUMBERS.has(type) || type === "string");
  return [{ value: "", title: fallback || say("automatic") }, ...properties.map(({ name, title }) => ({ value: name, title: pick(title) ? `${pick(title)} (${name})` : name }))];
}
