// How line widths and circles of a style grow with the zoom. A style gives sizes for zoom 15.

function along(stops, zoom) {
  if (zoom <= stops[0][0]) return stops[0][1];
  for (let i = 1; i < stops.length; i++) {
    const [z1, s1] = stops[i];
    if (zoom <= z1) {
      const [z0, s0] = stops[i - 1];
      return s0 * (s1 / s0) ** ((zoom - z0) / (z1 - z0)); // sizes grow by a factor a zoom, as the ground does
    }
  }
  return stops.at(-1)[1];
}

const WIDTHS = [[8, 0.28], [10, 0.4], [12, 0.6], [14, 1], [15, 1.5], [16, 2.4], [17, 4], [18, 7], [20, 16]];
// Borders are read, not driven on: they hardly grow.
const BORDERS = [[6, 0.55], [9, 0.75], [12, 1], [20, 1.3]];
const RADII = [[9, 0.4], [11, 0.5], [13, 0.72], [15, 1], [17, 1.3], [20, 1.7]];

// The scale the map was last given is rounded, so that a slow zoom does not rebuild layers at every frame.
export const roundZoom = (zoom) => Math.round(zoom * 4) / 4;
export const widthScale = (zoom, border = false) => along(border ? BORDERS : WIDTHS, zoom);
export const radiusScale = (zoom) => along(RADII, zoom);

// A glyph smaller than some eight pixels is only dirt in the circle.
export const glyphScale = (zoom) => (radiusScale(zoom) < 0.84 ? 0 : radiusScale(zoom));

// Points of a cloud: from near by they grow, so that walls and ground stay closed.
const POINTS = [[16, 1], [18, 1.3], [19, 2], [20.5, 4]];
export const pointScale = (zoom) => along(POINTS, zoom);
