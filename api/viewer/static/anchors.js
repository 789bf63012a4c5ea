// Where the text of a feature may stand, found in the tile worker while the geometry is at hand.
// Positions are fractions of the tile (0…1, y down); the page turns them into degrees and decides which ones are drawn.

const POINT = 1;
const LINE = 2;

/** @returns {null | {id, zh, en, x, y, rank, size, angle, kind}} `size`: length of the line or root of the area, in tiles. */
export function anchorOf(feature, shape, properties, label, scale, width) {
  const zh = properties[label.property];
  if (zh === undefined || zh === null || zh === "") return null;
  const en = properties[`${label.property}_en`] || zh;
  const place = feature.type === POINT ? pointPlace(shape) : feature.type === LINE ? linePlace(shape) : areaPlace(shape);
  if (!place) return null;
  const x = place.x * scale;
  const y = place.y * scale;
  if (x < 0 || x >= 1 || y < 0 || y >= 1) return null; // the neighbour tile has it too
  const rank = Number(properties[label.priority] ?? NaN);
  return {
    id: properties._id ?? feature.id ?? null,
    zh: String(zh),
    en: String(en),
    x,
    y,
    rank: Number.isFinite(rank) ? rank : null,
    size: place.size * scale,
    angle: place.angle ?? 0,
    kind: feature.type === POINT ? "point" : feature.type === LINE ? "line" : "area",
    weight: width,
    properties: label.colored ? { [label.colored]: properties[label.colored] } : null,
  };
}

/** Where the number of a cluster stands; null for a point of its own. */
export function countOf([[x, y]], { _count: count }, scale) {
  return count === undefined ? null : { count, x: x * scale, y: y * scale, size: 0, kind: "count" };
}

function pointPlace(parts) {
  return { x: parts[0][0], y: parts[0][1], size: 0 };
}

// The middle of the longest part, with the direction of the stretch around it; a bent stretch carries no text.
function linePlace(parts) {
  let best = null;
  for (const part of parts) {
    const lengths = [0];
    for (let i = 2; i < part.length; i += 2) {
      lengths.push(lengths.at(-1) + Math.hypot(part[i] - part[i - 2], part[i + 1] - part[i - 1]));
    }
    if (!best || lengths.at(-1) > best.lengths.at(-1)) best = { part, lengths };
  }
  const total = best.lengths.at(-1);
  if (!(total > 0)) return null;
  const reach = Math.min(total * 0.5, 520); // tile units: some 65 pixels each way
  const a = alongLine(best, total / 2 - reach * 0.5);
  const b = alongLine(best, total / 2 + reach * 0.5);
  const chord = Math.hypot(b[0] - a[0], b[1] - a[1]);
  if (chord < reach * 0.94) return null;
  const middle = alongLine(best, total / 2);
  return { x: middle[0], y: middle[1], size: total, angle: (Math.atan2(b[1] - a[1], b[0] - a[0]) * 180) / Math.PI };
}

function alongLine({ part, lengths }, distance) {
  let i = 1;
  while (i < lengths.length - 1 && lengths[i] < distance) i++;
  const span = lengths[i] - lengths[i - 1] || 1;
  const t = (distance - lengths[i - 1]) / span;
  return [part[2 * i - 2] + t * (part[2 * i] - part[2 * i - 2]), part[2 * i - 1] + t * (part[2 * i + 1] - part[2 * i - 1])];
}

// Middle of the widest horizontal stretch inside the largest polygon, over a few rows: always inside, cheap, good enough.
function areaPlace(polygons) {
  let best = null;
  for (const polygon of polygons) {
    const box = boxOf(polygon[0]);
    const area = (box[2] - box[0]) * (box[3] - box[1]);
    if (!best || area > best.area) best = { polygon, box, area };
  }
  if (!best) return null;
  const [, y0, , y1] = best.box;
  let place = null;
  for (let row = 1; row < 8; row++) {
    const y = y0 + ((y1 - y0) * row) / 8 + 0.01;
    const cuts = [];
    for (const ring of best.polygon) {
      for (let i = 0; i + 3 < ring.length; i += 2) {
        const [ax, ay, bx, by] = [ring[i], ring[i + 1], ring[i + 2], ring[i + 3]];
        if (ay <= y !== by <= y) cuts.push(ax + ((y - ay) * (bx - ax)) / (by - ay));
      }
    }
    cuts.sort((a, b) => a - b);
    for (let i = 0; i + 1 < cuts.length; i += 2) {
      const width = (cuts[i + 1] - cuts[i]) * (1 - Math.abs(row - 4) * 0.06); // rows near the middle first
      if (!place || width > place.width) place = { x: (cuts[i] + cuts[i + 1]) / 2, y, width };
    }
  }
  return place && { x: place.x, y: place.y, size: Math.sqrt(best.area) };
}

function boxOf(ring) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let i = 0; i < ring.length; i += 2) {
    box[0] = Math.min(box[0], ring[i]);
    box[1] = Math.min(box[1], ring[i + 1]);
    box[2] = Math.max(box[2], ring[i]);
    box[3] = Math.max(box[3], ring[i + 1]);
  }
  return box;
}
