"""Which roof a building gets: the one it tells of, where its outline bears it and its height is known; else a flat one, with the reason."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from scenes3d.buildings.faults import BuildReport, Fault
from scenes3d.buildings.footprints import Ints, Roofs
from scenes3d.buildings.heights import MOST_HEIGHT_M, HeightRule, numbers
from scenes3d.buildings.roof_faces import corners_of, is_convex, ridge_cuts_once, roof_faces, run_of
from scenes3d.buildings.roof_rule import RoofRule, RoofShape, SaidRoofs, said_roofs
from twin.ellipsoid import Floats, metres_per_degree
from twin.feature import FeatureBatch

RECTANGULAR = 0.9
"""An outline that fills so much of the smallest rectangle round it can have a ridge or a single slope."""

_LEAST_M = 0.01
_STEEPEST_DEG = 80.0


@dataclass(frozen=True)
class Outlines:
    """Outlines of the n features of a batch that can be raised, as `Footprints` has them.

    Attributes:
        rows: int64 (n,), rows of the batch.
    """

    rows: Ints
    xy: Floats
    rings: Ints
    polygons: Ints
    features: Ints

    def ring(self, feature: int) -> slice | None:
        """The points of a feature that is one ring; None for others."""
        first, last = self.features[feature], self.features[feature + 1]
        ring = self.polygons[first]
        if last - first != 1 or self.polygons[first + 1] - ring != 1:
            return None
        return slice(int(self.rings[ring]), int(self.rings[ring + 1]))


def plane_of(ring: Floats) -> Floats:
    """A ring (m, 2) in degrees as metres east and north of its first point."""
    return np.ascontiguousarray((ring - ring[0]) * metres_per_degree(float(ring[0, 1])))


def fit_roofs(
    batch: FeatureBatch, outlines: Outlines, heights: Floats, rules: tuple[HeightRule, RoofRule], report: BuildReport
) -> tuple[Roofs, Floats]:
    """The roof of each feature, and its height to the top of it.

    Args:
        heights: float64 (n,), as the height rule gives them: of whole buildings, or of their floors without the roof.
    """
    height_rule, rule = rules
    said = said_roofs(batch, rule)
    measured = numbers(batch.columns[height_rule.height])[0] if height_rule.height else np.full(len(batch), np.nan)
    found = Roofs.flat(heights.copy())
    tops = heights.copy()
    why: dict[Fault, npt.NDArray[np.bool_]] = {}
    for feature in np.flatnonzero(said.tells_one[outlines.rows]).tolist():
        row = int(outlines.rows[feature])
        outcome = _fitted(
            said, row, outlines, feature, float(heights[feature]), height_rule, bool(np.isnan(measured[row]))
        )
        if isinstance(outcome, Fault):
            why.setdefault(outcome, np.zeros(len(batch), dtype=bool))[row] = True
        else:
            if outcome.assumed:
                why.setdefault(Fault.ROOF_ASSUMED, np.zeros(len(batch), dtype=bool))[row] = True
            tops[feature] = outcome.top_m
            found.shapes[feature], found.eaves_m[feature] = outcome.shape, outcome.eaves_m
            found.facing[feature] = math.atan2(outcome.facing[1], outcome.facing[0])
    for fault in sorted(why, key=list(Fault).index):
        report.add(fault, batch.ids, why[fault])
    report.pitched = (report.pitched or 0) + int(found.is_pitched.sum())
    return found, tops


@dataclass(frozen=True, slots=True)
class _Fit:
    """A roof that a building gets."""

    shape: RoofShape
    facing: Floats
    eaves_m: float
    top_m: float
    assumed: bool


def _fitted(
    said: SaidRoofs, row: int, outlines: Outlines, feature: int, height: float, rule: HeightRule, of_floors: bool
) -> _Fit | Fault:
    shape = RoofShape(int(said.shapes[row]))
    eaves, ridge = float(said.eaves[row]), float(said.ridge[row])
    assumed = shape is RoofShape.UNSAID
    if assumed:
        shape = RoofShape.GABLED
    if shape is RoofShape.OTHER:
        return Fault.ROOF_SHAPE
    place = outlines.ring(feature)
    if place is None:
        return Fault.ROOF_OUTLINE
    ring = plane_of(outlines.xy[place])
    outline = ring[corners_of(ring)]
    facing = _facing(shape, outline, float(said.bearing[row]), across=bool(said.across[row]))
    if isinstance(facing, Fault):
        return facing
    top = ridge if math.isfinite(ridge) else height
    rise = _rise(said, row, rule, shape, outline, facing, top)
    if not rise >= _LEAST_M:
        return Fault.ROOF_HEIGHT
    if of_floors and not math.isfinite(ridge):
        top = (eaves if math.isfinite(eaves) else height) + rise
    if not (top - rise >= _LEAST_M and top <= MOST_HEIGHT_M):
        return Fault.ROOF_TOO_HIGH
    # The cut of a ridge always closes; several cuts that nearly meet may not.
    if shape is RoofShape.HIPPED and not roof_faces(shape, outline, facing, rise).is_closed:
        return Fault.ROOF_OUTLINE
    return _Fit(shape, facing, top - rise, top, assumed)


def _facing(shape: RoofShape, outline: Floats, bearing: float, *, across: bool) -> Floats | Fault:
    """Where the roof falls to, along a side of the smallest rectangle round the outline; or why it cannot."""
    if shape in (RoofShape.HIPPED, RoofShape.PYRAMIDAL):
        return np.array([1.0, 0.0]) if is_convex(outline) else Fault.ROOF_OUTLINE
    polygon = shapely.polygons(outline)
    rectangle = shapely.oriented_envelope(polygon)
    if shapely.area(polygon) < RECTANGULAR * shapely.area(rectangle):
        return Fault.ROOF_OUTLINE
    corners = shapely.get_coordinates(rectangle)
    sides = corners[1:3] - corners[:2]
    lengths = np.hypot(sides[:, 0], sides[:, 1])
    longer, shorter = (sides / lengths[:, None])[np.argsort(-lengths, kind="stable")]
    if math.isfinite(bearing):
        down = np.array([math.sin(math.radians(bearing)), math.cos(math.radians(bearing))])
        facing = max((longer, shorter, -longer, -shorter), key=lambda side: float(side @ down))
    elif shape is RoofShape.SKILLION:
        return Fault.ROOF_DIRECTION
    else:
        facing = longer if across else shorter
    if shape is RoofShape.GABLED and not ridge_cuts_once(outline, facing):
        return Fault.ROOF_OUTLINE
    return np.asarray(facing)


def _rise(
    said: SaidRoofs, row: int, rule: HeightRule, shape: RoofShape, outline: Floats, facing: Floats, top: float
) -> float:
    """Metres from the eaves to the ridge; NaN where nothing tells."""
    if math.isfinite(said.height[row]):
        return float(said.height[row])
    if math.isfinite(said.eaves[row]):
        return top - float(said.eaves[row])
    if math.isfinite(said.levels[row]):
        return float(said.levels[row]) * rule.floor_height_m
    angle = float(said.angle[row])
    if 0 < angle <= _STEEPEST_DEG:
        return math.tan(math.radians(angle)) * run_of(shape, outline, facing)
    return math.nan
