// Degrees (CGCS2000, EPSG:4490) ↔ metres of the city's own plane (EPSG:4549: Gauss-Krüger, central meridian 120° E,
// false easting 500 000 m). Krüger's series to n⁴, exact to well below a millimetre within ±3° of the meridian.
// Source: L. Krüger 1912, as in C. Karney, "Transverse Mercator with an accuracy of a few nanometers", eqs. 7–35.

const A = 6378137;
const F = 1 / 298.257222101;
const MERIDIAN = 120;
const FALSE_EASTING = 500000;

const N = F / (2 - F);
const E = Math.sqrt(F * (2 - F));
const RADIUS = (A / (1 + N)) * (1 + N ** 2 / 4 + N ** 4 / 64);
const ALPHA = [
  N / 2 - (2 * N ** 2) / 3 + (5 * N ** 3) / 16 + (41 * N ** 4) / 180,
  (13 * N ** 2) / 48 - (3 * N ** 3) / 5 + (557 * N ** 4) / 1440,
  (61 * N ** 3) / 240 - (103 * N ** 4) / 140,
  (49561 * N ** 4) / 161280,
];
const RADIANS = Math.PI / 180;

/** @returns {{e: number, n: number} | null} metres; null more than 6° from the meridian, where the plane means nothing. */
export function toPlane(lon, lat) {
  const dLon = (lon - MERIDIAN) * RADIANS;
  if (Math.abs(lon - MERIDIAN) > 6 || Math.abs(lat) > 89) return null;
  const sin = Math.sin(lat * RADIANS);
  const t = Math.sinh(Math.atanh(sin) - E * Math.atanh(E * sin));
  const xi = Math.atan2(t, Math.cos(dLon));
  const eta = Math.atanh(Math.sin(dLon) / Math.hypot(1, t));
  let n = xi;
  let e = eta;
  ALPHA.forEach((alpha, i) => {
    const k = 2 * (i + 1);
    n += alpha * Math.sin(k * xi) * Math.cosh(k * eta);
    e += alpha * Math.cos(k * xi) * Math.sinh(k * eta);
  });
  return { e: FALSE_EASTING + RADIUS * e, n: RADIUS * n };
}

/** Degrees with six decimals (0.1 m), for reading aloud and copying. */
export function formatDegrees(lon, lat) {
  return `${Math.abs(lon).toFixed(6)}°${lon < 0 ? "W" : "E"}  ${Math.abs(lat).toFixed(6)}°${lat < 0 ? "S" : "N"}`;
}

/** Easting and northing in metres, or a dash where 4549 does not reach. */
export function formatPlane(lon, lat) {
  const plane = toPlane(lon, lat);
  return plane ? `E ${plane.e.toFixed(2)}  N ${plane.n.toFixed(2)}` : "—";
}

const NICE = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000, 1e6, 2e6];

/** Length in metres and pixels of a scale bar not wider than `maxPx`, in the middle of the map. */
export function scaleBar(lat, zoom, maxPx = 110) {
  const metresPerPixel = (2 * Math.PI * A * Math.cos(lat * RADIANS)) / (512 * 2 ** zoom);
  const metres = NICE.filter((nice) => nice / metresPerPixel <= maxPx).at(-1) ?? NICE[0];
  return { metres, px: metres / metresPerPixel, label: metres >= 1000 ? `${metres / 1000} km` : `${metres} m` };
}
