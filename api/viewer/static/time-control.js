// The date of the map: a quiet chip while it is now, an unmistakable banner while it is not, and the panel behind it.

import { ChangeStrip } from "./change-strip.js";
import { byId, element } from "./dom.js";
import { icon } from "./icons.js";
import { say } from "./i18n.js";
import { fromLocalInput, isNow, momentWords, NOW, toLocalInput } from "./moment.js";

export class TimeControl {
  /** @param on {moment(moment)}: the reader has chosen another date */
  constructor(state, on) {
    this.state = state;
    this.on = on;
    this.open = false;
    this.strip = new ChangeStrip(state, { choose: (at) => this.#choose({ asOf: at }), loaded: () => this.draw() });
    byId("time").addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !this.open) return;
      event.preventDefault(); // the card stays: only the panel closes
      this.#toggle(false);
      byId("time-chip").focus();
    });
  }

  draw() {
    const { moment } = this.state;
    const dated = !isNow(moment);
    document.body.classList.toggle("dated", dated);
    byId("time").classList.toggle("open", this.open);
    const focused = document.activeElement?.dataset?.focus;
    // Whoever is typing a date keeps the field, and what stands in it so far.
    if (this.drawn === moment && ["time-world", "time-known"].includes(focused)) return byId("time").querySelector(".strip").replaceWith(this.strip.draw());
    this.drawn = moment;
    byId("time").replaceChildren(...this.#bar(moment, dated), this.#panel(moment));
    if (focused) byId("time").querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }

  /** Somebody has changed something: the ticks are asked for again. */
  forget() {
    this.strip.forget();
    this.draw();
  }

  #bar(moment, dated) {
    const words = dated ? momentWords(moment) : say("now");
    const main = element(
      "button",
      {
        id: "time-chip", class: "time-chip", "data-focus": "time-chip", "aria-expanded": String(this.open), "aria-controls": "time-panel",
        "aria-label": `${say("time")}: ${words}`, title: say("timeHelp"), onclick: () => this.#toggle(!this.open),
      },
      icon("clock"), element("span", {}, words), dated ? element("strong", {}, say(moment.datetime ? "notToday" : "notLatest")) : null,
    );
    if (!dated) return [main];
    const back = element("button", { id: "time-now", class: "time-now", "data-focus": "time-now", onclick: () => this.#choose(NOW) }, say("backToNow"));
    return [main, back];
  }

  #panel(moment) {
    const panel = element("div", { id: "time-panel", class: "time-panel", role: "group", "aria-label": say("time"), hidden: !this.open });
    if (!this.open) return panel;
    const world = element("input", {
      type: "date", id: "time-world", "data-focus": "time-world", min: "1900-01-01",
      onchange: (event) => this.#choose({ datetime: event.target.value }),
    });
    world.value = moment.datetime.slice(0, 10);
    const known = element("input", {
      type: "datetime-local", id: "time-known", "data-focus": "time-known", step: 1, max: toLocalInput(new Date().toISOString()),
      onchange: (event) => this.#choose({ asOf: fromLocalInput(event.target.value) }),
    });
    known.value = toLocalInput(moment.asOf);
    panel.append(
      field(world, say("worldOnDay"), say("worldHelp"), moment.datetime && (() => this.#choose({ datetime: "" }))),
      field(known, say("knownThen"), say("knownHelp"), moment.asOf && (() => this.#choose({ asOf: "" }))),
      this.strip.draw(),
    );
    return panel;
  }

  #toggle(open) {
    this.open = open;
    this.draw();
  }

  #choose(change) {
    this.on.moment({ ...this.state.moment, ...change });
  }
}

function field(input, words, help, onClear) {
  const clear = onClear && element("button", { class: "quiet", "aria-label": say("clearDate"), title: say("clearDate"), "data-focus": `${input.id}-clear`, onclick: onClear }, icon("close"));
  input.setAttribute("aria-describedby", `${input.id}-help`);
  return element("div", { class: "field" },
    element("label", { for: input.id }, words),
    element("div", { class: "field-row" }, input, clear || null),
    element("p", { class: "soft", id: `${input.id}-help` }, help));
}
