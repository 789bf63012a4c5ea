// The line at the bottom: where the cursor is, zoom, scale.

import { formatDegrees, formatPlane, scaleBar } from "./coordinates.js";
import { byId } from "./dom.js";
import { say } from "./i18n.js";

export function showPosition(lon, lat) {
  byId("degrees").textContent = formatDegrees(lon, lat);
  byId("plane").textContent = formatPlane(lon, lat);
}

export function showScale({ lat, zoom }) {
  const bar = scaleBar(lat, zoom);
  byId("scale-bar").style.width = `${bar.px.toFixed(1)}px`;
  byId("scale-text").textContent = bar.label;
  byId("zoom").textContent = `${say("level")} ${zoom.toFixed(1)}`;
}
