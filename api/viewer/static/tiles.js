// The page's side of tile loading: joins what is asked for at the same moment into one request per tile, keeps the
// last answers (a line and its casing draw the same tile), and counts.

import { emptyFeatures, toBinaryFeatures } from "./columns.js";
import { widthScale } from "./scales.js";

const KEEP = 600;

export class TileSource {
  constructor({ workers = 2, onFailure = () => {}, onChange = () => {} } = {}) {
    this.counters = { requested: 0, loaded: 0, failed: 0, requests: 0, bytes: 0, features: 0 };
    this.onFailure = onFailure;
    this.onChange = onChange;
    this.kept = new Map(); // key → promise, oldest first
    this.waiting = new Map(); // group/z/x/y → Map(layer → request)
    this.batches = new Map(); // id → requests of one HTTP request
    this.number = 0;
    this.ground = null; // the terrain that features are set on, see relief.js
    const script = new URL("./tile-worker.js", import.meta.url);
    this.workers = Array.from({ length: workers }, () => {
      const worker = new Worker(script, { type: "module" });
      worker.onmessage = ({ data }) => this.#answer(data);
      return worker;
    });
  }

  get pending() {
    return this.counters.requested - this.counters.loaded - this.counters.failed;
  }

  /** Features of one layer in one tile. `options` come from the composer: {layer, version, group, moment?, width?, label?}. */
  load(options, url, { x, y, z }, signal) {
    const raised = this.ground ? `^${this.ground.edition}` : "";
    const key = `${options.layer}@${options.version}?${options.moment ?? ""}${raised}/${z}/${x}/${y}`;
    const kept = this.kept.get(key);
    if (kept) {
      this.kept.delete(key);
      this.kept.set(key, kept);
      return kept.promise;
    }
    const request = { options, key, signal, prefix: url.split("/tiles/")[0] };
    request.promise = new Promise((resolve, reject) => Object.assign(request, { resolve, reject }));
    this.#keep(key, request);
    this.counters.requested++;
    const place = `${options.group}?${options.moment ?? ""}/${z}/${x}/${y}`;
    if (!this.waiting.size) setTimeout(() => this.#send(), 0);
    if (!this.waiting.has(place)) this.waiting.set(place, { tile: { x, y, z }, requests: [] });
    this.waiting.get(place).requests.push(request);
    return request.promise;
  }

  /** Forgets everything, so that tiles that failed are asked for again. */
  forget() {
    this.kept.clear();
  }

  #keep(key, request) {
    this.kept.set(key, request);
    if (this.kept.size > KEEP) this.kept.delete(this.kept.keys().next().value);
  }

  #send() {
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const { tile, requests } of waiting) {
      const wanted = requests.filter((request) => !request.signal?.aborted);
      for (const request of requests) if (request.signal?.aborted) this.#fail(request, { aborted: true });
      if (!wanted.length) continue;
      const id = this.number++;
      const worker = this.workers[id % this.workers.length];
      const ids = wanted.map((request) => request.options.layer).sort();
      const version = [...wanted].sort((a, b) => (a.options.layer < b.options.layer ? -1 : 1)).map((r) => r.options.version).join(".");
      const { z, x, y } = tile;
      const layers = wanted.map(({ options }) => ({
        layer: options.layer,
        label: options.label,
        raised: options.raised,
        width: options.width && { ...options.width, scale: widthScale(z + 0.9, options.width.border) },
      }));
      this.batches.set(id, wanted);
      this.counters.requests++;
      const { moment } = wanted[0].options;
      const url = `${wanted[0].prefix}/tiles/${ids.join(",")}/${z}/${x}/${y}.mvt?v=${version}${moment ? `&${moment}` : ""}`;
      worker.postMessage({ id, url, tile, layers, ground: this.ground });
      for (const request of wanted) {
        request.signal?.addEventListener("abort", () => {
          if (wanted.every((other) => other.signal?.aborted)) worker.postMessage({ abort: id });
        });
      }
    }
    this.onChange();
  }

  #answer({ id, layers, error, bytes }) {
    const requests = this.batches.get(id);
    this.batches.delete(id);
    if (!requests) return;
    if (error) {
      for (const request of requests) this.#fail(request, error);
      if (!error.aborted) this.onFailure(error, requests.map((request) => request.options.layer));
    } else {
      this.counters.bytes += bytes;
      for (const request of requests) {
        const columns = layers[request.options.layer];
        this.counters.loaded++;
        this.counters.features += columns ? columns.count : 0;
        request.resolve(columns ? toBinaryFeatures(columns) : emptyFeatures());
      }
    }
    this.onChange();
  }

  #fail(request, error) {
    if (error.aborted) this.counters.requested--;
    else this.counters.failed++;
    this.kept.delete(request.key);
    request.reject(Object.assign(new Error(error.message ?? "aborted"), error));
  }
}
