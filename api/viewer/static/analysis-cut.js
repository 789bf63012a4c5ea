// Polygons and lines in pieces that are short enough to follow the ground: what lies between two corners is straight.
// Method: each piece is halved along a grid, all rings by the same line (I. Sutherland and G. Hodgman, "Reentrant polygon clipping", 1974).

const AREA_SHARE = 1e-9; // of a square: less than this is no piece

/**
 * The parts of a polygon in the squares of a grid.
 * @param rings closed rings of [lon, lat], the outer one first
 * @param step  width and height of a square in degrees
 * @returns polygons, each a list of rings
 */
export function cutPolygon(rings, step) {
  if (isSmall(rings[0], step)) return [rings];
  const pieces = [];
  const span = (part, axis) => {
    let [low, high] = [Infinity, -Infinity];
    for (const place of part[0]) [low, high] = [Math.min(low, place[axis]), Math.max(high, place[axis])];
    return [Math.floor(low / step[axis]), Math.ceil(high / step[axis])];
  };
  const halve = (part, axis, [from, to]) => {
    if (to - from > 1) {
      const middle = (from + to) >> 1;
      for (const [sign, range] of [[-1, [from, middle]], [1, [middle, to]]]) {
        const half = clip(part, axis, middle * step[axis], sign);
        if (half) halve(half, axis, range);
      }
    } else if (axis === 0) halve(part, 1, span(part, 1));
    else if (areaOf(part) > AREA_SHARE * step[0] * step[1]) pieces.push(part);
  };
  halve(rings, 0, span(rings, 0));
  return pieces;
}

// What is no larger than a square is straight enough as it is.
function isSmall(ring, step) {
  return [0, 1].every((axis) => {
    const from = ring[0][axis];
    return ring.every((place) => Math.abs(place[axis] - from) <= step[axis]);
  });
}

/** A line with corners so close that none of its edges crosses more than one square. */
export function cutLine(line, step) {
  const found = line.slice(0, 1);
  for (let i = 1; i < line.length; i++) {
    const [from, to] = [line[i - 1], line[i]];
    const count = Math.max(1, Math.ceil(Math.max(...[0, 1].map((axis) => Math.abs(to[axis] - from[axis]) / step[axis]))));
    for (let n = 1; n < count; n++) found.push([0, 1].map((axis) => from[axis] + (n / count) * (to[axis] - from[axis])));
    found.push(to);
  }
  return found;
}

// What lies on one side of a line; null where nothing does. A hole as large as what is round it is seen by its area at the end.
function clip(rings, axis, at, sign) {
  const [outer, ...holes] = rings.map((ring) => clipRing(ring, axis, at, sign));
  return outer && [outer, ...holes.filter(Boolean)];
}

function clipRing(ring, axis, at, sign) {
  const kept = [];
  for (let i = 0; i + 1 < ring.length; i++) {
    const [a, b] = [ring[i], ring[i + 1]];
    const [from, to] = [sign * (a[axis] - at), sign * (b[axis] - at)];
    if (from >= 0) kept.push(a);
    if (from * to >= 0) continue;
    const share = from / (from - to);
    const crossing = [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
    crossing[axis] = at;
    kept.push(crossing);
  }
  return kept.length < 3 ? null : [...kept, kept[0]];
}

// Square degrees, from the first corner: of numbers as large as degrees, differences would be lost.
function ringArea(ring) {
  const [x0, y0] = ring[0];
  let area = 0;
  for (let i = 1; i + 1 < ring.length; i++) area += (ring[i][0] - x0) * (ring[i + 1][1] - y0) - (ring[i + 1][0] - x0) * (ring[i][1] - y0);
  return Math.abs(area) / 2;
}

const areaOf = ([outer, ...holes]) => holes.reduce((area, hole) => area - ringArea(hole), ringArea(outer));
