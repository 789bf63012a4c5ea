// The frame of the card at the right: head, tabs or a body, actions. What stands in it comes from feature-card.js and
// place-card.js; one of them holds the card at a time.

import { byId, element } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./i18n.js";

function head(title, kicker, onClose) {
  return element("header", { class: "card-head" },
    element("div", {}, element("p", { class: "kicker" }, kicker), element("h2", {}, title)),
    element("button", { class: "quiet", id: "card-close", "aria-label": say("close"), title: say("close"), onclick: onClose }, icon("close")));
}

/** Shows a card. `content` and `actions` are nodes; the place of the reader in a card that is drawn again is kept. */
export function showCard({ title, kicker, content, actions = [], onClose }) {
  const card = byId("card");
  const scrolled = card.querySelector(".card-body")?.scrollTop ?? 0;
  const focused = card.contains(document.activeElement) ? document.activeElement.id : "";
  card.replaceChildren(
    head(title, kicker, onClose),
    element("div", { class: "card-body" }, content),
    actions.length ? element("footer", { class: "actions" }, actions) : "",
  );
  card.hidden = false;
  document.body.classList.add("has-card");
  card.querySelector(".card-body").scrollTop = scrolled;
  if (focused) byId(focused)?.focus({ preventScroll: true });
}

export function hideCard() {
  byId("card").hidden = true;
  byId("card").replaceChildren();
  document.body.classList.remove("has-card");
}

/** A small button with an icon in a card or panel. */
export const chip = (name, words, onclick, more = {}) => element("button", { class: "chip", onclick, ...more }, icon(name), words);

/** The same as a link that opens beside the map. */
export const chipLink = (name, words, href) =>
  element("a", { class: "chip", href, target: "_blank", rel: "noopener" }, icon(name), words);
