// A scene in the catalogue: what it is, of when, how good, what its heights count from; how it is drawn, and what its colours mean.

import { element } from "./dom.js";
import { formatDate, formatNumber, pick, say } from "./i18n.js";
import { icon } from "./icons.js";
import { CLASS_COLORS, classColor, KIND_COLORS, kindOf, partOf, PART_COLORS, rampCss } from "./scene-colors.js";
import { WORDS } from "./words.js";

// A mesh read from a file of surfaces is a model without a level of detail.
function kindWords({ kind, lod }) {
  const name = `scene_${kind === "model" && !lod ? "mesh" : kind}`;
  return say(name in WORDS ? name : "scene_other");
}

/** The kind of a scene beside the name of its layer; nothing where there is no scene, or it only raises the layer's own features. */
export const sceneTag = ({ scene }) =>
  scene && scene.kind !== "buildings" ? element("span", { class: "scene-tag" }, kindWords(scene)) : null;

export class ScenePanel {
  /** @param on {show3d()} */
  constructor(scenes, on) {
    this.scenes = scenes;
    this.on = on;
  }

  /** Nodes for the details of a layer that has a scene. */
  details(entry) {
    const { threeD, visible } = this.scenes.state;
    const delivered = entry.scene.kind !== "buildings";
    const inView = threeD && visible.has(entry.id);
    return [
      delivered && !threeD ? element("button", { class: "chip scene-3d", onclick: () => this.on.show3d() }, icon("layers"), say("sceneIn3d")) : null,
      delivered && inView ? this.#look(entry) : null,
      element("dl", { class: "scene-facts" }, facts(entry.scene).map(([title, value]) => [element("dt", {}, title), element("dd", {}, value)])),
      inView ? this.#moved(entry) : null,
    ];
  }

  #look({ id, scene, title }) {
    const { known, look } = this.scenes.looks(id);
    const name = pick(title) || id;
    const choice = known.length > 1 ? this.#select(id, name, known, look) : null;
    const size = scene.kind === "points" ? this.#size(id, name) : null;
    return element("div", { class: "scene-look" }, legend(look, this.scenes.facts.get(id)), choice, size);
  }

  #select(id, name, known, look) {
    const select = element(
      "select",
      {
        "aria-label": `${say("sceneLook")}: ${name}`, "data-focus": `look-scene-${id}`,
        onchange: ({ target }) => this.scenes.choose(id, { look: target.value }),
      },
      known.map((key) => element("option", { value: key }, say(`sceneLook_${key}`))),
    );
    select.value = look;
    return element("label", { class: "raster-choice" }, element("span", {}, say("sceneLook")), select);
  }

  #size(id, name) {
    const { size } = this.scenes.state.scenes.get(id);
    const shown = element("output", {}, `${formatNumber(size)} px`);
    const slider = element("input", {
      type: "range", min: 1, max: 8, step: 0.5, "aria-label": `${say("scenePointSize")}: ${name}`, "data-focus": `size-scene-${id}`,
      oninput: ({ target }) => this.scenes.choose(id, { size: Number(target.value) }),
    });
    slider.value = size;
    return element("div", { class: "opacity" }, element("span", {}, say("scenePointSize")), slider, shown);
  }

  #moved({ id }) {
    const standing = this.scenes.standings.get(id);
    if (!standing?.raised || standing.agrees) return null;
    const metres = `${standing.offset > 0 ? "+" : ""}${standing.offset.toFixed(1)}`;
    return element("p", { class: "belief", role: "status" }, standing.byFeatures ? say("sceneOnGround") : say("sceneMoved", { m: metres }));
  }
}

function facts(scene) {
  const { lod, level_title, date, accuracy_m, vertical_datum_title } = scene;
  return [
    [say("sceneKind"), [kindWords(scene), lod].filter(Boolean).join(" · ")],
    [say("sceneLevel"), pick(level_title)],
    [say("sceneDate"), date ? formatDate(date) : say("unknown")],
    [say("sceneAccuracy"), accuracy_m === null ? say("unknown") : `${formatNumber(accuracy_m)} m`],
    [say("sceneDatum"), pick(vertical_datum_title)],
  ];
}

/** What a class of points is called. */
export const classWords = (number) => (number in CLASS_COLORS ? say(`class_${number}`) : say("class_other", { n: number }));

function legend(look, known) {
  if (!known) return null;
  if (look === "class") return listed([...known.classes].sort((a, b) => a - b).map((number) => [classColor(number), classWords(number)]));
  const kinds = [...known.kinds].map(kindOf);
  if (look === "kind") return listed(present(KIND_COLORS, kinds, "kind"));
  const others = kinds.filter((kind) => kind !== "building");
  if (look === "part") return listed([...present(PART_COLORS, partsOf(known, kinds), "part"), ...present(KIND_COLORS, others, "kind")]);
  if (look !== "height" && look !== "intensity") return null;
  const [low, high] = known[look].map((value) => formatNumber(Number(value.toFixed(look === "height" ? 1 : 0))));
  const unit = look === "height" ? " m" : "";
  return element("div", { class: "ramp" },
    element("div", { class: "ramp-bar", style: { background: rampCss() } }),
    element("div", { class: "ramp-ends" }, element("span", {}, `≤ ${low}${unit}`), element("span", {}, `≥ ${high}${unit}`)));
}

// A building that does not say what its surfaces are is coloured by where they look.
const partsOf = ({ parts }, kinds) => [...[...parts].map(partOf), ...(kinds.includes("building") ? ["roof", "wall"] : [])];

const present = (table, found, name) =>
  Object.entries(table).filter(([key]) => found.includes(key)).map(([key, color]) => [color, say(`${name}_${key}`)]);

const listed = (rows) =>
  element("ul", { class: "legend-list" }, rows.map(([color, words]) =>
    element("li", {}, element("span", { class: "raster-class", style: { background: `rgb(${color})` } }), element("span", { title: words }, words))));
