// An answer that is on the map: its card, its chart, what lies under the cursor, and the ways to keep it.

import { profileChart, skylineChart } from "./analysis-chart.js";
import { answerOnGround, boxAround, GroundBelow, setOnGround, sightHeights } from "./analysis-ground.js";
import { askLayer } from "./analysis-keep.js";
import { answerLayers, partsOf } from "./analysis-layers.js";
import { lookOf, sidesOf } from "./analysis-looks.js";
import { metresRound, placeAway } from "./analysis-measure.js";
import { resultNodes } from "./analysis-result.js";
import { chip } from "./card.js";
import { element } from "./dom.js";
import { say } from "./i18n.js";

const REACH_PX = 26;
const LONGEST_LINK = 6000;

export class Shown {
  /** @param panel analysis.js */
  constructor(document, panel) {
    this.document = document;
    this.panel = panel;
    this.parts = partsOf(document);
    this.side = "now"; // of what is planned: after, before, or the change
    const { inputs, resolution_m } = document.answer;
    this.marks = { step_m: resolution_m, isGrid: /Polygon/.test(inputs.at?.type ?? "") && inputs.on !== "facades", marked: null, ray: null };
    this.#look();
    this.chart = null;
    this.below = new GroundBelow(() => panel.map.refresh());
    this.raised = null; // {under, parts}: the same parts on the relief
    this.under = element("output", { class: "under-cursor" });
  }

  // Words of the legend are in the language of now; the colours stay.
  #look() {
    this.look = lookOf(this.document, this.side, this.marks.isGrid);
  }

  /** deck.gl layers of the answer; on the relief once its heights have come. `terrain`: of the relief that is raised, or null. */
  layers(theme, terrain, ground) {
    const { marked, ray, ...rest } = this.marks;
    const marks = [marked && feature("Point", marked), ray && feature("LineString", ray)];
    const box = terrain && boxAround([...this.parts.points, ...this.parts.shapes, ...marks.filter(Boolean)]);
    if (!box) return answerLayers(this.parts, this.look, { ...rest, marked: marks[0], ray: marks[1], theme, ground: 0 });
    const under = this.below.within(box, terrain);
    if (!under) return [];
    if (this.raised?.under !== under) {
      const { answer } = this.document;
      const parts = answerOnGround(this.parts, under, { cells_m: rest.isGrid ? rest.step_m : 0, heightOf: sightHeights(answer, terrain) });
      this.raised = { under, parts };
    }
    const [place, line] = marks.map((mark) => mark && setOnGround([mark], under)[0]);
    return answerLayers(this.raised.parts, this.look, { ...rest, marked: place, ray: line, theme, ground });
  }

  nodes() {
    const { document, panel } = this;
    this.#look();
    this.chart = this.#makeChart();
    return [
      element("div", { class: "analysis-body", id: "analysis-result", tabindex: 0, role: "region", "aria-labelledby": "analysis-title" },
        this.#sides(), this.chart?.node, this.under,
        resultNodes(document, this.look, { inputName: (name) => panel.form.nameOf({ name }, [name]), on: { open: panel.on.open } })),
      element("footer", { class: "actions" },
        chip("back", say("changeQuestion"), () => panel.change(), { id: "analysis-change" }),
        document.features.length ? chip("keep", say("saveLayer"), () => this.#save(), { id: "analysis-save" }) : null,
        chip("save", say("downloadGeojson"), () => this.#download("geojson", document), { id: "analysis-geojson" }),
        chip("save", say("downloadJson"), () => this.#download("json", document.answer), { id: "analysis-json" }),
        chip("link", say("shareQuestion"), () => this.#share(), { id: "analysis-share" })),
    ];
  }

  // After, before, change: where the question compared them.
  #sides() {
    const sides = sidesOf(this.document.features);
    if (sides.length < 2) return null;
    const button = (side) => element("button", {
      class: "segment", id: `side-${side}`, "aria-pressed": String(side === this.side),
      onclick: () => {
        this.side = side;
        this.panel.draw();
        this.panel.map.refresh();
      },
    }, say(`side_${side}`));
    return element("div", { class: "segments", role: "group", "aria-label": say("sides") }, sides.map(button));
  }

  #makeChart() {
    const { process } = this.document.answer;
    if (process === "profile") return profileChart(this.document, (i) => this.#mark(i < 0 ? null : this.parts.points[i]?.geometry.coordinates));
    if (process === "skyline") return skylineChart(this.document, (i) => this.#aim(i));
    return null;
  }

  #mark(place, ray = null) {
    Object.assign(this.marks, { marked: place, ray });
    this.panel.map.refresh();
  }

  #aim(i) {
    const { values, inputs } = this.document.answer;
    const here = this.parts.points[0].geometry.coordinates;
    this.#mark(null, i < 0 ? null : [here, placeAway(here, inputs.margin_m ?? 300, values.azimuth_deg[i])]);
  }

  /** What lies under the cursor, in the chart or in words. */
  hover(place) {
    const { process, values, inputs } = this.document.answer;
    const { points } = this.parts;
    if (!points.length || (!this.chart && !this.look.at)) return;
    if (process === "skyline") {
      const [east, north] = place ? metresRound(points[0].geometry.coordinates)(place) : [Infinity, 0];
      const near = Math.hypot(east, north) < (inputs.margin_m ?? 300);
      const azimuth = ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
      const step = values.azimuth_deg[1] - values.azimuth_deg[0];
      this.chart?.show(near ? Math.round((azimuth - values.azimuth_deg[0] + 360) / step) % values.azimuth_deg.length : -1);
      return;
    }
    const i = place ? this.#nearest(place) : -1;
    if (this.chart) {
      this.chart.show(i);
      if ((points[i]?.geometry.coordinates ?? null) !== this.marks.marked) this.#mark(points[i]?.geometry.coordinates ?? null);
    } else this.under.textContent = i < 0 ? "" : `${say("underCursor")}: ${this.look.at(points[i].properties)}`;
  }

  #nearest(place) {
    const metresPerPixel = (40075016.7 * Math.cos((place[1] * Math.PI) / 180)) / (512 * 2 ** this.panel.state.camera.zoom);
    const plane = metresRound(place);
    let [best, least] = [-1, REACH_PX * metresPerPixel];
    this.parts.points.forEach(({ geometry }, i) => {
      const metres = Math.hypot(...plane(geometry.coordinates));
      if (metres < least) [best, least] = [i, metres];
    });
    return best;
  }

  #download(kind, content) {
    const type = kind === "geojson" ? "application/geo+json" : "application/json";
    const href = URL.createObjectURL(new Blob([JSON.stringify(content, null, kind === "json" ? 2 : 0)], { type }));
    const link = element("a", { href, download: `${this.document.answer.process}.${kind}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(href), 10_000);
  }

  #share() {
    const { panel } = this;
    panel.on.change();
    if (JSON.stringify(panel.state.analysis).length > LONGEST_LINK) return panel.on.tell(say("questionTooLong"));
    return panel.on.share();
  }

  async #save() {
    const { panel } = this;
    const id = await askLayer(panel.form.process, panel.nameOf(panel.form.process), this.document.answer.inputs);
    if (id) await panel.on.layerAdded(id);
  }
}

const feature = (type, coordinates) => ({ type: "Feature", properties: {}, geometry: { type, coordinates } });
