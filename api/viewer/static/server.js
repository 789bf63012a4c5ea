// What the page asks of its server: every address stands here once. A failure is an Error in the server's own words.

import { say } from "./i18n.js";
import { withMoment } from "./moment.js";

/** JSON of an address. `body` is sent as JSON, `who` and `why` stand in the changeset. Throws an Error with `status` and `problem`; an AbortError when `signal` says so. */
async function fetchJson(url, { signal, method = "GET", body, who, why, prefer } = {}) {
  const headers = { accept: "application/json, application/geo+json" };
  if (prefer) headers.prefer = prefer;
  if (body !== undefined) headers["content-type"] = "application/json";
  if (who) headers["X-OneMap-Actor"] = part(who);
  if (why) headers["X-OneMap-Reason"] = part(why);
  let answer;
  try {
    answer = await fetch(url, { signal, method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw Object.assign(new Error(say("serverGone")), { status: 0 });
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.detail || said.title || String(answer.status)), { status: answer.status, problem: said });
  return said;
}

const MOST_VERSIONS = 200;
const part = encodeURIComponent;
const itemUrl = (layer, id) => `collections/${part(layer)}/items/${part(id)}`;

/** Terrains of the server. */
export const getTerrains = () => fetchJson("terrain");

export const getCatalogue = () => fetchJson("view/layers");

export function getSpec({ theme, language, threeD, moment }) {
  return fetchJson(withMoment(`view/spec?theme=${theme}&lang=${language}&view=${threeD ? "3d" : "2d"}`, moment));
}

/** The rasters of the server: [{id, title, kind, owner, bounds, days, …}]. */
export const getRasters = async () => (await fetchJson("rasters")).rasters;

/** Where the tiles of a raster are, drawn and dated as `query` says: {template, maxzoom, bounds}. */
export async function getRasterTiles(id, query) {
  const { tiles, maxzoom, bounds } = await fetchJson(`rasters/${part(id)}/tilejson.json${query && "?"}${query}`);
  const words = tiles[0].slice(tiles[0].indexOf("?")); // the address of this page may be another than the server's own
  return { template: `rasters/${part(id)}/{z}/{x}/{y}${words}`, maxzoom, bounds };
}

/** What the colours of a raster mean, as `GET /rasters/{id}/legend` gives it. */
export const getRasterLegend = (id, query) => fetchJson(`rasters/${part(id)}/legend${query && "?"}${query}`);

export const getItem = (layer, id, moment) => fetchJson(withMoment(`${itemUrl(layer, id)}?f=json`, moment));

/** Address of a layer's features for people, as they stood. */
export const itemsPage = (layer, moment) => withMoment(`collections/${part(layer)}/items?f=html`, moment);

/** Address of a feature for people, as it stood. */
export const itemPage = (layer, id, moment) => withMoment(`${itemUrl(layer, id)}?f=html`, moment);

const change = ({ version, at, recorded_at, author, reason, inserted = 0, updated = 0, deleted = 0 }) => ({
  version, at: at ?? recorded_at, who: author, why: reason, touched: inserted + updated + Number(deleted),
});

/** Every word on a feature, newest first: {version, at, who, why, deleted, valid}; a deletion is one of them. */
export async function getVersions(layer, id) {
  const { versions } = await fetchJson(`${itemUrl(layer, id)}/versions?f=json&limit=${MOST_VERSIONS}`);
  return versions.map((entry) => ({ ...change(entry), touched: 1, deleted: entry.deleted, valid: entry.valid }));
}

/** The state that a version wrote, as a GeoJSON feature. */
export const getVersion = (layer, id, version) => fetchJson(`${itemUrl(layer, id)}/versions/${version}?f=json`);

/** Address of a state for people. */
export const versionPage = (layer, id, version) => `${itemUrl(layer, id)}/versions/${version}?f=html`;

/** What changed between two states: {properties: [{name, from, to}], time, geometry: {moved_m, length_change_m, …}}. */
export const getDifference = (layer, id, from, to) => fetchJson(`${itemUrl(layer, id)}/diff?from=${from}&to=${to}&f=json`);

export const restoreVersion = (layer, id, version, { who, why }) =>
  fetchJson(`${itemUrl(layer, id)}/restore`, { method: "POST", body: { version }, who, why });

/** The last committed writes of a layer, oldest first: {version, at, who, why, touched}. */
export async function getChanges(layer, limit) {
  const { changes } = await fetchJson(`collections/${part(layer)}/changes?f=json&limit=${limit}`);
  return changes.map(change).reverse();
}

/**
 * Places that answer to some words, best first, and whether the server's index has not yet taken in every change. A place:
 * {name, kind, kind_title, town, address, matched, highlight, …, lon, lat, bounds, layer, id}.
 */
export async function searchPlaces(words, [lon, lat], moment, signal) {
  const near = `${lon.toFixed(5)},${lat.toFixed(5)}`;
  const { features, stale } = await fetchJson(withMoment(`places?q=${part(words)}&near=${near}&limit=8&f=json`, moment), { signal });
  const places = features.map(({ bbox, geometry, properties }) => ({
    ...properties,
    matched: properties.matched.text,
    highlight: properties.matched.highlight,
    id: properties.feature,
    lon: geometry.coordinates[0],
    lat: geometry.coordinates[1],
    bounds: bbox,
  }));
  return { places, stale };
}

/** What lies at a point: {inside, message, town, community, cell, road, address, poi}, each part null where there is none. */
export async function getPlaceAt(lon, lat, moment) {
  return (await fetchJson(withMoment(`places/at?lon=${lon}&lat=${lat}&f=json`, moment))).properties;
}

/** The codes of a place: {projected, divisions, community, unit_grid, sheets, beidou, …} as `GET /codes` gives them. */
export const getCodesAt = (lon, lat, { datetime }) =>
  fetchJson(`codes?lon=${lon}&lat=${lat}&f=json${datetime ? `&at=${datetime.slice(0, 10)}` : ""}`);

/** Where a code is, as a GeoJSON feature: the first reading that has a place. */
export async function getCode(code) {
  const found = await fetchJson(`codes/${part(code)}?f=json`);
  return found.features?.find(({ geometry }) => geometry) ?? found;
}

/** What a feature is tied to: [{title, count, ties: [{feature: {layer, id, title, stands}, now?, relations?}]}]. */
export async function getRelations(layer, id, moment) {
  return (await fetchJson(withMoment(`${itemUrl(layer, id)}/relations?f=json&depth=2`, moment))).relations;
}

/** A sample of a held layer: {delivered, corrected, sampled, count}; `corrected` is null where nothing would mend it. */
export const getPreview = (layer) => fetchJson(`layers/${part(layer)}/preview`);

/** What a reviewer decided: {decision, correction?, reason}. */
export const decideLayer = (layer, decision, who) => fetchJson(`layers/${part(layer)}/review`, { method: "POST", body: decision, who });

/** Analyses of the server in short: [{id, title, description, …}]. */
export const getProcesses = async () => (await fetchJson("processes")).processes;

/** One analysis with the schemas of its inputs. */
export const getProcess = (id) => fetchJson(`processes/${part(id)}`);

/** Asks a question as a job; the job as it stands. */
export const startAnalysis = (id, inputs) => fetchJson(`processes/${part(id)}/execution`, { method: "POST", body: { inputs }, prefer: "respond-async" });

/** The newest jobs of the server. */
export const getJobs = async (limit) => (await fetchJson(`jobs?limit=${limit}`)).jobs;

export const getJob = (id, signal) => fetchJson(`jobs/${part(id)}`, { signal });

/** The answer of a finished job: a FeatureCollection with `answer`. */
export const getJobResult = (id) => fetchJson(`jobs/${part(id)}/results`);

export const dismissJob = (id) => fetchJson(`jobs/${part(id)}`, { method: "DELETE" });
