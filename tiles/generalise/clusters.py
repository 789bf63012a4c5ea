"""Points counted by the cells of a tile.

Cells are squares, 16 to the tile's width, on one grid over the world for each level, so that no point is counted by two tiles and none
is missed. A cell with one point is that point; one with more is a cluster at their mean. Points in alarm are drawn as themselves, too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

CELL_BITS = 4
CELLS_PER_SIDE = 1 << CELL_BITS
# Alarms drawn as themselves in one tile, however many there are: where there are more, so many of each cell.
MOST_ALARMS = 1024
ALARMS_OF_A_CELL = MOST_ALARMS // CELLS_PER_SIDE**2

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Clustered:
    """What becomes of the points of a tile; m clusters, s kinds of status.

    Attributes:
        x, y: int64 (m,) mean of the points of each cluster, in world units of the tile's grid.
        counts: int64 (m,) points of each cluster, those in alarm among them.
        statuses: int64 (m, s) how many of them have each status.
        alone: int64: places of the points that are drawn as themselves, ascending.
        cells: int64 (m,) row by row from the north-west: which cell of the tile each cluster is.
    """

    x: Ints
    y: Ints
    counts: Ints
    statuses: Ints
    alone: Ints
    cells: Ints


def cluster_points(x: Ints, y: Ints, status: Ints, alarming: npt.NDArray[np.bool_], bits: int) -> Clustered:
    """The points of one tile by cells.

    Args:
        x, y: int64 (n,) places in world units, all of them in one tile.
        status: int64 (n,) number of each point's status.
        alarming: (s,) whether a status is an alarm.
        bits: The tile is 2**bits world units wide, at least 2**4.
    """
    shift = bits - CELL_BITS
    last = CELLS_PER_SIDE - 1
    cell = ((y >> shift) & last) * CELLS_PER_SIDE + ((x >> shift) & last)
    total = CELLS_PER_SIDE**2
    counts = np.bincount(cell, minlength=total)
    by_status = np.bincount(cell * len(alarming) + status, minlength=total * len(alarming)).reshape(total, -1)
    clusters = np.flatnonzero(counts > 1)
    return Clustered(
        x=_means(x, cell, counts)[clusters],
        y=_means(y, cell, counts)[clusters],
        counts=counts[clusters],
        statuses=by_status[clusters],
        alone=np.flatnonzero((counts[cell] == 1) | _shown_alarms(cell, alarming[status])),
        cells=clusters,
    )


def _means(values: Ints, cell: Ints, counts: Ints) -> Ints:
    """Rounded means by cell, of differences from the lowest value: a float64 holds their sum to the unit."""
    if len(values) == 0:
        return np.zeros(len(counts), dtype=np.int64)
    low = int(values.min())
    sums = np.bincount(cell, weights=values - low, minlength=len(counts))
    return np.rint(sums / np.maximum(counts, 1)).astype(np.int64) + low


def _shown_alarms(cell: Ints, alarm: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """All alarms; where the tile has too many, the first of each cell."""
    at = np.flatnonzero(alarm)
    if len(at) <= MOST_ALARMS:
        return alarm
    order = at[np.argsort(cell[at], kind="stable")]
    first = np.searchsorted(cell[order], cell[order])
    shown = np.zeros(len(alarm), dtype=bool)
    shown[order[np.arange(len(order)) - first < ALARMS_OF_A_CELL]] = True
    return shown
