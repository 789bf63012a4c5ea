// A scene on the map: buildings raised from a layer, a point cloud, a city model, a mesh, or a tileset of others. deck.gl's Tile3DLayer
// walks the tileset; what a tile draws is made here (scene-tile.js), on the flat map or on the relief (scene-standing.js), in the look
// that the reader chose (scene-paint.js).
//
// It relies on what deck.gl 9.3 and loaders.gl 4.4 do not call public: `_loadTileset`, `_updateTileset`, `_getSubLayer`, of
// Tileset3D `contentLoader`, `_pendingCount` and `_requestedTiles`, and `content.gltfArrayBuffer`. pydeck is pinned, and tests in a browser would notice.

import { readGlb } from "./glb.js";
import { readPnts } from "./pnts.js";
import { Facts } from "./scene-facts.js";
import { mended } from "./scene-headers.js";
import { paintPoints, paintSurfaces } from "./scene-paint.js";
import { lifted, Standing } from "./scene-standing.js";
import { SceneSurface } from "./scene-surface.js";
import { tileOnMap } from "./scene-tile.js";

const { deck } = globalThis;
const MEGABYTES = 192; // of vertices on the graphics card, per scene; what is not seen is let go first
const STILL_MS = 120;
const FINEST_PX = 8; // a tile is good enough when its error looks smaller than this

export class SceneLayer extends deck.Tile3DLayer {
  initializeState() {
    super.initializeState();
    Object.assign(this.state, { wanted: null, loading: false, gone: false, problem: null, standing: null, facts: null, lit: null, came: 0 });
  }

  // After a tile has come the tree is walked once more, for those below it. The root of a tileset that is out of sight is asked for again and
  // again, and never comes: that is no reason to wait.
  get isLoaded() {
    const { problem, loading, tileset3d } = this.state ?? {};
    if (problem) return true;
    if (loading || !(tileset3d?.frameNumber > this.state.came) || tileset3d._pendingCount) return false;
    return tileset3d._requestedTiles.every(({ isVisible }) => !isVisible) && this.getSubLayers().every((layer) => layer.isLoaded);
  }

  updateState(params) {
    super.updateState(params);
    const { standing, lastUpdatedViewports } = this.state;
    const { ground, raised } = this.props;
    if (standing && standing.raised === raised && standing.ground !== ground) {
      standing.ground = ground;
      this._updateTileset(lastUpdatedViewports); // another height of the eye
    }
  }

  // One address after the other: the last one that was wanted stays.
  async _loadTileset(address) {
    this.state.wanted = address;
    if (this.state.loading) return;
    this.state.loading = true;
    while (this.state.wanted !== null && !this.state.gone) {
      const url = this.state.wanted;
      this.state.wanted = null;
      const { scene, raised, ground, terrain } = this.getCurrentLayer().props;
      const standing = new Standing({ ...scene, raised, ground, terrain });
      try {
        await super._loadTileset(url);
        this.#begin(standing);
      } catch (error) {
        if (this.state.gone) return;
        this.setState({ tileset3d: null, layerMap: {}, problem: error });
        this.props.onProblem(error);
      }
    }
    this.state.loading = false;
    this.setNeedsUpdate();
  }

  #begin(standing) {
    const { tileset3d, lastUpdatedViewports, activeViewports } = this.state;
    Object.assign(this.state, { standing, problem: null, facts: new Facts(), came: 0 });
    mended(tileset3d.tileset.root, tileset3d.basePath, standing);
    tileset3d.maximumMemoryUsage = MEGABYTES; // loaders.gl 4.4 lets go of what is not seen by this number, and never sets it
    tileset3d.setProps({ contentLoader: (tile) => this.#prepare(tile, standing) });
    this._updateTileset(lastUpdatedViewports ?? activeViewports);
  }

  finalizeState(context) {
    this.state.gone = true;
    clearTimeout(this.state.frame);
    super.finalizeState(context);
  }

  // Before deck.gl hears of a tile: its contents read, its pictures decoded, its vertices laid on the map.
  async #prepare(tile, standing) {
    const { content, header } = tile;
    if (content.root) return mended(content.root, content.basePath, standing);
    const first = content.gltfArrayBuffer ? readGlb(content.gltfArrayBuffer) : readPnts(content);
    const glbs = [first, ...(await Promise.all((header.more ?? []).map(fetched))).map(readGlb)];
    for (const glb of glbs) glb.pictures = await Promise.all(glb.pictures.map(decoded));
    const drawn = tileOnMap(glbs, tile.computedTransform);
    const { shift } = standing;
    await standing.settle(drawn, tile.depth);
    Object.assign(content, { gltfArrayBuffer: null, drawn, gpuMemoryUsageInBytes: drawn.bytes });
    const { facts } = this.state;
    const { depth } = facts;
    if (facts.learn(drawn, tile.depth) && !this.state.gone) this.getCurrentLayer().props.onFacts(facts, standing);
    if (standing.shift !== shift || facts.depth !== depth) this.#drawAnew();
  }

  #drawAnew() {
    for (const held of Object.values(this.state.layerMap)) held.needsUpdate = true;
    this._updateTileset(this.state.lastUpdatedViewports);
    this.setNeedsUpdate();
  }

  _onTileLoad(tile) {
    if (tile.tileset === this.state.tileset3d) this.state.came = tile.tileset.frameNumber;
    super._onTileLoad(tile);
    tile.tileDrawn = true; // or deck.gl would hold what the tile replaces for ever: it waits for layers of its own
  }

  // deck.gl walks the true globe; the map may lie lower or higher than that.
  _updateTileset(viewports) {
    const lift = this.state.standing?.lift ?? 0;
    const seen = viewports && lift ? Object.fromEntries(Object.entries(viewports).map(([id, one]) => [id, lifted(one, lift)])) : viewports;
    super._updateTileset(seen);
    clearTimeout(this.state.frame);
    this.state.frame = setTimeout(() => this.#drawNothing(), STILL_MS);
  }

  // Where nothing of the scene is in sight, what was asked for and given up makes no frame, and nobody would hear that all is loaded.
  #drawNothing() {
    if (!this.state.tileset3d?.selectedTiles.length) this.setNeedsRedraw();
  }

  _getSubLayer(tile) {
    const drawn = tile.content?.drawn;
    if (!drawn?.origin) return null;
    const props = {
      ...this.getSubLayerProps({ id: "tile" }),
      tile,
      coordinateSystem: deck.COORDINATE_SYSTEM.LNGLAT_OFFSETS,
      coordinateOrigin: [...drawn.origin, this.state.standing.shift],
      modelMatrix: null,
      _offset: 0,
    };
    const surfaces = drawn.surfaces.map((piece, n) => this.#surface(piece, drawn, { ...props, id: `${this.id}/${tile.id}/${n}` }));
    return drawn.points ? [...surfaces, this.#points(drawn.points, { ...props, id: `${this.id}/${tile.id}/points` })] : surfaces;
  }

  #surface(piece, { features }, props) {
    const { scene, look, getFillColor } = this.props;
    if (piece.painted !== look) {
      const colors = paintSurfaces(piece, features, scene.kind, look, getFillColor);
      const attribute = (value, size) => value && { value, size };
      piece.mesh = {
        attributes: {
          positions: attribute(piece.offsets, 3),
          ...(piece.normals && { normals: attribute(piece.normals, 3) }),
          ...(piece.texCoords && { texCoords: attribute(piece.texCoords, 2) }),
          colors: { value: colors, size: 4, normalized: true },
        },
        indices: { value: piece.indices, size: 1 },
      };
      piece.painted = look;
    }
    return new SceneSurface({
      ...props,
      data: ONE,
      mesh: piece.mesh,
      featureIds: piece.featureIds,
      getColor: WHITE,
      getPosition: NOWHERE,
      ...(piece.picture && { texture: piece.picture, textureParameters: piece.clamped ? SMOOTH : REPEATED }),
    });
  }

  #points(points, props) {
    const { look, pointSize } = this.props;
    const { facts } = this.state;
    const wanted = `${look}/${facts.depth}`; // ranges are those of the coarsest tile that has come
    if (points.painted !== wanted) {
      const colors = paintPoints(points, look, facts);
      points.data = {
        length: points.offsets.length / 3,
        attributes: {
          instancePositions: { value: points.offsets, size: 3 },
          instanceColors: { value: colors, size: 4, type: "unorm8", normalized: true },
        },
      };
      points.painted = wanted;
    }
    return new deck.PointCloudLayer({ ...props, data: points.data, pointSize, sizeUnits: "pixels", material: UNLIT, autoHighlight: false });
  }

  // deck.gl leaves out tiles whose middle is far from the pointer; a wide tile holds buildings everywhere.
  filterSubLayer({ layer, viewport }) {
    const { tile } = layer.props;
    return tile.selected && tile.viewportIds.includes(viewport.id);
  }

  getPickingInfo({ info, sourceLayer }) {
    const { tile } = sourceLayer?.props ?? {};
    Object.assign(info, { sourceTile: tile, piece: sourceLayer });
    const drawn = tile?.content?.drawn;
    if (!info.picked || !drawn) return info;
    const { scene } = this.props;
    if (sourceLayer instanceof deck.PointCloudLayer) info.object = { ...pointAt(drawn, info.index), scene };
    else {
      const { id, properties } = drawn.features[info.index];
      info.object = { type: "Feature", geometry: null, id, properties: withoutOwn(properties), ...(scene.kind !== "buildings" && { scene }) };
    }
    return info;
  }

  _updateAutoHighlight(info) {
    const { lit } = this.state;
    if (lit && lit !== info.piece?.id) this.getSubLayers().find(({ id }) => id === lit)?.updateAutoHighlight({ picked: false });
    this.state.lit = info.picked ? info.piece?.id : null;
    info.piece?.updateAutoHighlight(info);
  }
}

const ONE = [0];
const WHITE = [255, 255, 255, 255];
const NOWHERE = [0, 0, 0];
const UNLIT = { unlit: true };
const SMOOTH = { minFilter: "linear", magFilter: "linear", mipmapFilter: "linear", addressModeU: "clamp-to-edge", addressModeV: "clamp-to-edge" };
const REPEATED = { ...SMOOTH, addressModeU: "repeat", addressModeV: "repeat" };

SceneLayer.layerName = "SceneLayer";
SceneLayer.defaultProps = {
  loadOptions: {
    "3d-tiles": { loadGLTF: false },
    tileset: { maximumScreenSpaceError: FINEST_PX, throttleRequests: true, maximumMemoryUsage: MEGABYTES, memoryAdjustedScreenSpaceError: true },
  },
  getFillColor: { type: "function", value: () => [200, 200, 200, 255] },
  scene: { type: "object", value: { kind: "buildings" }, compare: 2 },
  look: "",
  pointSize: 1.5,
  raised: false,
  ground: 0,
  terrain: { type: "object", value: null },
  onFacts: { type: "function", value: () => {}, compare: false },
  onProblem: { type: "function", value: () => {}, compare: false },
};

async function fetched(url) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.arrayBuffer();
}

// A picture that no browser can read leaves its surfaces in their plain colour.
const decoded = (blob) => createImageBitmap(blob, { colorSpaceConversion: "none" }).catch(() => null);

function pointAt({ origin, points: { offsets, classes, intensities } }, i) {
  const place = [origin[0] + offsets[3 * i], origin[1] + offsets[3 * i + 1], offsets[3 * i + 2]];
  const point = { height: place[2], class: classes?.[i], intensity: intensities?.[i] };
  return { type: "Feature", geometry: { type: "Point", coordinates: place }, id: null, properties: {}, point };
}

// What the scene added for its own use is not an attribute of the layer.
const withoutOwn = (properties) => Object.fromEntries(Object.entries(properties).filter(([name]) => !name.startsWith("onemap_")));
