// Buildings of a scene on the map. deck.gl's Tile3DLayer walks the tileset; what a tile draws is made here: every vertex at its
// longitude and latitude, as the flat map below has them, standing on that map and not on the terrain, in the colours of the layer's style,
// and each building can be picked.
//
// It relies on what deck.gl 9.3 hands to onTileLoad (`content.gltfArrayBuffer`, `computedTransform`) and reads of `content`.

import { geodetic } from "./geodesy.js";
import { readGlb } from "./glb.js";

const { deck } = globalThis;
const LIGHT = [-0.4, 0.55, 0.73]; // from the north-west, above: as on a relief map
const SHADE = 0.62; // what a wall in the dark keeps of its colour
const GROUND = "onemap_ground_m";

export class SceneLayer extends deck.Tile3DLayer {
  _onTileLoad(tile) {
    if (tile.content?.gltfArrayBuffer) {
      Object.assign(tile.content, drawn(tile, this.props.getFillColor));
      tile.type = "mesh";
    }
    super._onTileLoad(tile);
  }

  // deck.gl leaves out tiles whose middle is far from the pointer; a wide tile holds buildings everywhere.
  filterSubLayer({ layer, viewport }) {
    const { tile } = layer.props;
    return tile.selected && tile.viewportIds.includes(viewport.id);
  }

  getPickingInfo({ info, sourceLayer }) {
    const tile = sourceLayer?.props.tile;
    info.sourceTile = tile;
    if (info.picked && tile?.content.feature) info.object = { type: "Feature", geometry: null, ...tile.content.feature(info.index) };
    return info;
  }
}

SceneLayer.layerName = "SceneLayer";
SceneLayer.defaultProps = {
  loadOptions: { "3d-tiles": { loadGLTF: false }, tileset: { maximumScreenSpaceError: 8, throttleRequests: true } },
  getFillColor: { type: "function", value: () => [200, 200, 200, 255] },
};

function drawn(tile, getFillColor) {
  const model = readGlb(tile.content.gltfArrayBuffer);
  const features = Array.from({ length: model.count }, (_, row) => model.feature(row));
  const ground = features.map(({ properties }) => properties[GROUND] ?? 0);
  const colors = features.map((feature) => getFillColor(feature));
  const { origin, positions } = onTheMap(model, tile.computedTransform, ground);
  return {
    gltfArrayBuffer: null,
    attributes: {
      positions: { size: 3, value: positions },
      normals: { size: 3, value: Float32Array.from(model.normals, (part) => part / 127) },
      colors: { size: 4, value: painted(model, colors), normalized: true },
    },
    indices: { size: 1, value: model.indices },
    featureIds: model.featureIds,
    feature: (row) => withoutOwn(features[row]),
    material: { unlit: true },
    modelMatrix: null,
    cartographicOrigin: [...origin, 0],
    coordinateSystem: deck.COORDINATE_SYSTEM.LNGLAT_OFFSETS,
  };
}

// Degrees from the tile's first vertex, and metres above the ground of each building.
function onTheMap({ positions, featureIds }, transform, ground) {
  const place = (i) => {
    const [e, u, s] = [positions[3 * i], positions[3 * i + 1], positions[3 * i + 2]];
    const n = -s; // glTF has y up and z south
    const at = (k) => transform[k] * e + transform[4 + k] * n + transform[8 + k] * u + transform[12 + k];
    return geodetic(at(0), at(1), at(2));
  };
  const [lon0, lat0] = place(0);
  const offsets = new Float32Array(positions.length);
  for (let i = 0; i < featureIds.length; i++) {
    const [lon, lat, height] = place(i);
    offsets.set([lon - lon0, lat - lat0, height - ground[featureIds[i]]], 3 * i);
  }
  return { origin: [lon0, lat0], positions: offsets };
}

// The colour of the building, darker where the light does not fall.
function painted({ normals, featureIds }, colors) {
  const value = new Uint8Array(4 * featureIds.length);
  for (let i = 0; i < featureIds.length; i++) {
    const [east, up, south] = [normals[3 * i] / 127, normals[3 * i + 1] / 127, normals[3 * i + 2] / 127];
    const lit = Math.max(0, LIGHT[0] * east - LIGHT[1] * south + LIGHT[2] * up);
    const share = SHADE + (1 - SHADE) * Math.min(1, 1.25 * lit);
    const [r, g, b, a = 255] = colors[featureIds[i]];
    value.set([r * share, g * share, b * share, a], 4 * i);
  }
  return value;
}

// What the scene added for its own use is not an attribute of the layer.
function withoutOwn({ id, properties }) {
  return { id, properties: Object.fromEntries(Object.entries(properties).filter(([name]) => !name.startsWith("onemap_"))) };
}
