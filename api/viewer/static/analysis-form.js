// The form of a question, made from what the server says of its inputs. It holds the values; a value that is the usual one is left out,
// so that a link says only what the reader chose.

import { drawField, idOf, row } from "./analysis-fields.js";
import { layerChoices, propertyChoices } from "./analysis-choices.js";
import { faultOf, isMissing, readInputs } from "./analysis-schema.js";
import { geometryOf } from "./analysis-places.js";
import { INPUTS, PROCESSES } from "./analysis-terms.js";
import { element } from "./dom.js";
import { language, pick, say } from "./i18n.js";

const NOT_HERE = new Set(["register_as", "raster_as"]); // keeping a result is a button of its own
// Titles inside of schemas hold both languages in one line, the Chinese one first.
const sideOf = (title) => (typeof title === "string" ? title.split(/ (?=[A-Z])/)[language() === "zh" ? 0 : 1] ?? title : pick(title));
const word = (pair) => pick({ zh: pair[0], en: pair[1] });

export class Form {
  /**
   * @param description of `GET /processes/{id}`
   * @param terrains    entries of /terrain
   * @param on          {change(), draw(), chosen()}
   */
  constructor(description, { state, terrains, tool, inputs, on }) {
    this.process = description.id;
    this.state = state;
    this.terrains = terrains.filter(({ problem }) => !problem);
    this.tool = tool;
    this.on = on;
    this.fields = readInputs(description);
    this.faults = new Map(); // path → sentence
    this.values = structuredClone(inputs ?? {});
    const { either = [] } = PROCESSES[this.process] ?? {};
    this.either = either.filter(({ inputs: names }) => names.every((name) => this.fields.has(name)));
    this.way = Math.max(0, this.either.findIndex(({ inputs: names }) => names.some((name) => this.values[name] !== undefined)));
    if (!inputs) this.#suggest();
    this.#suggestLayers();
    this.stated = !this.terrains.length || (this.values.ground_m !== undefined && this.values.terrain === undefined);
    this.more = false;
  }

  // What a reader would mostly want, where the server leaves it open.
  #suggest() {
    const today = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10);
    for (const field of this.fields.values()) {
      if (field.kind === "instant" && field.required) this.values[field.name] = `${today}T10:00:00+08:00`;
      if (field.kind === "choice" && this.either.length && field.fallback === null) this.values[field.name] = field.choices[0]?.value;
    }
    const { asOf, datetime } = this.state.moment; // what the map shows is what is asked about
    if (this.fields.has("as_of") && asOf) this.values.as_of = asOf;
    if (this.fields.has("datetime") && datetime) this.values.datetime = datetime;
    if (this.fields.has("year")) this.values.year = Number(today.slice(0, 4));
    if (this.fields.has("day")) this.values.day = today;
  }

  // The server's usual layer is not always there.
  #suggestLayers() {
    for (const name of ["buildings", "cameras"]) {
      const choices = this.fields.has(name) ? layerChoices(name, this.state) : [];
      const usual = this.fields.get(name)?.fallback;
      if (this.fields.has(name) && this.values[name] === undefined && !choices.some(({ value }) => value === usual)) this.values[name] = choices[0]?.value;
    }
  }

  value(path) {
    return path.reduce((node, key) => node?.[key], this.values);
  }

  set(path, value) {
    let node = this.values;
    path.slice(0, -1).forEach((key, i) => (node = node[key] ??= typeof path[i + 1] === "number" ? [] : {}));
    const last = path.at(-1);
    if (value === undefined && !Array.isArray(node)) delete node[last];
    else node[last] = value;
    for (const key of this.faults.keys()) if (key === path.join("/") || key.startsWith(`${path.join("/")}/`)) this.faults.delete(key);
    this.on.change();
  }

  fault(path, sentence) {
    this.faults.set(path.join("/"), sentence);
    this.draw();
  }

  /** Draws the form anew where it stands. */
  draw() {
    this.on.draw();
  }

  focus(id) {
    document.getElementById(id)?.focus({ preventScroll: true });
  }

  chosen() {
    return this.on.chosen();
  }

  nameOf({ name, title = this.fields.get(name)?.title }, path) {
    const plain = path.filter((key) => typeof key === "string");
    const owner = plain.length > 1 ? plain.at(-2) : this.process;
    const pair = INPUTS[`${owner}.${name}`] ?? INPUTS[name];
    const number = typeof path.at(-1) === "number" ? ` ${path.at(-1) + 1}` : "";
    return (pair ? word(pair) : sideOf(title) || name.replaceAll("_", " ")) + number;
  }

  // The server's own words say more than a name; they are a tooltip, because they are in one language.
  helpOf({ description, name }) {
    return [description, name].filter(Boolean).join(" · ");
  }

  /** A field with the choices that only this server and page know. */
  special(field) {
    const { name } = field;
    if (name === "buildings" || name === "cameras") return { ...field, kind: "choice", choices: layerChoices(name, this.state) };
    if (name === "terrain_after") return { ...field, kind: "choice", choices: [{ value: "", title: "—" }, ...this.#terrainChoices()] };
    if (field.kind === "text" && /_property/.test(name)) return { ...field, kind: "choice", choices: propertyChoices(field, this.#layerOf(name)), fallback: "" };
    return field;
  }

  #layerOf(name) {
    const of = ["height_property", "floors_property"].includes(name) ? "buildings" : "cameras";
    return this.state.entries.get(this.values[of] ?? this.fields.get(of)?.fallback);
  }

  #terrainChoices() {
    return this.terrains.map(({ id, title }) => ({ value: id, title: pick(title) || id }));
  }

  /** The nodes of the form. */
  nodes() {
    const names = [...this.fields.keys()].filter((name) => !NOT_HERE.has(name));
    const branches = new Set(this.either.flatMap(({ inputs }) => inputs));
    const asked = PROCESSES[this.process]?.first ?? [];
    const first = [...asked.filter((name) => this.fields.has(name)), ...names.filter((name) => this.fields.get(name).required && !asked.includes(name))];
    // Before and after is a question only where something is planned.
    const standing = ["planned", this.values.planned?.length ? "compare" : "", "buildings", "cell_m"].filter((name) => this.fields.has(name) && !first.includes(name));
    const rest = names.filter((name) => ![...first, ...standing, ...branches, "terrain", "ground_m"].includes(name));
    const all = (list) => list.map((name) => drawField(this, this.field(name), [name]));
    const more = element("details", { class: "more-inputs", open: this.more || rest.some((name) => this.#isFaulty(name)), ontoggle: ({ target }) => (this.more = target.open) },
      element("summary", { id: "more-inputs" }, say("moreInputs")), all(rest));
    return [all(first), this.#branches(all), this.fields.has("ground_m") ? this.#ground() : null, all(standing), rest.length ? more : null];
  }

  field(name) {
    const inBranch = this.either.some(({ inputs }) => inputs[0] === name);
    return inBranch ? { ...this.fields.get(name), required: true } : this.fields.get(name);
  }

  #isFaulty(name) {
    return [...this.faults.keys()].some((key) => key.split("/")[0] === name);
  }

  #branches(all) {
    if (!this.either.length) return null;
    const buttons = this.either.map(({ title }, i) => element("button", {
      class: "segment", type: "button", id: `way-${i}`, "aria-pressed": String(i === this.way),
      onclick: () => {
        this.way = i;
        this.on.change();
        this.draw();
      },
    }, word(title)));
    return element("div", { class: "branches" }, element("div", { class: "segments", role: "group" }, buttons), all(this.either[this.way].inputs));
  }

  // A terrain of the server, or a height that the reader states: one of them, never an unknown taken for zero.
  #ground() {
    const LEVEL = ":level";
    const field = { ...this.fields.get("ground_m"), required: true };
    const number = () => drawField(this, field, ["ground_m"]);
    if (!this.terrains.length) return element("div", { class: "ground" }, number(), element("p", { class: "soft" }, say("noTerrain")));
    const select = element("select", {
      id: idOf(["terrain"]),
      onchange: ({ target }) => {
        this.stated = target.value === LEVEL;
        if (this.stated) this.set(["terrain"], undefined);
        else this.set(["terrain"], target.value);
        this.draw();
      },
    }, [...this.#terrainChoices(), { value: LEVEL, title: say("levelGround") }].map(({ value, title }) => element("option", { value }, title)));
    select.value = this.stated ? LEVEL : (this.values.terrain ?? this.terrains[0].id);
    return element("div", { class: "ground" },
      row(this, { ...this.fields.get("terrain"), name: "terrain" }, ["terrain"], select, { wide: true }), this.stated ? number() : null);
  }

  /** The question as it goes to the server; null where it is not whole, and the form says why. */
  inputs() {
    this.faults.clear();
    const found = {};
    const left = new Set(this.either.flatMap(({ inputs }, i) => (i === this.way ? [] : inputs)));
    for (const name of this.fields.keys()) {
      if (NOT_HERE.has(name) || left.has(name) || (name === "ground_m" && !this.stated) || (name === "terrain" && this.stated)) continue;
      const field = name === "ground_m" ? { ...this.field(name), required: true } : this.field(name);
      const value = name === "terrain" && this.terrains.length > 1 ? (this.values.terrain ?? this.terrains[0].id) : this.values[name];
      this.#judge(field, value, [name]);
      if (!isMissing(value) && value !== field.fallback) found[name] = value;
    }
    return this.faults.size ? null : structuredClone(found);
  }

  #judge(field, value, path) {
    const fault = faultOf(field, value);
    if (fault) this.faults.set(path.join("/"), say(fault[0], { n: fault[1] }));
    if (field.kind === "list") (value ?? []).forEach((entry, i) => field.fields.forEach((inner) => this.#judge(inner, entry[inner.name], [...path, i, inner.name])));
    if (field.kind === "tuple") field.parts.forEach((part, i) => this.#judge({ ...part, required: field.required }, value?.[i], [...path, i]));
  }

  /** What the server found wrong, at the inputs it names. */
  blame(findings) {
    for (const { where, problem } of findings ?? []) this.faults.set(where.replace(/^\//, ""), problem);
  }

  /** GeoJSON features of all places of the question; a planned volume has its `height_m`. */
  get features() {
    const found = [];
    const visit = (node, path) => {
      const geometry = geometryOf(node);
      if (geometry) found.push({ type: "Feature", properties: { height_m: path.at(-1) === "footprint" ? this.value([...path.slice(0, -1), "height_m"]) : undefined }, geometry });
      else if (node && typeof node === "object") for (const [key, value] of Object.entries(node)) visit(value, [...path, Array.isArray(node) ? Number(key) : key]);
    };
    visit(this.values, []);
    return found;
  }
}
