// One layer of a vector tile → deck.gl's binary feature format (points, lines, polygons as typed arrays).
// Properties travel as tag numbers and are turned into objects on the page: that is several times cheaper than sending
// thousands of objects between threads.

import { groupRings, readGeometry, readProperties, readTags, ringArea } from "./mvt.js";
import { triangulate } from "./triangulate.js";
import { anchorOf, countOf } from "./anchors.js";

const POINT = 1;
const LINE = 2;
const POLYGON = 3;

class Part {
  /** @param lift height in metres at a place of the tile, null for flat features */
  constructor(lift = null) {
    this.lift = lift;
    this.positions = [];
    this.featureIds = [];
    this.globalFeatureIds = [];
    this.ids = [];
    this.tags = [];
    this.tagEnds = [];
    this.starts = []; // first vertex of each path or polygon
    this.rings = []; // first vertex of each ring
    this.triangles = [];
  }

  begin(layer, feature) {
    this.ids.push(feature.id ?? -1);
    for (const tag of readTags(layer, feature)) this.tags.push(tag);
    this.tagEnds.push(this.tags.length);
  }

  add(coordinates, scale, global, level = null) {
    const local = this.ids.length - 1;
    for (let i = 0; i < coordinates.length; i += 2) {
      const [x, y] = [coordinates[i] * scale, coordinates[i + 1] * scale];
      if (this.lift) this.positions.push(x, y, level ?? this.lift(x, y));
      else this.positions.push(x, y);
      this.featureIds.push(local);
      this.globalFeatureIds.push(global);
    }
  }

  get vertexCount() {
    return this.featureIds.length;
  }

  pack() {
    const end = this.vertexCount;
    return {
      positions: new Float32Array(this.positions),
      featureIds: new Uint32Array(this.featureIds),
      globalFeatureIds: new Uint32Array(this.globalFeatureIds),
      ids: new Float64Array(this.ids),
      tags: new Uint32Array(this.tags),
      tagEnds: new Uint32Array(this.tagEnds),
      starts: new Uint32Array([...this.starts, end]),
      rings: new Uint32Array([...this.rings, end]),
      triangles: new Uint32Array(this.triangles),
    };
  }
}

// A house stands level on the lowest ground under it; an area follows the ground.
function levelOf(part, ring, scale) {
  let lowest = Infinity;
  for (let i = 0; i < ring.length; i += 2) lowest = Math.min(lowest, part.lift(ring[i] * scale, ring[i + 1] * scale));
  return lowest;
}

function addPolygon(part, polygon, scale, global, raised) {
  const start = part.vertexCount;
  part.starts.push(start);
  const flat = [];
  const ends = [];
  for (const ring of polygon) {
    part.rings.push(start + flat.length / 2);
    for (const value of ring) flat.push(value);
    ends.push(flat.length / 2);
  }
  part.add(flat, scale, global, part.lift && raised ? levelOf(part, polygon[0], scale) : null);
  triangulate(flat, ends, part.triangles, start);
}

const NESTED = 3000;

// Wide lines must lie on narrow ones, and lines too thin to see need not be drawn at all. A town inside its county lies
// above it, or nobody could ever click it; layers of very many polygons do not nest.
function drawOrder(layer, width) {
  const order = layer.features.map((feature) => ({ feature, width: 1 }));
  if (layer.features.length < NESTED && layer.features.every((feature) => feature.type === POLYGON)) {
    for (const entry of order) entry.area = Math.abs(ringArea(readGeometry(layer, entry.feature)[0] ?? []));
    return order.sort((a, b) => b.area - a.area);
  }
  if (!width) return order;
  const table = new Map(width.values);
  for (const entry of order) {
    const value = readProperties(layer, entry.feature)[width.property];
    entry.width = table.get(String(value)) ?? width.default;
  }
  return order.filter((entry) => entry.width * width.scale >= 0.3).sort((a, b) => a.width - b.width);
}

/**
 * @param layer   one layer of `readTile`
 * @param options {tile: {x, y, z}, ground?, raised?, width?: {property, values, default, scale}, label?: {property, priority}}
 */
export function buildColumns(layer, options) {
  const scale = 1 / layer.extent;
  const { ground = null, raised = false } = options;
  const points = new Part(ground);
  const lines = new Part(ground);
  const polygons = new Part(ground);
  const anchors = [];
  const clustered = layer.keys.includes("_count");
  let global = 0;
  for (const { feature, width } of drawOrder(layer, options.width)) {
    const geometry = readGeometry(layer, feature);
    if (!geometry.length) continue;
    let shape = geometry;
    if (feature.type === POINT) {
      points.begin(layer, feature);
      for (const part of geometry) points.add(part, scale, global);
    } else if (feature.type === LINE) {
      lines.begin(layer, feature);
      for (const part of geometry) {
        if (part.length < 4) continue;
        lines.starts.push(lines.vertexCount);
        lines.add(part, scale, global);
      }
    } else if (feature.type === POLYGON) {
      shape = groupRings(geometry);
      if (!shape.length) continue;
      polygons.begin(layer, feature);
      for (const polygon of shape) addPolygon(polygons, polygon, scale, global, raised);
    } else continue;
    if (clustered && feature.type === POINT) {
      const anchor = countOf(shape, readProperties(layer, feature), scale);
      if (anchor) anchors.push(anchor);
    }
    if (options.label) {
      const anchor = anchorOf(feature, shape, readProperties(layer, feature), options.label, scale, width);
      if (anchor) anchors.push(anchor);
    }
    global++;
  }
  if (ground) for (const anchor of anchors) anchor.height = ground(anchor.x, anchor.y);
  return {
    size: ground ? 3 : 2,
    keys: layer.keys,
    values: layer.values,
    count: global,
    points: points.pack(),
    lines: lines.pack(),
    polygons: polygons.pack(),
    anchors,
  };
}

/** All array buffers of a result, to be handed over to the page without a copy. */
export function buffersOf(columns) {
  return [columns.points, columns.lines, columns.polygons].flatMap((part) => Object.values(part).map((a) => a.buffer));
}

function unpackPart(part, keys, values, size) {
  const properties = new Array(part.ids.length);
  const fields = new Array(part.ids.length);
  let at = 0;
  for (let f = 0; f < part.ids.length; f++) {
    const object = {};
    for (const end = part.tagEnds[f]; at < end; at += 2) object[keys[part.tags[at]]] = values[part.tags[at + 1]];
    properties[f] = object;
    fields[f] = { id: part.ids[f] };
  }
  return {
    positions: { value: part.positions, size },
    featureIds: { value: part.featureIds, size: 1 },
    globalFeatureIds: { value: part.globalFeatureIds, size: 1 },
    numericProps: {},
    properties,
    fields,
  };
}

/** On the page: what the worker sent → the object deck.gl draws. */
export function toBinaryFeatures(columns) {
  const { keys, values, size = 2 } = columns;
  const points = { type: "Point", ...unpackPart(columns.points, keys, values, size) };
  const lines = { type: "LineString", ...unpackPart(columns.lines, keys, values, size) };
  const polygons = { type: "Polygon", ...unpackPart(columns.polygons, keys, values, size) };
  lines.pathIndices = { value: columns.lines.starts, size: 1 };
  polygons.polygonIndices = { value: columns.polygons.starts, size: 1 };
  polygons.primitivePolygonIndices = { value: columns.polygons.rings, size: 1 };
  polygons.triangles = { value: columns.polygons.triangles, size: 1 };
  return {
    shape: "binary-feature-collection",
    points,
    lines,
    polygons,
    anchors: columns.anchors,
    count: columns.count,
    density: keys.includes("_count"),
  };
}

/** A tile without features. */
export function emptyFeatures() {
  return toBinaryFeatures({
    keys: [], values: [], count: 0, anchors: [],
    points: new Part().pack(), lines: new Part().pack(), polygons: new Part().pack(),
  });
}
