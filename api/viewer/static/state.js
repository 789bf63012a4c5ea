// The one state of the page: what is shown and how. Other files read it; only main.js changes it.

import { isShown } from "./held.js";

/** Layers in drawing order, the reader's choices laid over what the manifests say. */
export function createState(catalogue, asked, theme, language) {
  const { city } = catalogue;
  const layers = catalogue.layers.filter(isShown);
  const known = new Set(layers.map((entry) => entry.id));
  const defaults = { visible: new Set(layers.filter((entry) => entry.visible !== false).map((entry) => entry.id)) };
  const visible = asked.layers ? new Set(asked.layers.filter((id) => known.has(id))) : new Set(defaults.visible);
  const home = { lon: city.home.lon, lat: city.home.lat, zoom: city.home.zoom, pitch: 0, bearing: 0 };
  const camera = asked.camera
    ? { ...asked.camera, zoom: asked.camera.zoom ?? home.zoom, pitch: asked.camera.pitch ?? (asked.threeD ? 50 : 0), bearing: asked.camera.bearing ?? 0 }
    : { ...home, pitch: asked.threeD ? 50 : 0 };
  return {
    layers,
    held: catalogue.layers.filter((entry) => !isShown(entry)),
    city,
    defaults,
    visible,
    camera,
    home,
    theme,
    language,
    opacity: new Map(Object.entries(asked.opacity).filter(([id]) => known.has(id))),
    rasters: new Map(), // id → {visible, opacity, day, look, kind} of imagery and elevation
    scenes: new Map(), // id → {look, size} of what the reader chose of a scene, see scenes.js
    threeD: asked.threeD,
    relief: asked.relief,
    moment: asked.moment,
    selected: null, // {layer, id} of the chosen feature
    analysis: null, // {process, inputs} of the question that stands in the panel
    here: null, // {lon, lat} of the place somebody points at
    embed: asked.embed,
    ...byLayer(layers),
  };
}

const byLayer = (layers) => ({
  entries: new Map(layers.map((entry) => [entry.id, entry])),
  kinds: new Map(layers.map((entry) => [entry.id, entry.style.kind])),
  borders: new Set(layers.filter((entry) => /Polygon/.test(entry.geometry_type)).map((entry) => entry.id)),
  looks: new Map(layers.map((entry) => [entry.id, lookOf(entry)])),
});

/** Layers that were registered while the page was open join it. */
export function learnLayers(state, catalogue) {
  const layers = catalogue.layers.filter(isShown);
  Object.assign(state, { layers, held: catalogue.layers.filter((entry) => !isShown(entry)), ...byLayer(layers) });
}

// How the names of a layer rank against those of others: places, water, streets, what departments show, the rest.
function lookOf(entry) {
  const { style } = entry;
  const tier = style.kind === "label" ? 0 : entry.department !== "basemap" ? 1 : { fill: 2, line: 3, circle: 4 }[style.kind];
  const radius = style.kind === "circle" ? (style.radius_px ?? 5) : 0;
  return { kind: style.kind, label: style.label, tier, radius };
}
