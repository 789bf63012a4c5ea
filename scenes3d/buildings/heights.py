"""How high a building is: from a column in metres, else from its number of floors. What is not known stays unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.buildings.faults import BuildReport, Fault
from twin.ellipsoid import Floats
from twin.feature import FeatureBatch

MOST_HEIGHT_M = 1000.0
"""The highest building of the world is 828 m; what is beyond this is no height in metres."""
LOWEST_BASE_M, HIGHEST_BASE_M = -450.0, 9000.0
FLOOR_HEIGHT_M = 3.0
"""Residential floors: GB 50096 allows 2.8 m and more from floor to floor."""


@dataclass(frozen=True, slots=True)
class HeightRule:
    """Where heights come from.

    Attributes:
        height: Property in metres times `scale`; empty where there is none.
        floors: Property with the number of floors, asked where there is no height; empty where there is none.
        base: Property with the elevation of the foot in the scene's datum, asked before the ground; empty where there is none.
        floor_height_m: From floor to floor.
    """

    height: str = ""
    floors: str = ""
    scale: float = 1.0
    floor_height_m: float = FLOOR_HEIGHT_M
    base: str = ""

    def to_dict(self) -> dict[str, Any]:
        return {
            "height": self.height,
            "scale": self.scale,
            "floors": self.floors,
            "floor_height_m": self.floor_height_m,
            **({"base": self.base} if self.base else {}),
        }


def heights_of(batch: FeatureBatch, rule: HeightRule, report: BuildReport) -> Floats:
    """Height of each feature in metres, float64 (n,); NaN where the feature cannot be raised, counted with the reason."""
    count = len(batch)
    heights, unreadable = np.full(count, np.nan), np.zeros(count, dtype=bool)
    if rule.height:
        heights, unreadable = numbers(batch.columns[rule.height])
        heights *= rule.scale
    if rule.floors:
        floors, _ = numbers(batch.columns[rule.floors])
        asked = np.isnan(heights) & ~unreadable & ~np.isnan(floors)
        heights[asked] = floors[asked] * rule.floor_height_m
        report.add(Fault.HEIGHT_FROM_FLOORS, batch.ids, asked & (heights > 0))
    faults = {
        Fault.HEIGHT_UNREADABLE: unreadable,
        Fault.HEIGHT_MISSING: np.isnan(heights) & ~unreadable,
        Fault.HEIGHT_NOT_POSITIVE: heights <= 0,
        Fault.HEIGHT_TOO_LARGE: heights > MOST_HEIGHT_M,
    }
    for fault, where in faults.items():
        report.add(fault, batch.ids, where)
        heights = np.where(where, np.nan, heights)
    return heights


def bases_of(batch: FeatureBatch, rule: HeightRule) -> Floats:
    """Elevation of each feature's foot as its property says, float64 (n,); NaN where it says nothing that can be one."""
    if not rule.base:
        return np.full(len(batch), np.nan)
    bases, _ = numbers(batch.columns[rule.base])
    return np.where((bases > LOWEST_BASE_M) & (bases < HIGHEST_BASE_M), bases, np.nan)


def numbers(values: Sequence[Any]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """Values as numbers, NaN where unknown, and where something stands that is no number."""
    try:
        return np.array([np.nan if value is None else value for value in values], dtype=np.float64), np.zeros(
            len(values), dtype=bool
        )
    except (TypeError, ValueError):
        pass
    numbers, unreadable = np.full(len(values), np.nan), np.zeros(len(values), dtype=bool)
    for row, value in enumerate(values):
        if value is None or not str(value).strip():
            continue
        try:
            numbers[row] = float(str(value))
        except ValueError:
            unreadable[row] = True
    return numbers, unreadable
