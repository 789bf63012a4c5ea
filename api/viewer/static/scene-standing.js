// What a scene stands on. The rule:
//  - Heights of a scene count from its vertical datum. The relief of the page is the terrain of the server, which has a datum, too.
//  - On the flat map nothing floats and nothing sinks: each building or feature stands with its foot at 0; what is one piece (a cloud, a
//    mesh, a tileset of others) is lowered as a whole by the height at which it meets the ground, and keeps its own hills.
//  - On the relief features are set on the ground one by one, each where its lowest vertex is, and what lies on the ground (roads, water) is
//    nowhere below it; buildings raised from this very terrain stand on it as they are. What is one piece is at its true height where its
//    datum is that of the terrain; where it is another or unknown, it is moved as a whole by the median of what it is off (`offset`, told).

import { boxOf, feetOf, groundOf, quantile, raiseFeatures } from "./scene-feet.js";
import { groundWithin } from "./scene-ground.js";

const BY_FEATURES = new Set(["buildings", "model"]);
const UNKNOWN = "unknown";
const MARGIN = 0.0005; // degrees

export class Standing {
  /** @param terrain {id, datum, template, deepest} of the relief, or null; @param from id of the terrain that buildings were raised from */
  constructor({ kind, datum, from, raised, ground, terrain }) {
    Object.assign(this, { raised, ground, terrain });
    this.byFeatures = BY_FEATURES.has(kind);
    this.agrees = datum === terrain?.datum && datum !== UNKNOWN;
    this.movesFeatures = this.byFeatures && !(raised && kind === "buildings" && from === terrain.id); // and volumes do not hold them any more
    this.base = null; // flat: the height at which what is one piece meets the ground
    this.offset = 0; // raised: what is one piece is moved up by this
    this.depth = Infinity;
  }

  /** Height in the view of what a tile says is at 0. */
  get shift() {
    if (this.raised) return this.offset - this.ground;
    return this.byFeatures ? 0 : -(this.base ?? 0);
  }

  /** How much higher the eye is over the true globe than over the map. */
  get lift() {
    return this.movesFeatures ? 0 : -this.shift;
  }

  /** Sets a tile that has come on the ground; `depth` in the tree tells the coarse ones, which know most of it. */
  async settle(drawn, depth) {
    if (!drawn.origin) return;
    if (this.byFeatures) {
      if (this.movesFeatures) await this.#setFeatures(drawn);
    } else if (!this.raised) this.#lower(drawn, depth);
    else if (!this.agrees && depth < this.depth) await this.#measure(drawn, depth);
  }

  async #setFeatures(drawn) {
    const feet = feetOf(drawn);
    const under = this.raised ? await groundWithin(this.terrain, around(drawn)) : () => 0;
    raiseFeatures(drawn, feet.map(({ lon, lat, foot }) => (under(lon, lat) ?? 0) - foot), under);
  }

  // The first tile has points of all of the scene, as long as the root has a content; else the lowest of what came counts.
  #lower(drawn, depth) {
    if (this.depth === 0) return;
    const found = quantile(groundOf(drawn).map(([, , height]) => height), 0.05);
    this.base = depth === 0 || this.base === null ? found : Math.min(this.base, found);
    this.depth = depth;
  }

  async #measure(drawn, depth) {
    this.depth = depth;
    const places = groundOf(drawn);
    const under = await groundWithin(this.terrain, around(drawn));
    const off = places.map(([lon, lat, height]) => (under(lon, lat) ?? NaN) - height).filter(Number.isFinite);
    if (off.length) this.offset = quantile(off, 0.5);
  }
}

function around({ origin: [lon, lat], surfaces, points }) {
  const [west, south, east, north] = boxOf([...surfaces, points].filter(Boolean));
  return [lon + west - MARGIN, lat + south - MARGIN, lon + east + MARGIN, lat + north + MARGIN];
}

/** The same viewport, from so many metres higher over the globe. */
export function lifted(viewport, metres) {
  const unprojectPosition = (place) => {
    const [lon, lat, height = 0] = viewport.unprojectPosition(place);
    return [lon, lat, height + metres];
  };
  return Object.create(viewport, { unprojectPosition: { value: unprojectPosition } });
}
