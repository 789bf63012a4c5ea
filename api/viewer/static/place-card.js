// What is at a place: where it is in numbers, whose it is, and its codes, each of which can be copied and drawn.

import { chip, showCard } from "./card.js";
import { copyText } from "./buttons.js";
import { formatDegrees, formatPlane } from "./coordinates.js";
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { formatDistance, pick, say } from "./i18n.js";

const ADDRESS_REACH_M = 60;
const PARTS = [
  ["town", "town"], ["community", "community"], ["cell", "gridCell"], ["road", "road"], ["address", "address"], ["poi", "nearby"],
];

/**
 * @param place  of place.js: {lon, lat, at, codes, failed, code, folded}; `at` and `codes` are null until the server has answered
 * @param on     {close, open(layer, id), code(code), frame, who?}
 */
export function showPlaceCard(place, on) {
  const { lon, lat, at, codes, failed } = place;
  const waiting = at ? null : element("p", { class: "soft" }, say("loading"));
  showCard({
    title: titleOf(at),
    kicker: say("whatIsHere"),
    content: [
      coordinateRows(lon, lat, codes),
      waiting,
      at?.message ? element("p", { class: "soft" }, pick(at.message)) : null,
      at?.inside ? element("dl", { class: "rows" }, PARTS.map(([part, words]) => placeRow(part, say(words), at[part], on))) : null,
      codes ? codeGroups(codes).map((group) => codeGroup(group, place, on)) : null,
      failed ? element("p", { class: "soft bad" }, failed) : null,
    ],
    actions: [chip("target", say("zoomToPlace"), on.frame), on.who ? chip("eye", say("whoSeesThis"), on.who, { id: "who-sees-this" }) : null].filter(Boolean),
    onClose: on.close,
  });
}

// Metres come from the server where it has answered; until then the page's own arithmetic stands in.
function coordinateRows(lon, lat, codes) {
  const row = (title, hint, words, copied = words) => [
    element("dt", { title: hint }, title),
    element("dd", { class: "copyable" }, element("span", {}, words), copyButton(copied)),
  ];
  const planes = (codes?.projected ?? []).filter(({ status }) => status === "known")
    .map(({ crs, name, easting_m, northing_m }) => row(crs, name, `E ${easting_m.toFixed(2)}  N ${northing_m.toFixed(2)}`));
  return element("dl", { class: "rows coordinates" },
    row("CGCS2000", "EPSG:4490", formatDegrees(lon, lat), `${lon.toFixed(7)},${lat.toFixed(7)}`),
    planes.length ? planes : row("EPSG:4549", say("plane"), formatPlane(lon, lat)));
}

// What people call the place: its address where there is one at hand, else its town and the street it lies at.
function titleOf(at) {
  if (at?.address?.distance_m <= ADDRESS_REACH_M) return at.address.address || nameOf(at.address);
  return [nameOf(at?.town), nameOf(at?.road)].filter(Boolean).join(" · ") || say("thisPlace");
}

const nameOf = (found) => (found ? pick(found.name) || found.title : "");

function placeRow(part, title, found, on) {
  if (!found) return [element("dt", {}, title), element("dd", { class: "unknown" }, say("none"))];
  const { layer, feature, code, address, side, duty, distance_m } = found;
  const name = part === "address" ? address || nameOf(found) : nameOf(found);
  const more = [code !== name && code, pick(side), distance_m > 0 && formatDistance(distance_m), duty].filter(Boolean).join(" · ");
  return [
    element("dt", {}, title),
    element("dd", {},
      element("button", { class: "inline-link", "data-opens": `${layer}/${feature}`, onclick: () => on.open(layer, feature) }, name),
      more ? element("span", { class: "unit further" }, more) : null),
  ];
}

// Divisions and the grid cell, map sheets from small scales to large ones, BeiDou cells from large to small.
function codeGroups({ divisions, community, unit_grid, sheets, beidou }) {
  const single = (words, found, name) => (found?.status === "known" ? [{ label: say(words), code: found.code, note: name }] : []);
  const many = (found, label) => (found?.status === "known" ? found.codes.map((entry) => ({ code: entry.code, label: label(entry) })) : []);
  return [
    {
      id: "areas", title: say("codesOfAreas"),
      codes: [
        ...single("division", divisions, pick(divisions?.chain?.at(-1)?.name)),
        ...single("community", community, community?.name), ...single("gridCell", unit_grid, unit_grid?.name),
      ],
    },
    { id: "sheets", title: say("codesOfSheets"), codes: many(sheets, ({ scale }) => scale) },
    { id: "beidou", title: say("codesOfBeidou"), codes: many(beidou, ({ level, cell_size }) => say("beidouLevel", { n: level, s: cell_size })) },
  ].filter(({ codes }) => codes.length);
}

function codeGroup({ id, title, codes }, place, on) {
  const list = element("ul", { class: "codes" }, codes.map(({ code, label, note }) => element("li", {},
    element("button", { class: "code", id: `code-${id}-${code}`, "aria-pressed": String(code === place.code), title: say("drawCode"), onclick: () => on.code(code) },
      element("span", { class: "code-label" }, label), element("code", {}, code), note ? element("span", { class: "unit" }, note) : null),
    copyButton(code))));
  return element("details", { class: "code-group", open: !place.folded.has(id), ontoggle: ({ target }) => place.folded[target.open ? "delete" : "add"](id) },
    element("summary", {}, title), list);
}

const copyButton = (text) =>
  element("button", { class: "quiet copy", "aria-label": `${say("copy")} ${text}`, title: say("copy"), onclick: () => copyText(text) }, icon("copy"));
