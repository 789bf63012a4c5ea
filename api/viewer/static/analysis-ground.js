// Sets what the analyses lay over the map on the relief: areas and cells in pieces with the height of the ground at their corners, points and
// lines on the ground, lines of sight from the height of the eye to that of the target. What is flat stays flat without the relief.

import { cutLine, cutPolygon } from "./analysis-cut.js";
import { blockingPoints } from "./analysis-looks.js";
import { placeAway } from "./analysis-measure.js";
import { boxOf } from "./framing.js";
import { groundWithin } from "./scene-ground.js";

const SQUARES = 128; // across what is set on the ground
const LEAST_M = 5; // width of a square: terrains are coarser
const ABOVE = 0.06; // of the width of a square: as far as it may be off between its corners
const MARGIN = 0.004; // degrees round what was last asked about: a shape that grows asks again only now and then
const METRES_A_DEGREE = 111_320;

/** Heights of the ground below features, fetched once for a place and a relief. */
export class GroundBelow {
  /** @param onChange called when heights have come */
  constructor(onChange) {
    this.onChange = onChange;
    this.held = null; // {box, terrain, under}; `under` is null until it has come
  }

  /** A function of lon and lat that gives metres for what lies in a box; null while it is on its way. */
  within(box, terrain) {
    const { held } = this;
    if (held?.terrain === terrain && covers(held.box, box)) return held.under;
    const [west, south, east, north] = box;
    const wanted = { box: [west - MARGIN, south - MARGIN, east + MARGIN, north + MARGIN], terrain, under: held?.terrain === terrain ? held.under : null };
    this.held = wanted;
    groundWithin(terrain, wanted.box).then((under) => {
      // Where the terrain ends, the page draws its other layers at 0 as well.
      wanted.under = (lon, lat) => under(lon, lat) ?? 0;
      if (this.held === wanted) this.onChange();
    });
    return wanted.under;
  }
}

const covers = (box, [west, south, east, north]) => box[0] <= west && box[1] <= south && box[2] >= east && box[3] >= north;

/** The box round features [west, south, east, north]; null where there are none. */
export const boxAround = (features) => boxOf({ coordinates: features.map(({ geometry }) => geometry.coordinates) });

/** The squares of what lies in a box: {step in degrees, above in metres}. */
export function squaresOf([west, south, east, north]) {
  const narrow = Math.cos((((south + north) / 2) * Math.PI) / 180);
  const width = Math.max(LEAST_M, (Math.max((east - west) * narrow, north - south) * METRES_A_DEGREE) / SQUARES);
  return { step: [width / METRES_A_DEGREE / narrow, width / METRES_A_DEGREE], above: ABOVE * width };
}

/** Features with heights at all corners and enough of them; what has a `height_m` stands level on the lowest ground, like a house. */
export function setOnGround(features, under) {
  if (!features.length) return features;
  const { step, above } = squaresOf(boxAround(features));
  return features.map((feature) => {
    const { type, coordinates } = feature.geometry;
    const place = ([lon, lat]) => [lon, lat, under(lon, lat) + above];
    const ring = (line) => cutLine(line, step).map(place);
    const set = { Point: place, MultiPoint: (all) => all.map(place), LineString: ring, MultiLineString: (all) => all.map(ring), Polygon: (all) => all.map(ring), MultiPolygon: (all) => all.map((part) => part.map(ring)) }[type];
    const raised = set(coordinates);
    return { ...feature, geometry: { type, coordinates: feature.properties.height_m > 0 ? level(raised) : raised } };
  });
}

function level(coordinates) {
  const heights = coordinates.flat(Infinity).filter((_, i) => i % 3 === 2);
  const lowest = heights.reduce((least, height) => Math.min(least, height), Infinity);
  const lower = (node) => (typeof node[0] === "number" ? [node[0], node[1], lowest] : node.map(lower));
  return lower(coordinates);
}

/**
 * The parts of an answer on the ground: {points, shapes, edges, fills, blocked}: `fills` are areas in pieces, and only lines are left of the shapes.
 * @param parts  of `partsOf`
 * @param heightOf gives the height of an end of a line of sight: (properties, "from" or "to", height of the ground there)
 */
export function answerOnGround({ points, shapes }, under, { cells_m, heightOf }) {
  const drawn = [...points, ...shapes];
  if (!drawn.length) return { points, shapes, edges: [], fills: [], blocked: [] };
  const { step, above } = squaresOf(boxAround(drawn));
  const place = ([lon, lat]) => [lon, lat, under(lon, lat) + above];
  const lines = [];
  const edges = [];
  const fills = [];
  const fill = (properties, rings, isCell = false) => fills.push({ properties, isCell, geometry: { coordinates: rings.map((ring) => ring.map(place)) } });
  for (const feature of shapes) {
    const { geometry, properties } = feature;
    const { type, coordinates } = geometry;
    if (isSight(feature)) {
      const ends = ["from", "to"].map((end, i) => [...coordinates[i].slice(0, 2), heightOf(properties, end, under(...coordinates[i]))]);
      lines.push({ ...feature, geometry: { type, coordinates: ends } });
    } else if (/Line/.test(type)) lines.push(...setOnGround([feature], under));
    for (const rings of type === "Polygon" ? [coordinates] : type === "MultiPolygon" ? coordinates : []) {
      for (const piece of cutPolygon(rings, step)) fill(properties, piece);
      const closed = rings.map((ring) => cutLine(ring, step).map(place));
      edges.push({ type: "Feature", properties, geometry: { type: "MultiLineString", coordinates: closed } });
    }
  }
  if (cells_m) for (const { geometry, properties } of points) fill(properties, [squareRound(geometry.coordinates, cells_m)], true);
  return {
    points: cells_m ? [] : points.map((feature) => ({ ...feature, geometry: { type: "Point", coordinates: place(feature.geometry.coordinates) } })),
    shapes: lines, edges, fills, blocked: blockingPoints(lines),
  };
}

const isSight = ({ geometry, properties }) => geometry.type === "LineString" && geometry.coordinates.length === 2 && Number.isFinite(properties.distance_m);

function squareRound(place, width) {
  const corners = [45, 315, 225, 135].map((azimuth) => placeAway(place, width * Math.SQRT1_2, azimuth));
  return [...corners, corners[0]];
}

/**
 * How high the ends of lines of sight are, from an answer: as it says where its heights count from the datum of the relief; above level
 * ground that was stated, as high above the ground that is drawn; on the ground where the datum is another or unknown.
 */
export function sightHeights({ inputs, verticalDatum }, { datum }) {
  const isTrue = verticalDatum?.id === datum && datum !== "unknown";
  return (properties, end, ground) => {
    const height = properties[`${end}_elevation_m`];
    if (!Number.isFinite(height)) return ground;
    if (Number.isFinite(inputs.ground_m)) return ground + height - inputs.ground_m;
    return isTrue ? height : ground;
  };
}
