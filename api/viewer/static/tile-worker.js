// Fetches and decodes tiles beside the page, so that panning stays smooth whatever a tile holds.
// In: {id, url, tile, layers: [{layer, width, label, raised}], ground?} (`ground`: see relief.js) or {abort: id}. Out: {id, layers: {layer: columns}} or {id, error}.

import { readTile } from "./mvt.js";
import { buffersOf, buildColumns } from "./columns.js";
import { addressOf, coveringTile, fetchHeights, heightAt } from "./heights.js";

const running = new Map();
const PAUSES_MS = [400, 1500]; // a server that restarts is back within seconds: late is not dead

async function fetchPatiently(url, signal) {
  for (let attempt = 0; ; attempt++) {
    let failure;
    try {
      const answer = await fetch(url, { signal });
      if (answer.ok) return answer;
      failure = Object.assign(new Error(await reasonOf(answer)), { status: answer.status });
    } catch (error) {
      if (signal.aborted) throw error;
      failure = Object.assign(new Error("offline"), { status: 0 });
    }
    const worthAnotherTry = failure.status === 0 || failure.status >= 500;
    if (!worthAnotherTry || attempt >= PAUSES_MS.length) throw failure;
    await new Promise((resolve) => setTimeout(resolve, PAUSES_MS[attempt]));
  }
}

async function reasonOf(answer) {
  try {
    const problem = await answer.json();
    return problem.detail || problem.title || String(answer.status);
  } catch {
    return String(answer.status);
  }
}

const HEIGHTS_KEPT = 40;
const heights = new Map(); // address → promise of heights, oldest first

/** A function of a place in the tile (0…1) that gives the height of the ground in metres; null where none is known. */
async function groundUnder({ template, deepest }, tile) {
  const part = coveringTile(tile, deepest);
  const url = addressOf(template, part);
  if (!heights.has(url)) heights.set(url, fetchHeights(url).catch(() => (heights.delete(url), null)));
  if (heights.size > HEIGHTS_KEPT) heights.delete(heights.keys().next().value);
  const terrain = await heights.get(url);
  return terrain && ((u, v) => heightAt(terrain, part.left + u * part.size, part.top + v * part.size));
}

async function load({ id, url, tile, layers, ground }) {
  const control = new AbortController();
  running.set(id, control);
  try {
    const answer = await fetchPatiently(url, control.signal);
    const bytes = answer.status === 204 ? new Uint8Array() : new Uint8Array(await answer.arrayBuffer());
    const found = readTile(bytes);
    const under = ground ? ((await groundUnder(ground, tile)) ?? (() => 0)) : null;
    const result = {};
    const buffers = [];
    for (const options of layers) {
      const layer = found.get(options.layer);
      if (!layer || !layer.features.length) continue;
      result[options.layer] = buildColumns(layer, { ...options, tile, ground: under });
      buffers.push(...buffersOf(result[options.layer]));
    }
    postMessage({ id, layers: result, bytes: bytes.length }, buffers);
  } catch (error) {
    const aborted = control.signal.aborted;
    postMessage({ id, error: { message: String(error.message), status: error.status ?? -1, aborted } });
  } finally {
    running.delete(id);
  }
}

addEventListener("message", ({ data }) => {
  if (data.abort !== undefined) running.get(data.abort)?.abort();
  else load(data);
});
