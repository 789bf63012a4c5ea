// The chosen feature: its mark on the map, its card, and what the card opens.

import { isCameraLayer } from "./analysis-choices.js";
import { hideCard } from "./card.js";
import { byId } from "./dom.js";
import { showBlockCard, showDensityCard, showFeatureCard } from "./feature-card.js";
import { boxOf, frameBox } from "./framing.js";
import { historyTab } from "./history-tab.js";
import { say } from "./i18n.js";
import { relationsTab } from "./relations-tab.js";
import { showSceneCard } from "./scene-card.js";
import { getItem } from "./server.js";
import { toast } from "./toast.js";

// deck.gl gives the coordinates of a picked tile feature through a getter: read it once.
const plainGeometry = (geometry) => ({ type: geometry.type, coordinates: geometry.coordinates });
const plainFeature = (geometry) => ({ type: "Feature", properties: {}, geometry });

export class Selection {
  /** @param on {ask(lon, lat), change(), covers(entry, feature, place), edited(), moment(moment), open(layer, id, options)} */
  constructor(map, state, on) {
    this.map = map;
    this.state = state;
    this.on = on;
    this.entry = null;
    this.feature = null;
    this.tab = "values";
    this.chosenVersion = null; // the one whose state lies on the map beside the present one
    this.close = this.close.bind(this);
  }

  /** A click on the map: `info` as deck.gl picked it. */
  pick(info) {
    const entry = info.object && this.state.entries.get(info.layer.id.split("/")[0]);
    if (!entry) return this.close();
    const { properties, geometry, id, scene } = info.object;
    if (scene) {
      // What was delivered as it is has no record on the server: its tile says all there is.
      this.close();
      return showSceneCard(entry, info.object, { onClose: this.close });
    }
    if (properties._count !== undefined) {
      this.close();
      return showDensityCard(entry, properties, { onClose: this.close });
    }
    if (properties._cover !== undefined) {
      this.close();
      return showBlockCard(entry, properties, { onClose: this.close });
    }
    this.map.setOverlay("selection", geometry ? plainFeature(plainGeometry(geometry)) : null); // a scene has solids, no outline
    return this.select(entry, { id: properties._id ?? id, properties });
  }

  /** Chooses a feature; gives its whole record, or null where the server has none. With `frame` the map goes there. */
  async select(entry, feature, { frame = false } = {}) {
    if (this.state.selected?.id !== feature.id || this.state.selected.layer !== entry.id) this.#forgetVersion();
    this.state.selected = { layer: entry.id, id: feature.id };
    this.entry = entry;
    this.feature = feature;
    this.draw();
    this.on.change();
    const whole = await this.#complete(entry, feature.id);
    if (whole && frame) this.frame();
    return whole;
  }

  // A tile holds a cut and simplified copy without unknown values: the whole record comes from the feature API.
  async #complete(entry, id) {
    const { moment } = this.state;
    let whole = null;
    try {
      whole = await getItem(entry.id, id, moment);
    } catch (error) {
      if (!this.#isChosen(entry, id, moment)) return null;
      if (error.status !== 404) return toast(say("itemFailed", { why: error.message }), { key: "item", kind: "bad" });
    }
    if (!this.#isChosen(entry, id, moment)) return null;
    this.map.setOverlay("selection", whole?.geometry ? plainFeature(whole.geometry) : null);
    this.feature = whole ? { id, properties: whole.properties, time: whole.time } : { ...this.feature, missing: true };
    this.draw();
    return whole;
  }

  #isChosen(entry, id, moment) {
    const { selected } = this.state;
    return selected?.id === id && selected.layer === entry.id && this.state.moment === moment;
  }

  /** Shows the card again, in the language and with the values of now. */
  draw() {
    if (!this.entry) return;
    const { entry, feature, state } = this;
    showFeatureCard(entry, feature, {
      moment: state.moment,
      tab: this.tab,
      tabs: [historyTab(this), relationsTab(this)],
      on: {
        close: this.close,
        zoom: () => this.frame(),
        ask: () => this.on.ask(...this.middle()),
        covers: isCameraLayer(entry) && (() => this.on.covers(entry, this.feature, this.middle())),
        tab: (id) => (this.tab = id),
      },
    });
  }

  /** The same feature under another date, or after somebody has changed it. */
  reload() {
    if (this.entry) return this.select(this.entry, { ...this.feature, missing: false });
  }

  #forgetVersion() {
    this.chosenVersion = null;
    this.map.setOverlay("ghost", null);
  }

  frame() {
    frameBox(this.map, boxOf(this.map.selection?.geometry), 17);
  }

  middle() {
    const [west, south, east, north] = boxOf(this.map.selection?.geometry) ?? [];
    return [(west + east) / 2, (south + north) / 2];
  }

  /** Takes the card and every mark that belongs to it away. */
  close() {
    if (!this.entry && byId("card").hidden) return;
    this.state.selected = null;
    this.entry = null;
    this.feature = null;
    this.#forgetVersion();
    for (const name of ["selection", "cell", "mark"]) this.map.setOverlay(name, null);
    hideCard();
    this.on.change();
  }
}
