"""The tile-source port: whatever gives vector tiles of layers. One page; the store-backed source is the first.

Rules that hold for every source

* A tile shows every write that had been acknowledged when it was asked for.
* Nothing is cut silently: what a zoom leaves out is said by the layer's description and by the counts of each tile.
* `describe` is cheap; it may be asked at every request. `tile` may take long and is called from worker threads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tiles.address import Tile
from tiles.generalise.blocks import Blocks
from tiles.generalise.classes import LineClasses
from tiles.generalise.wishes import Clusters
from tiles.grids import Grid
from twin.bounds import Bounds
from twin.interval import Interval
from twin.moment import Moment
from twin.schema import Schema
from twin.text import LocalText

NOW = Moment()


@dataclass(frozen=True, slots=True)
class TileLayer:
    """What is to be known of a layer before any tile of it is made.

    Attributes:
        id: Id of the layer, and its name in every tile.
        title, description, attribution: For people.
        schema: Geometry type and properties, those that travel in tiles.
        version: Change number of the layer's data.
        stamp: Text that changes whenever a tile of the layer may differ; goes into cache keys and ETags.
        bounds: Box of the data as they stand; None while there are none. That of another time is told by `TileSource.bounds`.
        density_below: Web Mercator level below which tiles hold a density grid instead of features; 0 for never.
        as_of: Version of which the tiles tell; None for the present. `version` is the same then.
        interval: Valid time of which they tell; None for the newest states.
        clusters: How points are clustered, below which level; None for never. There is no density grid then.
        blocks: Below which level small polygons are merged into blocks; None for never. What is told of other times has the density
            grid in their place.
        classes: From which level lines of each class are drawn; None where all of them always are.
    """

    id: str
    title: LocalText
    description: LocalText
    attribution: str
    schema: Schema
    version: int
    stamp: str
    bounds: Bounds | None
    density_below: int
    as_of: int | None = None
    interval: Interval | None = None
    clusters: Clusters | None = None
    classes: LineClasses | None = None
    blocks: Blocks | None = None

    @property
    def make(self) -> str:
        """What settles how the layer is copied: its edition without density level and version."""
        return "-".join(self.edition.split("-")[:2])

    @property
    def edition(self) -> str:
        """The stamp without the times asked for: encoder, looks, birth and version, which with them settle every byte."""
        return self.stamp.partition(".")[0]

    def is_density(self, tile: Tile, grid: Grid) -> bool:
        """Whether this tile holds a density grid."""
        return tile.z + grid.zoom_offset < self.density_below

    def blocks_of(self, tile: Tile, grid: Grid) -> Blocks | None:
        """How the polygons of this tile are merged; None where they are not."""
        return self.blocks if self.blocks and tile.z + grid.zoom_offset < self.blocks.below else None

    def clusters_of(self, tile: Tile, grid: Grid) -> Clusters | None:
        """How the points of this tile are clustered; None where they are not."""
        return self.clusters if self.clusters and tile.z + grid.zoom_offset < self.clusters.below else None


@dataclass(frozen=True, slots=True)
class TileBytes:
    """One layer's share of a tile.

    Attributes:
        data: Uncompressed Mapbox Vector Tile; empty where nothing is drawn.
        features: Features (or density cells) drawn.
        left_out: Features inside the tile that are not drawn: smaller than a tile unit, broken, or beyond the budget
            (`tiles.generalise.budget`).
        provisional: The same tile will soon look otherwise, though the layer stands as it is: it is not to be remembered.
    """

    data: bytes
    features: int = 0
    left_out: int = 0
    provisional: bool = False


class TileSource(Protocol):
    """Gives tiles of layers."""

    def layer_ids(self) -> tuple[str, ...]:
        """Every layer that has tiles, in order of their ids."""

    def describe(self, layer_id: str, moment: Moment = NOW) -> TileLayer:
        """The layer as it stood at a moment.

        Raises:
            UnknownLayerError: if there is none.
            BadMomentError: if the moment is a version that the layer does not have yet.
        """

    def bounds(self, layer: TileLayer) -> Bounds | None:
        """The box of what the layer's tiles show; None while that is nothing. May take long for another time.

        Raises:
            UnknownLayerError: if the layer has gone since it was described.
            StoreBusyError: if too many ask for boxes at once.
        """

    def tile(self, layer: TileLayer, tile: Tile, grid: Grid) -> TileBytes:
        """One layer of one tile. Joining the bytes of several layers gives a tile with all of them.

        Raises:
            UnknownLayerError: if the layer has gone since it was described.
            TileOutsideGridError: if the grid has no such tile.
        """

    def weight(self, layer: TileLayer, tile: Tile, grid: Grid) -> int | None:
        """About how many vertices and values `tile` would have to look at; None where it may have to wait. Never waits itself.

        Raises:
            TileOutsideGridError: if the grid has no such tile.
        """

    def forget(self, layer_id: str) -> None:
        """Drop what is remembered of a layer whose manifest has changed, or which is gone."""
