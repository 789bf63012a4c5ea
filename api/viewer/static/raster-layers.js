// Imagery and elevation on the map: which rasters there are, what the reader chose of each, and their deck.gl layers.

import { pick, say } from "./i18n.js";
import { getRasterLegend, getRasterTiles, getRasters } from "./server.js";
import { toast } from "./toast.js";

const { deck } = globalThis;

/** How a raster of a kind may be drawn: name → query. The first one is usual. */
export const LOOKS = {
  imagery: { plain: "" },
  values: { ramp: "colormap=viridis", plain: "" },
  elevation: { shaded: "colormap=land&algorithm=hillshade", hillshade: "algorithm=hillshade", contour: "algorithm=contour", ramp: "colormap=land" },
};
const usual = (kind) => Object.keys(LOOKS[kind])[0];
const TILE_PX = 256;

export class Rasters {
  /** @param on {change()}: something else is drawn, or known of a raster */
  constructor(state, asked, on) {
    this.state = state;
    this.on = on;
    this.asked = asked;
    this.entries = [];
    this.pending = 0; // questions to the server that are under way
    this.told = new Map(); // id → {key, tiles, legend, problem}: what the server said of the chosen look and date
  }

  /** The rasters of the server, with nothing shown but what the address asks for. A page without rasters does without. */
  async load() {
    this.pending++;
    this.entries = await getRasters().catch(() => []);
    for (const { id, kind } of this.entries) {
      const asked = this.asked.get(id);
      const look = asked?.look in LOOKS[kind] ? asked.look : usual(kind);
      this.state.rasters.set(id, { visible: Boolean(asked), opacity: asked?.opacity ?? 1, day: asked?.day ?? "", look, kind });
    }
    const told = this.reload();
    this.pending--;
    this.on.change();
    await told;
  }

  choice(id) {
    return this.state.rasters.get(id);
  }

  /** The reader chose: {visible?, opacity?, day?, look?}. */
  async choose(id, change) {
    Object.assign(this.choice(id), change);
    this.on.change();
    if (!("opacity" in change)) await this.#tell(id);
  }

  /** The date of the page has changed. */
  reload() {
    return Promise.all(this.entries.map(({ id }) => this.#tell(id)));
  }

  async #tell(id) {
    const choice = this.choice(id);
    if (!choice.visible) return;
    const query = this.#query(choice);
    if (this.told.get(id)?.key === query) return;
    const told = { key: query };
    this.told.set(id, told);
    this.pending++;
    try {
      Object.assign(told, await getRasterTiles(id, query));
      told.legend = await getRasterLegend(id, query);
    } catch (error) {
      told.problem = error.status === 404 ? say("rasterNoImage") : error.message;
    }
    this.pending--;
    this.on.change();
  }

  // The raster's own date stands above that of the page.
  #query({ day, kind, look }) {
    const { datetime, asOf } = this.state.moment;
    const parts = [LOOKS[kind][look]];
    if (day || datetime) parts.push(`datetime=${encodeURIComponent(day || datetime)}`);
    if (asOf) parts.push(`as_of=${encodeURIComponent(asOf)}`);
    return parts.filter(Boolean).join("&");
  }

  /** deck.gl layers of what is shown, elevation below imagery. */
  layers() {
    const shown = this.entries.filter(({ id }) => this.choice(id).visible && this.told.get(id)?.template);
    shown.sort((a, b) => (b.kind === "elevation") - (a.kind === "elevation"));
    return shown.map((entry) => this.#layer(entry, this.told.get(entry.id), this.choice(entry.id)));
  }

  #layer(entry, { template, maxzoom, bounds }, { opacity }) {
    return new deck.TileLayer({
      id: `raster/${entry.id}`,
      data: template,
      tileSize: TILE_PX,
      minZoom: 0,
      maxZoom: maxzoom,
      extent: bounds,
      opacity,
      getTileData: ({ url, signal }) => picture(url, signal),
      onTileError: (error) => this.#failed(entry, error),
      updateTriggers: { getTileData: template },
      renderSubLayers: ({ data, tile, ...props }) => {
        if (!data) return null;
        const [[west, south], [east, north]] = tile.boundingBox;
        return new deck.BitmapLayer({ ...props, data: null, image: data, bounds: [west, south, east, north] });
      },
    });
  }

  #failed(entry, error) {
    if (error.name === "AbortError") return;
    toast(say("tilesFailed", { l: pick(entry.title) || entry.id, why: error.message }), { key: `raster-${entry.id}`, kind: "bad" });
  }
}

/** A tile's picture; null where nothing is known. */
async function picture(url, signal) {
  const answer = await fetch(url, { signal });
  if (answer.status === 204) return null;
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.detail || String(answer.status));
  }
  return createImageBitmap(await answer.blob());
}
