// What the colours of a scene mean: points by what the cloud says of them, surfaces of a city model by what they are parts of.

export const CLASS_COLORS = {
  0: [150, 150, 150], 1: [172, 172, 172], 2: [166, 124, 82], 3: [176, 212, 126], 4: [118, 182, 86], 5: [58, 138, 62], 6: [214, 96, 72],
  7: [232, 60, 180], 9: [70, 146, 214], 10: [118, 104, 150], 11: [112, 116, 124], 13: [232, 190, 74], 14: [240, 160, 50], 15: [150, 110, 170],
  17: [208, 168, 120], 18: [232, 60, 180],
};
const OTHER_CLASS = [128, 176, 190];

// Dark blue over green to yellow: even steps of lightness, told apart without red and green. Source: viridis, S. van der Walt and N. Smith.
const RAMP = [[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]];

/** Parts of a building and kinds of features, in the order of the legend. */
export const PART_COLORS = {
  roof: [196, 110, 82], wall: [226, 214, 194], ground: [140, 134, 126], window: [116, 164, 206], door: [134, 92, 62], other: [186, 186, 190],
};
export const KIND_COLORS = {
  building: [214, 190, 160], bridge: [172, 140, 108], tunnel: [120, 110, 130], road: [150, 152, 158], railway: [104, 100, 116], water: [112, 172, 222],
  plants: [124, 178, 96], land: [198, 208, 160], terrain: [178, 164, 136], furniture: [222, 166, 74], mesh: [196, 196, 192], other: [184, 180, 190],
};
const PARTS = [
  [/roof|outerceiling/i, "roof"], [/wall|closure/i, "wall"], [/window/i, "window"], [/door/i, "door"], [/ground|floor/i, "ground"],
];
const KINDS = [
  [/building/i, "building"], [/bridge/i, "bridge"], [/tunnel/i, "tunnel"], [/rail/i, "railway"], [/road|track|square|traffic|transport|waterway/i, "road"],
  [/water/i, "water"], [/plant|vegetation/i, "plants"], [/landuse/i, "land"], [/tin|relief/i, "terrain"], [/furniture/i, "furniture"], [/mesh/i, "mesh"],
];

const named = (table, word, otherwise) => table.find(([pattern]) => pattern.test(word))?.[1] ?? otherwise;

/** Which part a surface is of, by its name in the model; null where the name says nothing. */
export const partOf = (name) => (name ? named(PARTS, name, "other") : null);
/** What sort of thing a feature is, by its class in CityGML or CityJSON. */
export const kindOf = (name) => named(KINDS, name ?? "", "other");
export const classColor = (number) => CLASS_COLORS[number] ?? OTHER_CLASS;

/** Colour of a share 0…1 of the ramp. */
export function rampColor(share) {
  const at = Math.min(1, Math.max(0, share)) * (RAMP.length - 1);
  const [step, t] = [Math.min(RAMP.length - 2, Math.floor(at)), at - Math.min(RAMP.length - 2, Math.floor(at))];
  return RAMP[step].map((channel, k) => Math.round(channel + t * (RAMP[step + 1][k] - channel)));
}

/** The ramp as CSS, from the left. */
export const rampCss = () => `linear-gradient(90deg, ${RAMP.map((color) => `rgb(${color})`).join(", ")})`;
