// What the page itself lays over the map: the chosen feature, an older state of it, a marked place, the cell of a code,
// a delivery under review. Each by its name; none of it can be clicked.

const { deck } = globalThis;

const COLOURS = {
  selection: { light: [214, 92, 20], dark: [255, 196, 84] },
  ghost: { light: [124, 58, 205], dark: [190, 150, 255] },
  cell: { light: [0, 121, 128], dark: [94, 214, 214] },
  delivered: { light: [190, 36, 36], dark: [255, 128, 118] },
  corrected: { light: [22, 128, 62], dark: [112, 214, 140] },
  mark: { light: [31, 91, 130], dark: [134, 189, 226] },
};
// Areas keep their own colours: what is inside matters more than that it is chosen.
const AREA_ALPHA = { selection: 0, ghost: 46, cell: 26, delivered: 40, corrected: 40 };
const RADIUS_PX = { selection: 13, ghost: 10, cell: 6, delivered: 5, corrected: 5 };
const ORDER = ["cell", "delivered", "corrected", "ghost", "selection", "mark"];
const PIN = { width: 56, height: 72 };

/** The deck.gl layers of all overlays, lowest first. `held`: Map(name → GeoJSON). */
export function overlayLayers(held, theme) {
  return ORDER.filter((name) => held.get(name)).map((name) => (name === "mark" ? pin : shape)(name, held.get(name), theme));
}

const pictures = new Map(); // colour → canvas: made once, or deck.gl would load it at every frame

function pinPicture(colour) {
  const key = colour.join();
  if (pictures.has(key)) return pictures.get(key);
  const canvas = Object.assign(document.createElement("canvas"), PIN);
  const pen = canvas.getContext("2d");
  pen.lineWidth = 4;
  pen.strokeStyle = "#fff";
  pen.fillStyle = `rgb(${colour})`;
  pen.beginPath();
  pen.moveTo(28, 69);
  pen.bezierCurveTo(22, 56, 5, 46, 5, 27);
  pen.arc(28, 27, 23, Math.PI, 0);
  pen.bezierCurveTo(51, 46, 34, 56, 28, 69);
  pen.fill();
  pen.stroke();
  pen.fillStyle = "#fff";
  pen.beginPath();
  pen.arc(28, 27, 8, 0, 2 * Math.PI);
  pen.fill();
  pictures.set(key, canvas);
  return canvas;
}

/** A needle with its point on the place. */
function pin(name, feature, theme) {
  return new deck.IconLayer({
    id: `onemap-${name}-${theme}`,
    data: [feature],
    iconAtlas: pinPicture(COLOURS[name][theme]),
    iconMapping: { pin: { x: 0, y: 0, ...PIN, anchorY: PIN.height - 3 } },
    getIcon: () => "pin",
    getPosition: ({ geometry }) => geometry.coordinates,
    getSize: 36,
    sizeUnits: "pixels",
    parameters: { depthCompare: "always" },
  });
}

function shape(name, data, theme) {
  const line = COLOURS[name][theme];
  const solid = name === "delivered" || name === "corrected";
  const isPoint = ({ geometry }) => geometry?.type.endsWith("Point");
  return new deck.GeoJsonLayer({
    id: `onemap-${name}`,
    data,
    filled: true,
    stroked: true,
    getFillColor: (feature) => [...line, isPoint(feature) ? (solid ? 255 : 40) : AREA_ALPHA[name]],
    getLineColor: [...line, 255],
    getLineWidth: name === "ghost" ? 4 : name === "cell" ? 2 : 3,
    lineWidthUnits: "pixels",
    lineWidthMinPixels: 2,
    lineJointRounded: true,
    lineCapRounded: true,
    pointRadiusUnits: "pixels",
    getPointRadius: RADIUS_PX[name],
    parameters: { depthCompare: "always" },
    updateTriggers: { getLineColor: theme, getFillColor: theme },
  });
}
