// Where what a tile draws meets the ground: each feature with its lowest vertex, a cloud or mesh in one piece all over.
// Tiles are what scene-tile.js makes.

import { kindOf } from "./scene-colors.js";

const LYING = new Set(["road", "railway", "water", "land", "plants", "terrain"]);
const ROBUST = 1000; // a mesh of more vertices than this has some that lie too low by mistake
const CELLS = 16; // of a tile, from side to side
const GROUND_CLASS = 2; // ASPRS

/** Where each feature meets the ground: its lowest vertex, and the height the scene says it stands at, if it does. [{lon, lat, foot}] */
export function feetOf({ origin, surfaces, features }) {
  const heights = features.map(() => []);
  const lowest = features.map(() => null);
  for (const { offsets, featureIds } of surfaces) {
    for (let i = 0; i < featureIds.length; i++) {
      const id = featureIds[i];
      if (id < 0) continue;
      heights[id].push(offsets[3 * i + 2]);
      if (!(lowest[id]?.[2] <= offsets[3 * i + 2])) lowest[id] = offsets.subarray(3 * i, 3 * i + 3);
    }
  }
  return features.map(({ properties }, id) => {
    const [east, north, low] = lowest[id] ?? [0, 0, 0];
    const found = heights[id].length > ROBUST ? quantile(heights[id], 0.01) : low;
    return { lon: origin[0] + east, lat: origin[1] + north, foot: properties.onemap_ground_m ?? found };
  });
}

/**
 * Moves every vertex of a feature up by what is said of it. What lies on the ground (roads, water, land) is nowhere below it.
 * @param under gives the height of the ground at a lon and lat, null where none is known
 */
export function raiseFeatures({ origin, surfaces, features }, shifts, under) {
  const lies = features.map(({ properties }) => LYING.has(kindOf(properties.kind)));
  for (const { offsets, featureIds } of surfaces) {
    for (let i = 0; i < featureIds.length; i++) {
      const id = featureIds[i];
      if (id < 0) continue;
      const height = offsets[3 * i + 2] + shifts[id];
      const least = lies[id] ? under(origin[0] + offsets[3 * i], origin[1] + offsets[3 * i + 1]) : null;
      offsets[3 * i + 2] = least === null ? height : Math.max(height, least);
    }
  }
}

/** Where a tile meets the ground: points of the class of ground, else the lowest of each cell. [[lon, lat, height]] */
export function groundOf({ origin, surfaces, points }) {
  const found = [];
  const { offsets, classes } = points ?? {};
  for (let i = 0; classes && i < classes.length; i++) {
    if (classes[i] === GROUND_CLASS) found.push([origin[0] + offsets[3 * i], origin[1] + offsets[3 * i + 1], offsets[3 * i + 2]]);
  }
  return found.length > 50 ? found : lowestOfCells([...surfaces, points].filter(Boolean), origin);
}

/** The box of pieces of a tile, degrees from its origin: [west, south, east, north]. */
export function boxOf(pieces) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (const { offsets } of pieces)
    for (let i = 0; i < offsets.length; i += 3) {
      for (let k = 0; k < 2; k++) {
        box[k] = Math.min(box[k], offsets[i + k]);
        box[2 + k] = Math.max(box[2 + k], offsets[i + k]);
      }
    }
  return box;
}

function lowestOfCells(pieces, [lon0, lat0]) {
  const box = boxOf(pieces);
  const cells = new Map();
  const cell = (value, low, high) => Math.min(CELLS - 1, Math.floor((CELLS * (value - low)) / (high - low || 1)));
  for (const { offsets } of pieces)
    for (let i = 0; i < offsets.length; i += 3) {
      const key = CELLS * cell(offsets[i], box[0], box[2]) + cell(offsets[i + 1], box[1], box[3]);
      if (!(cells.get(key)?.[2] <= offsets[i + 2])) cells.set(key, [lon0 + offsets[i], lat0 + offsets[i + 1], offsets[i + 2]]);
    }
  return [...cells.values()];
}

/** The value below which a share of the values lies. */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
