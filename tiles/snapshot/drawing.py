"""One layer of one tile out of columns, in whichever way its level is drawn: features, blocks, clusters, density."""

from __future__ import annotations

from collections.abc import Sequence

from tiles.address import Tile
from tiles.generalise.block_columns import encode_blocks
from tiles.generalise.budget_columns import encode_budgeted
from tiles.generalise.cluster_columns import encode_clusters
from tiles.generalise.density_columns import encode_density
from tiles.grids import Grid
from tiles.kernel.layer import Part
from tiles.kernel.window import TileWindow
from tiles.source import TileBytes, TileLayer


def draw(layer: TileLayer, parts: Sequence[Part], tile: Tile, grid: Grid) -> TileBytes:
    """The layer's share of a tile.

    Args:
        layer: Says how it is drawn.
        parts: At least one, all with the same keys.
        tile: One that the grid has.
    """
    window, beyond = TileWindow(grid, tile), 0
    if (blocks := layer.blocks_of(tile, grid)) is not None:
        drawn = encode_blocks(layer.id, parts, blocks, window)
    elif layer.is_density(tile, grid):
        drawn = encode_density(layer.id, parts, window)
    elif (clusters := layer.clusters_of(tile, grid)) is not None:
        drawn = encode_clusters(layer.id, parts, clusters, window)
    else:
        drawn, beyond = encode_budgeted(layer.id, parts, window, layer.clusters)
    return TileBytes(drawn.data, drawn.features, drawn.too_small + drawn.not_yet + beyond)
