"""A tileset of others to one of ours: one explicit tree of GLB tiles, each in a frame of its own, anchored to the globe.

External tilesets become part of the tree, each ring of them ends in an error; implicit ones are written out. Heights of 3D Tiles are
ellipsoidal by their standard.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import numpy as np
import orjson

from scenes3d.frames import Frame
from scenes3d.glb.container import broken
from scenes3d.sources.tilesets.converting import Content, contents_of
from scenes3d.sources.tilesets.gltf import Gltf, Opened
from scenes3d.sources.tilesets.implicit import ImplicitTiling
from scenes3d.sources.tilesets.widening import widen_volumes
from scenes3d.tileset.checking import Checked, Fault, check_tileset
from scenes3d.tileset.folder import folder_opener
from twin.ellipsoid import Floats, geodetic
from twin.errors import MissingCRSError, UnreadableFileError

MOST_TILES = 500_000
_DEEPEST = 200
_NEAREST_M = 6_000_000.0


@dataclass(frozen=True, slots=True)
class TilesetWish:
    """Where a tileset is to stand.

    Attributes:
        anchor: Where the origin of one that stands nowhere on the globe goes.
        height_shift_m: Added to all heights: from ellipsoidal to the scene's datum.
    """

    anchor: Frame | None = None
    height_shift_m: float = 0.0


@dataclass
class TilesetReport:
    """What was taken over.

    Attributes:
        tiles, formats: Tiles, and contents by format.
        vertices: How many were looked at.
        widened: A sentence for each volume that did not hold its vertices, and does now.
        faults: What is wrong still.
    """

    tiles: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    vertices: int = 0
    widened: tuple[str, ...] = ()
    faults: tuple[Fault, ...] = ()


def import_tileset(
    address: str, opened: Opened, target: Path, wish: TilesetWish, extras: dict[str, Any]
) -> TilesetReport:
    """Write the tileset into the folder `target`, which must be empty, and look at every vertex of it.

    Volumes that do not hold their vertices are made wider, and the report says which.

    Args:
        address, opened: The tileset's own address, and what gives the bytes at an address.
        extras: What the asset says of itself beyond the standard.

    Raises:
        UnreadableFileError: if a file is lost, broken, packed in a way nobody decodes here, or a ring of tilesets.
        MissingCRSError: if it stands nowhere on the globe, and no anchor says where.
    """
    return _Import(opened, target, wish).run(address, extras)


class _Import:
    def __init__(self, opened: Opened, target: Path, wish: TilesetWish) -> None:
        self._opened, self._target, self._wish = opened, target, wish
        self._report = TilesetReport()
        self._schemas: dict[str, dict[str, Any]] = {}

    def run(self, address: str, extras: dict[str, Any]) -> TilesetReport:
        document = self._document(address)
        try:
            start = self._start(document["root"], address)
        except (KeyError, TypeError, ValueError) as error:
            raise broken(address, f"{type(error).__name__}: {error}", "a root with a volume and a transform") from error
        root = self._tile(document["root"], address, start, None, frozenset({address}), 0)
        written: dict[str, Any] = {
            "asset": {"version": "1.1", "extras": extras},
            "geometricError": float(document["geometricError"]),
            "root": root | {"refine": root.get("refine", "ADD")},
        }
        checked = self._checked(written)
        if any(fault.rule == "content-outside" for fault in checked.faults):
            self._report.widened = tuple(widen_volumes(written["root"], folder_opener(self._target)))
            checked = self._checked(written)
        self._report.vertices, self._report.faults = checked.vertices, checked.faults
        return self._report

    def _checked(self, written: dict[str, Any]) -> Checked:
        (self._target / "tileset.json").write_bytes(orjson.dumps(written))
        return check_tileset("tileset.json", folder_opener(self._target))

    def _document(self, address: str) -> dict[str, Any]:
        try:
            document = orjson.loads(self._opened(address))
            if not isinstance(document["root"], dict):
                raise TypeError("its root is no tile")
            self._schemas[address] = self._schema(document, address)
            return dict(document)
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise broken(
                address, f"{type(error).__name__}: {error}", "a tileset.json of 3D Tiles 1.0 or 1.1"
            ) from error

    def _schema(self, document: dict[str, Any], address: str) -> dict[str, Any]:
        """What the tables of its subtrees mean; empty where it says nothing."""
        if "schemaUri" in document:
            return dict(orjson.loads(self._opened(urljoin(address, document["schemaUri"]))))
        return dict(document.get("schema", {}))

    def _start(self, root: dict[str, Any], address: str) -> Floats:
        """What stands above the root's own transform: nothing, the anchor, and the shift of heights."""
        if "region" in root["boundingVolume"] and self._wish.height_shift_m == 0:
            return np.identity(4)
        middle = _middle(root["boundingVolume"], _matrix(root))
        start = np.identity(4)
        if np.linalg.norm(middle) < _NEAREST_M:
            if self._wish.anchor is None:
                raise MissingCRSError(
                    "瓦片集没有地球坐标。The tileset stands nowhere on the globe.",
                    value=f"{address}: its middle is {np.linalg.norm(middle) / 1000:,.0f} km from the middle of the earth",
                    limit="a transform to Earth-centred coordinates",
                    remedy="Say where its origin is: --anchor LON,LAT,HEIGHT.",
                )
            start = self._wish.anchor.matrix
            middle = start[:3, :3] @ middle + start[:3, 3]
        lon, lat, _ = geodetic(middle)
        up = Frame(float(lon), float(lat)).axes[2]
        shifted = np.identity(4)
        shifted[:3, 3] = up * self._wish.height_shift_m
        return np.asarray(shifted @ start)

    def _tile(
        self,
        said: dict[str, Any],
        address: str,
        above: Floats,
        parent: Floats | None,
        within: frozenset[str],
        depth: int,
    ) -> dict[str, Any]:
        """A tile with all below it; `above` is the way from the frame of its parent as it was, `parent` as it is now."""
        self._report.tiles += 1
        if self._report.tiles > MOST_TILES or depth > _DEEPEST:
            raise broken(address, f"{self._report.tiles} tiles, {depth} deep", f"{MOST_TILES} tiles, {_DEEPEST} deep")
        try:
            if "implicitTiling" in said:
                said = ImplicitTiling(said, address, self._opened, self._schemas.get(address)).root()
            matrix = above @ _matrix(said)
            pieces, nested = self._contents(said, address)
            frame = matrix.copy()
            if pieces:
                frame[:3, 3] = matrix[:3, :3] @ pieces[0].centre + matrix[:3, 3]
            tile: dict[str, Any] = {
                "boundingVolume": self._volume(said["boundingVolume"], matrix, frame),
                "geometricError": float(said["geometricError"]),
                "transform": (frame if parent is None else np.linalg.inv(parent) @ frame).T.ravel().tolist(),
            }
            for key in ("refine", "viewerRequestVolume"):
                if key in said:
                    value = said[key]
                    tile[key] = value if key == "refine" else self._volume(value, matrix, frame)
            written = [{"uri": self._write(piece, pieces[0].centre)} for piece in pieces]
            if written:
                tile |= {"content": written[0]} if len(written) == 1 else {"contents": written}
            children = [self._tile(c, address, matrix, frame, within, depth + 1) for c in said.get("children", ())]
            for place in nested:
                if place in within:
                    raise broken(address, f"external tilesets lead back to {place}", "a tree")
                inner = self._document(place)["root"]
                children.append(self._tile(inner, place, matrix, frame, within | {place}, depth + 1))
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise broken(address, f"{type(error).__name__}: {error}", "3D Tiles 1.0 or 1.1") from error
        return tile | ({"children": children} if children else {})

    def _contents(self, said: dict[str, Any], address: str) -> tuple[list[Content], list[str]]:
        """What a tile draws, and the tilesets that stand in it."""
        pieces: list[Content] = []
        nested: list[str] = []
        for content in said.get("contents") or ([said["content"]] if said.get("content") else []):
            place = urljoin(address, str(content.get("uri", content.get("url"))))
            if place.partition("?")[0].lower().endswith(".json"):
                nested.append(place)
                continue
            data = self._opened(place)
            self._report.formats[data[:4].decode("latin-1")] += 1
            pieces += contents_of(data, place, lambda uri, base=place: self._opened(urljoin(base, uri)))  # type: ignore[misc]
        return pieces, nested

    def _write(self, piece: Content, centre: Floats) -> str:
        """A GLB by its checksum; what counts from another centre than the first of its tile is moved there."""
        if np.abs(piece.centre - centre).max() > 0.0:
            piece = Content(_moved(piece.data, piece.centre - centre), centre)
        name = f"{blake2b(piece.data, digest_size=16).hexdigest()}.glb"
        (self._target / name).write_bytes(piece.data)
        return name

    def _volume(self, said: dict[str, Any], matrix: Floats, frame: Floats) -> dict[str, Any]:
        """A volume in the tile's new frame; a region with its heights shifted."""
        if "region" in said:
            region = [float(value) for value in said["region"]]
            return {"region": [*region[:4], *(height + self._wish.height_shift_m for height in region[4:])]}
        way = np.linalg.inv(frame) @ matrix
        if "box" in said:
            box = np.array(said["box"], dtype=np.float64)
            centre = way[:3, :3] @ box[:3] + way[:3, 3]
            axes = box[3:].reshape(3, 3) @ way[:3, :3].T
            return {"box": [*centre.tolist(), *axes.ravel().tolist()]}
        x, y, z, radius = (float(value) for value in said["sphere"])
        return {"sphere": [*(way[:3, :3] @ np.array([x, y, z]) + way[:3, 3]).tolist(), radius]}


def _moved(data: bytes, by: Floats) -> bytes:
    """The same GLB with its scene moved by metres (3,), z up."""
    gltf = Gltf(data, "content")
    scene = gltf.document["scenes"][gltf.document.get("scene", 0)]
    east, north, up = by.tolist()
    gltf.document["nodes"].append({"translation": [east, up, -north], "children": list(scene["nodes"])})
    scene["nodes"] = [len(gltf.document["nodes"]) - 1]
    return gltf.to_bytes()


def _matrix(said: dict[str, Any]) -> Floats:
    if "transform" not in said:
        return np.identity(4)
    matrix = np.array(said["transform"], dtype=np.float64).reshape(4, 4).T
    if not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
        raise ValueError("a transform has no way back")
    return matrix


def _middle(volume: dict[str, Any], matrix: Floats) -> Floats:
    """The middle of a volume, Earth-centred as far as the matrix leads there."""
    if "region" in volume:
        west, south, east, north, low, high = volume["region"]
        lon, lat = np.degrees((west + east) / 2), np.degrees((south + north) / 2)
        return Frame(float(lon), float(lat), (low + high) / 2).origin
    centre = np.array((volume.get("box") or volume["sphere"])[:3], dtype=np.float64)
    return np.asarray(matrix[:3, :3] @ centre + matrix[:3, 3])


def find_tileset(folder: Path) -> str:
    """The address of the tileset in a folder: `tileset.json` nearest to the top.

    Raises:
        UnreadableFileError: if there is none.
    """
    found = sorted(folder.rglob("tileset.json"), key=lambda path: (len(path.parts), str(path)))
    if not found:
        raise UnreadableFileError(
            "没有 tileset.json。There is no tileset.json in it.",
            value=folder.name,
            limit="a folder or zip archive of 3D Tiles",
            remedy="Point at the folder that holds tileset.json.",
        )
    return str(found[0].relative_to(folder))
