// How the camera frames things: their box, and the room that the panels leave.

import { byId } from "./dom.js";

export const NARROW = 760;

/** The box [west, south, east, north] of a geometry, or null where there is no place in it. */
export function boxOf(geometry) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (node) => {
    if (typeof node[0] !== "number") return node.forEach(visit);
    box[0] = Math.min(box[0], node[0]);
    box[1] = Math.min(box[1], node[1]);
    box[2] = Math.max(box[2], node[0]);
    box[3] = Math.max(box[3], node[1]);
  };
  if (geometry?.coordinates) visit(geometry.coordinates);
  return Number.isFinite(box[0]) ? box : null;
}

function padding(state) {
  const narrow = innerWidth < NARROW;
  const panel = document.body.classList.contains("no-panel") || narrow || state.embed ? 0 : byId("panel").offsetWidth + 20;
  const card = byId("card").hidden || narrow ? 0 : 340;
  return { left: panel + 40, right: card + 70, top: 60, bottom: 60 };
}

/** Glides to a box, keeping pitch and bearing. `closest` is the deepest zoom that makes sense for what is there. */
export function frameBox(map, box, closest = 18) {
  if (!box) return;
  const { pitch, bearing } = map.state.camera;
  map.go({ ...map.cameraFor(box, padding(map.state), closest), pitch, bearing });
}

/** Whether a box lies in the part of the map that no panel covers. */
export function isInSight(map, [west, south, east, north]) {
  const { left, right } = padding(map.state);
  const { width, height } = map.deck;
  return [[west, south], [west, north], [east, south], [east, north]].map((place) => map.viewport().project(place))
    .every(([x, y]) => x > left - 40 && x < width - right + 40 && y > 0 && y < height);
}

/** The middle of the part of the map that no panel covers, in pixels. */
export function visibleMiddle(map) {
  const { width, height } = map.deck;
  const { left, right } = padding(map.state);
  return [(left + width - right) / 2, height / 2];
}

/** The place there. */
export function visibleCentre(map) {
  return (map.viewport() && map.placeAt(...visibleMiddle(map))) ?? [map.state.camera.lon, map.state.camera.lat];
}
