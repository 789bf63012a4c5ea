// Polygon with holes → triangles, by ear clipping. deck.gl takes ready triangles with binary tiles and does not cut
// holes itself there, so this runs in the tile worker where it cannot make the map stutter.
// Method: holes are joined to the outer ring by a bridge to the right-most visible vertex, then ears are cut off.
// Source: D. Eberly, "Triangulation by Ear Clipping" (method only).

const cross = (ax, ay, bx, by, cx, cy) => (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);

// One vertex on a ring; `i` is its index in the flat coordinate array.
function link(points, from, to, clockwise) {
  let area = 0;
  for (let i = from; i < to; i++) {
    const j = i + 1 < to ? i + 1 : from;
    area += points[2 * i] * points[2 * j + 1] - points[2 * j] * points[2 * i + 1];
  }
  const forward = area > 0 === clockwise;
  let last = null;
  for (let n = 0; n < to - from; n++) {
    const i = forward ? from + n : to - 1 - n;
    const node = { i, x: points[2 * i], y: points[2 * i + 1], prev: last, next: null, reflex: false };
    if (last) last.next = node;
    else link.first = node;
    last = node;
  }
  last.next = link.first;
  link.first.prev = last;
  return last;
}

function inTriangle(px, py, a, b, c) {
  return (
    cross(a.x, a.y, b.x, b.y, px, py) >= 0 &&
    cross(b.x, b.y, c.x, c.y, px, py) >= 0 &&
    cross(c.x, c.y, a.x, a.y, px, py) >= 0
  );
}

// The vertex of the outer ring that a hole's left-most vertex can see: shoot a ray to the left.
function findBridge(hole, outer) {
  let best = null;
  let bestX = -Infinity;
  let p = outer;
  do {
    const q = p.next;
    if ((p.y <= hole.y && q.y >= hole.y) || (p.y >= hole.y && q.y <= hole.y)) {
      if (p.y !== q.y) {
        const x = p.x + ((hole.y - p.y) * (q.x - p.x)) / (q.y - p.y);
        if (x <= hole.x && x > bestX) {
          bestX = x;
          best = p.x < q.x ? p : q;
        }
      }
    }
    p = q;
  } while (p !== outer);
  if (!best) return null;
  // Vertices inside the triangle (hole, ray hit, best) hide `best`: take the one with the smallest angle instead.
  const corner = best;
  let slope = Infinity;
  p = outer;
  do {
    if (p.x <= hole.x && p.x >= corner.x && p !== hole) {
      const inside = between(p, hole, bestX, corner);
      const angle = Math.abs(hole.y - p.y) / (hole.x - p.x || 1e-12);
      if (inside && angle < slope && opensTo(p, hole)) {
        best = p;
        slope = angle;
      }
    }
    p = p.next;
  } while (p !== outer);
  return best;
}

function between(p, hole, hitX, corner) {
  const a = cross(hole.x, hole.y, hitX, hole.y, p.x, p.y);
  const b = cross(hitX, hole.y, corner.x, corner.y, p.x, p.y);
  const c = cross(corner.x, corner.y, hole.x, hole.y, p.x, p.y);
  return (a >= 0 && b >= 0 && c >= 0) || (a <= 0 && b <= 0 && c <= 0);
}

function opensTo(p, q) {
  const convex = cross(p.prev.x, p.prev.y, p.x, p.y, p.next.x, p.next.y) >= 0;
  const afterPrev = cross(p.x, p.y, p.next.x, p.next.y, q.x, q.y) >= 0;
  const beforeNext = cross(p.prev.x, p.prev.y, p.x, p.y, q.x, q.y) >= 0;
  return convex ? afterPrev && beforeNext : afterPrev || beforeNext;
}

function joinHole(hole, outer) {
  let left = hole;
  for (let p = hole.next; p !== hole; p = p.next) if (p.x < left.x || (p.x === left.x && p.y < left.y)) left = p;
  const bridge = findBridge(left, outer);
  if (!bridge) return outer;
  const backBridge = { ...bridge };
  const backHole = { ...left };
  const after = bridge.next;
  const before = left.prev;
  bridge.next = left;
  left.prev = bridge;
  before.next = backHole;
  backHole.prev = before;
  backHole.next = backBridge;
  backBridge.prev = backHole;
  backBridge.next = after;
  after.prev = backBridge;
  return bridge;
}

// At a corner of a triangle, from one of its sides to the other: whether an edge of another part of the ring that has a vertex there
// runs into the triangle. Bridges to holes put several vertices at one place.
function enters(p, from, to) {
  const inside = (q) => cross(p.x, p.y, from.x, from.y, q.x, q.y) > 0 && cross(p.x, p.y, to.x, to.y, q.x, q.y) < 0;
  return inside(p.prev) || inside(p.next);
}

function isEar(node) {
  const { prev: a, next: c } = node;
  if (cross(a.x, a.y, node.x, node.y, c.x, c.y) <= 0) return false;
  const x0 = Math.min(a.x, node.x, c.x);
  const x1 = Math.max(a.x, node.x, c.x);
  const y0 = Math.min(a.y, node.y, c.y);
  const y1 = Math.max(a.y, node.y, c.y);
  for (let p = c.next; p !== a; p = p.next) {
    if (p.x < x0 || p.x > x1 || p.y < y0 || p.y > y1) continue;
    if (p.x === a.x && p.y === a.y) {
      if (enters(p, node, c)) return false;
      continue;
    }
    if (p.x === c.x && p.y === c.y) {
      if (enters(p, a, node)) return false;
      continue;
    }
    if (p.x === node.x && p.y === node.y) {
      if (enters(p, c, a)) return false;
      continue;
    }
    if (cross(p.prev.x, p.prev.y, p.x, p.y, p.next.x, p.next.y) <= 0 && inTriangle(p.x, p.y, a, node, c)) return false;
  }
  return true;
}

/**
 * Triangles of one polygon.
 * @param points flat [x, y, …] of all rings, each closed (last point repeats the first)
 * @param ends   index (in points) after the last point of each ring; the first ring is the outer one
 * @param out    array that receives vertex indices, three a triangle
 * @param offset added to each index
 */
export function triangulate(points, ends, out, offset = 0) {
  if (ends.length === 1 && ends[0] === 4) {
    out.push(offset, offset + 1, offset + 2);
    return;
  }
  let ring = link(points, 0, ends[0] - 1, true);
  const holes = [];
  for (let h = 1; h < ends.length; h++) {
    if (ends[h] - 1 - ends[h - 1] >= 3) holes.push(link(points, ends[h - 1], ends[h] - 1, false));
  }
  // Holes are joined from left to right, so that a bridge never crosses a hole that is not joined yet.
  const leftOf = (hole) => {
    let x = hole.x;
    for (let p = hole.next; p !== hole; p = p.next) x = Math.min(x, p.x);
    return x;
  };
  holes.sort((a, b) => leftOf(a) - leftOf(b));
  for (const hole of holes) ring = joinHole(hole, ring);

  let stop = ring;
  while (ring.prev !== ring.next) {
    const { prev, next } = ring;
    const flat = cross(prev.x, prev.y, ring.x, ring.y, next.x, next.y) === 0;
    if (flat || isEar(ring)) {
      if (!flat) out.push(offset + prev.i, offset + ring.i, offset + next.i);
      prev.next = next;
      next.prev = prev;
      // Skipping the next vertex avoids long slivers fanning out of one corner.
      ring = next.next;
      stop = next.next;
      continue;
    }
    ring = next;
    if (ring === stop) break; // self-crossing rest: nothing left that is certainly inside
  }
}
