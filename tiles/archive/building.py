"""A pyramid of tiles into one PMTiles archive: one state of each layer, in order, each content once, resumable.

Which version of a layer that is, is settled before any of its rows is read. Levels are walked down only below tiles that hold something.
Same layers, same bytes: no clock, no order of threads gets in.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from pmtiles.tile import Compression, Entry, TileType, serialize_header, tileid_to_zxy, zxy_to_tileid

from tiles.address import Tile
from tiles.archive.directory import encode_directories
from tiles.archive.overlay import LAYERS
from tiles.archive.pyramid import Copied, Pyramid, PyramidSource
from tiles.archive.reader import HEADER_BYTES
from tiles.archive.work import Made, WorkFolder
from tiles.compression import compressed
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.source import TileLayer
from tiles.tilejson import joined_bounds, tilejson
from twin.bounds import Bounds
from twin.errors import BadCall, StoreBusyError

DEEPEST = 22
_BATCH = 64

Progress = Callable[[int, int, int], None]
"""Level, tiles of it that are done, tiles of it that may hold something."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What to build: levels from `min_zoom` to `max_zoom`, by `threads` at once (None for one to a processor)."""

    min_zoom: int = 0
    max_zoom: int = 14
    threads: int | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """What was built: tiles with something in them, different contents, bytes of the file, tiles taken over from a build before."""

    tiles: int
    contents: int
    size: int
    resumed: int
    layers: tuple[TileLayer, ...]


def build_archive(
    source: PyramidSource,
    layer_ids: Sequence[str],
    target: Path,
    options: BuildOptions,
    progress: Progress = lambda _level, _done, _all: None,
    copied: Copied = lambda _layer, _rows: None,
) -> Built:
    """Build an archive; `target` appears whole, or not at all.

    Raises:
        BadCall: if the levels are no range, or there is nothing to build.
        UnknownLayerError: if a layer does not exist.
        AlreadyRunningError: if the same archive is being built.
        StoreBusyError: if the disk is full; what is made is kept for the next call.
    """
    low, high = options.min_zoom, options.max_zoom
    if not 0 <= low <= high <= DEEPEST:
        raise BadCall("These are no levels.", value=f"{low}-{high}", limit=f"0 to {DEEPEST}", remedy="Name low, high.")
    layers = tuple(source.describe(layer_id) for layer_id in dict.fromkeys(layer_ids))
    box = joined_bounds(layers)
    if box is None:
        raise BadCall("There is nothing to put into an archive.", limit="a layer with features", remedy="Import data.")
    plan = {"format": 1, "layers": [[layer.id, layer.stamp] for layer in layers], "zooms": [low, high]}
    try:
        with WorkFolder(target.with_name(target.name + ".work"), plan) as work:
            resumed = len(work.made)
            _Walk(source.pyramid(layers, work.folder, copied), work, options, progress).run(box)
            entries = list(_entries(work.made))
            if not entries:
                raise BadCall("No tile of these levels holds anything.", value=f"{low}-{high}", remedy="Go deeper.")
            head = _head(entries, work, layers, options)
            size = len(head) + work.size
            tiles, contents = sum(entry.run_length for entry in entries), work.contents
            work.finish(target, head)
    except OSError as error:
        raise StoreBusyError(
            f"The archive cannot be written: {error.strerror}.",
            value=target.name,
            remedy="Make room on the disk and build again: it goes on where it stopped.",
        ) from error
    return Built(tiles, contents, size, resumed, layers)


@dataclass(frozen=True, slots=True)
class _Walk:
    """One way down the levels."""

    pyramid: Pyramid
    work: WorkFolder
    options: BuildOptions
    progress: Progress

    def run(self, box: Bounds) -> None:
        wanted = list(_covering(box, self.options.min_zoom))
        with ThreadPoolExecutor(self.options.threads or os.cpu_count() or 1) as pool:
            for zoom in range(self.options.min_zoom, self.options.max_zoom + 1):
                wanted = self._level(pool, zoom, wanted)

    def _level(self, pool: ThreadPoolExecutor, zoom: int, wanted: list[int]) -> list[int]:
        """Make the tiles of one level, in order of their ids; gives those of the next that may hold something."""
        below: list[int] = []
        rest = iter(sorted(wanted))
        done = 0
        while batch := list(islice(rest, _BATCH)):
            missing = [tile_id for tile_id in batch if tile_id not in self.work.made]
            for tile_id, (content, deeper) in zip(missing, pool.map(self._make, missing), strict=True):
                self.work.add(tile_id, content, deeper=deeper)
            below += [child for tile_id in batch if self.work.made[tile_id].deeper for child in _children(tile_id)]
            done += len(batch)
            self.progress(zoom, done, len(wanted))
        return below

    def _make(self, tile_id: int) -> tuple[bytes, bool]:
        z, x, y = tileid_to_zxy(tile_id)
        tile = Tile(z=z, x=x, y=y)
        if not self.pyramid.holds_anything(tile):
            return b"", False
        return compressed(self.pyramid.tile(tile)), z < self.options.max_zoom


def _covering(box: Bounds, zoom: int) -> Iterator[int]:
    """Ids of the tiles that a box touches, its neighbours' buffer included."""
    first = WEB_MERCATOR_QUAD.tile_at(box.west, box.north, zoom)
    last = WEB_MERCATOR_QUAD.tile_at(box.east, box.south, zoom)
    top = (1 << zoom) - 1
    for x in range(max(first.x - 1, 0), min(last.x + 1, top) + 1):
        for y in range(max(first.y - 1, 0), min(last.y + 1, top) + 1):
            yield zxy_to_tileid(zoom, x, y)


def _children(tile_id: int) -> list[int]:
    z, x, y = tileid_to_zxy(tile_id)
    return [zxy_to_tileid(z + 1, 2 * x + dx, 2 * y + dy) for dx in (0, 1) for dy in (0, 1)]


def _entries(made: dict[int, Made]) -> Iterator[Entry]:
    """Entries in order; neighbours with the same content are one run."""
    last: Entry | None = None
    for tile_id in sorted(made):
        tile = made[tile_id]
        if not tile.length:
            continue
        if last is not None and (last.tile_id + last.run_length, last.offset) == (tile_id, tile.offset):
            last.run_length += 1
            continue
        if last is not None:
            yield last
        last = Entry(tile_id, tile.offset, tile.length, 1)
    if last is not None:
        yield last


def _head(entries: list[Entry], work: WorkFolder, layers: tuple[TileLayer, ...], options: BuildOptions) -> bytes:
    """Everything before the tiles: header, root, metadata, leaves."""
    root, leaves = encode_directories(entries)
    told = tilejson(layers, "")
    text = json.dumps(_metadata(told, layers, options), ensure_ascii=False, sort_keys=True)
    metadata = gzip.compress(text.encode(), mtime=0)
    west, south, east, north = (round(edge * 1e7) for edge in told["bounds"])
    header = serialize_header(
        {
            "version": 3,
            "root_offset": HEADER_BYTES,
            "root_length": len(root),
            "metadata_offset": HEADER_BYTES + len(root),
            "metadata_length": len(metadata),
            "leaf_directory_offset": HEADER_BYTES + len(root) + len(metadata),
            "leaf_directory_length": len(leaves),
            "tile_data_offset": HEADER_BYTES + len(root) + len(metadata) + len(leaves),
            "tile_data_length": work.size,
            "addressed_tiles_count": sum(entry.run_length for entry in entries),
            "tile_entries_count": len(entries),
            "tile_contents_count": work.contents,
            "clustered": True,
            "internal_compression": Compression.GZIP,
            "tile_compression": Compression.GZIP,
            "tile_type": TileType.MVT,
            "min_zoom": options.min_zoom,
            "max_zoom": options.max_zoom,
            "min_lon_e7": west,
            "min_lat_e7": south,
            "max_lon_e7": east,
            "max_lat_e7": north,
            "center_zoom": min(max(int(told["center"][2]), options.min_zoom), options.max_zoom),
            "center_lon_e7": (west + east) // 2,
            "center_lat_e7": (south + north) // 2,
        }
    )
    return bytes(header) + root + metadata + leaves


def _metadata(told: dict[str, Any], layers: tuple[TileLayer, ...], options: BuildOptions) -> dict[str, Any]:
    """TileJSON's words about the layers, at the archive's levels, and which version of each it holds."""
    low, high = options.min_zoom, options.max_zoom
    fields = [{**layer, "minzoom": low, "maxzoom": high} for layer in told["vector_layers"]]
    kept: dict[str, Any] = {
        key: told[key] for key in ("name", "description", "attribution", "onemap:density_below") if key in told
    }
    versions = {layer.id: {"version": layer.version, "edition": layer.edition} for layer in layers}
    return {**kept, "type": "overlay", "version": "1.0.0", "vector_layers": fields, LAYERS: versions}
