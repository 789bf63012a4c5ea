"""Tiles as they go out: one or several layers joined, compressed once, remembered while their versions stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tiles.address import Tile
from tiles.cache import SingleFlightCache
from tiles.compression import Coding, compressed
from tiles.disk_cache import DiskCache
from tiles.grids import Grid
from tiles.source import NOW, TileLayer, TileSource
from tiles.stored import StoredTile
from twin.errors import BadLimitError, BadMomentError, UnknownLayerError
from twin.moment import Moment

_MOST_LAYERS = 256
# What a tile weighs (`TileSource.weight`) that takes half a millisecond.
_HEAVY = 4000
# Layers with their stamps, grid, z, x, y, coding.
_Key = tuple[tuple[tuple[str, str], ...], str, int, int, int, Coding]


@dataclass(frozen=True, slots=True)
class TileSet:
    """Layers that travel in one tile, as they stand, or as they stood.

    Attributes:
        layers: In the order asked for, each once.
    """

    layers: tuple[TileLayer, ...]

    @property
    def stamp(self) -> str:
        """Changes whenever any tile may."""
        return ".".join(layer.stamp for layer in self.layers)

    @property
    def of_the_past(self) -> bool:
        """Whether these are the layers as they stood, not as they stand."""
        return any(layer.as_of is not None for layer in self.layers)

    @property
    def version(self) -> str:
        """The version of each layer, in order."""
        return ".".join(str(layer.version) for layer in self.layers)

    @property
    def edition(self) -> str:
        """What `?v=` has to say for an address to stand for exactly these bytes, for good."""
        return ".".join(layer.edition for layer in self.layers)


class TileService:
    """Serves tiles of a source.

    Args:
        source: Where they come from.
        cache_bytes: Room for compressed tiles in memory.
        disk: Where they are kept beyond a restart; None for nowhere.
    """

    def __init__(self, source: TileSource, cache_bytes: int = 256 * 1024 * 1024, disk: DiskCache | None = None) -> None:
        self._source = source
        self._disk = disk
        self._cache: SingleFlightCache[StoredTile] = SingleFlightCache(cache_bytes)

    def describe(self, layer_ids: Sequence[str], moment: Moment = NOW) -> TileSet:
        """The layers as they stood at a moment, an instant resolved for each; one that is named twice travels once.

        Raises:
            UnknownLayerError: if one of them does not exist; the first such is named.
            BadLimitError: if there are too many.
            BadMomentError: if the moment is a version, of several layers or one that the layer does not have yet.
        """
        wanted = tuple(dict.fromkeys(layer_ids))
        if not any(wanted):
            raise UnknownLayerError("No layer is named.", value="", remedy="Name one or more layers, with commas.")
        if len(wanted) > _MOST_LAYERS:
            raise BadLimitError(
                f"{len(wanted)} layers are too many for one tile.",
                value=len(wanted),
                limit=f"{_MOST_LAYERS} layers",
                remedy="Ask for several tiles.",
            )
        if isinstance(moment.as_of, int) and len(wanted) > 1:
            raise BadMomentError(
                "Each layer counts its own versions.",
                value=moment.as_of,
                limit="one layer with a version",
                remedy="Name an instant, such as as_of=2024-05-01T08:00:00Z, or one layer.",
            )
        return TileSet(tuple(self._source.describe(layer_id, moment) for layer_id in wanted))

    def describe_all(self, moment: Moment = NOW, readable: Callable[[str], bool] = lambda _: True) -> TileSet:
        """Every layer there is; at a release those that it pins, as the others were no part of it.

        Args:
            moment: As in `describe`.
            readable: Whether whoever asks may know of a layer.

        Raises:
            BadMomentError: as `describe`.
        """
        ids = tuple(filter(readable, self._source.layer_ids()))
        if isinstance(moment.as_of, Mapping):
            ids = tuple(layer_id for layer_id in ids if layer_id in moment.as_of)
        return self.describe(ids, moment) if ids else TileSet(())

    def with_bounds(self, layers: TileSet) -> TileSet:
        """The same layers with the boxes of what their tiles show. Raises UnknownLayerError, StoreBusyError."""
        return replace(
            layers, layers=tuple(replace(layer, bounds=self._source.bounds(layer)) for layer in layers.layers)
        )

    def tile(self, layers: TileSet, tile: Tile, grid: Grid, coding: Coding = "gzip") -> StoredTile:
        """One tile with all the layers, compressed as asked for.

        Raises:
            TileOutsideGridError: if the grid has no such tile.
            UnknownLayerError: if a layer has gone in the meantime.
        """
        grid.check(tile)
        key = _key(layers, tile, grid, coding)
        return self._cache.get_or_make(key, lambda: self._found(key, layers, tile, grid), keep=_is_final)

    def is_light(self, layers: TileSet, tile: Tile, grid: Grid, coding: Coding = "gzip") -> bool:
        """Whether `tile` gives this one within half a millisecond, without waiting for anybody.

        Raises:
            TileOutsideGridError: if the grid has no such tile.
        """
        grid.check(tile)
        key = _key(layers, tile, grid, coding)
        if self._cache.get(key) is not None:
            return True
        if self._disk is not None or self._cache.is_making(key):
            return False
        weight = 0
        for layer in layers.layers:
            more = self._source.weight(layer, tile, grid)
            weight += _HEAVY if more is None else more
            if weight >= _HEAVY:
                return False
        return True

    def forget(self, layer_id: str) -> None:
        """Notice at once that a manifest has changed or a layer is gone."""
        self._source.forget(layer_id)

    def _found(self, key: _Key, layers: TileSet, tile: Tile, grid: Grid) -> StoredTile:
        """The tile from disk, or made and kept there."""
        if self._disk is None:
            return self._make(layers, tile, grid, key[-1])
        kept = self._disk.get(key)
        if kept is not None:
            return kept
        made = self._make(layers, tile, grid, key[-1])
        if _is_final(made):
            self._disk.keep(key, made)
        return made

    def _make(self, layers: TileSet, tile: Tile, grid: Grid, coding: Coding) -> StoredTile:
        shares = [self._source.tile(layer, tile, grid) for layer in layers.layers]
        data = b"".join(share.data for share in shares)
        return StoredTile(
            body=compressed(data, coding),
            coding=coding,
            features=sum(share.features for share in shares),
            left_out=sum(share.left_out for share in shares),
            provisional=any(share.provisional for share in shares),
        )


def _key(layers: TileSet, tile: Tile, grid: Grid, coding: Coding) -> _Key:
    return tuple((layer.id, layer.stamp) for layer in layers.layers), grid.id, tile.z, tile.x, tile.y, coding


def _is_final(tile: StoredTile) -> bool:
    return not tile.provisional
