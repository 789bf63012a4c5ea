// What changed between two states, as rows a planner can read: title of the property, before → after, moves of the place.

import { element } from "./dom.js";
import { formatNumber, pick, say } from "./i18n.js";
import { validWords, valueWords } from "./values.js";

const ENOUGH = 0.005; // metres: less is the rounding of coordinates

/** @param difference  as `…/diff` gives it: {properties, time, geometry} */
export function drawDifference({ properties, time, geometry }, entry) {
  const rows = properties.map(({ name, title, unit, from, to }) => {
    const property = entry.schema?.find((candidate) => candidate.name === name) ?? {};
    return changeRow(pick(title), valueWords(property, from), valueWords(property, to), unit);
  });
  if (time) rows.push(changeRow(say("validFrom"), validWords(time.from) || say("always"), validWords(time.to) || say("always")));
  if (geometry) rows.push([element("dt", {}, say("place")), element("dd", {}, shapeWords(geometry))]);
  return rows.length ? element("dl", { class: "rows" }, rows) : element("p", { class: "soft" }, say("noDifference"));
}

function changeRow(title, before, after, unit) {
  const arrow = element("span", { class: "arrow", role: "img", "aria-label": say("became") }, " → ");
  return [
    element("dt", {}, title),
    element("dd", {}, element("del", {}, before), arrow, element("ins", {}, after), unit ? element("span", { class: "unit" }, ` ${unit}`) : null),
  ];
}

function shapeWords({ from_type, to_type, moved_m, farthest_m, length_change_m, area_change_m2 }) {
  if (!from_type || !to_type) return say(to_type ? "placeGiven" : "placeTaken");
  const told = (words, value, sign) => (Math.abs(value ?? 0) >= ENOUGH ? say(words, { m: signed(value, sign) }) : "");
  const words = [
    told("moved", moved_m), told("farthest", farthest_m), told("longer", length_change_m, true), told("larger", area_change_m2, true),
  ].filter(Boolean);
  return words.join(say("comma")) || say("reshaped");
}

const signed = (value, sign) => `${sign && value > 0 ? "+" : ""}${formatNumber(Number(value.toFixed(Math.abs(value) < 100 ? 2 : 0)))}`;
