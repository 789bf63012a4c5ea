// The search box: places that the server finds, above the layers whose names match. A combobox by the ARIA pattern.

import { byId, element } from "./dom.js";
import { visibleCentre } from "./framing.js";
import { icon } from "./icons.js";
import { formatDistance, pick, say } from "./i18n.js";
import { searchPlaces } from "./server.js";

const WAIT_MS = 160;
const INDEXING_MS = 1500; // a new layer is searchable within seconds
const KIND_ICONS = {
  city: "area", district: "area", town: "area", village: "home", community: "home", road: "road", railway: "road", water: "water",
  public: "building", building: "building", "grid-cell": "grid", address: "home",
};

export class PlaceSearch {
  /** @param on {filter(words), choose(place)} */
  constructor(map, state, on) {
    this.map = map;
    this.state = state;
    this.on = on;
    this.places = [];
    this.active = -1;
    this.input = byId("search");
    this.list = byId("places");
    this.input.addEventListener("input", () => this.again());
    this.input.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Asks anew: other words, or another date. */
  again() {
    const words = this.input.value.trim();
    this.on.filter(words);
    clearTimeout(this.timer);
    this.request?.abort();
    if (!words) return this.#show([]);
    this.timer = setTimeout(() => this.#ask(words), WAIT_MS);
  }

  async #ask(words) {
    this.request = new AbortController();
    const { signal } = this.request;
    try {
      const { places, stale } = await searchPlaces(words, visibleCentre(this.map), this.state.moment, signal);
      if (signal.aborted) return;
      this.#show(places);
      if (stale && !places.length) this.timer = setTimeout(() => this.#ask(words), INDEXING_MS);
    } catch {
      if (!signal.aborted) this.#show([]); // a server without places: layers are found all the same
    }
  }

  #show(places) {
    this.places = places;
    this.active = -1;
    this.draw();
  }

  /** Draws the list, in the reader's language. */
  draw() {
    const open = this.places.length > 0;
    this.list.hidden = !open;
    this.input.setAttribute("aria-expanded", String(open));
    byId("places-head").hidden = !open;
    byId("layers-head").hidden = !open;
    this.list.replaceChildren(...this.places.map((place, index) => this.#row(place, index)));
    this.#mark();
  }

  #row(place, index) {
    const { kind, kind_title, distance_m, formerly, highlight, town } = place;
    const name = pick(place.name) || place.address || place.matched;
    const told = [pick(kind_title), pick(town) !== name && pick(town), distance_m >= 1 && formatDistance(distance_m)];
    const also = place.matched !== name && [formerly ? say("formerly") : "", highlighted(place.matched, highlight)];
    return element("li", {
      id: `place-${index}`, class: "place", role: "option", "aria-selected": "false",
      onpointerdown: (event) => event.preventDefault(), // the cursor stays in the box
      onclick: () => this.#choose(index),
    },
    icon(KIND_ICONS[kind] ?? "pin"),
    element("span", { class: "place-name" }, also ? name : highlighted(name, highlight), also ? element("span", { class: "place-also" }, also) : null),
    element("span", { class: "place-more" }, told.filter(Boolean).join(" · ")));
  }

  #key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (by && this.places.length) {
      event.preventDefault();
      this.active = (this.active + by + this.places.length + (this.active < 0 && by < 0 ? 1 : 0)) % this.places.length;
      this.#mark();
    } else if (event.key === "Enter" && this.places.length) {
      event.preventDefault();
      this.#choose(Math.max(this.active, 0));
    } else if (event.key === "Escape" && this.input.value) {
      event.preventDefault();
      this.input.value = "";
      this.again();
    }
  }

  #mark() {
    [...this.list.children].forEach((row, index) => row.setAttribute("aria-selected", String(index === this.active)));
    if (this.active < 0) return this.input.removeAttribute("aria-activedescendant");
    this.input.setAttribute("aria-activedescendant", `place-${this.active}`);
    this.list.children[this.active].scrollIntoView({ block: "nearest" });
  }

  #choose(index) {
    this.active = index;
    this.#mark();
    this.on.choose(this.places[index]);
  }
}

/** A name with the stretches [start, end], counted in characters, that matched marked. */
function highlighted(name, stretches) {
  const letters = [...name];
  const text = (from, to) => letters.slice(from, to).join("");
  const parts = [];
  let at = 0;
  for (const [start, end] of stretches ?? []) {
    parts.push(text(at, start), element("mark", {}, text(start, end)));
    at = end;
  }
  return [...parts, text(at)];
}
