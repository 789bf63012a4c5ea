// A GLB of a tile: what its nodes draw, each vertex in the frame of the tile, with feature ids, tables and pictures.
// Reads what scenes3d writes and what others write in glTF 2.0 with EXT_mesh_features, EXT_structural_metadata, KHR_mesh_quantization.
// Nothing compressed: Draco was decoded at import, KTX2 and meshopt were refused there.

import { readTables } from "./glb-table.js";

const ARRAYS = { 5120: Int8Array, 5121: Uint8Array, 5122: Int16Array, 5123: Uint16Array, 5125: Uint32Array, 5126: Float32Array };
const LARGEST = { 5120: 127, 5121: 255, 5122: 32767, 5123: 65535, 5125: 4294967295 };
const WIDTHS = { SCALAR: 1, VEC2: 2, VEC3: 3, VEC4: 4, MAT4: 16 };
const JSON_CHUNK = 20;
const IDENTITY = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
const DEEPEST = 64;
const CLAMPED = 33071;

/**
 * @returns {{parts, tables, pictures}}
 * parts: [{mode, positions, normals, texCoords, colors, featureIds, surfaceIds, table, surfaceTable, classes, intensities, indices, material}];
 * positions are metres (x east, y up, z south of a frame that is turned as glTF is), float64; what a part does not have is null.
 * tables: [{count, feature(row)}]. pictures: [Blob]
 */
export function readGlb(buffer) {
  const header = new DataView(buffer);
  if (header.getUint32(0, true) !== 0x46546c67) throw new Error("not a GLB");
  const length = header.getUint32(12, true);
  const document = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, JSON_CHUNK, length)));
  const start = JSON_CHUNK + length + 8;
  const view = (number) => {
    const { byteOffset = 0, byteLength } = document.bufferViews[number];
    return new Uint8Array(buffer, start + byteOffset, byteLength);
  };
  const accessor = (number) => readAccessor(document, number, view);
  const parts = [];
  const scene = document.scenes?.[document.scene ?? 0];
  for (const root of scene?.nodes ?? []) walk(document, root, IDENTITY, 0, ({ mesh }, matrix) => {
    for (const primitive of document.meshes[mesh].primitives) parts.push(readPart(document, primitive, matrix, accessor));
  });
  return { parts, tables: readTables(document, view), pictures: (document.images ?? []).map((image) => picture(image, view)) };
}

function walk(document, number, above, depth, visit) {
  if (depth > DEEPEST) throw new Error("nodes without end");
  const node = document.nodes[number];
  const matrix = product(above, node.matrix ?? composed(node));
  if (node.mesh !== undefined) visit(node, matrix);
  for (const child of node.children ?? []) walk(document, child, matrix, depth + 1, visit);
}

function readPart(document, { attributes, indices, mode = 4, material, extensions }, matrix, accessor) {
  const read = (name) => (attributes[name] === undefined ? null : accessor(attributes[name]));
  const [features, surfaces] = extensions?.EXT_mesh_features?.featureIds ?? [];
  const ids = (said) => {
    if (!said) return null;
    if (said.attribute !== undefined) return read(`_FEATURE_ID_${said.attribute}`)?.value ?? null;
    return said.texture ? null : Uint32Array.from({ length: positions.length / 3 }, (_, i) => i); // none said: each vertex is one
  };
  const stored = read("POSITION");
  const positions = placed(stored.value, matrix);
  const normals = read("NORMAL");
  const coordinates = read("TEXCOORD_0");
  const colors = read("COLOR_0");
  return {
    mode,
    positions,
    normals: normals && turned(normals.value, matrix),
    texCoords: coordinates && fractions(coordinates),
    colors: colors && { width: colors.width, values: fractions(colors) },
    featureIds: ids(features),
    table: features?.propertyTable ?? null,
    surfaceIds: surfaces?.label === "surface" ? ids(surfaces) : null,
    surfaceTable: surfaces?.propertyTable ?? null,
    classes: read("_CLASSIFICATION")?.value ?? null,
    intensities: read("_INTENSITY")?.value ?? null,
    indices: indices === undefined ? null : accessor(indices).value,
    material: readMaterial(document, material),
  };
}

function readMaterial(document, number) {
  const { pbrMetallicRoughness = {}, alphaMode = "OPAQUE", extensions } = document.materials?.[number] ?? {};
  const { baseColorFactor = [1, 1, 1, 1], baseColorTexture } = pbrMetallicRoughness;
  const { source: picture = null, sampler } = document.textures?.[baseColorTexture?.index] ?? {};
  const clamped = document.samplers?.[sampler]?.wrapS === CLAMPED;
  return { color: baseColorFactor, picture, clamped, alphaMode, unlit: Boolean(extensions?.KHR_materials_unlit) };
}

// Elements without the padding between them.
function readAccessor(document, number, view) {
  const { bufferView, byteOffset = 0, componentType, count, type, normalized } = document.accessors[number];
  const Kind = ARRAYS[componentType];
  const width = WIDTHS[type];
  const told = { width, largest: normalized ? LARGEST[componentType] : null };
  if (bufferView === undefined) return { ...told, value: new Kind(count * width) };
  const bytes = view(bufferView);
  const stride = document.bufferViews[bufferView].byteStride ?? width * Kind.BYTES_PER_ELEMENT;
  const start = bytes.byteOffset + byteOffset;
  const even = start % Kind.BYTES_PER_ELEMENT === 0 && stride % Kind.BYTES_PER_ELEMENT === 0;
  // Files of others keep arrays at any byte; an array in memory begins at a multiple of its width.
  const [data, from, step] = even
    ? [bytes.buffer, start, stride / Kind.BYTES_PER_ELEMENT]
    : [evened(bytes.subarray(byteOffset), stride, count, width * Kind.BYTES_PER_ELEMENT), 0, width];
  const stored = new Kind(data, from, (count - 1) * step + width);
  if (step === width) return { ...told, value: stored };
  const packed = new Kind(count * width);
  for (let i = 0; i < count; i++) for (let k = 0; k < width; k++) packed[i * width + k] = stored[i * step + k];
  return { ...told, value: packed };
}

function evened(bytes, stride, count, size) {
  const packed = new Uint8Array(count * size);
  for (let i = 0; i < count; i++) packed.set(bytes.subarray(i * stride, i * stride + size), i * size);
  return packed.buffer;
}

/** Whole numbers that stand for 0…1 (or -1…1) as such. */
function fractions({ value, largest }) {
  return largest === null ? Float32Array.from(value) : Float32Array.from(value, (part) => Math.max(-1, part / largest));
}

function placed(stored, m) {
  const positions = new Float64Array(stored.length);
  for (let i = 0; i < stored.length; i += 3) {
    const [x, y, z] = [stored[i], stored[i + 1], stored[i + 2]];
    for (let k = 0; k < 3; k++) positions[i + k] = m[k] * x + m[4 + k] * y + m[8 + k] * z + m[12 + k];
  }
  return positions;
}

// Directions of any length: what draws them makes them one. Scales that differ by axis are rare, and no reason for another matrix.
function turned(stored, m) {
  const normals = new Float32Array(stored.length);
  for (let i = 0; i < stored.length; i += 3) {
    const [x, y, z] = [stored[i], stored[i + 1], stored[i + 2]];
    for (let k = 0; k < 3; k++) normals[i + k] = m[k] * x + m[4 + k] * y + m[8 + k] * z;
  }
  return normals;
}

function composed({ translation = [0, 0, 0], rotation: [x, y, z, w] = [0, 0, 0, 1], scale: [a, b, c] = [1, 1, 1] }) {
  return [
    a * (1 - 2 * (y * y + z * z)), a * 2 * (x * y + z * w), a * 2 * (x * z - y * w), 0,
    b * 2 * (x * y - z * w), b * (1 - 2 * (x * x + z * z)), b * 2 * (y * z + x * w), 0,
    c * 2 * (x * z + y * w), c * 2 * (y * z - x * w), c * (1 - 2 * (x * x + y * y)), 0,
    ...translation, 1,
  ];
}

function product(a, b) {
  const found = new Array(16).fill(0);
  for (let column = 0; column < 4; column++)
    for (let row = 0; row < 4; row++) for (let k = 0; k < 4; k++) found[4 * column + row] += a[4 * k + row] * b[4 * column + k];
  return found;
}

function picture({ bufferView, mimeType, uri }, view) {
  if (bufferView !== undefined) return new Blob([view(bufferView)], { type: mimeType });
  const [, type, text] = /^data:([^;,]*);base64,(.*)$/s.exec(uri ?? "") ?? [];
  if (text === undefined) throw new Error("a picture outside of its tile");
  return new Blob([Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))], { type });
}
