// The whole view in the address of the page, and back. Short names, because people send these by chat.

import { readDate } from "./moment.js";

const finite = (text) => (text === undefined || text === "" || !Number.isFinite(Number(text)) ? undefined : Number(text));

/** What an address asks for; everything it does not say is undefined. */
export function readAddress(search) {
  const asked = new URLSearchParams(search);
  const [lon, lat, zoom, pitch, bearing] = (asked.get("at") ?? "").split(",").map(finite);
  const camera = lon !== undefined && lat !== undefined && Math.abs(lat) <= 85 ? { lon, lat, zoom, pitch, bearing } : null;
  const opacity = {};
  for (const pair of (asked.get("opacity") ?? "").split(",")) {
    const [id, value] = pair.split(":");
    if (id && finite(value) !== undefined) opacity[id] = Math.min(1, Math.max(0, finite(value)));
  }
  const [hereLon, hereLat] = (asked.get("here") ?? "").split(",").map(finite);
  const feature = asked.get("feature");
  const rasters = new Map(); // id → {day, opacity, look}, written id@day:opacity:look
  for (const text of (asked.get("rasters") ?? "").split(",")) {
    const [, id, day, opaque, look] = /^([a-z0-9-]+)(?:@(\d{4}-\d{2}-\d{2}))?(?::([\d.]+))?(?::(\w+))?$/.exec(text) ?? [];
    if (id) rasters.set(id, { day: readDate(day), opacity: Math.min(1, finite(opaque) ?? 1), look });
  }
  const scenes = new Map(); // id → {look, size}, written id:look:size
  for (const text of (asked.get("scenes") ?? "").split(",")) {
    const [, id, look, size] = /^([a-z0-9-]+):(\w*)(?::([\d.]+))?$/.exec(text) ?? [];
    if (id) scenes.set(id, { look, size: Math.min(8, Math.max(1, finite(size) ?? 2)) });
  }
  const slash = feature ? feature.indexOf("/") : -1;
  return {
    camera,
    layers: asked.has("layers") ? asked.get("layers").split(",").filter(Boolean) : null,
    opacity,
    rasters,
    scenes,
    theme: ["light", "dark"].includes(asked.get("theme")) ? asked.get("theme") : null,
    language: ["zh", "en"].includes(asked.get("lang")) ? asked.get("lang") : null,
    threeD: asked.get("view") === "3d",
    relief: Boolean(asked.get("relief")),
    moment: { datetime: readDate(asked.get("datetime")), asOf: readDate(asked.get("as_of")) },
    feature: slash > 0 ? { layer: feature.slice(0, slash), id: feature.slice(slash + 1) } : null,
    analysis: readQuestion(asked),
    here: hereLon !== undefined && hereLat !== undefined && Math.abs(hereLat) <= 90 ? [hereLon, hereLat] : null,
    embed: Boolean(asked.get("embed")),
  };
}

// A question of the analyses: {process, inputs}; inputs that are no JSON object leave an empty form.
function readQuestion(asked) {
  const process = asked.get("analysis");
  if (!/^[a-z0-9-]+$/.test(process ?? "")) return null;
  try {
    const inputs = JSON.parse(asked.get("inputs"));
    return { process, inputs: inputs && typeof inputs === "object" && !Array.isArray(inputs) ? inputs : null };
  } catch {
    return { process, inputs: null };
  }
}

const round = (value, digits) => Number(value.toFixed(digits));

/** The address that restores `state`. */
export function writeAddress(state, defaults) {
  const parts = [];
  const add = (name, value) => parts.push(`${name}=${encodeURIComponent(value).replace(/%2C/g, ",").replace(/%2F/g, "/").replace(/%3A/g, ":").replace(/%40/g, "@")}`);
  const { lon, lat, zoom, pitch, bearing } = state.camera;
  const at = [round(lon, 6), round(lat, 6), round(zoom, 2)];
  if (pitch || bearing) at.push(round(pitch, 1), round(bearing, 1));
  add("at", at.join(","));
  const visible = [...state.visible].sort();
  if (visible.join() !== [...defaults.visible].sort().join()) add("layers", visible.join(","));
  const opacity = [...state.opacity].filter(([, value]) => value !== 1).map(([id, value]) => `${id}:${round(value, 2)}`);
  if (opacity.length) add("opacity", opacity.join(","));
  const rasters = [...state.rasters].filter(([, { visible }]) => visible);
  if (rasters.length) add("rasters", rasters.map(([id, { day, opacity, look }]) => `${id}${day && `@${day}`}:${round(opacity, 2)}:${look}`).join(","));
  const scenes = [...state.scenes].filter(([, { look, size }]) => look || size !== 2);
  if (scenes.length) add("scenes", scenes.map(([id, { look, size }]) => `${id}:${look}:${size}`).join(","));
  add("theme", state.theme);
  add("lang", state.language);
  if (state.threeD) add("view", "3d");
  if (state.relief) add("relief", "1");
  if (state.moment.datetime) add("datetime", state.moment.datetime);
  if (state.moment.asOf) add("as_of", state.moment.asOf);
  if (state.selected) add("feature", `${state.selected.layer}/${state.selected.id}`);
  if (state.analysis) add("analysis", state.analysis.process);
  if (state.analysis?.inputs) add("inputs", JSON.stringify(state.analysis.inputs));
  if (state.here) add("here", `${round(state.here.lon, 6)},${round(state.here.lat, 6)}`);
  if (state.embed) add("embed", "1");
  return `?${parts.join("&")}`;
}
