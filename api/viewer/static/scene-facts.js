// What is learnt of a scene from its tiles: which colours it can have, and the ranges that they span.

import { quantile } from "./scene-feet.js";

const range = (values) => [quantile(values, 0.01), quantile(values, 0.99)];

export class Facts {
  constructor() {
    this.depth = Infinity; // of the tile that ranges were taken from: the coarsest knows most of the whole
    this.rgb = false;
    this.height = null;
    this.intensity = null;
    this.classes = new Set();
    this.kinds = new Set();
    this.parts = new Set();
  }

  /** Takes in a tile of this depth; gives whether it told anything new. */
  learn({ points, surfaces, features }, depth) {
    const before = this.#size();
    for (const { parts } of surfaces) for (const name of new Set(parts ?? [])) this.parts.add(name);
    for (const { properties } of features) if (properties.kind) this.kinds.add(properties.kind);
    for (const number of points?.classes ?? []) this.classes.add(number);
    const coarser = points && depth < this.depth;
    if (coarser) this.#measure(points, depth);
    return coarser || this.#size() > before;
  }

  #measure({ offsets, tints, intensities }, depth) {
    this.depth = depth;
    this.rgb = Boolean(tints);
    this.height = range(offsets.filter((_, i) => i % 3 === 2));
    this.intensity = intensities && range(intensities);
  }

  #size() {
    return this.classes.size + this.kinds.size + this.parts.size;
  }
}
