// Glyphs inside the circles of a layer (style.icon), drawn once to one image that deck.gl tints.
// Names as in layers/style.py; each is a path on a 24-unit grid, stroked unless it begins with "F".

const GLYPHS = {
  air: "M3 9h11a3 3 0 1 0-3-3M3 13h15a3 3 0 1 1-3 3M3 17h7",
  bell: "M6 16V11a6 6 0 0 1 12 0v5l2 2H4zM10 20.500h4",
  bin: "M5 7h14M9 7V4.500h6V7M7 7l1 13h8l1-13",
  bridge: "M3 8c5 6 13 6 18 0M3 15h18M6 11v8M18 11v8",
  building: "M6 20V4h12v16M10 8h1M13.500 8h1M10 12h1M13.500 12h1M10 16h4",
  bus: "M5 5h14v12H5zM5 12h14M8 17v2.500M16 17v2.500",
  camera: "FM3 7.500h12a1.500 1.500 0 0 1 1.500 1.500v1.500l4.500-3v9l-4.500-3V15a1.500 1.500 0 0 1-1.500 1.500H3A1.500 1.500 0 0 1 1.500 15V9A1.500 1.500 0 0 1 3 7.500z",
  car: "M4 16v-4l2.500-5h11L20 12v4zM7 16v2.500M17 16v2.500M4 12h16",
  drop: "FM12 3c4 5 6 8 6 11a6 6 0 0 1-12 0c0-3 2-6 6-11z",
  factory: "FM3 20V10l5.500 3.500V10l5.500 3.500V4h5.500v16z",
  flag: "M6 21V4h12l-3 4l3 4H6",
  hospital: "FM9.500 4h5v5.500H20v5h-5.500V20h-5v-5.500H4v-5h5.500z",
  hydrant: "M8 20V9a4 4 0 0 1 8 0v11M5 13h3M16 13h3M6 20h12M8 9h8",
  lamp: "M8 21V8a5 5 0 0 1 10 0M14.500 8h7l-1.500 4h-4z",
  manhole: "M12 4a8 8 0 1 0 0 16a8 8 0 0 0 0-16M7 9.500h10M7 14.500h10M9.500 7v10M14.500 7v10",
  noise: "M4 9.500v5h4l5 4v-13l-5 4zM16.500 9a4 4 0 0 1 0 6M19 6.500a8 8 0 0 1 0 11",
  park: "FM12 3l6 8h-3l4 6h-5.700v4h-2.600v-4H5l4-6H6z",
  person: "FM12 4a3.500 3.500 0 1 1 0 7a3.500 3.500 0 0 1 0-7M5 20c0-4.500 3-7 7-7s7 2.500 7 7z",
  pipe: "M4 7h9a4 4 0 0 1 4 4v9M4 11h7a2 2 0 0 1 2 2v7M4 5v8M11 20h8",
  pump: "M12 6a6 6 0 1 0 0 12a6 6 0 0 0 0-12M18 12h3M3 20h18M12 6V3",
  rain: "M7 14a4 4 0 0 1 0-8a5.500 5.500 0 0 1 10.500 1.500A3.500 3.500 0 0 1 17 14zM8 17l-1 3M12.500 17l-1 3M17 17l-1 3",
  school: "FM12 4l10 5l-10 5L2 9zM6 12.500l6 3l6-3V17l-6 3l-6-3z",
  sensor: "M12 10.500a1.800 1.800 0 1 0 0 3.600a1.800 1.800 0 0 0 0-3.600M7.500 16.500a6 6 0 0 1 0-9M16.500 7.500a6 6 0 0 1 0 9M4.500 19.500a10.500 10.500 0 0 1 0-15M19.500 4.500a10.500 10.500 0 0 1 0 15",
  shelter: "M3 12l9-7l9 7M7 10v10M17 10v10M3 20h18",
  sign: "M12 21V14M4 5h12l4 4.500L16 14H4z",
  soil: "M3 8h18M6 12h2M11 12h2M16 12h2M4 16h2M9 16h2M14 16h2M19 16h1",
  star: "FM12 3l2.700 5.800l6.300.700l-4.700 4.300l1.300 6.200L12 16.900L6.400 20l1.300-6.200L3 9.500l6.300-.700z",
  thermometer: "M10 14V5a2 2 0 0 1 4 0v9a4 4 0 1 1-4 0z",
  toilet: "M8 6h.100M16 6h.100M8 9v11M5.500 9h5v5M16 9l-3 6h6zM16 15v5",
  tree: "M12 21v-6M12 3a6 6 0 1 0 0 12a6 6 0 0 0 0-12",
  warning: "M12 4l9 16H3zM12 10v5M12 17.500v.200",
  waves: "M3 9c3-3 6 3 9 0s6 3 9 0M3 15c3-3 6 3 9 0s6 3 9 0",
  wind: "M3 8h10a2.500 2.500 0 1 0-2.500-2.500M3 12h15a3 3 0 1 1-3 3M3 16h7",
};

const CELL = 64;

/** The image and the places of the glyphs in it, as deck.gl's IconLayer wants them. */
export function drawGlyphs() {
  const names = Object.keys(GLYPHS);
  const columns = 8;
  const canvas = document.createElement("canvas");
  canvas.width = columns * CELL;
  canvas.height = Math.ceil(names.length / columns) * CELL;
  const pen = canvas.getContext("2d");
  const mapping = {};
  names.forEach((name, i) => {
    const x = (i % columns) * CELL;
    const y = Math.floor(i / columns) * CELL;
    pen.setTransform(CELL / 28, 0, 0, CELL / 28, x + (2 * CELL) / 28, y + (2 * CELL) / 28);
    const filled = GLYPHS[name].startsWith("F");
    const path = new Path2D(GLYPHS[name].slice(filled ? 1 : 0));
    pen.fillStyle = pen.strokeStyle = "#fff";
    pen.lineWidth = 2.2;
    pen.lineCap = pen.lineJoin = "round";
    if (filled) pen.fill(path);
    else pen.stroke(path);
    mapping[name] = { x, y, width: CELL, height: CELL, mask: true };
  });
  return { atlas: canvas, mapping };
}

/** One glyph as a small picture for the legend. */
export function glyphPath(name) {
  const text = GLYPHS[name] ?? "";
  return { d: text.replace(/^F/, ""), filled: text.startsWith("F") };
}
