// Scenes of the page: how the reader wants them drawn, and what was learnt of them from their tiles.

import { pick, say } from "./i18n.js";
import { looksOf } from "./scene-paint.js";
import { pointScale } from "./scales.js";
import { toast } from "./toast.js";

const USUAL = { look: "", size: 2 }; // no look: the first that the scene can have

export class Scenes {
  /** @param on {change(): another drawing, told(): more is known of a scene} */
  constructor(state, asked, on) {
    this.state = state;
    this.on = on;
    this.facts = new Map(); // id → what scene-layer.js learnt
    this.standings = new Map(); // id → how it was set on the ground
    for (const { id, scene } of state.layers) if (scene) state.scenes.set(id, { ...USUAL, ...asked.get(id) });
  }

  /** The reader chose: {look?, size?}. */
  choose(id, change) {
    Object.assign(this.state.scenes.get(id), change);
    this.on.change();
  }

  /** The looks a scene can have, and the one it has. */
  looks(id) {
    const known = looksOf(this.state.entries.get(id).scene?.kind, this.facts.get(id));
    const { look } = this.state.scenes.get(id) ?? USUAL;
    return { known, look: known.includes(look) ? look : (known[0] ?? "") };
  }

  /** Props of the scene's layer (scene-layer.js). */
  props(id, zoom) {
    const { size } = this.state.scenes.get(id) ?? USUAL;
    return {
      look: this.looks(id).look,
      pointSize: (size / 2) * pointScale(zoom),
      onFacts: (facts, standing) => this.#learn(id, facts, standing),
      onProblem: (error) => this.#failed(id, say("sceneGone", { why: error.message })),
      onTileError: (tile, message) => this.#failed(id, say("sceneTileFailed", { why: message })),
    };
  }

  #learn(id, facts, standing) {
    const before = this.looks(id).look;
    this.facts.set(id, facts);
    this.standings.set(id, standing);
    if (this.looks(id).look === before) this.on.told();
    else this.on.change();
  }

  #failed(id, words) {
    const title = pick(this.state.entries.get(id)?.title) || id;
    toast(`${title}：${words}`, { key: `scene-${id}`, kind: "bad" });
  }
}
