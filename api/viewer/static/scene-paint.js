// The look of a scene → a colour for each vertex. `facts` are what is known of the whole scene: ranges of heights and intensities.

import { classColor, kindOf, KIND_COLORS, partOf, PART_COLORS, rampColor } from "./scene-colors.js";

/** How scenes of a kind may be drawn; the first that the scene has what it takes for is usual. */
export const LOOKS = { points: ["rgb", "class", "height", "intensity"], model: ["part", "kind", "plain"] };

/** The looks that this scene can have. */
export function looksOf(kind, facts) {
  if (!facts) return [];
  const { rgb, classes, intensity, kinds, parts } = facts;
  const has = {
    rgb, class: classes.size > 1, intensity: intensity && intensity[1] > intensity[0],
    part: parts.size > 0 || [...kinds].some((name) => kindOf(name) === "building"), kind: kinds.size > 0,
  };
  return (LOOKS[kind] ?? []).filter((look) => !(look in has) || has[look]);
}

const STEPS = 255;
const DARKEST = 0.66;

/** Colours of points, four bytes each. */
export function paintPoints({ offsets, tints, classes, intensities }, look, { height, intensity }) {
  if (look === "rgb" && tints) return tints;
  const count = offsets.length / 3;
  const value = new Uint8Array(4 * count).fill(255);
  const ramp = Array.from({ length: STEPS + 1 }, (_, step) => rampColor(step / STEPS));
  const step = (number, [low, high]) => Math.round(STEPS * Math.min(1, Math.max(0, (number - low) / (high - low || 1))));
  const colorOf = {
    class: (i) => classColor(classes[i]),
    intensity: (i) => ramp[step(intensities[i], intensity)],
    height: (i) => ramp[step(offsets[3 * i + 2], height)],
  }[look === "class" && !classes ? "height" : look] ?? (() => [170, 176, 184]);
  // One colour for a whole roof hides what it is made of: what the laser saw of it gives light and dark.
  const bright = intensities && look !== "intensity" ? (i) => DARKEST + (1 - DARKEST) * Math.sqrt(step(intensities[i], intensity) / STEPS) : () => 1;
  for (let i = 0; i < count; i++) {
    const [color, share] = [colorOf(i), bright(i)];
    for (let k = 0; k < 3; k++) value[4 * i + k] = color[k] * share;
  }
  return value;
}

/** Colours of surfaces, four bytes a vertex: those of the style, of the model's parts, or of the file itself. */
export function paintSurfaces(piece, features, kind, look, getFillColor) {
  if (kind !== "buildings" && kind !== "model") return piece.tints;
  const { featureIds, parts, normals } = piece;
  const value = new Uint8Array(4 * featureIds.length).fill(255);
  const styled = kind === "buildings" || look === "plain" ? features.map((feature) => getFillColor(feature)) : null;
  const kinds = styled ? null : features.map(({ properties }) => kindOf(properties.kind));
  const known = new Map(); // the names of parts repeat
  const part = (i) => {
    const name = parts?.[i] ?? "";
    if (!known.has(name)) known.set(name, partOf(name));
    return known.get(name) ?? (kinds[featureIds[i]] === "building" && normals ? facing(normals[3 * i + 2]) : null);
  };
  for (let i = 0; i < featureIds.length; i++) {
    const id = featureIds[i];
    if (id < 0) value.set(piece.tints.subarray(4 * i, 4 * i + 4), 4 * i);
    else if (styled) value.set(styled[id], 4 * i);
    else value.set((look === "part" && PART_COLORS[part(i)]) || KIND_COLORS[kinds[id]], 4 * i);
  }
  return value;
}

// What a surface of a building is where the model does not say: what looks up is roof, what looks down is ground.
const facing = (up) => (up > 0.35 ? "roof" : up < -0.7 ? "ground" : "wall");
