// What a tile of a scene draws, laid on the map: every vertex at its longitude and latitude and in metres up, points apart from surfaces,
// surfaces by the picture they wear, features of all tables counted through.

import { geodetic } from "./geodesy.js";
import { LIGHT } from "./scene-surface.js";

const POINTS = 0;
const TRIANGLES = 4;
const STRIP = 5;
const FAN = 6;
const TEXEL = 4 * (4 / 3); // bytes, with the smaller copies of a picture

/**
 * @param glbs what `readGlb` gave of the tile's contents; @param matrix from the tile's frame (z up) to the earth's, column by column
 * @returns {{origin, surfaces, points, features, bytes}}; offsets are degrees from `origin` and heights in metres, three a vertex:
 * surfaces [{picture, offsets, normals, texCoords, tints, featureIds, parts, indices}], points {offsets, tints, classes, intensities} or null.
 */
export function tileOnMap(glbs, matrix) {
  const tile = { origin: null, surfaces: [], points: null, features: [], bytes: 0 };
  const place = (x, y, z) => {
    const at = (k) => matrix[k] * x - matrix[4 + k] * z + matrix[8 + k] * y + matrix[12 + k]; // glTF has y up and z south
    return geodetic(at(0), at(1), at(2));
  };
  for (const { parts, tables, pictures } of glbs) {
    const firsts = tables.map(({ count, feature }) => {
      const first = tile.features.length;
      for (let row = 0; row < count; row++) tile.features.push(feature(row));
      return first;
    });
    for (const part of parts) {
      const offsets = degrees(tile, part.positions, place);
      if (part.mode === POINTS) addPoints(tile, part, offsets);
      else if (part.mode >= TRIANGLES) addSurfaces(tile, part, { offsets, matrix, tables, pictures, first: firsts[part.table] });
    }
  }
  tile.surfaces = tile.surfaces.map(joined);
  if (tile.points) tile.points = joined(tile.points);
  const held = [...tile.surfaces, tile.points].filter(Boolean).flatMap(Object.values).filter(ArrayBuffer.isView);
  const texels = new Set(tile.surfaces.map(({ picture }) => picture).filter(Boolean));
  tile.bytes = held.reduce((sum, { byteLength }) => sum + byteLength, 0) + [...texels].reduce((sum, { width, height }) => sum + TEXEL * width * height, 0);
  return tile;
}

function degrees(tile, positions, place) {
  const offsets = new Float32Array(positions.length);
  tile.origin ??= positions.length ? place(positions[0], positions[1], positions[2]).slice(0, 2) : null;
  for (let i = 0; i < positions.length; i += 3) {
    const [lon, lat, height] = place(positions[i], positions[i + 1], positions[i + 2]);
    offsets[i] = lon - tile.origin[0];
    offsets[i + 1] = lat - tile.origin[1];
    offsets[i + 2] = height;
  }
  return offsets;
}

function addPoints(tile, part, offsets) {
  tile.points ??= [];
  const count = offsets.length / 3;
  tile.points.push({
    offsets,
    tints: part.tints ?? (part.colors && tints(part, count)),
    classes: part.classes && Uint8Array.from(part.classes),
    intensities: part.intensities && Uint16Array.from(part.intensities),
  });
}

function addSurfaces(tile, part, { offsets, matrix, tables, pictures, first = 0 }) {
  const count = offsets.length / 3;
  const known = part.table !== null && part.table < tables.length;
  const picture = part.material.picture === null ? null : (pictures[part.material.picture] ?? null);
  const piece = {
    offsets,
    normals: part.material.unlit ? towardsTheLight(count) : part.normals && upright(part.normals, matrix, tile.origin),
    texCoords: picture && (part.texCoords ?? new Float32Array(2 * count)),
    tints: tints(part, count),
    featureIds: part.featureIds && known ? Int32Array.from(part.featureIds, (id) => first + id) : new Int32Array(count).fill(-1),
    parts: part.surfaceIds && tables[part.surfaceTable] ? namesOf(part.surfaceIds, tables[part.surfaceTable]) : null,
    indices: triangles(part, count),
  };
  const likes = (group) => group[0].picture === picture && !group[0].normals === !piece.normals && !group[0].parts === !piece.parts;
  const group = tile.surfaces.find(likes);
  const { clamped } = part.material;
  if (group) group.push({ ...piece, picture, clamped });
  else tile.surfaces.push([{ ...piece, picture, clamped }]);
}

// What has light of its own is not shaded.
const towardsTheLight = (count) => Float32Array.from({ length: 3 * count }, (_, i) => LIGHT[i % 3]);

const namesOf = (ids, table) => {
  const names = Array.from({ length: table.count }, (_, row) => table.feature(row).properties.part ?? "");
  return Array.from(ids, (id) => names[id] ?? "");
};

// Directions in glTF's axes → east, north, up at the origin of the tile.
function upright(normals, m, [lon, lat]) {
  const [a, b] = [(lon * Math.PI) / 180, (lat * Math.PI) / 180];
  const axes = [
    [-Math.sin(a), Math.cos(a), 0],
    [-Math.sin(b) * Math.cos(a), -Math.sin(b) * Math.sin(a), Math.cos(b)],
    [Math.cos(b) * Math.cos(a), Math.cos(b) * Math.sin(a), Math.sin(b)],
  ];
  // Rows of one matrix that turns all at once.
  const turn = axes.map((axis) => [0, 8, 4].map((column, k) => {
    const sum = axis[0] * m[column] + axis[1] * m[column + 1] + axis[2] * m[column + 2];
    return k === 2 ? -sum : sum;
  }));
  const found = new Float32Array(normals.length);
  for (let i = 0; i < normals.length; i += 3)
    for (let k = 0; k < 3; k++) found[i + k] = turn[k][0] * normals[i] + turn[k][1] * normals[i + 1] + turn[k][2] * normals[i + 2];
  return found;
}

const STEPS = 4095;
const SCREEN = Uint8Array.from({ length: STEPS + 1 }, (_, step) => {
  const light = step / STEPS; // linear → sRGB, IEC 61966-2-1
  return Math.round(255 * (light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055));
});
const screen = (light) => SCREEN[Math.round(STEPS * Math.min(1, Math.max(0, light)))];

// The colours a file gives itself, as a screen shows them, four bytes a vertex.
function tints({ colors, material: { color, alphaMode } }, count) {
  const found = new Uint8Array(4 * count);
  const alpha = alphaMode === "OPAQUE" ? 1 : color[3];
  for (let i = 0; i < count; i++) {
    for (let k = 0; k < 3; k++) found[4 * i + k] = screen(color[k] * (colors ? colors.values[colors.width * i + k] : 1));
    found[4 * i + 3] = 255 * alpha * (colors?.width === 4 && alphaMode !== "OPAQUE" ? colors.values[4 * i + 3] : 1);
  }
  return found;
}

function triangles({ mode, indices }, count) {
  const order = indices ?? Uint32Array.from({ length: count }, (_, i) => i);
  if (mode === TRIANGLES) return Uint32Array.from(order);
  const found = [];
  for (let i = 2; i < order.length; i++) {
    if (mode === FAN) found.push(order[0], order[i - 1], order[i]);
    else if (mode === STRIP) found.push(order[i - 2 + (i % 2)], order[i - 1 - (i % 2)], order[i]);
  }
  return Uint32Array.from(found);
}

// Many pieces of one look as one: a tile of a thousand small ones would take a thousand drawings.
function joined(pieces) {
  if (pieces.length === 1) return pieces[0];
  const { picture, clamped } = pieces[0];
  const found = { picture, clamped };
  for (const name of Object.keys(pieces[0]).filter((key) => !(key in found))) {
    const lists = pieces.map((piece) => piece[name]);
    if (lists.some((list) => !list)) found[name] = null;
    else if (Array.isArray(lists[0])) found[name] = lists.flat();
    else {
      found[name] = new lists[0].constructor(lists.reduce((sum, { length }) => sum + length, 0));
      let at = 0;
      let before = 0;
      for (const [n, list] of lists.entries()) {
        found[name].set(name === "indices" ? list.map((corner) => corner + before) : list, at);
        at += list.length;
        before += pieces[n].offsets.length / 3;
      }
    }
  }
  return found;
}
