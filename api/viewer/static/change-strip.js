// The changes of the chosen feature, or of a layer, as ticks in their order, and steps from one to the next.

import { element } from "./dom.js";
import { icon } from "./icons.js";
import { formatDate, formatNumber, pick, say } from "./i18n.js";
import { getChanges, getVersions } from "./server.js";

const MOST = 60;

export class ChangeStrip {
  /** @param on {choose(instant), loaded()} */
  constructor(state, on) {
    this.state = state;
    this.on = on;
    this.wanted = ""; // what the reader has picked from the list; empty follows the selection
    this.kept = new Map(); // subject → changes, oldest first; null while they are on their way
  }

  draw() {
    const { key, options } = this.#subjects();
    const list = element("select", {
      id: "change-subject", "data-focus": "change-subject",
      onchange: (event) => {
        this.wanted = event.target.value;
        this.on.loaded();
      },
    }, options.map(([value, words]) => element("option", { value, selected: value === key }, words)));
    return element("div", { class: "field strip" },
      element("label", { for: "change-subject" }, say("changesOf")), list, key ? this.#changes(key) : null);
  }

  // The chosen feature first, then the layers that are switched on, the one that changed last on top.
  #subjects() {
    const { layers, selected, visible } = this.state;
    const shown = layers.filter((entry) => visible.has(entry.id)).sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
    const options = shown.map((entry) => [entry.id, pick(entry.title) || entry.id]);
    if (selected) options.unshift([`${selected.layer}/${selected.id}`, say("chosenFeature")]);
    const key = options.some(([value]) => value === this.wanted) ? this.wanted : options[0]?.[0];
    return { key, options };
  }

  #changes(key) {
    const changes = this.#load(key);
    if (!changes) return element("p", { class: "soft" }, say("loading"));
    if (changes instanceof Error) return element("p", { class: "soft bad" }, changes.message);
    if (!changes.length) return element("p", { class: "soft" }, say("noChanges"));
    const at = this.#position(changes);
    const go = (index) => this.on.choose(index < changes.length - 1 ? changes[index].at : "");
    const step = (by, name, words) =>
      element("button", { class: "quiet", "aria-label": say(words), title: say(words), "data-focus": `change-${words}`, disabled: at + by < 0 || at + by >= changes.length, onclick: () => go(at + by) }, icon(name));
    return element("div", {},
      element("div", { class: "strip-row" },
        step(-1, "collapse", "previousChange"), this.#ticks(changes, at, go), step(1, "chevron", "nextChange")),
      element("p", { class: "strip-words", "aria-live": "polite" }, at < 0 ? say("beforeFirst") : changeWords(changes[at])));
  }

  #ticks(changes, at, go) {
    const ticks = changes.map((change, index) => {
      const size = 30 + 70 * Math.min(1, Math.log10(1 + change.touched) / 4);
      return element("button", {
        class: "tick", "aria-label": changeWords(change), title: changeWords(change), "data-focus": `tick-${index}`, "aria-pressed": String(index === at),
        tabindex: index === Math.max(at, 0) ? 0 : -1, style: { height: `${size}%` }, onclick: () => go(index),
      });
    });
    const row = element("div", { class: "ticks", role: "group", "aria-label": say("changesOf") }, ticks);
    row.addEventListener("keydown", (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      const next = by && ticks[ticks.indexOf(document.activeElement) + by];
      if (next) next.focus();
    });
    return row;
  }

  // The last change that the moment shown has seen.
  #position(changes) {
    const { asOf } = this.state.moment;
    if (!asOf) return changes.length - 1;
    const until = Date.parse(asOf.length === 10 ? `${asOf}T23:59:59.999Z` : asOf);
    return changes.findLastIndex((change) => change.at === asOf || Date.parse(change.at) <= until);
  }

  #load(key) {
    const version = this.state.entries.get(key.split("/")[0])?.version;
    const name = `${key}@${version}`;
    if (!this.kept.has(name)) {
      this.kept.set(name, null);
      const slash = key.indexOf("/");
      const asked = slash < 0 ? getChanges(key, MOST) : getVersions(key.slice(0, slash), key.slice(slash + 1)).then((versions) => versions.toReversed());
      asked.catch((error) => error).then((changes) => {
        this.kept.set(name, changes);
        this.on.loaded();
      });
    }
    return this.kept.get(name);
  }

  /** Somebody has changed something: ask again. */
  forget() {
    this.kept.clear();
  }
}

/** One change in words: when, who, why, how much. */
export function changeWords({ at, who, why, touched }) {
  return [formatDate(at, true), who, why, touched > 1 ? say("touched", { n: formatNumber(touched) }) : ""].filter(Boolean).join(" · ");
}
