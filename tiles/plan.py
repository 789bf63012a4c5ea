"""How a layer is tiled, worked out from its record in the store."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tiles.density import density_zoom
from tiles.generalise.blocks import blocks_of
from tiles.generalise.classes import classes_of
from tiles.generalise.wishes import Clusters, clusters_of
from tiles.source import TileLayer
from twin.interval import Interval
from twin.schema import Schema
from twin.store.port import LayerRecord
from twin.text import LocalText

# Part of every stamp: raise it when the encoder draws the same data differently.
ENCODER = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def plan_layer(record: LayerRecord, properties: tuple[str, ...] | None = None) -> TileLayer:
    """What tiles of this layer look like.

    Args:
        record: The layer as it stands. Of its manifest only texts, `style.min_zoom` and `tiles` are read.
        properties: Attributes that travel in tiles; None for all of them.

    Raises:
        UnknownPropertyError: if the layer lacks one of `properties`.
    """
    schema = record.schema
    if properties is not None:
        schema = Schema(schema.geometry_type, tuple(schema.property(name) for name in properties))
    below = density_zoom(record.feature_count, record.bounds, _wished_zoom(record.document))
    clusters = clusters_of(record.document, schema, below)
    below = 0 if clusters else below
    classes = classes_of(record.document, schema)
    blocks = blocks_of(record.document, schema, below)
    # A layer that was dropped and made anew counts its versions from zero: the instant of birth tells them apart.
    birth = int(record.created_at.timestamp() * 1e6)
    make = zlib.crc32(repr((record.id, birth, schema.names, classes, blocks)).encode("utf-8", "replace"))
    return TileLayer(
        id=record.id,
        title=LocalText.parse(record.document.get("title") or record.id),
        description=LocalText.parse(record.document.get("description")),
        attribution=str(record.document.get("attribution") or ""),
        schema=schema,
        version=record.version,
        stamp=f"{ENCODER}-{make:08x}-{_looks(below, clusters)}-{record.version}",
        bounds=record.bounds,
        density_below=below,
        clusters=clusters,
        classes=classes,
        blocks=blocks,
    )


def _looks(below: int, clusters: Clusters | None) -> str:
    """What settles how the same data are drawn."""
    return f"{below}" if clusters is None else f"{zlib.crc32(repr(clusters).encode('utf-8', 'replace')):08x}"


def as_it_stood(layer: TileLayer, version: int) -> TileLayer:
    """The plan for tiles of a version: what is planned from the record of then, under a stamp of its own."""
    return replace(layer, as_of=version, stamp=f"{layer.stamp}.as-of")


def holding_at(layer: TileLayer, interval: Interval) -> TileLayer:
    """The plan for tiles that show what holds in the interval."""
    start, end = (_instant(at) for at in (interval.start, interval.end))
    return replace(layer, interval=interval, stamp=f"{layer.stamp}.{start}_{end}")


def _instant(at: datetime | None) -> str:
    """Whole microseconds, which is all that a `datetime` holds: no two times share a text."""
    return "open" if at is None else str((at - _EPOCH) // timedelta(microseconds=1))


def _wished_zoom(document: Mapping[str, Any]) -> int | None:
    style = document.get("style")
    wish = style.get("min_zoom") if isinstance(style, Mapping) else None
    return int(wish) if isinstance(wish, int | float) and not isinstance(wish, bool) and 0 <= wish <= 30 else None
