// Values of features as people read them: units, titles of codes, dates; unknown is said, never shown as zero.

import { element } from "./dom.js";
import { formatDate, formatNumber, pick, say } from "./i18n.js";

const NAMES = ["name", "title", "label", "message"];

export const isUnknown = (value) => value === undefined || value === null || value === "";

/** The words of a value; `property` is its entry in the layer's schema, if there is one. */
export function valueWords(property, value) {
  if (isUnknown(value)) return say("unknown");
  const code = property?.codes?.find((entry) => String(entry.value) === String(value));
  if (code) return pick(code.title) || String(value);
  if (typeof value === "boolean" || property?.type === "boolean") return say(value === true || value === "true" ? "yes" : "no");
  if (property?.type === "date") return formatDate(value);
  if (property?.type === "datetime") return formatDate(value, true);
  return typeof value === "number" ? formatNumber(value) : String(value);
}

/** A value as the right-hand side of a row. */
export function valueCell(property, value) {
  const coded = property.codes?.some((entry) => String(entry.value) === String(value));
  const unit = property.unit && !coded && !isUnknown(value) ? element("span", { class: "unit" }, ` ${property.unit}`) : null;
  return element("dd", { class: isUnknown(value) ? "unknown" : null }, valueWords(property, value), unit);
}

/** What a feature is called: a name in the reader's language, else its layer and id. */
export function headingOf(entry, properties, id) {
  const order = document.documentElement.lang === "en" ? NAMES.flatMap((name) => [`${name}_en`, name]) : NAMES;
  for (const name of [...order, entry.style?.label?.property]) if (name && !isUnknown(properties[name])) return String(properties[name]);
  return `${pick(entry.title)} ${id}`;
}

export const departmentOf = (entry) => (entry.department === "basemap" ? say("basemap") : pick(entry.department_title) || entry.department);

/** When a state holds in the world, from [start, end] with ".." for an open end; nothing where both are open. */
export function validWords(interval) {
  const [start, end] = (interval ?? []).map((edge) => (edge && edge !== ".." ? formatDate(edge) : ""));
  return start || end ? `${start || say("openStart")} – ${end || say("openEnd")}` : "";
}
