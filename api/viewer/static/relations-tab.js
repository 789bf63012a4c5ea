// What a feature is tied to: features of this and other layers, grouped by the kind of tie; each opens by a click.

import { element } from "./dom.js";
import { formatNumber, pick, say } from "./i18n.js";
import { getRelations } from "./server.js";

/** @param selection  of selection.js */
export function relationsTab(selection) {
  const { entry, feature } = selection;
  return {
    id: "relations",
    title: say("tabRelations"),
    draw: async () => {
      const groups = await getRelations(entry.id, feature.id, selection.state.moment);
      return groups.length ? element("div", {}, drawGroups(groups, selection)) : element("p", { class: "soft" }, say("noRelations"));
    },
  };
}

function drawGroups(groups, selection) {
  return groups.map(({ title, count, ties }) => [
    element("h3", { class: "card-section" }, pick(title), element("span", { class: "count" }, formatNumber(count))),
    element("ul", { class: "links" }, ties.map((tie) => element("li", {}, drawTie(tie, selection)))),
    count > ties.length ? element("p", { class: "soft" }, say("andMore", { n: formatNumber(count - ties.length) })) : null,
  ]);
}

// What a tied feature is tied to in turn stands below it, a step to the right.
function drawTie({ feature, link, now = [], relations = [] }, selection) {
  const sure = link.confidence === null || link.confidence === 1 ? "" : say("sure", { p: Math.round(link.confidence * 100) });
  return [
    opener(feature, selection, [feature.stands ? "" : say("gone"), sure]),
    now.map((end) => opener({ ...end, title: end.title ?? end.id, stands: true }, selection, [say("successor")])),
    relations.length ? element("div", { class: "onward" }, drawGroups(relations, selection)) : null,
  ];
}

function opener({ layer, id, title, stands }, selection, notes) {
  const entry = selection.state.entries.get(layer);
  const words = [
    element("span", { class: "link-name" }, title),
    element("span", { class: "link-more" }, [pick(entry?.title) || layer, ...notes].filter(Boolean).join(" · ")),
  ];
  if (!entry || !stands) return element("span", { class: "link" }, words);
  return element("button", { class: "link", "data-opens": `${layer}/${id}`, onclick: () => selection.on.open(layer, id, { frame: true }) }, words);
}
