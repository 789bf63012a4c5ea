// Changes of layers that are drawn as scenes, as they happen: somebody's edit is on the map a moment later.

const PAUSE_MS = 300; // edits come in bursts

export class Live {
  /** @param changed called with the ids of layers whose scene has other tiles now */
  constructor(changed) {
    this.changed = changed;
    this.source = null;
    this.waiting = new Set();
  }

  /** Listens while there is something to listen for: a connection is not kept open for nothing. */
  listen(wanted) {
    if (!wanted) {
      this.source?.close();
      this.source = null;
    } else if (!this.source) {
      this.source = new EventSource("/changes");
      this.source.addEventListener("scene", ({ data }) => this.#heard(JSON.parse(data)));
    }
  }

  #heard({ scene }) {
    if (!this.waiting.size) setTimeout(() => this.#tell(), PAUSE_MS);
    this.waiting.add(scene);
  }

  #tell() {
    const layers = [...this.waiting];
    this.waiting.clear();
    this.changed(layers);
  }
}
