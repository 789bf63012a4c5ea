"""A batch of features to one layer of a vector tile. Layers of one tile are joined by joining their bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tiles.mvt.attributes import Tags, encode_attributes
from tiles.mvt.commands import encode_lines, encode_points, encode_polygons
from tiles.mvt.protobuf import field_bytes, field_varint, varint
from tiles.mvt.shapes import Shapes, fit_to_window
from tiles.mvt.window import Window
from twin.feature import FeatureBatch

PUBLIC_ID = "_id"

_TAG_ID, _TAG_TAGS, _TAG_TYPE, _TAG_GEOMETRY = b"\x08", b"\x12", b"\x18", b"\x22"
_ENCODERS = (encode_points, encode_lines, encode_polygons)


@dataclass(frozen=True, slots=True)
class EncodedLayer:
    """One layer of a tile.

    Attributes:
        data: Bytes of the `layers` field; empty when no feature is drawn.
        features: Features drawn.
        too_small: Features of the batch inside the window but smaller than a tile unit.
        broken: Features left out for coordinates that are not finite.
    """

    data: bytes
    features: int
    too_small: int = 0
    broken: int = 0


def encode_layer(name: str, batch: FeatureBatch, window: Window) -> EncodedLayer:
    """The features of a batch that meet the window, as a layer of a Mapbox Vector Tile 2.1.

    Each feature has its row number as `id`, and its public id as `_id` where that is another one.

    Args:
        name: Name of the layer in the tile.
        batch: Features in CGCS2000 lon/lat; a property called `_id` gives way to the public id.
        window: The tile, its extent and buffer.
    """
    shapes = fit_to_window(batch.geometries, window)
    if len(shapes.rows) == 0:
        return EncodedLayer(b"", 0, shapes.too_small, shapes.broken)
    rows = shapes.rows.tolist()
    fids: list[int] = batch.fids[shapes.rows].tolist()
    columns = {name: column for name, column in batch.columns.items() if name != PUBLIC_ID}
    columns[PUBLIC_ID] = foreign_ids(batch)
    tags = encode_attributes(columns, rows)
    data = _layer(name, _features(fids, shapes, tags), tags, window.extent)
    return EncodedLayer(data, len(rows), shapes.too_small, shapes.broken)


def foreign_ids(batch: FeatureBatch) -> list[str | None]:
    """Public ids that are not simply the row number."""
    return [None if public == str(fid) else public for public, fid in zip(batch.ids, batch.fids.tolist(), strict=True)]


def _features(fids: Sequence[int], shapes: Shapes, tags: Tags) -> list[bytes]:
    out: list[bytes] = []
    for fid, dimension, tag, geometry in zip(
        fids, shapes.dimensions.tolist(), tags.tags, _geometries(shapes), strict=True
    ):
        parts = [
            _TAG_ID + varint(fid) if fid >= 0 else b"",
            _TAG_TAGS + varint(len(tag)) + tag if tag else b"",
            _TAG_TYPE,
            varint(dimension + 1),
            _TAG_GEOMETRY,
            varint(len(geometry)),
            geometry,
        ]
        out.append(b"".join(parts))
    return out


def _geometries(shapes: Shapes) -> list[bytes]:
    encoded = [b""] * len(shapes.rows)
    for dimension, encode in enumerate(_ENCODERS):
        chosen = np.flatnonzero(shapes.dimensions == dimension)
        if len(chosen):
            for i, commands in zip(chosen.tolist(), encode(shapes.geometries[chosen]), strict=True):
                encoded[i] = commands
    return encoded


def _layer(name: str, features: Sequence[bytes], tags: Tags, extent: int) -> bytes:
    parts = [field_bytes(1, name.encode())]
    parts += [b"\x12" + varint(len(feature)) + feature for feature in features]
    parts += [field_bytes(3, key.encode("utf-8", "replace")) for key in tags.keys]
    parts += [b"\x22" + varint(len(value)) + value for value in tags.values]
    parts += [field_varint(5, extent), field_varint(15, 2)]
    return field_bytes(3, b"".join(parts))
