// Makes the relief of a tile beside the page. In: {id, url, tile, deepest, raised} or {abort: id}.
// Out: {id, mesh, picture, heights, side} or {id, empty} or {id, error}.

import { coveringTile, fetchHeights, mesh, shade } from "./heights.js";

const METRES_ROUND_THE_EARTH = 40075016.686;
const running = new Map();

async function make({ id, url, tile, deepest, raised }) {
  const control = new AbortController();
  running.set(id, control);
  try {
    const part = coveringTile(tile, deepest);
    const terrain = await fetchHeights(url, control.signal);
    if (!terrain) return postMessage({ id, empty: true });
    const latitude = Math.atan(Math.sinh(Math.PI * (1 - (2 * (part.y + 0.5)) / 2 ** part.z)));
    const metres = (METRES_ROUND_THE_EARTH * Math.cos(latitude)) / 2 ** part.z / terrain.side;
    // Slopes flatten as pixels widen: what a small map shows of a hill is drawn stronger.
    const strength = Math.min(2, Math.max(1, 1 + (13 - tile.z) * 0.2));
    const pixels = shade(terrain, metres, strength);
    const picture = await createImageBitmap(new ImageData(pixels, terrain.side, terrain.side), { premultiplyAlpha: "none" });
    // Without a skirt: shade is clear, one would be seen through the hill in front of it.
    const made = mesh(terrain, part, raised ? 1 : 0, raised ? 64 : 1);
    const buffers = [made.positions.buffer, made.texCoords.buffer, made.indices.buffer, terrain.heights.buffer, picture];
    postMessage({ id, mesh: made, picture, heights: terrain.heights, side: terrain.side, part }, buffers);
  } catch (error) {
    postMessage({ id, error: { message: String(error.message), aborted: control.signal.aborted } });
  } finally {
    running.delete(id);
  }
}

addEventListener("message", ({ data }) => {
  if (data.abort !== undefined) running.get(data.abort)?.abort();
  else make(data);
});
