// Drawing on the map: a point, several, a line or an area, by mouse, finger or keys. One shape at a time; what is drawn so far
// is on the map, and a bar says what to do next.

import { crossesItself, areaOf, lengthOf } from "./analysis-measure.js";
import { byId, element } from "./dom.js";
import { visibleCentre, visibleMiddle } from "./framing.js";
import { formatArea, formatDistance, say } from "./i18n.js";

const DOUBLE_MS = 450;
const DOUBLE_PX = 6;
const LEAST = { point: 1, points: 1, line: 2, area: 3 };
const HELP = { point: "drawHelpPoint", points: "drawHelpPoints", line: "drawHelpLine", area: "drawHelpArea" };

export class DrawTool {
  /** @param onChange called when something else is to be drawn */
  constructor(map, onChange) {
    this.map = map;
    this.onChange = onChange;
    this.kind = null; // point, points, line, area; null while nobody draws
    this.corners = [];
    this.cursor = null;
    this.press = null; // the last press that drew something: a second one close to it ends the shape
    byId("canvas").addEventListener("pointerdown", (event) => this.#pressed(event), true);
    addEventListener("keydown", (event) => this.kind && this.#key(event), true);
  }

  /** Begins a shape; gives its corners [[lon, lat], …], or null when the reader gives up. */
  begin(kind) {
    this.cancel();
    Object.assign(this, { kind, corners: [], cursor: null, told: "" });
    this.map.tool = this;
    document.body.classList.add("drawing");
    this.#bar();
    byId("canvas").querySelector("canvas").focus({ preventScroll: true });
    return new Promise((resolve) => (this.resolve = resolve));
  }

  /** A click on a place of the map. */
  click(place) {
    this.corners.push(round(place));
    this.told = "";
    if (this.kind === "point") return this.finish();
    this.#changed();
  }

  hover(place) {
    this.#cross(false);
    if (!this.kind || this.kind.startsWith("point")) return;
    this.cursor = place;
    this.onChange();
  }

  undo() {
    this.corners.pop();
    this.told = "";
    this.#changed();
  }

  finish() {
    if (this.corners.length < LEAST[this.kind]) this.told = say("drawTooFew");
    else if (this.kind === "area" && crossesItself(this.corners)) this.told = say("drawCrossing");
    else return this.#end(this.corners);
    this.#changed();
  }

  cancel() {
    if (this.kind) this.#end(null);
  }

  #end(corners) {
    const { resolve } = this;
    Object.assign(this, { kind: null, corners: [], cursor: null, resolve: null });
    this.map.tool = null;
    document.body.classList.remove("drawing");
    byId("draw-bar")?.remove();
    this.#cross(false);
    this.onChange();
    resolve(corners);
  }

  // deck.gl would zoom at a double click: the second press never gets there.
  #pressed(event) {
    const { press } = this;
    const isSecond = press && event.timeStamp - press.time < DOUBLE_MS && Math.hypot(event.clientX - press.x, event.clientY - press.y) < DOUBLE_PX;
    this.press = this.kind && !isSecond ? { time: event.timeStamp, x: event.clientX, y: event.clientY } : null;
    if (!isSecond) return;
    event.stopPropagation();
    event.preventDefault();
    if (this.kind) this.finish();
  }

  #key(event) {
    const { key, target } = event;
    const onMap = target === document.body || byId("map").contains(target);
    const work = {
      Escape: () => this.cancel(),
      Enter: onMap && (() => this.finish()),
      " ": onMap && (() => this.click(visibleCentre(this.map))),
      Backspace: onMap && (() => this.undo()),
      z: onMap && (event.ctrlKey || event.metaKey) && (() => this.undo()),
    }[key];
    if (key.startsWith("Arrow") && onMap) this.#cross(true);
    if (!work) return;
    event.preventDefault();
    event.stopPropagation();
    work();
    if (key === " ") this.#cross(true);
  }

  // Where the space bar sets its point.
  #cross(shown) {
    byId("draw-cross")?.remove();
    if (!shown || !this.kind) return;
    const [x, y] = visibleMiddle(this.map);
    byId("map").append(element("div", { id: "draw-cross", class: "draw-cross", "aria-hidden": "true", style: { left: `${x}px`, top: `${y}px` } }));
  }

  #changed() {
    this.#bar();
    this.onChange();
  }

  /** The bar again, in the language of now. */
  draw() {
    if (this.kind) this.#bar();
  }

  #bar() {
    const many = this.kind !== "point";
    const button = (id, words, work, more = {}) => element("button", { class: "plain", id, type: "button", onclick: work, ...more }, say(words));
    const bar = element("div", { id: "draw-bar", class: "draw-bar", role: "group", "aria-label": say(HELP[this.kind]) },
      element("div", { class: "draw-words", role: "status" },
        element("p", {}, this.told || say(HELP[this.kind])),
        element("p", { class: "draw-more" }, this.corners.length ? toldOf(this.kind, this.corners) : say("drawHelpKeys"))),
      element("div", { class: "draw-buttons" },
        many ? button("draw-undo", "drawUndo", () => this.undo(), { disabled: !this.corners.length }) : null,
        button("draw-cancel", "cancel", () => this.cancel()),
        many ? button("draw-done", "drawDone", () => this.finish(), { disabled: this.corners.length < LEAST[this.kind], class: "primary" }) : null));
    const focused = document.activeElement?.id;
    const old = byId("draw-bar");
    if (old) old.replaceWith(bar);
    else document.body.append(bar);
    if (focused?.startsWith("draw-")) byId(focused)?.focus();
  }

  /** GeoJSON features of what is drawn so far. */
  get features() {
    if (!this.kind) return [];
    const line = this.cursor && this.corners.length ? [...this.corners, this.cursor] : this.corners;
    const feature = (type, coordinates) => ({ type: "Feature", properties: {}, geometry: { type, coordinates } });
    const found = this.corners.map((corner) => feature("Point", corner));
    if (this.kind === "area" && line.length > 2) found.unshift(feature("Polygon", [[...line, line[0]]]));
    else if (!this.kind.startsWith("point") && line.length > 1) found.unshift(feature("LineString", line));
    return found;
  }
}

// A tenth of a millimetre: more is noise in an address.
const round = ([lon, lat]) => [Number(lon.toFixed(7)), Number(lat.toFixed(7))];

/** Corners in words: how many, how long, how large. */
export function toldOf(kind, corners) {
  const n = corners.length;
  if (kind === "line" && n > 1) return say("lineTold", { n, l: formatDistance(lengthOf(corners)) });
  if (kind === "area" && n > 2) return say("cornersTold", { n, a: formatArea(areaOf([corners])) });
  return say("pointsTold", { n });
}
