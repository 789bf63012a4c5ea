// Mapbox Vector Tile bytes → columns. Only the parts of protobuf that MVT 2.1 uses are read.
// Source: vector-tile-spec 2.1, sections 4.2–4.4.

const text = new TextDecoder();

class Reader {
  constructor(bytes, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  // Values above 2^53 lose their last bits: feature ids and counts stay far below.
  varint() {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError("The tile ends inside a number.");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw new RangeError("A number in the tile is longer than ten bytes.");
  }

  // int64 values travel as two's complement, so a negative one needs all 64 bits.
  signedVarint() {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError("The tile ends inside a number.");
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return Number(BigInt.asIntN(64, value));
  }

  chunk() {
    const length = this.varint();
    const start = this.at;
    this.at = start + length;
    if (this.at > this.bytes.length) throw new RangeError("The tile is cut off.");
    return [start, this.at];
  }

  string() {
    const [start, end] = this.chunk();
    return text.decode(this.bytes.subarray(start, end));
  }

  skip(wire) {
    if (wire === 0) this.varint();
    else if (wire === 1) this.at += 8;
    else if (wire === 2) this.chunk();
    else if (wire === 5) this.at += 4;
    else throw new RangeError(`The tile holds a field of unknown kind ${wire}.`);
  }
}

function readValue(bytes, start, end) {
  const reader = new Reader(bytes, start, end);
  let value = null;
  while (reader.at < end) {
    const key = reader.varint();
    switch (key >> 3) {
      case 1: value = reader.string(); break;
      case 2: value = reader.view.getFloat32(reader.at, true); reader.at += 4; break;
      case 3: value = reader.view.getFloat64(reader.at, true); reader.at += 8; break;
      case 4: value = reader.signedVarint(); break;
      case 5: value = reader.varint(); break;
      case 6: { const n = reader.signedVarint(); value = n % 2 ? -(n + 1) / 2 : n / 2; break; }
      case 7: value = reader.varint() !== 0; break;
      default: reader.skip(key & 7);
    }
  }
  return value;
}

function readFeature(bytes, start, end) {
  const reader = new Reader(bytes, start, end);
  const feature = { id: undefined, type: 0, tags: null, geometry: null };
  while (reader.at < end) {
    const key = reader.varint();
    switch (key >> 3) {
      case 1: feature.id = reader.varint(); break;
      case 2: feature.tags = reader.chunk(); break;
      case 3: feature.type = reader.varint(); break;
      case 4: feature.geometry = reader.chunk(); break;
      default: reader.skip(key & 7);
    }
  }
  return feature;
}

function readLayer(bytes, start, end) {
  const reader = new Reader(bytes, start, end);
  const layer = { name: "", extent: 4096, keys: [], values: [], features: [], bytes };
  while (reader.at < end) {
    const key = reader.varint();
    switch (key >> 3) {
      case 1: layer.name = reader.string(); break;
      case 2: layer.features.push(readFeature(bytes, ...reader.chunk())); break;
      case 3: layer.keys.push(reader.string()); break;
      case 4: layer.values.push(readValue(bytes, ...reader.chunk())); break;
      case 5: layer.extent = reader.varint(); break;
      default: reader.skip(key & 7);
    }
  }
  return layer;
}

/** The layers of a tile by name; geometry and tags stay encoded until they are asked for. */
export function readTile(bytes) {
  const layers = new Map();
  const reader = new Reader(bytes);
  while (reader.at < bytes.length) {
    const key = reader.varint();
    if (key >> 3 === 3) {
      const layer = readLayer(bytes, ...reader.chunk());
      layers.set(layer.name, layer);
    } else reader.skip(key & 7);
  }
  return layers;
}

/** Pairs of indices into `layer.keys` and `layer.values`, flat. */
export function readTags(layer, feature) {
  if (!feature.tags) return [];
  const reader = new Reader(layer.bytes, ...feature.tags);
  const tags = [];
  while (reader.at < reader.end) tags.push(reader.varint());
  return tags;
}

/** Properties of one feature as an object. */
export function readProperties(layer, feature) {
  const tags = readTags(layer, feature);
  const properties = {};
  for (let i = 0; i + 1 < tags.length; i += 2) properties[layer.keys[tags[i]]] = layer.values[tags[i + 1]];
  return properties;
}

/**
 * Parts of a geometry in tile units (x right, y down): an array of flat [x, y, x, y, …] arrays.
 * Rings of polygons are closed (the first point is repeated), as deck.gl wants them.
 */
export function readGeometry(layer, feature) {
  const parts = [];
  if (!feature.geometry) return parts;
  const reader = new Reader(layer.bytes, ...feature.geometry);
  let part = null;
  let x = 0;
  let y = 0;
  while (reader.at < reader.end) {
    const head = reader.varint();
    const command = head & 7;
    if (command === 7) {
      if (part && part.length) part.push(part[0], part[1]);
      continue;
    }
    for (let count = head >> 3; count > 0; count--) {
      const dx = reader.varint();
      const dy = reader.varint();
      x += dx % 2 ? -(dx + 1) / 2 : dx / 2;
      y += dy % 2 ? -(dy + 1) / 2 : dy / 2;
      if (command === 1) parts.push((part = [x, y]));
      else part.push(x, y);
    }
  }
  return parts;
}

/** Twice the signed area of a closed ring; positive for an outer ring (y points down). */
export function ringArea(ring) {
  let sum = 0;
  for (let i = 0; i + 3 < ring.length; i += 2) sum += ring[i] * ring[i + 3] - ring[i + 2] * ring[i + 1];
  return sum;
}

/** Rings grouped to polygons: each outer ring followed by its holes. Rings without area are dropped. */
export function groupRings(rings) {
  const polygons = [];
  for (const ring of rings) {
    const area = ringArea(ring);
    if (ring.length < 8 || area === 0) continue;
    if (area > 0 || !polygons.length) polygons.push([ring]);
    else polygons[polygons.length - 1].push(ring);
  }
  return polygons;
}
