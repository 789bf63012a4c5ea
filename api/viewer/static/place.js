// A place that somebody points at: its mark on the map, its card, and the cell of a code that is chosen there.

import { boxOf, frameBox } from "./framing.js";
import { showPlaceCard } from "./place-card.js";
import { getCode, getCodesAt, getPlaceAt } from "./server.js";
import { say } from "./i18n.js";
import { toast } from "./toast.js";

const CLOSEST_PLACE = 16.5;

export class Place {
  /** @param on {open(layer, id, options), close(), change(), who(lon, lat)}; `who` is null where there are no cameras */
  constructor(map, state, on) {
    this.map = map;
    this.state = state;
    this.on = on;
    this.known = null;
  }

  /** Asks what is at a place and shows it. */
  async open(lon, lat) {
    const place = { lon, lat, at: null, codes: null, failed: null, code: "", folded: new Set(["beidou"]) };
    this.known = place;
    this.state.here = { lon, lat };
    this.#mark(lon, lat);
    this.draw();
    this.on.change();
    const [at, codes] = await Promise.allSettled([getPlaceAt(lon, lat, this.state.moment), getCodesAt(lon, lat, this.state.moment)]);
    if (this.known !== place) return;
    place.at = at.value ?? {};
    place.codes = codes.value ?? {};
    place.failed = [at, codes].filter(({ status }) => status === "rejected").map(({ reason }) => reason.message).join(" ") || null;
    this.draw();
  }

  /** The same place under another date. */
  reload() {
    if (this.known) return this.open(this.known.lon, this.known.lat);
  }

  draw() {
    if (!this.known) return;
    showPlaceCard(this.known, {
      close: this.on.close,
      open: (layer, id) => this.on.open(layer, id, { frame: true }),
      code: (code) => this.#showCode(code),
      who: this.on.who && (() => this.on.who(this.known.lon, this.known.lat)),
      frame: () => this.map.go({ lon: this.known.lon, lat: this.known.lat, zoom: Math.max(this.state.camera.zoom, CLOSEST_PLACE) }),
    });
  }

  /** Flies to what a search found, marks it, and opens its feature; a place without one opens as a place. */
  choose({ lon, lat, bounds, layer, id }) {
    if (layer && this.state.entries.has(layer)) {
      this.on.open(layer, id);
      this.#mark(lon, lat);
      frameBox(this.map, bounds ?? [lon, lat, lon, lat], CLOSEST_PLACE);
      return;
    }
    this.on.close();
    this.map.go({ lon, lat, zoom: Math.max(this.state.camera.zoom, CLOSEST_PLACE) });
    this.open(lon, lat);
  }

  async #showCode(code) {
    const place = this.known;
    place.code = place.code === code ? "" : code;
    this.draw();
    this.map.setOverlay("cell", null);
    if (!place.code) return;
    try {
      const cell = await getCode(code);
      if (this.known !== place || place.code !== code) return;
      this.map.setOverlay("cell", cell);
      frameBox(this.map, boxOf(cell.geometry));
    } catch (error) {
      toast(say("codeFailed", { why: error.message }), { key: "code", kind: "bad" });
    }
  }

  #mark(lon, lat) {
    this.map.setOverlay("mark", { type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [lon, lat] } });
  }

  /** The card is somebody else's now, or nobody's. */
  forget() {
    this.known = null;
    this.state.here = null;
    this.map.setOverlay("mark", null);
    this.map.setOverlay("cell", null);
  }
}
