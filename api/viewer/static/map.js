// The deck: converts a view from the composer, lays the reader's choices over it, and tells what happens on the map.

import { DepthReset } from "./depth-reset.js";
import { createFunctions } from "./functions.js";
import { drawGlyphs } from "./glyphs.js";
import { overlayLayers } from "./overlays.js";
import { listenForPointing } from "./pointing.js";
import { glyphScale, radiusScale, roundZoom, widthScale } from "./scales.js";
import { SceneLayer } from "./scene-layer.js";

const { deck } = globalThis;
const CLASSES = ["MapView", "MVTLayer", "SceneLayer", "LightingEffect", "AmbientLight", "DirectionalLight"];
const OWN = { SceneLayer };

const CLEAR = [0, 0, 0, 0];
const CROWD = 10_000;
const OUTLINES_FROM = 15.5;
const STEPS_TO_GROUND = 12;

// A square, a cluster or a block stands for many features: none of them lights up under the cursor.
const isMany = (object) => object?.properties?._count !== undefined || object?.properties?._cover !== undefined;

// Features of a tile, so low that the ground in the middle of the map lies at 0: there the camera turns round it. On deck.gl's plane x and y are of its
// own units, and heights are metres.
const tileDrawer = (ground) => (props) => {
  if (!ground || !props.coordinateOrigin) return new deck.GeoJsonLayer(props);
  const [x, y] = props.coordinateOrigin;
  return new deck.GeoJsonLayer({ ...props, coordinateOrigin: [x, y, -ground] });
};

export class MapCanvas {
  /**
   * @param on {analysis, ask, camera, change, click, hover, rasters, render, scene, failure}; `rasters` and `analysis` give layers, `ask` gets a place, or null for the
   * middle; `scene` gives what the reader chose of a scene, as props of its layer
   */
  constructor({ parent, source, state, on }) {
    this.state = state;
    this.on = on;
    this.templates = [];
    this.drawTile = tileDrawer(0);
    this.overlays = new Map(); // name → GeoJSON, see overlays.js
    this.generation = 0;
    this.relief = null; // see relief.js
    this.tool = null; // what takes clicks in place of the map, see analysis-draw.js
    this.ground = 0; // height in metres of what the camera looks at; it lies at 0 in the view
    const glyphs = drawGlyphs();
    this.converter = new deck.JSONConverter({
      configuration: {
        classes: Object.fromEntries(CLASSES.map((name) => [name, OWN[name] ?? deck[name]])),
        functions: createFunctions(source),
        constants: { iconAtlas: glyphs.atlas, iconMapping: glyphs.mapping },
      },
    });
    this.deck = new deck.Deck({
      parent,
      width: "100%",
      height: "100%",
      viewState: this.#viewState(),
      layers: [],
      pickingRadius: 4,
      getCursor: ({ isDragging, isHovering }) => (isDragging ? "grabbing" : this.tool ? "crosshair" : isHovering ? "pointer" : "default"),
      onViewStateChange: ({ viewState }) => this.#moved(viewState),
      onHover: (info) => on.hover(info),
      onAfterRender: () => on.render(),
      onError: (error) => on.failure(error),
    });
    listenForPointing(parent, {
      click: (x, y) => this.clickAt(x, y),
      ask: (x, y) => (this.tool ? this.tool.finish() : on.ask(this.placeAt(x, y))),
      askCentre: () => this.tool || on.ask(null),
    });
  }

  /** Draws the view that the composer described. */
  setSpec(spec) {
    const { layers, views, effects } = this.converter.convert(spec);
    this.templates = layers.filter(Boolean);
    this.deck.setProps({ views, effects });
    this.refresh();
  }

  /** Lays visibility, opacity and zoom-dependent sizes over the view. Layers that are off are not in the deck at all. */
  refresh() {
    const zoom = roundZoom(this.state.camera.zoom);
    this.zoom = zoom;
    const layers = [];
    for (const template of this.templates) {
      const [id] = template.id.split("/");
      if (!this.state.visible.has(id)) continue;
      const kind = this.state.kinds.get(id);
      layers.push(
        template.clone({
          visible: true, // whatever its manifest says: the reader has switched it on
          opacity: this.state.opacity.get(id) ?? 1,
          stroked: template.props.stroked && !(kind === "fill" && this.#isCrowd(id, zoom)),
          highlightColor: (info) => (isMany(info.object) ? CLEAR : template.props.highlightColor),
          lineWidthScale: kind === "line" ? widthScale(zoom, this.state.borders.has(id)) : 1,
          pointRadiusScale: template.props.clustered ? Math.max(1, radiusScale(zoom)) : radiusScale(zoom),
          iconSizeScale: glyphScale(zoom),
          onTileError: () => {}, // the tile source has told the reader already
          updateTriggers: { ...template.props.updateTriggers, getTileData: this.generation },
          ...(template instanceof deck.MVTLayer && { renderSubLayers: this.drawTile }),
          ...(template instanceof SceneLayer && this.#standing(template, zoom)),
        }),
      );
    }
    layers.splice(this.#aboveAreas(layers), 0, ...this.on.rasters());
    layers.push(...this.on.analysis(), ...overlayLayers(this.overlays, this.state.theme));
    this.deck.setProps({ layers: this.#withRelief(layers) });
    this.on.change();
    // A frame for certain, even where nothing visible has changed: whoever waits for it must not wait for ever.
    requestAnimationFrame(() => this.deck.redraw("layers changed"));
  }

  // On the relief a scene has other volumes: to deck.gl another address, behind the # that reaches no server.
  #standing({ id, props }, zoom) {
    const raised = this.isRaised;
    const terrain = raised ? this.relief.ground : null;
    return {
      ...this.on.scene(id.split("/")[0], zoom),
      raised,
      terrain,
      ground: this.ground,
      data: raised ? `${props.data}-${terrain.id}-${terrain.edition}` : props.data,
    };
  }

  // Imagery hides areas, and lies below whatever comes from the first line or point on.
  #aboveAreas(layers) {
    const first = layers.findIndex((layer) => layer instanceof SceneLayer || this.state.kinds.get(layer.id.split("/")[0]) !== "fill");
    return first < 0 ? layers.length : first;
  }

  // Outlines of very many small areas take most of a frame and make one blot of them: from afar they are left out.
  #isCrowd(id, zoom) {
    return zoom < OUTLINES_FROM && this.state.entries.get(id).feature_count > CROWD;
  }

  /** Asks again for tiles that failed. */
  reload() {
    this.generation++;
    this.refresh();
  }

  /** Lays something over the map under this name, or takes it away with null. */
  setOverlay(name, data) {
    if (data) this.overlays.set(name, data);
    else if (!this.overlays.delete(name)) return;
    this.refresh();
  }

  /** Shades the hills, and in 3D sets everything on the ground; null for a flat map. */
  setRelief(relief) {
    this.relief = relief;
    if (!this.isRaised) this.#setGround(0);
    this.reload();
  }

  get isRaised() {
    return Boolean(this.relief && this.state.threeD);
  }

  /** Keeps the camera above the ground in the middle of the map, wherever that lies. */
  followGround() {
    if (!this.isRaised) return;
    const height = this.relief.heightAt(this.state.camera.lon, this.state.camera.lat);
    if (height !== null && Math.abs(height - this.ground) > 2) this.#setGround(height);
  }

  #setGround(height) {
    if (height === this.ground) return;
    this.ground = height;
    this.drawTile = tileDrawer(height);
    this.refresh();
  }

  // Hills are shaded over areas and imagery, and under whatever lies on them.
  #withRelief(layers) {
    if (!this.relief) return layers;
    const isArea = ({ id, props }) => !props.extruded && ["fill", undefined].includes(this.state.kinds.get(id.split("/")[0]));
    const first = layers.findIndex((layer) => layer instanceof SceneLayer || !isArea(layer));
    const place = first < 0 ? layers.length : first;
    const hills = this.relief.layer({ raised: this.isRaised, ground: this.ground });
    return layers.toSpliced(place, 0, ...(this.isRaised ? [new DepthReset({ id: "onemap-depth" }), hills] : [hills]));
  }

  /** The place under a point of the screen. */
  placeAt(x, y) {
    const viewport = this.viewport();
    let place = viewport.unproject([x, y]);
    // On the relief the line of sight meets the ground elsewhere: where its own height is that of the ground.
    for (let step = 0; this.isRaised && step < STEPS_TO_GROUND; step++) {
      const height = this.relief.heightAt(place[0], place[1]) ?? this.ground;
      place = viewport.unproject([x, y], { targetZ: height - this.ground }).slice(0, 2);
    }
    return place;
  }

  get selection() {
    return this.overlays.get("selection") ?? null;
  }

  get layers() {
    return this.deck.props.layers;
  }

  get isLoaded() {
    return this.layers.every((layer) => layer.isLoaded);
  }

  viewport() {
    return this.deck.getViewports()[0];
  }

  /** Moves the camera, gliding unless the reader asked for less motion. */
  go(camera, milliseconds = 700) {
    Object.assign(this.state.camera, camera);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches || !milliseconds;
    const glide = still
      ? { transitionDuration: 0 }
      : { transitionDuration: milliseconds, transitionInterpolator: new deck.FlyToInterpolator({ speed: 1.6 }) };
    this.deck.setProps({ viewState: { ...this.#viewState(), ...glide } });
    if (still) this.#moved(this.#viewState());
  }

  /** The camera that shows a box [west, south, east, north] with room for the panels. */
  cameraFor([west, south, east, north], padding, maxZoom = 18) {
    const { width, height } = this.deck;
    const fit = new deck.WebMercatorViewport({ width, height, longitude: west, latitude: south, zoom: 5 });
    const room = { left: width / 2 - 20, right: width / 2 - 20, top: height / 2 - 20, bottom: height / 2 - 20 };
    const pad = Object.fromEntries(Object.entries(padding).map(([side, px]) => [side, Math.min(px, room[side])]));
    const w = Math.max(east - west, 1e-4) === east - west ? [west, east] : [west - 5e-4, east + 5e-4];
    const s = Math.max(north - south, 1e-4) === north - south ? [south, north] : [south - 5e-4, north + 5e-4];
    const { longitude, latitude, zoom } = fit.fitBounds([[w[0], s[0]], [w[1], s[1]]], { padding: pad, maxZoom });
    return { lon: longitude, lat: latitude, zoom };
  }

  #viewState() {
    const { lon, lat, zoom, pitch, bearing } = this.state.camera;
    return { longitude: lon, latitude: lat, zoom, pitch, bearing, minZoom: 2, maxZoom: 20.5, maxPitch: 70 };
  }

  #moved(viewState) {
    const { longitude, latitude, zoom, pitch, bearing } = viewState;
    Object.assign(this.state.camera, { lon: longitude, lat: latitude, zoom, pitch, bearing });
    this.deck.setProps({ viewState });
    if (roundZoom(zoom) !== this.zoom) this.refresh();
    this.on.camera();
  }

  /** Tells what lies under a point of the map, in pixels. */
  clickAt(x, y) {
    if (this.tool) return this.tool.click(this.placeAt(x, y));
    this.on.click(this.#pick(x, y) ?? {});
  }

  // An area without colour (a district shown by its border) gives way to whatever is seen through it.
  #pick(x, y) {
    const layerIds = this.layers.filter((layer) => layer.props.pickable).map((layer) => layer.id);
    let clear = null;
    while (layerIds.length) {
      const info = this.deck.pickObject({ x, y, radius: 5, layerIds });
      if (!info?.object || !this.#isClear(info)) return info?.object ? info : clear;
      clear ??= info;
      layerIds.splice(layerIds.indexOf(info.layer.id), 1);
    }
    return clear;
  }

  #isClear({ layer, object }) {
    const { getFillColor, extruded } = layer.props;
    if (extruded || this.state.kinds.get(layer.id) !== "fill" || typeof getFillColor !== "function") return false;
    return getFillColor(object)[3] === 0;
  }
}
