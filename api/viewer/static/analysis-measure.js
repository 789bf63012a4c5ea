// Lengths and areas of what is drawn, for the reader's eye: on the ellipsoid's own radii in the middle of the shape, which is
// right to a few parts in a thousand over a city. Numbers of answers come from the server, never from here.

const A = 6378137;
const E2 = 0.00669438002290; // of CGCS2000, f = 1 : 298.257222101
const RADIANS = Math.PI / 180;

/** A function from degrees to metres east and north of a place. */
export function metresRound([lon0, lat0]) {
  const w = 1 - E2 * Math.sin(lat0 * RADIANS) ** 2;
  const north = (A * (1 - E2)) / w ** 1.5;
  const east = (A / Math.sqrt(w)) * Math.cos(lat0 * RADIANS);
  return ([lon, lat]) => [(lon - lon0) * RADIANS * east, (lat - lat0) * RADIANS * north];
}

/** The place so many metres from another in a direction, clockwise from north. */
export function placeAway([lon, lat], metres, azimuth) {
  const [east, north] = metresRound([lon, lat])([lon + 1, lat + 1]);
  return [lon + (metres * Math.sin(azimuth * RADIANS)) / east, lat + (metres * Math.cos(azimuth * RADIANS)) / north];
}

/** Metres along a line of [lon, lat]. */
export function lengthOf(line) {
  const plane = line.map(metresRound(line[0]));
  return plane.slice(1).reduce((sum, [x, y], i) => sum + Math.hypot(x - plane[i][0], y - plane[i][1]), 0);
}

function ringArea(ring) {
  const plane = ring.map(metresRound(ring[0]));
  return Math.abs(plane.reduce((sum, [x, y], i) => sum + x * plane[(i + 1) % plane.length][1] - plane[(i + 1) % plane.length][0] * y, 0)) / 2;
}

/** Square metres of the rings of a polygon. */
export const areaOf = ([outer, ...holes]) => ringArea(outer) - holes.reduce((sum, hole) => sum + ringArea(hole), 0);

const side = ([ax, ay], [bx, by], [cx, cy]) => Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));

/** Whether a closed ring (first corner not repeated) crosses itself. */
export function crossesItself(ring) {
  const edges = ring.map((corner, i) => [corner, ring[(i + 1) % ring.length]]);
  return edges.some(([a, b], i) => edges.some(([c, d], j) => {
    if (j <= i + 1 || (i === 0 && j === edges.length - 1)) return false;
    return side(a, b, c) !== side(a, b, d) && side(c, d, a) !== side(c, d, b);
  }));
}

/** Metres from a place to a line, and where along it the nearest point lies (index of the corner before it, share of that edge). */
export function nearestOn(line, place) {
  const plane = line.map(metresRound(place));
  let best = { metres: Infinity, index: 0, share: 0 };
  plane.slice(1).forEach(([x, y], i) => {
    const [px, py] = plane[i];
    const [dx, dy] = [x - px, y - py];
    const share = Math.min(1, Math.max(0, -(px * dx + py * dy) / (dx * dx + dy * dy || 1)));
    const metres = Math.hypot(px + share * dx, py + share * dy);
    if (metres < best.metres) best = { metres, index: i, share };
  });
  return best;
}
