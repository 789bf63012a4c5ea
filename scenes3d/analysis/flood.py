"""What is under water: at a level, or after so much water has come. Water goes only where it can get to, cell by neighbouring cell.

This is still water: no time, no flow, no sewers, no infiltration. Walls thinner than a cell are not in the raster.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from scenes3d.analysis.flooding import LEFT_THE_AREA, MET_UNKNOWN, TOO_LONG, USED_UP, pour
from scenes3d.analysis.ground import Ground
from scenes3d.rays.port import Bools, Floats
from twin.errors import BadAnalysisError

Cells = npt.NDArray[np.int64]
# Water passes sides and corners of cells.
_NEIGHBOURS = np.ones((3, 3), dtype=np.int8)
# Visits of cells after which water that keeps running is stopped: some ten seconds.
_VISITS_MAX = 100_000_000


class Ending(StrEnum):
    """What became of the water."""

    HELD = "held"
    LEFT_THE_AREA = "left-the-area"
    MET_UNKNOWN_GROUND = "met-unknown-ground"
    STOPPED = "stopped"


_ENDINGS = {
    USED_UP: Ending.HELD,
    LEFT_THE_AREA: Ending.LEFT_THE_AREA,
    MET_UNKNOWN: Ending.MET_UNKNOWN_GROUND,
    TOO_LONG: Ending.STOPPED,
}


@dataclass(frozen=True, slots=True)
class Flood:
    """Water over a lattice of ground.

    Attributes:
        depth_m: float32 (rows, columns); 0 where it is dry, NaN where the ground is unknown.
        volume_m3: Of the water that stands.
        ending: `HELD`, or why the answer goes no further: water reached the rim of the area, or ground that nobody measured.
        surplus_m3: Water that came and does not stand here; 0 for a level.
    """

    ground: Ground
    depth_m: npt.NDArray[np.float32]
    volume_m3: float
    ending: Ending
    surplus_m3: float = 0.0

    @property
    def wet(self) -> Bools:
        return np.asarray(self.depth_m > 0)

    @property
    def area_m2(self) -> float:
        return float(self.wet.sum() * self.ground.cell_m**2)


def cells_at(ground: Ground, points: Floats) -> Cells:
    """Cells of a lattice nearest to points, (n, 2), as flat indices.

    Raises:
        BadAnalysisError: if one lies outside, or on ground of unknown height.
    """
    rows, columns = ground.heights.shape
    column = np.rint((points[:, 0] - ground.west) / ground.cell_m).astype(np.int64)
    row = np.rint((points[:, 1] - ground.south) / ground.cell_m).astype(np.int64)
    outside = (column < 0) | (row < 0) | (column >= columns) | (row >= rows)
    if outside.any():
        raise BadAnalysisError(
            "A source of water lies outside the area. 水源在区域之外。", remedy="Move it, or make the area larger."
        )
    cells: Cells = row * columns + column
    if np.isnan(ground.heights.ravel()[cells]).any():
        raise BadAnalysisError(
            "The height of the ground at a source of water is unknown. 水源处高程未知。", remedy="Move the source."
        )
    return cells


def flood_to_level(ground: Ground, sources: Cells, level_m: float) -> Flood:
    """Everything below a level that water from the sources can get to.

    Args:
        sources: Flat indices of cells. Those that stand above the level stay dry.
        level_m: Above the vertical datum of the ground.
    """
    heights = ground.heights
    low = heights < level_m
    pools, _ = ndimage.label(low, structure=_NEIGHBOURS)
    reached = np.unique(pools.ravel()[sources])
    reached = reached[reached > 0]
    wet = pools == reached[0] if len(reached) == 1 else np.isin(pools, reached)
    unknown = np.isnan(heights)
    met_unknown = bool(unknown.any()) and bool((ndimage.binary_dilation(unknown, _NEIGHBOURS) & wet).any())
    met_rim = bool(wet[[0, -1]].any() or wet[:, [0, -1]].any())
    depth = np.zeros(heights.shape, dtype=np.float32)
    np.subtract(level_m, heights, out=depth, where=wet, casting="same_kind")
    depth[unknown] = np.nan
    volume = float(np.sum(depth, where=wet, dtype=np.float64) * ground.cell_m**2)
    ending = Ending.MET_UNKNOWN_GROUND if met_unknown else Ending.LEFT_THE_AREA if met_rim else Ending.HELD
    return Flood(ground, depth, volume, ending)


def told_of_the_rim(flood: Flood, beyond: Bools) -> Flood:
    """The same flood, where ground was made unknown only because it lies beyond the area in question.

    Args:
        beyond: bool (rows, columns), cells outside the area.
    """
    if flood.ending is not Ending.MET_UNKNOWN_GROUND:
        return flood
    near = ndimage.binary_dilation(flood.wet, _NEIGHBOURS)
    if (near & np.isnan(flood.depth_m) & ~beyond).any():
        return flood
    return replace(flood, ending=Ending.LEFT_THE_AREA)


def flood_by_inflow(ground: Ground, source: int, inflow_m3: float) -> Flood:
    """Where a volume of water from one cell comes to stand: it runs downhill, fills hollows and spills over their lowest edge."""
    surface = np.array(ground.heights, dtype=np.float64)
    cell_m2 = ground.cell_m**2
    ending, left, _cell = pour(surface, source, inflow_m3 / cell_m2, _VISITS_MAX)
    depth = (surface - ground.heights).astype(np.float32)
    volume = float(np.nansum(surface - ground.heights) * cell_m2)
    return Flood(ground, depth, volume, _ENDINGS[ending], left * cell_m2)
