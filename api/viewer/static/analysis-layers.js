// What the analyses lay over the map, as deck.gl layers: the places of the question, what is being drawn, the answer, and the place
// that a chart points at. None of it can be clicked: clicks go to the features below.

import { blockingPoints } from "./analysis-looks.js";

const { deck } = globalThis;

const ASKED = { light: [31, 91, 130], dark: [134, 189, 226] };
const DRAWN = { light: [214, 92, 20], dark: [255, 196, 84] };
const ALWAYS = { depthCompare: "always" };
const BEHIND_HILLS = { depthCompare: "less-equal", depthWriteEnabled: true };
const isPoint = ({ geometry }) => /Point/.test(geometry?.type ?? "");

// What stands on the relief has true heights; the ground in the middle of the map lies at 0 in the view.
const lowered = (ground) => (ground ? { modelMatrix: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, -ground, 1] } : {});

function outline(id, data, colour, fillAlpha, halo, ground = 0) {
  return new deck.GeoJsonLayer({
    id, data, ...lowered(ground), filled: true, stroked: true,
    getFillColor: (feature) => (isPoint(feature) ? [...colour, 255] : [...colour, fillAlpha]),
    getLineColor: (feature) => (isPoint(feature) ? [255, 255, 255, 255] : [...colour, 255]),
    getLineWidth: 2, lineWidthUnits: "pixels", lineWidthMinPixels: 1, lineJointRounded: true, lineCapRounded: true,
    pointRadiusUnits: "pixels", getPointRadius: halo, parameters: ALWAYS, updateTriggers: { getLineColor: colour, getFillColor: colour },
  });
}

/** What is asked and what is being drawn; planned volumes stand up in 3D. `ground`: height in the middle of the map, 0 on a flat one. */
export function questionLayers(asked, drawn, { theme, threeD, ground }) {
  const layers = [];
  const volumes = threeD ? asked.filter(({ properties }) => properties.height_m > 0) : [];
  if (volumes.length) {
    layers.push(new deck.GeoJsonLayer({
      id: "onemap-analysis-volumes", data: volumes, ...lowered(ground), extruded: true, wireframe: true, getElevation: ({ properties }) => properties.height_m,
      getFillColor: [...ASKED[theme], 150], getLineColor: [...ASKED[theme], 255], updateTriggers: { getFillColor: theme, getLineColor: theme },
    }));
  }
  if (asked.length) layers.push(outline("onemap-analysis-asked", asked, ASKED[theme], 14, 6, ground));
  if (drawn.length) layers.push(outline("onemap-analysis-drawn", drawn, DRAWN[theme], 40, 5, ground));
  return layers;
}

/** The parts of an answer, sorted once, so that the same arrays go to the map at every frame. */
export function partsOf({ features }) {
  const drawn = features.filter(({ geometry }) => geometry);
  return { points: drawn.filter(isPoint), shapes: drawn.filter((feature) => !isPoint(feature)), blocked: blockingPoints(drawn) };
}

// Areas, and cells round points, in pieces that follow the relief; hills in front of them hide them.
function groundLayers({ fills, edges }, look, ground) {
  const layers = [];
  if (fills.length) {
    layers.push(new deck.SolidPolygonLayer({
      id: "onemap-analysis-fills", data: fills, ...lowered(ground), getPolygon: ({ geometry }) => geometry.coordinates,
      getFillColor: ({ properties, isCell }) => (isCell && look.cell?.(properties)) || look.colour(properties),
      parameters: BEHIND_HILLS, updateTriggers: { getFillColor: look },
    }));
  }
  if (edges.length) {
    layers.push(new deck.GeoJsonLayer({
      id: "onemap-analysis-edges", data: edges, ...lowered(ground), getLineColor: ({ properties }) => look.edge(properties),
      getLineWidth: 0.6, lineWidthUnits: "pixels", parameters: BEHIND_HILLS, updateTriggers: { getLineColor: look },
    }));
  }
  return layers;
}

/**
 * The answer, flat (`partsOf`) or on the relief (`answerOnGround`). `step_m` is the spacing of points, `marked` a place that a chart
 * points at, `ground` the height in the middle of the map, 0 on a flat one.
 */
export function answerLayers({ points, shapes, blocked, fills = [], edges = [] }, look, { step_m, isGrid, marked, ray, theme, ground }) {
  const layers = groundLayers({ fills, edges }, look, ground);
  const key = look;
  const low = lowered(ground);
  if (shapes.length) {
    layers.push(new deck.GeoJsonLayer({
      id: "onemap-analysis-shapes", data: shapes, ...low, filled: true, stroked: true,
      getFillColor: ({ properties }) => look.colour(properties),
      getLineColor: ({ properties }) => look.edge(properties),
      getLineWidth: ({ geometry }) => (/Line/.test(geometry.type) ? 3 : 0.6), lineWidthUnits: "pixels",
      lineCapRounded: true, parameters: ALWAYS, updateTriggers: { getFillColor: key, getLineColor: key },
    }));
  }
  if (points.length && isGrid) {
    layers.push(new deck.ColumnLayer({ // a square round each point of a grid
      id: "onemap-analysis-grid", data: points, diskResolution: 4, angle: 45, radius: (step_m * Math.SQRT2) / 2, extruded: false,
      getPosition: ({ geometry }) => geometry.coordinates, getFillColor: ({ properties }) => look.cell?.(properties) ?? look.colour(properties),
      parameters: ALWAYS, updateTriggers: { getFillColor: key },
    }));
  } else if (points.length) {
    layers.push(new deck.ScatterplotLayer({
      id: "onemap-analysis-points", data: points, ...low, stroked: true,
      getPosition: ({ geometry }) => geometry.coordinates, getFillColor: ({ properties }) => look.colour(properties),
      getLineColor: ({ properties }) => look.edge(properties), getLineWidth: 1.5, lineWidthUnits: "pixels",
      getRadius: (step_m || 5) * 0.46, radiusMinPixels: 3, radiusMaxPixels: 26, parameters: ALWAYS,
      updateTriggers: { getFillColor: key, getLineColor: key },
    }));
  }
  if (blocked.length) {
    layers.push(new deck.ScatterplotLayer({
      id: "onemap-analysis-blocked", data: blocked, ...low, stroked: true, getPosition: ({ geometry }) => geometry.coordinates,
      getFillColor: [255, 255, 255], getLineColor: [213, 94, 0], getLineWidth: 2.5, lineWidthUnits: "pixels",
      getRadius: 5, radiusUnits: "pixels", parameters: ALWAYS,
    }));
  }
  if (ray) layers.push(outline("onemap-analysis-ray", [ray], DRAWN[theme], 0, 0, ground));
  if (marked) layers.push(outline("onemap-analysis-marked", [marked], DRAWN[theme], 0, 8, ground));
  return layers;
}

