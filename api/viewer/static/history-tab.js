// The history of a feature: every state with its time, author and reason; one that is chosen lies on the map beside the
// present one, in its own colour, with what changed in words.

import { askReason } from "./ask.js";
import { chip, chipLink } from "./card.js";
import { drawDifference } from "./difference.js";
import { element } from "./dom.js";
import { formatDate, say } from "./i18n.js";
import { getDifference, getVersion, getVersions, restoreVersion, versionPage } from "./server.js";
import { toast } from "./toast.js";
import { validWords } from "./values.js";

/** @param selection  of selection.js */
export function historyTab(selection) {
  return { id: "history", title: say("tabHistory"), draw: () => new History(selection).load() };
}

class History {
  constructor(selection) {
    this.selection = selection;
    this.layer = selection.entry.id;
    this.id = selection.feature.id;
    this.node = element("div", {});
    this.chosen = null;
  }

  async load() {
    this.versions = await getVersions(this.layer, this.id);
    this.chosen = this.versions.find(({ version }) => version === this.selection.chosenVersion) ?? null;
    this.#draw();
    return this.node;
  }

  #draw() {
    if (!this.versions.length) return this.node.replaceChildren(element("p", { class: "soft" }, say("noHistory")));
    this.node.replaceChildren(
      element("p", { class: "soft" }, say("historyHelp")),
      element("ol", { class: "versions" }, this.versions.map((version, index) => this.#row(version, index))));
  }

  #row(version, index) {
    const open = this.chosen === version;
    const valid = validWords(version.valid);
    const facts = [version.who, version.why].filter(Boolean).join("：");
    const button = element(
      "button", { class: "version", "aria-expanded": String(open), id: `version-${version.version}`, onclick: () => this.#choose(open ? null : version) },
      element("span", { class: "version-when" }, formatDate(version.at, true), badge(version, index)),
      element("span", { class: "version-more" }, facts || say("noReason")),
      valid ? element("span", { class: "version-more" }, say("validIs", { t: valid })) : null);
    return element("li", { class: open ? "chosen" : null }, button, open ? this.#details(version, index) : null);
  }

  #details(version, index) {
    if (version.deleted) return null;
    const before = this.versions.slice(index + 1).find(({ deleted }) => !deleted);
    const present = this.versions.find(({ deleted }) => !deleted);
    const changes = element("div", { class: "difference", "aria-live": "polite" }, element("p", { class: "soft" }, say("loading")));
    const show = (from, to) => this.#compare(changes, from, to);
    const choices = [
      present !== version && ["diffNow", version, present],
      before && ["diffBefore", before, version],
    ].filter(Boolean);
    const switches = choices.map(([words, from, to], at) =>
      element("button", {
        class: "segment", "aria-pressed": String(at === 0),
        onclick: (event) => {
          for (const other of event.target.parentNode.children) other.setAttribute("aria-pressed", String(other === event.target));
          show(from, to);
        },
      }, say(words)));
    if (choices.length) show(...choices[0].slice(1));
    else changes.replaceChildren(element("p", { class: "soft" }, say("firstState")));
    return element("div", { class: "version-details" },
      switches.length > 1 ? element("div", { class: "segments", role: "group", "aria-label": say("compare") }, switches) : null,
      changes,
      element("div", { class: "actions" },
        chip("clock", say("mapThen"), () => this.selection.on.moment({ datetime: "", asOf: index ? version.at : "" })),
        index > 0 && this.selection.entry.writable ? chip("back", say("restore"), () => this.#restore(version)) : null,
        chipLink("open", say("openVersion"), versionPage(this.layer, this.id, version.version))));
  }

  async #compare(node, from, to) {
    try {
      node.replaceChildren(drawDifference(await getDifference(this.layer, this.id, from.version, to.version), this.selection.entry));
    } catch (error) {
      node.replaceChildren(element("p", { class: "soft bad" }, error.message));
    }
  }

  async #choose(version) {
    this.chosen = version;
    this.selection.chosenVersion = version?.version ?? null; // outlives the card, which is drawn again with every date
    this.#draw();
    document.getElementById(`version-${(version ?? this.versions[0]).version}`)?.focus({ preventScroll: true });
    const { map } = this.selection;
    if (!version || version.deleted) return map.setOverlay("ghost", null);
    try {
      const { geometry } = await getVersion(this.layer, this.id, version.version);
      if (this.chosen === version && this.node.isConnected) map.setOverlay("ghost", geometry && { type: "Feature", properties: {}, geometry });
    } catch (error) {
      toast(say("itemFailed", { why: error.message }), { key: "item", kind: "bad" });
    }
  }

  async #restore(version) {
    const said = await askReason({
      title: say("restoreTitle"),
      words: say("restoreWords", { t: formatDate(version.at, true) }),
      go: say("restore"),
    });
    if (!said) return;
    try {
      await restoreVersion(this.layer, this.id, version.version, said);
      toast(say("restored"), { key: "restore", seconds: 3 });
      this.selection.on.edited();
    } catch (error) {
      toast(say("restoreFailed", { why: error.message }), { key: "restore", kind: "bad", seconds: 0 });
    }
  }
}

function badge(version, index) {
  if (version.deleted) return element("em", { class: "badge bad" }, say("deleted"));
  return index === 0 ? element("em", { class: "badge" }, say("present")) : null;
}
