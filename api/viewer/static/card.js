// What is known of one feature: titles, units and code titles of the layer's schema, and where it all comes from.

import { byId, element } from "./dom.js";
import { icon } from "./icons.js";
import { formatDate, formatNumber, pick, say } from "./i18n.js";

const NAMES = ["name", "title", "label"];

const isUnknown = (value) => value === undefined || value === null || value === "";

function valueOf(property, value) {
  if (isUnknown(value)) return element("dd", { class: "unknown" }, say("unknown"));
  const code = property.codes?.find((entry) => String(entry.value) === String(value));
  if (code) return element("dd", {}, pick(code.title) || String(value));
  if (property.type === "boolean") return element("dd", {}, say(value === true || value === "true" ? "yes" : "no"));
  if (property.type === "date") return element("dd", {}, formatDate(value));
  if (property.type === "datetime") return element("dd", {}, formatDate(value, true));
  const words = typeof value === "number" ? formatNumber(value) : String(value);
  return element("dd", {}, words, property.unit ? element("span", { class: "unit" }, ` ${property.unit}`) : null);
}

function headingOf(entry, properties, id) {
  const order = document.documentElement.lang === "en" ? ["name_en", ...NAMES] : NAMES;
  for (const name of [...order, entry.style?.label?.property]) if (name && !isUnknown(properties[name])) return String(properties[name]);
  return `${pick(entry.title)} ${id}`;
}

function head(title, kicker, onClose) {
  return element("header", { class: "card-head" },
    element("div", {}, element("p", { class: "kicker" }, kicker), element("h2", {}, title)),
    element("button", { class: "quiet", id: "card-close", "aria-label": say("close"), title: say("close"), onclick: onClose }, icon("close")));
}

/** Shows a feature. `properties` may be those of its tile first and the whole record a moment later. */
export function showCard(entry, { id, properties }, { onClose, onZoom }) {
  const department = entry.department === "basemap" ? say("basemap") : pick(entry.department_title) || entry.department;
  const rows = (entry.schema ?? []).map((property) => [
    element("dt", { title: pick(property.description) || null }, pick(property.title) || property.name),
    valueOf(property, properties[property.name]),
  ]);
  const facts = [
    [say("owner"), entry.owner],
    [say("source"), entry.attribution],
    [say("updatedOn"), entry.updated_at && formatDate(entry.updated_at, true)],
    [say("recordId"), String(id)],
  ].filter(([, value]) => value);
  byId("card").replaceChildren(
    head(headingOf(entry, properties, id), `${department} · ${pick(entry.title)}`, onClose),
    element("div", { class: "card-body" },
      element("dl", { class: "rows" }, rows),
      element("dl", { class: "rows facts-list" }, facts.map(([title, value]) => [element("dt", {}, title), element("dd", {}, value)]))),
    element("footer", { class: "actions" },
      element("button", { class: "chip", onclick: onZoom }, icon("target"), say("zoomToFeature")),
      element("a", { class: "chip", href: `collections/${entry.id}/items/${encodeURIComponent(id)}?f=html`, target: "_blank", rel: "noopener" },
        icon("open"), say("openItem"))),
  );
  byId("card").hidden = false;
}

/** Shows how many features a square of the density grid stands for. */
export function showDensityCard(entry, count, { onClose }) {
  byId("card").replaceChildren(
    head(say("densityCount", { n: formatNumber(count) }), `${pick(entry.title)} · ${say("densityTitle")}`, onClose),
    element("div", { class: "card-body" }, element("p", {}, say("densityHint", { l: pick(entry.title) }))),
  );
  byId("card").hidden = false;
}

export function hideCard() {
  byId("card").hidden = true;
  byId("card").replaceChildren();
}
