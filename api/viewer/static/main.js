// Starts the page and wires its parts together. Tests and embedding pages may watch `window.onemap`.

import { AnalysisTab } from "./analysis-tab.js";
import { copyLink, showPanel, wireButtons } from "./buttons.js";
import { byId } from "./dom.js";
import { frameBox, NARROW, visibleCentre } from "./framing.js";
import { drawIcons } from "./icons.js";
import { language, pick, say, startLanguage, writeWords } from "./i18n.js";
import { Labels } from "./labels.js";
import { Live } from "./live.js";
import { MapCanvas } from "./map.js";
import { PlaceSearch } from "./place-search.js";
import { Place } from "./place.js";
import { Relief } from "./relief.js";
import { Review } from "./review.js";
import { Selection } from "./selection.js";
import { getCatalogue, getSpec } from "./server.js";
import { readAddress, writeAddress } from "./share.js";
import { RasterPanel } from "./raster-panel.js";
import { Rasters } from "./raster-layers.js";
import { ScenePanel } from "./scene-panel.js";
import { Scenes } from "./scenes.js";
import { createState, learnLayers } from "./state.js";
import { showPosition, showScale } from "./status.js";
import { setTheme, theme } from "./theme.js";
import { TileSource } from "./tiles.js";
import { TimeControl } from "./time-control.js";
import { toast } from "./toast.js";
import { Tree } from "./tree.js";

const page = { state: "loading", error: null, counters: { frames: 0, labels: 0, views: 0 } };
window.onemap = page;

let state;
let map;
let labels;
let tree;
let selection;
let place;
let review;
let search;
let rasters;
let rasterPanel;
let scenes;
let scenePanel;
let analysis;
let time;
let relief;
let addressTimer;

async function loadView() {
  const { moment } = state;
  const spec = await getSpec(state);
  if (moment !== state.moment) return; // the reader has gone on to another date
  map.setSpec(spec);
  // The past does not change.
  live.listen(!moment.asOf && map.templates.some((template) => template.constructor.layerName === "SceneLayer"));
  page.counters.views++;
}

const live = new Live((layers) => layers.some((id) => state.visible.has(id)) && edited());

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
  showHint();
  if (page.state === "error") return;
  page.state = map.templates.length || !state.layers.length ? (map.isLoaded && source.pending + rasters.pending === 0 ? "ready" : "loading") : "loading";
}

/** Hills as the reader wants them; the map is drawn anew where that changes what its tiles hold. */
function drawRelief() {
  const shown = Boolean(state.relief && relief.terrain);
  byId("relief").hidden = !relief.terrain;
  byId("relief").setAttribute("aria-pressed", shown);
  source.ground = shown && state.threeD ? relief.ground : null;
  map.setRelief(shown ? relief : null);
  writeDatum();
}

function writeDatum() {
  byId("relief-note").hidden = !map.relief;
  if (map.relief) byId("relief-note").textContent = say("reliefDatum", { d: pick(relief.terrain.verticalDatum) });
}

async function findRelief() {
  relief = new Relief({ onChange: () => map.followGround() });
  try {
    if (!(await relief.find())) return;
    byId("relief").hidden = false;
    if (state.relief) drawRelief();
  } catch (error) {
    if (state.relief) toast(say("reliefFailed", { why: error.message }), { key: "relief", kind: "bad" });
  }
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
  map?.followGround();
  showScale(state.camera);
  if (!page.pointer) showPosition(state.camera.lon, state.camera.lat);
  byId("north").firstElementChild?.style.setProperty("transform", `rotate(${-state.camera.bearing}deg)`);
  keepAddress();
}

function hovered(info) {
  page.pointer = Boolean(info.coordinate);
  const place = info.coordinate ? map.placeAt(info.x, info.y) : null;
  analysis.hover(place);
  const [lon, lat] = place ?? [state.camera.lon, state.camera.lat];
  showPosition(lon, lat);
}

function clicked(info) {
  place.forget();
  review.forget();
  selection.pick(info);
}

function closeCard() {
  place.forget();
  review.forget();
  selection.close();
}

/** Opens a feature by the id of its layer, from wherever it was named: search, relations, places, the address. */
function openFeature(layer, id, options) {
  const entry = state.entries.get(layer);
  if (!entry) return null;
  if (!state.visible.has(layer) && entry.style.kind !== "label") toggle([layer], true);
  place.forget();
  review.forget();
  return selection.select(entry, { id, properties: {} }, options);
}

function ask(spot) {
  const [lon, lat] = spot ?? visibleCentre(map);
  review.forget();
  selection.close();
  place.open(lon, lat);
}

/** Another date for everything on the page. */
function setMoment(moment) {
  state.moment = moment;
  time.draw();
  tree.draw();
  labels.invalidate();
  keepAddress();
  selection.reload();
  place.reload();
  search.again();
  rasters.reload();
  return attempt(loadView);
}

function cardChanged() {
  time?.draw(); // its ticks follow the chosen feature
  keepAddress();
}

/** A feature was changed from here: everything that shows its layer is asked for again. */
async function edited() {
  const { layers } = await getCatalogue();
  for (const entry of layers) if (state.entries.has(entry.id)) Object.assign(state.entries.get(entry.id), entry);
  time.forget();
  redraw();
  selection.reload();
  await attempt(loadView);
  map.reload(); // the same addresses, but another version behind them
}

/** A layer was made from here: it joins the tree and the map. */
async function layerAdded(id) {
  learnLayers(state, await getCatalogue());
  state.visible.add(id);
  redraw();
  await attempt(loadView);
  toast(say("savedLayer", { l: pick(state.entries.get(id)?.title) || id }), { key: "saved" });
}

function makeAnalysis() {
  return new AnalysisTab(map, state, {
    change: keepAddress, layerAdded,
    open: (layer, id) => openFeature(layer, id, { frame: false }),
    share: () => copyLink(state),
    show: () => document.body.classList.contains("no-panel") && showPanel(true),
    tell: (words) => toast(words, { key: "analysis" }),
  });
}

function toggle(ids, visible) {
  for (const id of ids) if (visible) state.visible.add(id);
  else state.visible.delete(id);
  redraw();
}

function showCredits() {
  const shown = state.layers.filter((entry) => state.visible.has(entry.id));
  byId("attribution").textContent = [...new Set(shown.map((entry) => entry.attribution).filter(Boolean))].join(" · ");
}

function redraw() {
  showCredits();
  map.refresh();
  labels.invalidate();
  tree.draw();
  time.draw();
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
  time.draw();
  search.draw();
  showScale(state.camera);
  showPosition(state.camera.lon, state.camera.lat);
  selection.draw();
  place.draw();
  review.draw();
  analysis.draw();
  writeDatum();
  showHint();
}

function makeTree() {
  return new Tree(byId("tree"), state, {
    toggle,
    opacity(id, value) {
      state.opacity.set(id, value);
      map.refresh();
      keepAddress();
    },
    rasters: (words) => rasterPanel.group(words),
    scene: (entry) => scenePanel.details(entry),
    zoomTo(entry) {
      if (!state.visible.has(entry.id)) toggle([entry.id], true);
      frameBox(map, entry.bounds);
    },
    review(entry) {
      closeCard();
      review.open(entry);
    },
  });
}

function showRaster(entry) {
  if (!rasters.choice(entry.id).visible) rasters.choose(entry.id, { visible: true });
  frameBox(map, entry.bounds);
}

function makeMap() {
  return new MapCanvas({
    parent: byId("canvas"), source, state,
    on: {
      ask,
      change: () => page.state !== "error" && (page.state = "loading"),
      rasters: () => rasters.layers(),
      scene: (id, zoom) => scenes.props(id, zoom),
      analysis: () => analysis?.layers() ?? [],
      camera: cameraMoved, click: clicked, hover: hovered, render: rendered,
      failure: (error) => console.warn("map:", error.message),
    },
  });
}

async function start() {
  const asked = readAddress(location.search);
  startLanguage(asked.language);
  setTheme(theme(), Boolean(asked.theme));
  drawIcons();
  setTheme(theme(), false);
  if (!document.createElement("canvas").getContext("webgl2")) throw new Error(say("noWebGL"));
  state = createState(await getCatalogue(), asked, theme(), language());
  rasters = new Rasters(state, asked.rasters, { change: () => map && redraw() });
  rasterPanel = new RasterPanel(rasters, { draw: () => tree.draw(), zoomTo: showRaster });
  rasters.load(); // beside the rest: a failure leaves a page without rasters
  scenes = new Scenes(state, asked.scenes, { change: () => map && redraw(), told: () => tree.draw() });
  scenePanel = new ScenePanel(scenes, { show3d: () => byId("three-d").click() });
  tree = makeTree();
  map = makeMap();
  analysis = makeAnalysis();
  labels = new Labels(byId("labels"), map, state);
  selection = new Selection(map, state, { ask: (lon, lat) => ask([lon, lat]), change: cardChanged, covers: (entry, feature, place) => analysis.covers(entry, feature, place), edited, moment: setMoment, open: openFeature });
  place = new Place(map, state, { change: cardChanged, close: closeCard, open: openFeature, who: analysis.hasCameras ? (lon, lat) => analysis.whoSees(lon, lat) : null });
  review = new Review(map, { close: closeCard, decided: () => location.reload() }); // a layer more or less: begin anew
  search = new PlaceSearch(map, state, {
    choose(found) {
      if (innerWidth < NARROW) showPanel(false); // it covers the map there
      place.choose(found);
    },
    filter: (words) => tree.filter(words),
  });
  time = new TimeControl(state, { moment: setMoment });
  Object.assign(page, { map, view: state, labels: () => labels.placed.map((label) => label.text) });
  byId("three-d").setAttribute("aria-pressed", state.threeD);
  if (innerWidth < NARROW && !state.embed) document.body.classList.add("no-panel");
  wireButtons(map, state, {
    address: keepAddress,
    ask: () => ask(null),
    close: closeCard,
    language() {
      writePage();
      labels.invalidate();
      map.refresh();
    },
    theme() {
      tree.draw();
      labels.invalidate();
    },
    relief: drawRelief,
    view: () => attempt(loadView),
    leave() {
      page.pointer = false;
      showPosition(state.camera.lon, state.camera.lat);
    },
  });
  writePage();
  byId("canvas").querySelector("canvas").tabIndex = 0;
  const reliefFound = findRelief();
  if (state.relief) await reliefFound; // or its tiles would be drawn flat first
  await loadView();
  if (asked.feature && state.entries.has(asked.feature.layer)) await openFeature(asked.feature.layer, asked.feature.id);
  else if (asked.here) await place.open(...asked.here);
  if (asked.analysis) await analysis.open(asked.analysis.process, asked.analysis.inputs);
}

attempt(start);
