// Earth-centred metres to longitude and latitude in degrees and height in metres, on the ellipsoid of WGS 84 (CGCS2000's is the same to
// 0.1 mm). Bowring's formula, as twin/ellipsoid.py has it.

const A = 6378137;
const F = 1 / 298.257223563;
const B = A * (1 - F);
const E2 = F * (2 - F);
const SECOND = E2 / (1 - E2);
const DEGREES = 180 / Math.PI;

export function geodetic(x, y, z) {
  const across = Math.hypot(x, y);
  let reduced = Math.atan2(z * A, across * B);
  let phi = reduced;
  for (let round = 0; round < 2; round++) {
    phi = Math.atan2(z + SECOND * B * Math.sin(reduced) ** 3, across - E2 * A * Math.cos(reduced) ** 3);
    reduced = Math.atan2((1 - F) * Math.sin(phi), Math.cos(phi));
  }
  const [sin, cos] = [Math.sin(phi), Math.cos(phi)];
  return [Math.atan2(y, x) * DEGREES, phi * DEGREES, across * cos + z * sin - A * Math.sqrt(1 - E2 * sin * sin)];
}
