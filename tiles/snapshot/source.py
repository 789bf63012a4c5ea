"""Tiles cut from snapshots. What a snapshot cannot tell, the store does: other times, density grids, layers that have none yet."""

from __future__ import annotations

from dataclasses import replace

from tiles.address import Tile
from tiles.features import StoreTileSource
from tiles.grids import Grid
from tiles.snapshot.keeping import SnapshotKeeper
from tiles.snapshot.state import State
from tiles.source import NOW, TileBytes, TileLayer
from twin.bounds import Bounds
from twin.moment import Moment


class SnapshotTileSource:
    """The tile source over snapshots.

    Args:
        stored: Describes the layers, and gives every tile that no snapshot can.
        keeper: Has the snapshots.
    """

    def __init__(self, stored: StoreTileSource, keeper: SnapshotKeeper) -> None:
        self._stored = stored
        self._keeper = keeper

    def layer_ids(self) -> tuple[str, ...]:
        return self._stored.layer_ids()

    def describe(self, layer_id: str, moment: Moment = NOW) -> TileLayer:
        return self._stored.describe(layer_id, moment)

    def bounds(self, layer: TileLayer) -> Bounds | None:
        return self._stored.bounds(layer)

    def forget(self, layer_id: str) -> None:
        self._stored.forget(layer_id)
        self._keeper.forget(layer_id)

    def close(self) -> None:
        """Make no more snapshots."""
        self._keeper.close()

    def weight(self, layer: TileLayer, tile: Tile, grid: Grid) -> int | None:
        """What the window meets on the sheets of a snapshot that is at hand; None where there is none. Raises TileOutsideGridError."""
        grid.check(tile)
        drawn_otherwise = layer.clusters_of(tile, grid) or layer.blocks_of(tile, grid)
        if not _shows_layer(layer, tile, grid) or drawn_otherwise is not None:
            return None
        state = self._keeper.state_at_hand(layer)
        return None if state is None else _weight(state, tile, grid)

    def tile(self, layer: TileLayer, tile: Tile, grid: Grid) -> TileBytes:
        """One layer of one tile. Raises as `TileSource.tile`."""
        grid.check(tile)
        if _shows_layer(layer, tile, grid):
            # Asked before and after, and never once the store has drawn: a copy that is done meanwhile was coming, too.
            coming = self._keeper.is_coming(layer.id)
            state = self._keeper.state(layer)
            if state is not None:
                return _drawn(layer, state, tile, grid)
            coming = coming or self._keeper.is_coming(layer.id)
            # Drawn in another way than it will be in a moment: good enough to look at, not to be remembered.
            return replace(self._stored.tile(layer, tile, grid), provisional=coming)
        state = self._state_of_version(layer) if layer.interval is None and not layer.is_density(tile, grid) else None
        return self._stored.tile(layer, tile, grid) if state is None else _drawn(layer, state, tile, grid)

    def _state_of_version(self, layer: TileLayer) -> State | None:
        """The state that shows the version which the layer is described as of, where that is the last one: most days are its days.

        A copy may hold rows later than its version; it does not if none has been committed by the time it is there.
        """
        present = self._stored.describe(layer.id)
        if layer.as_of != present.version or layer.make != present.make:
            return None
        state = self._keeper.state(present)
        stands = state is not None and state.version == layer.as_of == self._stored.describe(layer.id).version
        return state if stands else None


def _shows_layer(layer: TileLayer, tile: Tile, grid: Grid) -> bool:
    """Whether the tile shows features of the layer as it stands, one by one or merged."""
    stands = layer.as_of is None and layer.interval is None
    return stands and (layer.blocks_of(tile, grid) is not None or not layer.is_density(tile, grid))


def _weight(state: State, tile: Tile, grid: Grid) -> int:
    # Imported late as below.
    from tiles.kernel.layer import met_by
    from tiles.kernel.window import TileWindow

    window, weight = TileWindow(grid, tile), 0
    for columns in (sheet.columns for sheet in state.sheets):
        met = met_by(columns, window)
        first, end = (
            columns.path_vertices[columns.feature_paths[met]],
            columns.path_vertices[columns.feature_paths[met + 1]],
        )
        weight += int((end - first).sum()) + len(met) * len(columns.keys)
    return weight


def _drawn(layer: TileLayer, state: State, tile: Tile, grid: Grid) -> TileBytes:
    # Imported with the first snapshot: the compiler must not delay the start of a server.
    from tiles.kernel.layer import Part
    from tiles.snapshot.drawing import draw

    return draw(layer, [Part(sheet.columns, sheet.hidden) for sheet in state.sheets], tile, grid)
