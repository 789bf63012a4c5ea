// Starts the page and wires its parts together. Tests and embedding pages may watch `window.onemap`.

import { hideCard, showCard, showDensityCard } from "./card.js";
import { byId } from "./dom.js";
import { drawIcons } from "./icons.js";
import { language, pick, say, setLanguage, startLanguage, writeWords } from "./i18n.js";
import { Labels } from "./labels.js";
import { MapCanvas } from "./map.js";
import { readAddress, writeAddress } from "./share.js";
import { createState } from "./state.js";
import { showPosition, showScale } from "./status.js";
import { setTheme, theme } from "./theme.js";
import { TileSource } from "./tiles.js";
import { toast } from "./toast.js";
import { Tree } from "./tree.js";

const page = { state: "loading", error: null, counters: { frames: 0, labels: 0, views: 0 } };
window.onemap = page;

const NARROW = 760;
let state;
let map;
let labels;
let tree;
let addressTimer;

async function fetchJson(url) {
  let answer;
  try {
    answer = await fetch(url, { headers: { accept: "application/json, application/geo+json" } });
  } catch {
    throw new Error(say("serverGone"));
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.detail || body.title || String(answer.status));
  return body;
}

async function loadView() {
  const mode = state.threeD ? "3d" : "2d";
  const spec = await fetchJson(`view/spec?theme=${state.theme}&lang=${state.language}&view=${mode}`);
  map.setSpec(spec);
  page.counters.views++;
}

const attempt = (work) =>
  work().catch((error) => {
    toast(say("viewFailed", { why: error.message }), { key: "view", kind: "bad", seconds: 0, action: { words: say("retry"), run: () => attempt(work) } });
    page.state = "error";
    page.error = error.message;
  });

const source = new TileSource({
  onFailure(error, layers) {
    const names = layers.map((id) => pick(state.entries.get(id)?.title) || id).join("、");
    toast(say("tilesFailed", { l: names, why: error.message === "offline" ? say("serverGone") : error.message }), {
      key: "tiles", kind: "bad", seconds: 0,
      action: { words: say("retry"), run: () => (source.forget(), map.reload()) },
    });
  },
  onChange() {
    labels?.invalidate();
    map?.deck.setProps({}); // one more frame, so that names of the new tiles are laid out
    const busy = byId("busy");
    busy.hidden = source.pending === 0;
    busy.textContent = say("loading");
  },
});
Object.assign(page.counters, { tiles: source.counters });

function rendered() {
  page.counters.frames++;
  labels.draw();
  page.counters.labels = labels.placed.length;
  if (page.state === "error") return;
  page.state = map.templates.length || !state.layers.length ? (map.isLoaded && source.pending === 0 ? "ready" : "loading") : "loading";
}

function keepAddress() {
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => {
    try {
      history.replaceState(null, "", writeAddress(state, state.defaults));
    } catch {
      // browsers limit how often; the next move will write it
    }
  }, 250);
}

function showHint() {
  const dense = new Set();
  for (const layer of map.layers) {
    for (const tile of layer.state?.tileset?.selectedTiles ?? []) if (tile.content?.density) dense.add(layer.id.split("/")[0]);
  }
  const names = [...dense].map((id) => pick(state.entries.get(id)?.title)).filter(Boolean);
  byId("hint").hidden = !names.length;
  if (names.length) byId("hint").textContent = say("densityHint", { l: names.join("、") });
}

function cameraMoved() {
  showScale(state.camera);
  if (!page.pointer) showPosition(state.camera.lon, state.camera.lat);
  byId("north").firstElementChild?.style.setProperty("transform", `rotate(${-state.camera.bearing}deg)`);
  keepAddress();
}

function hovered(info) {
  page.pointer = Boolean(info.coordinate);
  const [lon, lat] = info.coordinate ?? [state.camera.lon, state.camera.lat];
  showPosition(lon, lat);
}

const featureId = (feature) => feature.properties?._id ?? feature.id;

function clicked(info) {
  const entry = info.object && state.entries.get(info.layer.id.split("/")[0]);
  if (!entry) return closeCard();
  const { properties } = info.object;
  if (properties._count !== undefined) {
    closeCard();
    return showDensityCard(entry, properties._count, { onClose: closeCard });
  }
  const feature = { id: featureId(info.object), properties };
  map.setSelection({ type: "Feature", properties: {}, geometry: plainGeometry(info.object.geometry) });
  select(entry, feature);
}

// deck.gl gives the coordinates of a picked tile feature through a getter: read it once.
const plainGeometry = (geometry) => ({ type: geometry.type, coordinates: geometry.coordinates });

function select(entry, feature) {
  state.selected = { layer: entry.id, id: feature.id };
  openCard(entry, feature);
  keepAddress();
  return completeSelection(entry, feature);
}

function openCard(entry, feature) {
  page.card = { entry, feature };
  showCard(entry, feature, { onClose: closeCard, onZoom: () => zoomToGeometry(map.selection?.geometry) });
}

// A tile holds a cut and simplified copy without unknown values: the whole record comes from the feature API.
async function completeSelection(entry, feature) {
  try {
    const whole = await fetchJson(`collections/${entry.id}/items/${encodeURIComponent(feature.id)}?f=json`);
    if (state.selected?.id !== feature.id || state.selected.layer !== entry.id) return null;
    map.setSelection({ type: "Feature", properties: {}, geometry: whole.geometry });
    openCard(entry, { id: feature.id, properties: whole.properties });
    return whole;
  } catch (error) {
    toast(say("itemFailed", { why: error.message }), { key: "item", kind: "bad" });
    return null;
  }
}

function closeCard() {
  if (!state.selected && byId("card").hidden) return;
  state.selected = null;
  page.card = null;
  map.setSelection(null);
  hideCard();
  keepAddress();
}

function boxOf(geometry) {
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  const visit = (node) => {
    if (typeof node[0] !== "number") return node.forEach(visit);
    box[0] = Math.min(box[0], node[0]);
    box[1] = Math.min(box[1], node[1]);
    box[2] = Math.max(box[2], node[0]);
    box[3] = Math.max(box[3], node[1]);
  };
  if (geometry?.coordinates) visit(geometry.coordinates);
  return Number.isFinite(box[0]) ? box : null;
}

function padding() {
  const panel = document.body.classList.contains("no-panel") || innerWidth < NARROW || state.embed ? 0 : 340;
  const card = byId("card").hidden || innerWidth < NARROW ? 0 : 340;
  return { left: panel + 40, right: card + 70, top: 50, bottom: 60 };
}

const zoomToBox = (box) => box && map.go({ ...map.cameraFor(box, padding()), pitch: state.camera.pitch, bearing: state.camera.bearing });
const zoomToGeometry = (geometry) => zoomToBox(boxOf(geometry));

function showCredits() {
  const shown = state.layers.filter((entry) => state.visible.has(entry.id));
  byId("attribution").textContent = [...new Set(shown.map((entry) => entry.attribution).filter(Boolean))].join(" · ");
}

function redraw() {
  showCredits();
  map.refresh();
  labels.invalidate();
  tree.draw();
  keepAddress();
}

function writePage() {
  writeWords();
  const city = pick(state.city.name);
  byId("title").textContent = state.language === "zh" ? `${city}${say("oneMap")}` : `${city} · ${say("oneMap")}`;
  byId("subtitle").textContent = say("subtitle");
  document.title = byId("title").textContent;
  byId("language").textContent = state.language === "zh" ? "EN" : "中";
  byId("canvas").querySelector("canvas")?.setAttribute("aria-label", document.title);
  showCredits();
  tree.draw();
  showScale(state.camera);
  showPosition(state.camera.lon, state.camera.lat);
  if (page.card) openCard(page.card.entry, page.card.feature);
}

function showPanel(shown) {
  document.body.classList.toggle("no-panel", !shown);
  byId("panel").inert = !shown;
  byId(shown ? "panel-close" : "panel-open").focus({ preventScroll: true });
}

async function copyLink() {
  history.replaceState(null, "", writeAddress(state, state.defaults));
  try {
    await navigator.clipboard.writeText(location.href);
    toast(say("copied"), { key: "copy", seconds: 2.5 });
  } catch {
    toast(say("copyFailed"), { key: "copy" });
  }
}

function wireButtons() {
  const press = (id, work) => byId(id).addEventListener("click", work);
  press("zoom-in", () => map.go({ zoom: Math.min(20.5, state.camera.zoom + 1) }, 250));
  press("zoom-out", () => map.go({ zoom: Math.max(2, state.camera.zoom - 1) }, 250));
  press("home", () => map.go({ ...state.home, pitch: state.threeD ? 50 : 0 }));
  press("north", () => map.go({ bearing: 0, pitch: 0 }, 400));
  press("three-d", () => {
    state.threeD = !state.threeD;
    byId("three-d").setAttribute("aria-pressed", state.threeD);
    map.go({ pitch: state.threeD ? 50 : 0 }, 600);
    keepAddress();
    attempt(loadView);
  });
  press("theme", () => {
    setTheme(theme() === "dark" ? "light" : "dark");
    state.theme = theme();
    tree.draw();
    labels.invalidate();
    keepAddress();
    attempt(loadView);
  });
  press("language", () => {
    setLanguage(language() === "zh" ? "en" : "zh");
    state.language = language();
    writePage();
    showHint();
    labels.invalidate();
    map.refresh();
    keepAddress();
  });
  press("share", copyLink);
  press("print", () => print());
  press("panel-close", () => showPanel(false));
  press("panel-open", () => showPanel(true));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") closeCard();
    if (event.key === "/" && !/input|textarea/i.test(document.activeElement.tagName)) {
      event.preventDefault();
      byId("search").focus();
    }
  });
  byId("map").addEventListener("pointerleave", () => {
    page.pointer = false;
    showPosition(state.camera.lon, state.camera.lat);
  });
}

async function start() {
  const asked = readAddress(location.search);
  startLanguage(asked.language);
  setTheme(theme(), Boolean(asked.theme));
  drawIcons();
  setTheme(theme(), false);
  if (!document.createElement("canvas").getContext("webgl2")) throw new Error(say("noWebGL"));
  state = createState(await fetchJson("view/layers"), asked, theme(), language());
  tree = new Tree(byId("tree"), state, {
    toggle(ids, visible) {
      for (const id of ids) if (visible) state.visible.add(id);
      else state.visible.delete(id);
      redraw();
    },
    opacity(id, value) {
      state.opacity.set(id, value);
      map.refresh();
      keepAddress();
    },
    zoomTo(entry) {
      if (!state.visible.has(entry.id)) {
        state.visible.add(entry.id);
        redraw();
      }
      zoomToBox(entry.bounds);
    },
  });
  map = new MapCanvas({
    parent: byId("canvas"), source, state,
    on: {
      change: () => page.state !== "error" && (page.state = "loading"),
      camera: cameraMoved, click: clicked, hover: hovered, render: () => (rendered(), showHint()),
      failure: (error) => console.warn("map:", error.message),
    },
  });
  labels = new Labels(byId("labels"), map, state);
  page.map = map;
  page.labels = () => labels.placed.map((label) => label.text);
  page.view = state;
  byId("three-d").setAttribute("aria-pressed", state.threeD);
  if (innerWidth < NARROW && !state.embed) document.body.classList.add("no-panel");
  wireButtons();
  writePage();
  byId("canvas").querySelector("canvas").tabIndex = 0;
  await loadView();
  const entry = asked.feature && state.entries.get(asked.feature.layer);
  if (entry) await select(entry, { id: asked.feature.id, properties: {} });
}

attempt(start);
