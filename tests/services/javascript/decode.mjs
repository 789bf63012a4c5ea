// Vector tiles as Mapbox's own JavaScript reads them: a line of base64 in, a line of JSON out. The one argument is the folder with the packages.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const { resolve } = createRequire(`${process.argv[2]}/`);
const load = (name) => import(pathToFileURL(resolve(name)));
const [{ VectorTile, classifyRings }, { default: Pbf }] = await Promise.all([load("@mapbox/vector-tile"), load("pbf")]);

const pairs = (points) => points.map(({ x, y }) => [x, y]);

function geometry(feature) {
  const paths = feature.loadGeometry();
  const kind = ["Unknown", "Point", "LineString", "Polygon"][feature.type];
  const parts =
    kind === "Point" ? pairs(paths.map((path) => path[0]))
    : kind === "LineString" ? paths.map(pairs)
    : classifyRings(paths).map((rings) => rings.map(pairs));
  return parts.length === 1 ? { type: kind, coordinates: parts[0] } : { type: `Multi${kind}`, coordinates: parts };
}

function read(layer) {
  const features = Array.from({ length: layer.length }, (_, i) => layer.feature(i));
  return {
    extent: layer.extent,
    version: layer.version,
    features: features.map((f) => ({ id: f.id ?? 0, properties: f.properties, geometry: geometry(f) })),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  // A copy: this pbf reads numbers from the start of the memory behind, and a Buffer is a piece of a pool.
  const { layers } = new VectorTile(new Pbf(new Uint8Array(Buffer.from(line, "base64"))));
  console.log(JSON.stringify(Object.fromEntries(Object.entries(layers).map(([name, layer]) => [name, read(layer)]))));
}
