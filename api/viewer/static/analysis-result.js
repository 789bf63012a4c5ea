// An answer in words and numbers: legend, values with units, what it rests on and how good it is. Null is said to be unknown.

import { css, minutesWords } from "./analysis-looks.js";
import { unitOf } from "./analysis-schema.js";
import { CODES, INPUTS, VALUES } from "./analysis-terms.js";
import { geometryOf } from "./analysis-places.js";
import { element } from "./dom.js";
import { formatDate, formatDistance, formatNumber, pick, say } from "./i18n.js";

const MOST_ROWS = 12;
const FIRST = ["minutesMean", "minutesLeast", "verdicts", "seenBy", "coveredShare", "areas_m2"]; // the last one on top
const word = (table, name, otherwise = name) => (table[name] ? pick({ zh: table[name][0], en: table[name][1] }) : otherwise.replaceAll("_", " "));

/** A number of an answer with its unit; `name` is the one of the API that the unit stands in. */
export function valueWords(name, value) {
  if (value === null || value === undefined) return say("unknown");
  if (typeof value === "boolean") return say(value ? "yes" : "no");
  if (typeof value === "string") return CODES[value] ? word(CODES, value) : /^\d{4}-\d\d-\d\dT/.test(value) ? formatDate(value, true, "Asia/Shanghai") : value;
  if (/^minutes|_min$|Minutes$/.test(name)) return minutesWords(value);
  if (/Share$|^skyView/.test(name)) return `${formatNumber(rounded(value * 100))} %`;
  const unit = unitOf(name) || (/Hour$/.test(name) ? "h" : "");
  return `${formatNumber(rounded(value))}${unit && (unit === "°" ? unit : ` ${unit}`)}`;
}

// Four figures of what is small, whole numbers of what is large: an answer is not more exact than that.
const rounded = (value) => (Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(4)));

const isList = (value) => Array.isArray(value);

/** @param on {open(layer, id)} */
export function resultNodes(document, look, { inputName, on }) {
  const { answer, features } = document;
  return [
    legendNode(look),
    features.some(({ geometry }) => geometry) ? null : element("p", { class: "soft" }, say("nothingDrawn")),
    element("h3", { class: "card-section" }, say("numbers")),
    element("dl", { class: "rows numbers" }, inOrder(answer.values).map(([name, value]) => valueRows(name, value, answer, on))),
    partsTable(document, on),
    restsOn(answer, inputName),
  ];
}

function legendNode({ legend, ramp, shares = [] }) {
  const sample = ({ colour, ring }) => element("span", { class: `sample${ring ? " ring" : ""}`, style: { background: css(colour), borderColor: ring ? css(ring) : "transparent" } });
  if (!legend.length && !ramp) return null;
  return element("div", { class: "analysis-legend", role: "group", "aria-label": say("legend") },
    shares.length ? element("div", { class: "shares", "aria-hidden": "true" }, shares.map(({ colour, share, title }) =>
      element("span", { title, style: { background: css(colour), flexGrow: share } }))) : null,
    ramp ? element("div", { class: "ramp" },
      element("div", { class: "ramp-bar", style: { background: `linear-gradient(90deg, ${ramp.colours.join(", ")})` } }),
      element("div", { class: "ramp-ends" }, element("span", {}, ramp.low),
        ramp.mark ? element("span", { class: "ramp-mark", style: { left: `${100 * ramp.mark.share}%` } }, ramp.mark.words) : null, element("span", {}, ramp.high))) : null,
    legend.length ? element("ul", { class: "legend-list" }, legend.map((entry) => element("li", {}, sample(entry), element("span", {}, entry.title)))) : null);
}

// What was asked for before what it was counted from.
const inOrder = (values) => Object.entries(values).sort(([a], [b]) => (FIRST.indexOf(b) - FIRST.indexOf(a)));

function valueRows(name, value, answer, on, path = name) {
  if (isList(value)) return listRow(name, value, answer, on);
  if (value && typeof value === "object") {
    if (value.id && value.title) return [element("dt", {}, word(INPUTS, name)), element("dd", {}, pick(value.title))];
    if (name === "worst" || name === "cameraProperties") return null; // the first row of the table; said below
    const total = unitOf(name) === "m²" ? (value.area ?? Object.values(value).reduce((sum, part) => sum + part, 0)) : 0;
    return [
      element("dt", { class: "rows-group" }, word(VALUES, VALUES[`${name}.`] ? `${name}.` : name)), element("dd", { class: "rows-group" }),
      Object.entries(value).map(([part, number]) => {
        if (number && typeof number === "object") return nestedRow(part, number);
        const unit = unitOf(name) ? name : part;
        return [
          element("dt", { class: "sub" }, part.split("→").map((name) => word(VALUES, name)).join(" → ")),
          element("dd", { "data-value": `${path}.${part}`, class: number === null ? "unknown" : null }, valueWords(unit, number),
            total && number !== null ? element("span", { class: "unit" }, ` ${formatNumber(Math.round((1000 * number) / total) / 10)} %`) : null),
        ];
      }),
    ];
  }
  return [
    element("dt", {}, word(VALUES, name)),
    element("dd", { "data-value": path, class: value === null ? "unknown" : null }, valueWords(name, value)),
  ];
}

// Counts by verdict in one line.
const nestedRow = (name, counts) => [
  element("dt", { class: "sub" }, word(VALUES, name)),
  element("dd", {}, Object.entries(counts).map(([part, number]) => `${word(VALUES, part)} ${valueWords(part, number)}`).join(" · ")),
];

// Ids of cameras; numbers of a chart and tables of their own are shown elsewhere.
function listRow(name, values, answer, on) {
  if (values.some((value) => typeof value !== "string")) return null;
  const layer = answer.inputs.cameras ?? "cameras";
  const shown = values.slice(0, MOST_ROWS).map((id) => element("button", { class: "inline-link item-link", onclick: () => on.open(layer, id) }, id));
  return [
    element("dt", {}, word(VALUES, name)),
    element("dd", { "data-value": name }, values.length ? element("span", { class: "unit" }, `${values.length} `) : say("none"), shown,
      values.length > MOST_ROWS ? say("manyParts", { n: values.length - MOST_ROWS }) : null),
  ];
}

// What stands behind the numbers one by one: lines, cameras, buildings that are too high.
function partsTable({ answer, features }, on) {
  const rows = tableRows(answer, features, on);
  if (!rows.length) return null;
  return element("ul", { class: "links result-rows" }, rows.slice(0, MOST_ROWS).map(({ name, more, open }) =>
    element("li", {}, element(open ? "button" : "div", { class: "link", onclick: open }, element("span", { class: "link-name" }, name), element("span", { class: "link-more" }, more)))),
    rows.length > MOST_ROWS ? element("li", { class: "link-more" }, say("manyParts", { n: rows.length - MOST_ROWS })) : null);
}

function tableRows({ values, inputs }, features, on) {
  const buildings = inputs.buildings ?? "buildings";
  const cameras = inputs.cameras ?? "cameras";
  if (values.byCamera) return values.byCamera.map(({ camera, seen_m2 }) => ({ name: camera, more: valueWords("seen_m2", seen_m2), open: () => on.open(cameras, camera) }));
  if (values.byBuilding) return values.byBuilding.map((entry) => ({ name: entry.building, more: buildingWords(entry), open: () => on.open(buildings, entry.building) }));
  const found = features.map(({ properties }) => properties);
  if (found.some(({ excess_m }) => excess_m !== undefined)) {
    return found.filter(({ verdict }) => verdict !== "below").map(({ building, surface, verdict, excess_m }) => ({
      name: building, more: [surface, verdict === "unknown" ? say("unknown") : say("tooHighBy", { m: formatNumber(rounded(excess_m)) })].filter(Boolean).join(" · "),
      open: () => on.open(buildings, building),
    }));
  }
  if (!found.some(({ from_elevation_m, camera }) => from_elevation_m !== undefined || camera !== undefined)) return [];
  return found.map(({ camera, verdict, distance_m, blocked_by, building, blocked_at_m }, i) => ({
    name: camera ?? say("targetNo", { n: i + 1 }),
    more: [word(VALUES, verdict), formatDistance(distance_m), blocked_by && say("hiddenBy", { k: word(CODES, blocked_by), b: building ?? "", d: formatDistance(blocked_at_m) })].filter(Boolean).join(" · "),
    open: camera ? () => on.open(cameras, camera) : building ? () => on.open(buildings, building) : null,
  }));
}

function buildingWords({ minutesLeast, skyViewLeast, verdicts = {}, mostLost_min }) {
  const counts = ["kept", "broken", "unknown"].filter((name) => verdicts[name]).map((name) => `${word(VALUES, name)} ${verdicts[name]}`);
  const lost = mostLost_min > 0 && `${word(VALUES, "mostLost_min")} ${minutesWords(mostLost_min)}`;
  const least = minutesLeast === undefined ? [] : [`${word(VALUES, "minutesLeast")} ${minutesWords(minutesLeast)}`];
  const sky = skyViewLeast === undefined ? [] : [`${word(VALUES, "skyViewLeast")} ${valueWords("skyViewLeast", skyViewLeast)}`];
  return [...least, ...sky, ...counts, lost].filter(Boolean).join(" · ");
}

function restsOn(answer, inputName) {
  const { cameraProperties } = answer.values;
  const { inputs, sources, verticalDatum, resolution_m, errors, processVersion } = answer;
  const { statement, heights, buildings, groundUnknownShare, volume_m3 } = errors;
  const without = buildings?.withoutHeight;
  const facts = [
    [say("inputsGiven"), Object.entries(inputs).filter(([name]) => name !== "register_as").map(([name, value]) => element("div", {}, `${inputName(name)}: ${inputWords(name, value)}`))],
    [say("source"), sources.map((source) => element("div", {}, sourceWords(source)))],
    [say("verticalDatumTitle"), pick(verticalDatum) || say("datumUnknown")],
    [say("resolution"), valueWords(answer.process === "skyline" ? "x_deg" : "x_m", resolution_m)],
    groundUnknownShare ? [say("groundUnknown"), valueWords("groundUnknownShare", groundUnknownShare)] : null,
    without ? [say("withoutHeight"), formatNumber(without)] : null,
    heights?.rule?.height || heights?.rule?.floors ? [say("heightsFrom"), [heights.rule.height, heights.rule.floors].filter(Boolean).join(", ")] : null,
    cameraProperties ? [say("propertiesOfCameras"), Object.values(cameraProperties).join(", ")] : null,
    volume_m3 !== undefined ? [say("standardError"), `± ${valueWords("volume_m3", volume_m3)}`] : null,
    [say("errorStatement"), pick(statement)],
    [say("processVersion"), processVersion],
  ].filter(Boolean);
  return [
    element("h3", { class: "card-section" }, say("restsOn")),
    element("dl", { class: "rows facts-list", id: "analysis-rests-on" }, facts.map(([title, value]) => [element("dt", {}, title), element("dd", {}, value)])),
  ];
}

function inputWords(name, value) {
  const geometry = geometryOf(value);
  if (geometry?.type === "Point") return geometry.coordinates.map((number) => number.toFixed(6)).join(", ");
  if (geometry) return `${geometry.type}, ${say("pointsTold", { n: geometry.coordinates.flat(Infinity).length / 2 })}`;
  if (isList(value)) return String(value.length);
  return valueWords(name, value);
}

function sourceWords(source) {
  const { layer, version, features, terrain, edition, pixel_m, ground, height_m, file, points } = source;
  if (layer) return say("sourceLayer", { l: layer, v: version, n: formatNumber(features) });
  if (terrain) return say("sourceTerrain", { t: terrain, v: edition, p: formatNumber(rounded(pixel_m)) });
  if (ground) return say("sourceGround", { h: formatNumber(height_m) });
  if (file) return say("sourceFile", { f: file, n: formatNumber(points) });
  return JSON.stringify(source);
}
