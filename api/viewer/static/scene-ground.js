// Heights of the ground under a scene, from the terrain of the server: what the page draws its relief from.

import { addressOf, fetchHeights, heightAt } from "./heights.js";

const KEPT = 24;
const MOST_ACROSS = 2; // images
const held = new Map(); // address → promise of heights, oldest first

const column = (lon, z) => ((lon + 180) / 360) * 2 ** z;
const row = (lat, z) => (0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI)) * 2 ** z;

/** A function of lon and lat that gives the height of the ground within a box [west, south, east, north]; null where none is known. */
export async function groundWithin({ template, deepest }, [west, south, east, north]) {
  let z = deepest;
  while (z > 0 && Math.max(column(east, z) - column(west, z), row(south, z) - row(north, z)) > MOST_ACROSS - 1) z--;
  const images = new Map();
  const wanted = [];
  for (let x = Math.floor(column(west, z)); x <= column(east, z); x++) {
    for (let y = Math.floor(row(north, z)); y <= row(south, z); y++) {
      const url = addressOf(template, { z, x, y });
      wanted.push(fetched(url).then((terrain) => images.set(`${x}/${y}`, terrain)));
    }
  }
  await Promise.all(wanted);
  return (lon, lat) => {
    const [x, y] = [column(lon, z), row(lat, z)];
    const terrain = images.get(`${Math.floor(x)}/${Math.floor(y)}`);
    return terrain ? heightAt(terrain, x % 1, y % 1) : null;
  };
}

function fetched(url) {
  if (!held.has(url)) held.set(url, fetchHeights(url).catch(() => (held.delete(url), null)));
  if (held.size > KEPT) held.delete(held.keys().next().value);
  return held.get(url);
}
