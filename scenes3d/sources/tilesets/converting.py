"""Contents of a tile to GLB: b3dm with its batch table as a property table, i3dm as nodes, pnts as points, Draco decoded.

What comes out is in the frame of the content: where a content counts from a centre of its own, that centre is given beside it.

Source: OGC 18-053r2, sections 10.1 to 10.4; EXT_mesh_features; EXT_structural_metadata.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import DracoPy
import numpy as np
import numpy.typing as npt
import orjson

from scenes3d.glb.buffer import Buffer
from scenes3d.glb.container import broken
from scenes3d.glb.mesh import MESH_FEATURES
from scenes3d.glb.positions import y_up
from scenes3d.glb.property_table import EXTENSION as METADATA
from scenes3d.glb.property_table import write_table
from scenes3d.models.columns import columns_of
from scenes3d.points.colour import linear_bytes
from scenes3d.points.plain import write_points
from scenes3d.sources.tilesets.containers import Packed, iter_packed
from scenes3d.sources.tilesets.gltf import Gltf, Opened
from scenes3d.sources.tilesets.instances import instance_matrices, spread_instances
from twin.ellipsoid import Floats

_FAR_M = 100_000.0
_DRACO_POINTS = "3DTILES_draco_point_compression"


@dataclass(frozen=True, slots=True)
class Content:
    """A GLB, and where its coordinates count from in the tile's frame, metres (3,)."""

    data: bytes
    centre: Floats


def contents_of(data: bytes, name: str, opened: Opened) -> Iterator[Content]:
    """What a content file draws, one GLB for each tile inside.

    Args:
        opened: Gives the bytes at an address, for instances of a model in another file.

    Raises:
        UnreadableFileError: if it is cut off, lies about what it holds, or is packed in a way that has no decoder here.
    """
    if data[:4] == b"glTF":
        yield _centred(Gltf(data, name).without_draco(), np.zeros(3))
        return
    for packed in iter_packed(memoryview(data), name):
        try:
            if packed.magic == "pnts":
                yield _points(packed, name)
            elif packed.magic == "b3dm":
                yield _batched(packed, name)
            else:
                yield _instanced(packed, name, opened)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise broken(name, f"{type(error).__name__}: {error}", "3D Tiles 1.0") from error


def _batched(packed: Packed, name: str) -> Content:
    gltf = Gltf(packed.payload[: _glb_length(packed.payload)], name).without_draco()
    count = int(packed.features.document.get("BATCH_LENGTH", 0))
    if count:
        _with_features(gltf, packed, count)
    return _centred(gltf, packed.centre)


def _with_features(gltf: Gltf, packed: Packed, count: int) -> None:
    """Batch ids become feature ids, and the batch table a property table."""
    drawn = False
    for primitive in gltf.primitives():
        attributes = primitive["attributes"]
        key = next((key for key in ("_BATCHID", "BATCHID") if key in attributes), None)
        if key is None:
            continue
        attributes["_FEATURE_ID_0"] = attributes.pop(key)
        features = {"featureCount": count, "attribute": 0, "propertyTable": 0}
        primitive.setdefault("extensions", {})[MESH_FEATURES] = {"featureIds": [features]}
        drawn = True
    if not drawn:
        return
    rows = packed.batch.columns(count)
    ids = [str(value) for value in rows.get("id", range(count))]
    attributes = [{key: _plain(values[row]) for key, values in rows.items() if key != "id"} for row in range(count)]
    buffer = Buffer()
    metadata = write_table(buffer, columns_of(ids, ["feature"] * count, attributes), "feature")
    body = buffer.to_bytes()
    numbers = [gltf.add_view(body[v["byteOffset"] : v["byteOffset"] + v["byteLength"]]) for v in buffer.views]
    for values in metadata["propertyTables"][0]["properties"].values():
        for key in ("values", "stringOffsets"):
            if key in values:
                values[key] = numbers[values[key]]
    gltf.document.setdefault("extensions", {})[METADATA] = metadata
    gltf.use_extension(MESH_FEATURES)
    gltf.use_extension(METADATA)


def _instanced(packed: Packed, name: str, opened: Opened) -> Content:
    if packed.by_address:
        address = bytes(packed.payload).rstrip(b" \0").decode()
        gltf = Gltf(opened(address), address)
    else:
        gltf = Gltf(packed.payload[: _glb_length(packed.payload)], name)
    gltf = gltf.without_draco()
    matrices, centre = instance_matrices(packed)
    spread_instances(gltf, matrices)
    return _centred(gltf, packed.centre + centre)


def _points(packed: Packed, name: str) -> Content:
    said = packed.features.document
    count = int(said["POINTS_LENGTH"])
    draco = said.get("extensions", {}).get(_DRACO_POINTS)
    if draco is not None:
        positions, colours = _draco_points(packed, draco, count, name)
    else:
        positions, colours = _places(packed, count), _colours(packed, count)
    centre = positions.mean(axis=0) if count else np.zeros(3)
    linear = None if colours is None else linear_bytes(colours.astype(np.uint16), 255)
    return Content(write_points(y_up(positions - centre), linear), packed.centre + centre)


def _places(packed: Packed, count: int) -> Floats:
    said = packed.features
    plain = said.array("POSITION", count, "<f4", 3)
    if plain is not None:
        return plain.astype(np.float64)
    steps = said.array("POSITION_QUANTIZED", count, "<u2", 3)
    if steps is None:
        raise KeyError("POSITION")
    offset, scale = (
        np.array(said.document[f"QUANTIZED_VOLUME_{key}"], dtype=np.float64) for key in ("OFFSET", "SCALE")
    )
    return np.asarray(steps / 65535 * scale + offset)


def _colours(packed: Packed, count: int) -> npt.NDArray[np.uint8] | None:
    said = packed.features
    for key, width in (("RGBA", 4), ("RGB", 3)):
        found = said.array(key, count, "<u1", width)
        if found is not None:
            return np.ascontiguousarray(found[:, :3])
    short = said.array("RGB565", count, "<u2", 1)
    if short is not None:
        value = short[:, 0].astype(np.uint32)
        parts = [(value >> 11) * 255 // 31, (value >> 5 & 63) * 255 // 63, (value & 31) * 255 // 31]
        return np.column_stack(parts).astype(np.uint8)
    constant = said.document.get("CONSTANT_RGBA")
    return None if constant is None else np.tile(np.array(constant[:3], dtype=np.uint8), (count, 1))


def _draco_points(
    packed: Packed, said: dict[str, Any], count: int, name: str
) -> tuple[Floats, npt.NDArray[np.uint8] | None]:
    start, length = int(said["byteOffset"]), int(said["byteLength"])
    try:
        cloud = DracoPy.decode(bytes(packed.features.body[start : start + length]))
        found = {a["unique_id"]: np.asarray(a["data"]) for a in cloud.attributes}
    except (DracoPy.FileTypeException, RuntimeError, AttributeError) as error:
        raise broken(name, f"its Draco points: {error}", "Draco points") from error
    properties = said["properties"]
    positions = found[properties["POSITION"]].reshape(count, 3).astype(np.float64)
    key = next((key for key in ("RGB", "RGBA") if key in properties), None)
    return positions, None if key is None else found[properties[key]].reshape(count, -1)[:, :3].astype(np.uint8)


def _centred(gltf: Gltf, centre: Floats) -> Content:
    """A centre that glTF carries itself, in an extension or as the place of its one root, is taken out: its numbers are too large."""
    document = gltf.document
    rtc = document.get("extensions", {}).pop("CESIUM_RTC", None)
    if rtc is not None:
        gltf.drop_extension("CESIUM_RTC")
        centre = centre + np.array(rtc["center"], dtype=np.float64)
    if not document.get("extensions", True):
        del document["extensions"]
    scene = document["scenes"][document.get("scene", 0)] if document.get("scenes") else {}
    roots = scene.get("nodes", ())
    if len(roots) == 1:
        node = document["nodes"][roots[0]]
        moved = node["matrix"][12:15] if "matrix" in node else node.get("translation", (0.0, 0.0, 0.0))
        if max(abs(float(value)) for value in moved) > _FAR_M:
            x, y, z = (float(value) for value in moved)
            centre = centre + np.array([x, -z, y])
            if "matrix" in node:
                node["matrix"][12:15] = [0.0, 0.0, 0.0]
            else:
                del node["translation"]
    return Content(gltf.to_bytes(), np.asarray(centre))


def _glb_length(payload: memoryview) -> int:
    """Exporters pad the GLB inside of a tile: its own header says where it ends."""
    return int.from_bytes(payload[8:12], "little") if len(payload) >= 12 else len(payload)


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int | float | bool) else orjson.dumps(value).decode()
