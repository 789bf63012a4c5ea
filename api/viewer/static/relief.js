// The relief of the ground: hills shaded over the areas of the map and, in 3D, raised with everything that stands on them.
// Heights come from /terrain as terrain-RGB; their vertical datum is written beside the map.

import { addressOf, heightAt } from "./heights.js";
import { getTerrains } from "./server.js";

const { deck } = globalThis;

export class Relief {
  /** @param onChange called when a tile has come */
  constructor({ onChange = () => {} } = {}) {
    this.onChange = onChange;
    this.terrain = null; // entry of /terrain
    this.tiles = new Map(); // z/x/y of what is loaded → {heights, side, part}
    this.number = 0;
    this.asked = new Map();
    this.pending = 0;
  }

  /** Finds the terrain of the server; false where it has none. */
  async find() {
    const { terrains } = await getTerrains();
    this.terrain = terrains.find((entry) => entry.images) ?? null;
    return this.terrain !== null;
  }

  /** What is needed to set features and scenes on the ground; the same object each time. */
  get ground() {
    const { id, images, edition, verticalDatum } = this.terrain;
    this.told ??= { id, template: local(images.mapbox), deepest: images.maxzoom, edition, datum: verticalDatum.id };
    return this.told;
  }

  /** The deck.gl layer. */
  layer({ raised, ground }) {
    const { bounds } = this.terrain;
    return new deck.TileLayer({
      id: `onemap-relief-${raised ? "raised" : "flat"}`,
      extent: bounds,
      minZoom: 4,
      maxZoom: 16,
      tileSize: 512,
      maxRequests: 0,
      maxCacheSize: 60,
      refinementStrategy: "best-available",
      getTileData: ({ index, signal }) => this.#load(index, raised, signal),
      onTileUnload: ({ index }) => this.tiles.delete(keyOf(index)),
      onTileError: () => {}, // no relief is no fault of the map
      renderSubLayers: (props) => drawTile(props, raised, ground),
      updateTriggers: { renderSubLayers: ground },
    });
  }

  /** Height of the ground in metres at a place, from the finest tile at hand; null where none is. */
  heightAt(lon, lat) {
    const x = (lon + 180) / 360;
    const y = 0.5 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / (2 * Math.PI);
    for (let z = 16; z >= 4; z--) {
      const [i, j] = [x * 2 ** z, y * 2 ** z];
      const tile = this.tiles.get(keyOf({ x: Math.floor(i), y: Math.floor(j), z }));
      if (tile) return heightAt(tile, tile.part.left + (i % 1) * tile.part.size, tile.part.top + (j % 1) * tile.part.size);
    }
    return null;
  }

  #load({ x, y, z }, raised, signal) {
    this.worker ??= this.#start();
    const { template, deepest } = this.ground;
    const levels = Math.max(0, z - deepest);
    const url = addressOf(template, { z: z - levels, x: x >> levels, y: y >> levels });
    const id = this.number++;
    this.pending++;
    signal?.addEventListener("abort", () => this.worker.postMessage({ abort: id }));
    this.worker.postMessage({ id, url, tile: { x, y, z }, deepest, raised });
    return new Promise((resolve, reject) => this.asked.set(id, { resolve, reject, key: keyOf({ x, y, z }) }));
  }

  #start() {
    const worker = new Worker(new URL("./relief-worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => {
      const { resolve, reject, key } = this.asked.get(data.id);
      this.asked.delete(data.id);
      this.pending--;
      if (data.error) reject(new Error(data.error.message));
      else {
        if (!data.empty) this.tiles.set(key, data);
        resolve(data.empty ? null : data);
      }
      this.onChange();
    };
    return worker;
  }
}

const keyOf = ({ x, y, z }) => `${z}/${x}/${y}`;
// The path alone: the page may be reached by another name than the one the server knows.
const local = (address) => {
  const { pathname, search } = new URL(address, location.href);
  return decodeURI(pathname) + search;
};

// Hills hide what lies behind them, but not what lies on them: in depth the ground gives way a little.
const RAISED = { depthCompare: "less-equal", depthWriteEnabled: true, depthBias: 64, depthBiasSlopeScale: 4 };
const FLAT = { depthCompare: "always", depthWriteEnabled: false };

function drawTile({ data, id, tile }, raised, ground) {
  if (!data) return null;
  const { x, y, z } = tile.index;
  const size = 512 / 2 ** z;
  return new deck.SimpleMeshLayer({
    id: `${id}-mesh`,
    data: [0],
    mesh: {
      attributes: { POSITION: { value: data.mesh.positions, size: 3 }, TEXCOORD_0: { value: data.mesh.texCoords, size: 2 } },
      indices: { value: data.mesh.indices, size: 1 },
    },
    texture: data.picture,
    textureParameters: { minFilter: "linear", magFilter: "linear", addressModeU: "clamp-to-edge", addressModeV: "clamp-to-edge" },
    getPosition: [0, 0, 0],
    getColor: [255, 255, 255],
    material: false,
    coordinateSystem: deck.COORDINATE_SYSTEM.CARTESIAN,
    coordinateOrigin: [size * x, 512 * (1 - y / 2 ** z), -ground],
    modelMatrix: [size, 0, 0, 0, 0, -size, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1],
    pickable: false,
    parameters: raised ? RAISED : FLAT,
  });
}
