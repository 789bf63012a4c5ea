// Layers that wait for a person's decision, as the catalogue shows them: grey, with a badge and the reason in words. They
// cannot be switched on; a reviewer looks at them beside the base map first.

import { chip } from "./card.js";
import { element } from "./dom.js";
import { icon } from "./icons.js";
import { formatDate, pick, say } from "./i18n.js";
import { layerSwatch } from "./legend.js";

/** What is believed of a held layer, in one sentence. */
export const beliefWords = (entry) => pick(entry.standing.belief?.text);

/** Whether a layer is shown to everybody; the others are listed with the reason why not. */
export const isShown = (entry) => (entry.state ?? "published") === "published";

/** A row of the tree. @param on {fold(), review(entry)} */
export function heldRow(entry, open, on) {
  const title = pick(entry.title) || entry.id;
  const word = say(entry.state === "rejected" ? "rejected" : "held");
  const more = element(
    "button",
    {
      class: "quiet more", "aria-expanded": String(open), "aria-label": `${say("details")}: ${title}`, title: say("details"),
      "data-focus": `more-${entry.id}`, onclick: on.fold,
    },
    icon("chevron"));
  return element(
    "li", { class: "layer off held", "data-held": entry.id },
    element("div", { class: "layer-head", title: say("heldHelp") },
      more, layerSwatch(entry.style), element("span", { class: "layer-name" }, title), element("em", { class: "badge warn" }, word)),
    open ? details(entry, on) : null);
}

function details(entry, on) {
  return element("div", { class: "details" },
    element("p", { class: "belief" }, beliefWords(entry) || say("heldHelp")),
    element("p", { class: "facts" }, [entry.owner, say("heldSince", { t: formatDate(entry.standing.since) })].filter(Boolean).join(" · ")),
    element("div", { class: "actions" }, chip("eye", say("review"), () => on.review(entry), { "data-review": entry.id, "data-focus": `review-${entry.id}` })));
}
