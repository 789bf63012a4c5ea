// Names on the map. Candidates come with the tiles; here they are joined across tiles, ranked, and laid on the screen
// so that no two overlap. They are drawn with the browser's own text on a canvas above the map: hinted strokes keep
// Chinese characters legible at 11 pixels, and no glyph atlas has to be built while the map moves.

import { language } from "./i18n.js";
import { theme } from "./theme.js";

const FONT = '"Noto Sans CJK SC","Source Han Sans SC","Microsoft YaHei","PingFang SC",system-ui,sans-serif';
const SETTLE_MS = 140; // names are placed anew at most this often; in between they only move with the map
const CELL = 64;
const SPRITES = 3000;

export class Labels {
  constructor(canvas, map, state) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.map = map;
    this.state = state;
    this.placed = [];
    this.sprites = new Map();
    this.dirty = true;
    this.last = 0;
  }

  /** Tiles, layers, theme or language have changed: place the names anew at the next frame. */
  invalidate() {
    this.dirty = true;
  }

  /** Called after each frame of the map. */
  draw() {
    const viewport = this.map.viewport();
    if (!viewport) return;
    const now = performance.now();
    const camera = `${cameraKey(viewport)},${this.map.ground}`;
    const moved = this.camera !== camera;
    if (!this.dirty && !moved) return;
    if (now - this.last > SETTLE_MS) {
      this.placed = this.#place(viewport);
      this.last = now;
      this.dirty = false;
    } else {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => ((this.dirty = true), this.draw()), SETTLE_MS);
    }
    this.camera = camera;
    this.#paint(viewport);
  }

  #paint(viewport) {
    const ratio = devicePixelRatio || 1;
    const { width, height } = viewport;
    if (this.canvas.width !== Math.round(width * ratio) || this.canvas.height !== Math.round(height * ratio)) {
      this.canvas.width = Math.round(width * ratio);
      this.canvas.height = Math.round(height * ratio);
    }
    this.pen.setTransform(1, 0, 0, 1, 0, 0);
    this.pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    for (const label of this.placed) {
      const [x, y] = viewport.project([label.lon, label.lat, label.up - this.map.ground]);
      const sprite = this.#sprite(label, ratio);
      if (label.turn === null) {
        this.pen.setTransform(1, 0, 0, 1, 0, 0);
        this.pen.drawImage(
          sprite,
          Math.round((x + label.dx) * ratio - sprite.width / 2),
          Math.round((y + label.dy) * ratio - sprite.height / 2),
        );
      } else if (label.upright) {
        this.#paintUpright(label, x, y, ratio);
      } else {
        const turn = ((label.turn - viewport.bearing) * Math.PI) / 180;
        this.pen.setTransform(Math.cos(turn), Math.sin(turn), -Math.sin(turn), Math.cos(turn), x * ratio, y * ratio);
        this.pen.drawImage(sprite, -sprite.width / 2, -sprite.height / 2);
      }
    }
  }

  // Chinese names of steep streets stand upright, one character below the other, as on printed city maps.
  #paintUpright(label, x, y, ratio) {
    this.pen.setTransform(1, 0, 0, 1, 0, 0);
    const down = Math.sin(label.seen) < 0 ? -1 : 1;
    const letters = [...label.text];
    const step = label.width / letters.length + 1;
    letters.forEach((text, i) => {
      const along = (i - (letters.length - 1) / 2) * step * down;
      const sprite = this.#sprite({ ...label, text, spacing: 0 }, ratio);
      this.pen.drawImage(
        sprite,
        Math.round((x + along * Math.cos(label.seen)) * ratio - sprite.width / 2),
        Math.round((y + along * Math.sin(label.seen)) * ratio - sprite.height / 2),
      );
    });
  }

  // The picture of one text: halo first, then the strokes.
  #sprite({ text, font, color, halo, spacing }, ratio) {
    const key = `${text}|${font}|${color}|${halo}|${ratio}`;
    let sprite = this.sprites.get(key);
    if (sprite) return sprite;
    if (this.sprites.size > SPRITES) this.sprites.clear();
    sprite = document.createElement("canvas");
    const pen = sprite.getContext("2d");
    const set = () => {
      pen.font = font;
      pen.letterSpacing = `${spacing}px`;
      pen.textBaseline = "middle";
      pen.lineJoin = "round";
    };
    set();
    const size = Number.parseFloat(font.match(/([\d.]+)px/)[1]);
    sprite.width = Math.ceil((pen.measureText(text).width + 8) * ratio);
    sprite.height = Math.ceil((size * 1.5 + 8) * ratio);
    pen.scale(ratio, ratio);
    set();
    const y = sprite.height / ratio / 2;
    pen.strokeStyle = halo;
    pen.lineWidth = Math.max(2.6, size * 0.24);
    pen.strokeText(text, 4, y);
    pen.fillStyle = color;
    pen.fillText(text, 4, y);
    this.sprites.set(key, sprite);
    return sprite;
  }

  #place(viewport) {
    const before = new Set(this.placed.map((label) => label.key));
    const candidates = this.#candidates(viewport);
    for (const label of candidates) if (before.has(label.key)) label.order -= 0.3; // names that stand stay standing
    candidates.sort((a, b) => a.tier - b.tier || a.order - b.order || b.size - a.size);
    const grid = new Map();
    const roads = new Map();
    const placed = [];
    for (const label of candidates) {
      if (label.turn !== null && isNear(roads.get(label.text), label)) continue;
      const spot = label.spots.find((place) => isFree(grid, boxesOf(label, place)));
      if (!spot) continue;
      [label.dx, label.dy] = spot;
      for (const box of boxesOf(label, spot)) occupy(grid, box);
      if (label.turn !== null) roads.set(label.text, [...(roads.get(label.text) ?? []), label]);
      placed.push(label);
    }
    return placed;
  }

  #candidates(viewport) {
    const { zoom, width, height, bearing } = viewport;
    const dark = theme() === "dark";
    const english = language() === "en";
    const best = new Map();
    for (const layer of this.map.layers) {
      const look = this.state.looks.get(layer.id);
      const named = look?.label && zoom >= (look.label.min_zoom ?? 0);
      for (const tile of layer.state?.tileset?.selectedTiles ?? []) {
        for (const anchor of tile.content?.anchors ?? []) {
          const counted = anchor.kind === "count";
          if (!counted && !named) continue;
          if (look.kind === "label" && zoom < rankZoom(look.label, anchor.rank)) continue;
          const [lon, lat] = degreesOf(anchor, tile.index);
          const up = anchor.height ?? this.map.ground;
          const [x, y] = viewport.project([lon, lat, up - this.map.ground]);
          if (!(x > -40 && y > -20 && x < width + 40 && y < height + 20)) continue;
          const made = counted ? dressCount(anchor.count, dark, english) : dress(anchor, look, english ? anchor.en : anchor.zh, dark, bearing);
          const room = anchor.size * 512 * 2 ** (zoom - tile.index.z); // pixels that the feature offers
          if (anchor.kind === "line" && room < made.width * 1.15) continue;
          if (anchor.kind === "area" && room < made.width * 0.55) continue;
          const key = counted ? `${layer.id}/${lon},${lat}` : anchor.kind === "line" ? `${layer.id}/${anchor.id}/${tile.id}` : `${layer.id}/${anchor.id ?? made.text}`;
          const label = Object.assign(made, { key, lon, lat, up, x, y, size: room, tier: counted ? -1 : isCity(look, anchor) ? -2 : look.tier });
          label.order = counted ? -anchor.count : (anchor.rank ?? 50) - (anchor.kind === "line" ? anchor.weight : 0);
          const rival = best.get(key);
          if (!rival || rival.size < label.size) best.set(key, label);
        }
      }
    }
    return [...best.values()];
  }
}

const cameraKey = (v) => `${v.longitude},${v.latitude},${v.zoom},${v.pitch},${v.bearing},${v.width},${v.height}`;

// Of place names, the important ones come first when zooming in: one rank for each zoom or so.
const rankZoom = (label, rank) => (label.min_zoom ?? 0) + Math.max(0, (rank ?? 5) - 1) * 1.2;

function degreesOf(anchor, { x, y, z }) {
  if (!anchor.degrees) {
    const world = 2 ** z;
    const lat = Math.atan(Math.sinh(Math.PI * (1 - (2 * (y + anchor.y)) / world)));
    anchor.degrees = [((x + anchor.x) / world) * 360 - 180, (lat * 180) / Math.PI];
  }
  return anchor.degrees;
}

const HAN = /\p{Script=Han}/u;
const ruler = document.createElement("canvas").getContext("2d");
const widths = new Map();

function widthOf(text, font, spacing) {
  const key = `${text}|${font}`;
  if (!widths.has(key)) {
    ruler.font = font;
    widths.set(key, ruler.measureText(text).width);
  }
  return widths.get(key) + spacing * text.length;
}

function dress(anchor, look, text, dark, bearing) {
  const { label } = look;
  const rank = look.kind === "label" ? (anchor.rank ?? 5) : null;
  const grow = rank === null ? 1 : rank <= 1 ? 1.55 : rank <= 2 ? 1.25 : rank <= 3 ? 1.08 : 0.9;
  const size = Math.round(label.size_px * grow * 2) / 2;
  const font = `${rank !== null && rank <= 2 ? 600 : rank !== null && rank <= 3 ? 500 : 400} ${size}px ${FONT}`;
  const airy = HAN.test(text) ? 1 : 0.3; // Chinese names breathe, Latin ones fall apart
  const spacing = airy * (rank !== null && rank <= 2 ? size * 0.12 : anchor.kind === "area" ? size * 0.08 : 0.2);
  const width = widthOf(text, font, spacing);
  let turn = null;
  if (anchor.kind === "line") {
    turn = anchor.angle;
    const seen = (((turn - bearing) % 360) + 540) % 360 - 180; // as it stands on the screen, -180…180
    if (seen > 90 || seen <= -90) turn += 180; // never upside down
  }
  const spots = anchor.kind !== "point" ? [[0, 0]] : look.kind === "circle" ? besideOf(look.radius, size, width) : aroundOf(rank, size);
  return {
    text, font, spacing, width, turn, spots, height: size * 1.25,
    color: (dark && label.color_dark) || label.color,
    halo: (dark && label.halo_dark) || label.halo,
    seen: turn === null ? 0 : ((turn - bearing) * Math.PI) / 180,
    upright: turn !== null && HAN.test(text) && Math.abs(Math.sin(((turn - bearing) * Math.PI) / 180)) > 0.72,
  };
}

// Names of points stand beside them.
function besideOf(radius, size, width) {
  const [down, across] = [radius + size * 0.78 + 1, radius + 4 + width / 2];
  return [[0, down], [across, 0], [0, -down], [-across, 0]];
}

// Names of places give way to the circles of clusters: a little, and those of cities and towns as far as it takes.
function aroundOf(rank, size) {
  const steps = rank <= 2 ? [1.7, 3.2, 4.8] : [1.4];
  return [[0, 0], ...steps.flatMap((step) => [[0, -step * size], [0, step * size]])];
}

// Whoever looks at a province looks for its cities: their names come before the numbers of clusters.
const isCity = (look, anchor) => look.kind === "label" && anchor.rank !== null && anchor.rank <= 1;

// The number inside a cluster, short enough for its circle.
function dressCount(count, dark, english) {
  const [unit, sign] = english ? [1000, "k"] : [10000, "万"];
  const text = count < 10000 ? String(count) : `${(count / unit).toFixed(count < 10 * unit ? 1 : 0)}${sign}`;
  const font = `600 11px ${FONT}`;
  return {
    text, font, spacing: 0, width: widthOf(text, font, 0), turn: null, spots: [[0, 0]], height: 13,
    color: dark ? "#10161d" : "#ffffff", halo: "transparent", seen: 0, upright: false,
  };
}

// A turned text is covered by a row of small boxes along its line.
function boxesOf({ x, y, width, height, turn, seen }, [dx, dy]) {
  const pad = 4;
  if (turn === null) {
    return [[x + dx - width / 2 - pad, y + dy - height / 2 - 1, x + dx + width / 2 + pad, y + dy + height / 2 + 1]];
  }
  const count = Math.max(1, Math.ceil(width / height));
  const boxes = [];
  for (let i = 0; i < count; i++) {
    const along = ((i + 0.5) / count - 0.5) * width;
    const cx = x + along * Math.cos(seen);
    const cy = y + along * Math.sin(seen);
    boxes.push([cx - height / 2 - 1, cy - height / 2 - 1, cx + height / 2 + 1, cy + height / 2 + 1]);
  }
  return boxes;
}

function* cellsOf([x0, y0, x1, y1]) {
  for (let i = Math.floor(x0 / CELL); i <= Math.floor(x1 / CELL); i++) {
    for (let j = Math.floor(y0 / CELL); j <= Math.floor(y1 / CELL); j++) yield i * 4096 + j;
  }
}

function isFree(grid, boxes) {
  for (const box of boxes) {
    for (const cell of cellsOf(box)) {
      for (const other of grid.get(cell) ?? []) {
        if (box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]) return false;
      }
    }
  }
  return true;
}

function occupy(grid, box) {
  for (const cell of cellsOf(box)) {
    if (!grid.has(cell)) grid.set(cell, []);
    grid.get(cell).push(box);
  }
}

// The same street is named once in a while, not at every block.
const isNear = (others, label) => (others ?? []).some((other) => Math.hypot(other.x - label.x, other.y - label.y) < 360);
