// What is known of one feature: its values, its history, what it is tied to, and where it all comes from.

import { chip, chipLink, showCard } from "./card.js";
import { element } from "./dom.js";
import { formatDate, formatNumber, pick, say } from "./i18n.js";
import { isNow } from "./moment.js";
import { itemPage } from "./server.js";
import { tabbed } from "./tabs.js";
import { departmentOf, headingOf, validWords, valueCell } from "./values.js";

/**
 * @param feature  {id, properties, missing?}; those of its tile first, the whole record a moment later; `missing` says
 *                 that it did not exist at the moment shown
 * @param tabs     further tabs [{id, title, draw}]
 * @param on       {close, zoom, ask, tab(id), covers?}
 */
export function showFeatureCard(entry, feature, { moment, tab, tabs, on }) {
  const { id, properties, missing } = feature;
  const all = [{ id: "values", title: say("tabValues"), draw: () => values(entry, feature, moment) }, ...tabs];
  showCard({
    title: headingOf(entry, properties, id),
    kicker: `${departmentOf(entry)} · ${pick(entry.title)}`,
    content: tabbed(all, tab, on.tab),
    actions: [
      chip("target", say("zoomToFeature"), on.zoom, { disabled: Boolean(missing) }),
      chip("pin", say("whatIsHere"), on.ask, { disabled: Boolean(missing) }),
      on.covers ? chip("eye", say("whatItCovers"), on.covers, { id: "what-it-covers", disabled: Boolean(missing) }) : null,
      chipLink("open", say("openItem"), itemPage(entry.id, id, moment)),
    ].filter(Boolean),
    onClose: on.close,
  });
}

function values(entry, { id, properties, missing, time }, moment) {
  if (missing) return element("p", { class: "soft" }, say("notThen"));
  const rows = (entry.schema ?? []).map((property) => [
    element("dt", { title: pick(property.description) || null }, pick(property.title) || property.name),
    valueCell(property, properties[property.name]),
  ]);
  const facts = [
    [say("validFrom"), validWords(time?.interval)],
    [say("owner"), entry.owner],
    [say("source"), entry.attribution],
    [say("updatedOn"), isNow(moment) && entry.updated_at && formatDate(entry.updated_at, true)],
    [say("recordId"), String(id)],
  ].filter(([, value]) => value);
  return element("div", {},
    element("dl", { class: "rows" }, rows),
    element("dl", { class: "rows facts-list" }, facts.map(([title, value]) => [element("dt", {}, title), element("dd", {}, value)])));
}

/** Shows how many features a square of the density grid or a cluster stands for, and how many of them have each status. */
export function showDensityCard(entry, properties, { onClose }) {
  const rows = statusRows(entry, properties).map(([title, n]) => [element("dt", {}, title), element("dd", {}, formatNumber(n))]);
  showCard({
    title: say("densityCount", { n: formatNumber(properties._count) }),
    kicker: `${pick(entry.title)} · ${say("densityTitle")}`,
    content: element("div", {},
      element("dl", { class: "rows" }, rows),
      element("p", {}, say("densityHint", { l: pick(entry.title) }))),
    onClose,
  });
}

/** Says what a block of built-up ground is, and how much of it is covered. */
export function showBlockCard(entry, properties, { onClose }) {
  showCard({
    title: say("blockTitle"),
    kicker: pick(entry.title),
    content: element("div", {},
      element("dl", { class: "rows" }, [element("dt", {}, say("blockCover")), element("dd", {}, `${formatNumber(properties._cover)} %`)]),
      element("p", {}, say("densityHint", { l: pick(entry.title) }))),
    onClose,
  });
}

function statusRows(entry, properties) {
  const status = (entry.schema ?? []).find(({ name }) => name === entry.tiles?.status);
  if (!status) return [];
  const known = (status.codes ?? []).map(({ value, title }) => [pick(title) || String(value), properties[`_status_${value}`]]);
  const rest = [[say("statusOther"), properties._others], [say("statusUnknown"), properties._unknown]];
  return [...known, ...rest].filter(([, n]) => n);
}
