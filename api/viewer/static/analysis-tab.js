// The two sides of the panel at the left, layers and analyses. What analyses need is loaded when somebody first wants one.

import { byId } from "./dom.js";
import { layerChoices } from "./analysis-choices.js";
import { placeAway } from "./analysis-measure.js";

const SIDES = ["layers", "analysis"];
const CORNERS = 48;
const CAMERA_REACH_M = 100; // of a camera that does not say how far it sees

export class AnalysisTab {
  /** @param on what analysis.js wants, and {show()}: the panel is to be seen */
  constructor(map, state, on) {
    this.map = map;
    this.state = state;
    this.on = on;
    this.panel = null;
    for (const side of SIDES) byId(`side-${side}`).addEventListener("click", () => (side === "layers" ? this.#show("layers") : this.open()));
    byId("sides").addEventListener("keydown", (event) => {
      if (!/^Arrow(Left|Right)$/.test(event.key)) return;
      const other = SIDES.find((side) => byId(`side-${side}`).getAttribute("aria-selected") === "false");
      byId(`side-${other}`).click();
      byId(`side-${other}`).focus();
    });
  }

  #show(wanted) {
    for (const side of SIDES) {
      byId(`side-${side}`).setAttribute("aria-selected", String(side === wanted));
      byId(`side-${side}`).tabIndex = side === wanted ? 0 : -1;
    }
    document.body.classList.toggle("analysing", wanted === "analysis");
    byId("tree").hidden = wanted !== "layers";
    byId("analysis").hidden = wanted !== "analysis";
  }

  /** Opens the analyses as they were left, or one of them; with inputs, its answer. */
  async open(process = null, inputs = null) {
    this.#show("analysis");
    if (process) this.on.show();
    if (!this.panel) {
      const { Analysis } = await import("./analysis.js");
      this.panel ??= new Analysis(this.map, this.state, this.on);
    }
    await this.panel.open(process, inputs);
  }

  /** What a camera covers: the ground within its range. */
  covers(entry, { id, properties }, place) {
    const reach = Math.min(1000, Number(properties.range_m) || CAMERA_REACH_M);
    const ring = Array.from({ length: CORNERS + 1 }, (_, i) => placeAway(place, reach * 1.02, (-360 * (i % CORNERS)) / CORNERS).map((number) => Number(number.toFixed(7))));
    const inputs = { area: { type: "Polygon", coordinates: [ring] }, only: [String(id)], cell_m: reach <= 250 ? 2 : 5, ...this.#moment() };
    return this.open("camera-coverage", entry.id === "cameras" ? inputs : { ...inputs, cameras: entry.id });
  }

  /** Whether the page knows of cameras at all. */
  get hasCameras() {
    return layerChoices("cameras", this.state).length > 0;
  }

  /** Which cameras see a place. */
  whoSees(lon, lat) {
    return this.open("who-sees", { place: [Number(lon.toFixed(7)), Number(lat.toFixed(7))], ...this.#moment() });
  }

  // What the map shows is what is asked about.
  #moment() {
    const { asOf, datetime } = this.state.moment;
    return { ...(asOf && { as_of: asOf }), ...(datetime && { datetime }) };
  }

  layers() {
    return this.panel?.layers() ?? [];
  }

  hover(place) {
    this.panel?.hover(place);
  }

  draw() {
    this.panel?.draw();
  }
}
