// What an answer looks like: its colours and their legend. Three verdicts have three colours that the colour-blind tell apart, and
// what nobody knows is grey, never the colour of clear, dry or zero.

import { formatNumber, pick, say } from "./i18n.js";
import { VALUES } from "./analysis-terms.js";

export const UNKNOWN = [126, 128, 138];
// Bluish green and vermilion, after M. Okabe and K. Ito, "Color universal design", 2008.
const GOOD = [0, 150, 110];
const BAD = [213, 94, 0];
const VERDICTS = {
  visible: GOOD, kept: GOOD, below: GOOD, hidden: BAD, broken: BAD, above: BAD, blind: BAD,
  "one-camera": [92, 184, 150], "two-or-more": [0, 104, 78], sun: [240, 190, 62], shadow: [62, 70, 116], unknown: UNKNOWN,
};
const PALE = [236, 234, 226];
Object.assign(VERDICTS, { changeBetter: GOOD, changeWorse: BAD, changeNone: [186, 188, 192] });
const ORDER = Object.keys(VERDICTS);
const TOO_SHORT = [[44, 52, 112], [92, 138, 188]]; // sunlight below what a rule wants, and above it
const LONG_ENOUGH = [[250, 228, 150], [246, 176, 66], [226, 108, 30]];
const USUAL_LEAST_MIN = 120;
const SAMPLES = 32;
const SKY = [[52, 52, 66], [72, 98, 134], [110, 158, 196], [176, 212, 234]];
const DEPTHS = [[176, 216, 242], [112, 178, 228], [52, 132, 200], [24, 84, 158], [10, 42, 100]];
const AREA_ALPHA = { visible: 120, kept: 120, hidden: 84, blind: 70, changeNone: 40, sun: 80, shadow: 140, unknown: 120 };
const USUAL_ALPHA = 115;

export const css = ([r, g, b]) => `rgb(${r}, ${g}, ${b})`;
const word = (name) => (name.startsWith("change") ? say(name) : VALUES[name] ? pick({ zh: VALUES[name][0], en: VALUES[name][1] }) : name);

/** Hours and minutes; unknown where there is no number. */
export function minutesWords(minutes) {
  if (!Number.isFinite(minutes)) return say("unknown");
  const whole = Math.round(minutes);
  return whole < 60 ? say("minutesOnly", { m: whole }) : say("hoursMinutes", { h: Math.floor(whole / 60), m: whole % 60 });
}

function between(stops, share) {
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  return stops[i].map((from, k) => Math.round(from + (at - i) * (stops[i + 1][k] - from)));
}

/** The sides from which an answer about plans can be seen; only "now" where nothing is compared. */
export const sidesOf = (features) => (features.some(({ properties }) => Object.keys(properties).some((name) => name.endsWith("_before"))) ? ["now", "before", "change"] : ["now"]);

const GOODNESS = { visible: 1, kept: 1, below: 1, sun: 1, "one-camera": 1, "two-or-more": 2, hidden: 0, broken: 0, above: 0, shadow: 0, blind: 0 };

// What a feature says from a side: after, before, or how it changed.
const SIDES = {
  now: (properties) => properties,
  before: ({ verdict_before: verdict, minutes_before: minutes, sky_view_before: sky_view, ...rest }) => ({ ...rest, verdict, ...(minutes === undefined ? {} : { minutes }), ...(sky_view === undefined ? {} : { sky_view }) }),
  change: ({ verdict, verdict_before, change_min, change, area_m2 }) => {
    if (change_min !== undefined) return { change: change_min };
    if (change !== undefined) return { change };
    const by = GOODNESS[verdict] - GOODNESS[verdict_before];
    return { area_m2, verdict: Number.isNaN(by) ? "unknown" : by > 0 ? "changeBetter" : by < 0 ? "changeWorse" : "changeNone" };
  },
};

// What lies inside a building is no ground: it is drawn as nothing, and stands in no legend and no share.
const INSIDE = "inside-building";
const NOTHING = [0, 0, 0, 0];
const insideNow = ({ verdict, inside_building }) => Boolean(inside_building) || verdict === INSIDE;
const insideBefore = ({ verdict_before, inside_building_before }) => Boolean(inside_building_before) || verdict_before === INSIDE;
const INDOORS = { now: insideNow, before: insideBefore, change: (properties) => insideNow(properties) || insideBefore(properties) };

/** The look of an answer from a side; see `plainLook`. */
export function lookOf({ features, answer }, side = "now", isGrid = false) {
  const [seen, indoors] = [SIDES[side], INDOORS[side]];
  const open = features.filter(({ properties }) => !indoors(properties));
  const look = plainLook({ features: open.map((feature) => ({ ...feature, properties: seen(feature.properties) })), answer }, isGrid);
  const through = (paint, inside) => paint && ((properties) => (indoors(properties) ? inside : paint(seen(properties))));
  return { ...look, colour: through(look.colour, NOTHING), edge: through(look.edge, NOTHING), cell: through(look.cell, NOTHING), at: through(look.at, word(INSIDE)) };
}

/**
 * The look of an answer: {colour(properties), edge(properties), legend: [{title, colour, ring?}], ramp: {colours, low, high, mark?}, at(properties)}.
 * `at` says a feature in words, for the place under the cursor.
 */
function plainLook({ features, answer }, isGrid) {
  const has = (name) => features.some(({ properties }) => properties[name] !== undefined);
  if (has("change")) return changeLook(features, answer.process === "sunlight");
  if (has("minutes")) return sunlightLook(features, answer.values, isGrid);
  if (has("sky_view")) return skyLook(features);
  if (has("depth_from_m")) return depthLook(features);
  if (has("verdict")) return verdictLook(features);
  return { colour: () => [214, 92, 20, 40], edge: () => [214, 92, 20, 255], legend: [] };
}

function verdictLook(features) {
  const shown = new Set(features.map(({ properties }) => properties.verdict));
  const colour = ({ verdict }) => VERDICTS[verdict] ?? UNKNOWN;
  const legend = ORDER.filter((verdict) => shown.has(verdict)).map((verdict) => ({ title: word(verdict), colour: VERDICTS[verdict] }));
  if (features.some(({ properties }) => isBlocked(properties))) legend.push({ title: say("blockedAt"), colour: [255, 255, 255], ring: BAD });
  return {
    colour: (properties) => [...colour(properties), AREA_ALPHA[properties.verdict] ?? USUAL_ALPHA], edge: (properties) => [...colour(properties), 255], legend,
    shares: sharesOf(features).map(([verdict, share]) => ({ title: word(verdict), colour: VERDICTS[verdict] ?? UNKNOWN, share })),
    at: ({ verdict }) => word(verdict),
  };
}

// How much of all ground has each verdict; nothing where verdicts are not about areas.
function sharesOf(features) {
  const areas = new Map(ORDER.map((verdict) => [verdict, 0]));
  for (const { properties } of features) if (properties.area_m2) areas.set(properties.verdict, (areas.get(properties.verdict) ?? 0) + properties.area_m2);
  const all = [...areas.values()].reduce((sum, area) => sum + area, 0);
  return [...areas].filter(([, area]) => area).map(([verdict, area]) => [verdict, area / all]);
}

function valueLook(features, name, paint, [low, high], words) {
  const known = ({ [name]: value }) => Number.isFinite(value);
  const colour = (properties) => (known(properties) ? [...paint(properties[name]), 190] : [...UNKNOWN, 0]);
  const legend = features.every(({ properties }) => known(properties)) ? [] : [{ title: say("unknown"), colour: [255, 255, 255], ring: UNKNOWN }];
  const cell = (properties) => (known(properties) ? colour(properties) : [...UNKNOWN, 160]);
  const colours = Array.from({ length: SAMPLES + 1 }, (_, i) => css(paint(low + (i / SAMPLES) * (high - low))));
  return {
    colour, cell, edge: (properties) => (known(properties) ? [255, 255, 255, 90] : [...UNKNOWN, 255]), legend,
    ramp: { colours, low: words(low), high: words(high) },
    at: (properties) => words(properties[name] ?? NaN),
  };
}

// The colours break where the rule does: what is too short is blue, what is long enough is warm.
function sunlightLook(features, { rule }, isGrid) {
  const most = features.reduce((longest, { properties }) => Math.max(longest, properties.minutes ?? 0), 0);
  const least = rule?.leastMinutes ?? USUAL_LEAST_MIN;
  const high = Math.max(2 * least, Math.ceil(most / 60) * 60);
  const paint = (minutes) => (minutes < least ? between(TOO_SHORT, minutes / least) : between(LONG_ENOUGH, (minutes - least) / (high - least)));
  const look = valueLook(features, "minutes", paint, [0, high], minutesWords);
  if (rule) look.ramp.mark = { share: least / high, words: minutesWords(least) };
  const { edge, at } = look;
  if (!isGrid && features.some(({ properties }) => properties.verdict === "broken")) look.legend.unshift({ title: word("broken"), colour: [255, 255, 255], ring: BAD });
  return {
    ...look,
    edge: (properties) => (properties.verdict === "broken" ? [...BAD, 255] : edge(properties)),
    at: (properties) => [at(properties), properties.verdict && word(properties.verdict)].filter(Boolean).join(" · "),
  };
}

function skyLook(features) {
  const words = (share) => (Number.isFinite(share) ? `${formatNumber(Math.round(share * 1000) / 10)} %` : say("unknown"));
  return valueLook(features, "sky_view", (share) => between(SKY, share), [0, 1], words);
}

// Light that was lost is vermilion, light that was won is green, in shares of the largest change.
function changeLook(features, isTime) {
  const most = features.reduce((largest, { properties }) => Math.max(largest, Math.abs(properties.change ?? 0)), isTime ? 60 : 0.05);
  const paint = (change) => between(change < 0 ? [PALE, BAD] : [PALE, GOOD], Math.abs(change) / most);
  const words = (change) => {
    const sign = change > 0 ? "+" : change < 0 ? "−" : "";
    return sign + (isTime ? minutesWords(Math.abs(change)) : `${formatNumber(Math.round(Math.abs(change) * 1000) / 10)} %`);
  };
  const look = valueLook(features, "change", paint, [-most, most], words);
  return { ...look, ramp: { ...look.ramp, mark: { share: 0.5, words: words(0) } } };
}

function depthLook(features) {
  const froms = features.map(({ properties }) => properties.depth_from_m);
  const classOf = (from) => (from < 0.15 ? 0 : from < 0.5 ? 1 : from < 1 ? 2 : from < 2 ? 3 : 4);
  const title = ({ depth_from_m: a, depth_to_m: b }) => (b === null ? say("depthOver", { a }) : say("depthFrom", { a, b }));
  return {
    colour: ({ depth_from_m }) => [...DEPTHS[classOf(depth_from_m)], 190], edge: () => [0, 0, 0, 0],
    legend: features.map(({ properties }, i) => ({ title: title(properties), colour: DEPTHS[classOf(froms[i])] })),
    at: title,
  };
}

export const isBlocked = ({ blocked_at_m, distance_m }) => Number.isFinite(blocked_at_m) && Number.isFinite(distance_m);

/** Where each blocked line of sight ends, as point features. */
export function blockingPoints(features) {
  return features.filter(({ geometry, properties }) => geometry?.type === "LineString" && isBlocked(properties)).map(({ id, geometry, properties }) => {
    const [from, to] = [geometry.coordinates[0], geometry.coordinates.at(-1)];
    const share = properties.blocked_at_m / properties.distance_m; // the line is straight: the same share in plan
    return { type: "Feature", id, properties, geometry: { type: "Point", coordinates: from.map((value, i) => value + share * (to[i] - value)) } };
  });
}
