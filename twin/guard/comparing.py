"""A sample held against one layer of the base map: as it stands, as GCJ-02, as BD-09, and at every shift around.

The rules, all on scores above the background (`excess`) or in units of its noise (`z`):

* accused of a datum: the best of all shifts is where that datum's correction leads, z >= 6.5, and it scores 1.5 times what
  the layer scores within 60 m of its place;
* accused in part: the layer fits as it stands, but a second part of it (15 % of the places, and 0.3 of what fits) lies exactly
  where that datum leads. The mirrored shift must score under 0.4 of it: patterns that repeat themselves do so both ways;
* accused of a shift of no known datum: lines or areas only, at least 300 places in ten different square kilometres, excess 0.35,
  z >= 12, 2.5 times what it scores in its place: short things find a likeness somewhere;
* fits: z >= 6 within 60 m of its place, no better anywhere else, and none of the above.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from twin.guard.belief import Hypothesis
from twin.guard.direction_raster import DirectionRaster, draw
from twin.guard.pieces import Box, Floats, cut, metres_per_degree
from twin.guard.votes import REACH_M, ShiftMap, Voters, choose_voters, hits, shift_map

AT_HOME_M = 60.0
FEWEST_VOTERS = 30
FEWEST_TO_SHIFT, _FEWEST_BLOCKS, _BLOCK_M = 300, 10, 1000.0
_FEWEST_FEATURES = 20
_Z_DATUM, _Z_PART, _Z_SHIFT, _Z_FITS = 6.5, 12.0, 12.0, 6.0
_LEAST_SHIFT_M = 80.0
# The raster covers at most so many cells a side; beyond, only the most crowded part of the sample is compared.
_MOST_CELLS = {25.0: 6000, 10.0: 1000}


@dataclass(frozen=True)
class Comparison:
    """What one layer of the base map says.

    Attributes:
        hypothesis: AS_STATED for a fit, None when it has nothing to say.
        partly: Only a part of the sample lies elsewhere.
        z: Strength of what is said, in units of the noise.
        share, counted, unit: How many of the features (places, where there are few features) that tell say so.
        of: How many features (places) there are: many lie where the base map has nothing, or tell nothing apart.
        shift_m: Where the layer lies off, east and north; None for a fit.
        evidence: Background, scores and noise.
    """

    hypothesis: Hypothesis | None
    z: float = 0.0
    partly: bool = False
    share: float = 0.0
    counted: int = 0
    of: int = 0
    unit: str = "features"
    shift_m: tuple[float, float] | None = None
    evidence: Mapping[str, float] | None = None


Corrections = Mapping[Hypothesis, npt.NDArray[np.object_]]


def compare(
    sample: npt.NDArray[np.object_],
    corrected: Corrections,
    reference: npt.NDArray[np.object_],
    cell_m: float,
) -> Comparison:
    """What `reference` says of `sample`.

    Args:
        sample: Geometries as read, lon/lat degrees, object (n,).
        corrected: The same geometries as each hypothesis would read them, (n,) each.
        reference: Geometries of the base map, lon/lat degrees, object (m,).
        cell_m: 25 or 10: the tolerance is one to two of these.
    """
    lat0 = float(np.median(shapely.bounds(sample)[:, 1]))
    box = _common_box(sample, reference, lat0, cell_m)
    if box is None:
        return Comparison(None)
    pieces, known = cut(sample, lat0, cell_m, box), cut(reference, lat0, cell_m, box)
    raster = draw(known, box, cell_m)
    reach = int(REACH_M / cell_m)
    voters = choose_voters(pieces, raster, reach)
    if len(voters) < FEWEST_VOTERS:
        return Comparison(None)
    scores = shift_map(voters, raster, reach)
    home = {name: _homeward(sample, moved, voters.feature) for name, moved in corrected.items()}
    spread = len(voters) >= FEWEST_TO_SHIFT and _blocks(voters, raster) >= _FEWEST_BLOCKS
    found = _judge(scores, home, may_shift=spread and bool((pieces.sector >= 0).all()))
    return _counted(found, len(sample), voters, raster)


def _common_box(
    sample: npt.NDArray[np.object_], reference: npt.NDArray[np.object_], lat0: float, cell_m: float
) -> Box | None:
    """Where sample and reference are both at hand, in metres; the sample's most crowded part of it where that is large.

    None where they are nowhere near each other.
    """
    scale = np.tile(metres_per_degree(lat0), 2)
    own, known = shapely.bounds(sample) * scale, shapely.bounds(reference) * scale
    low = np.maximum(own[:, :2].min(axis=0), known[:, :2].min(axis=0)) - REACH_M - 4 * cell_m
    high = np.minimum(own[:, 2:].max(axis=0), known[:, 2:].max(axis=0)) + REACH_M + 4 * cell_m
    if (high <= low).any():
        return None
    middles = (own[:, :2] + own[:, 2:]) / 2
    middles = np.clip(middles, low, high)[((own[:, 2:] >= low) & (own[:, :2] <= high)).all(axis=1)]
    if len(middles) == 0:
        return None
    side = _MOST_CELLS[cell_m] * cell_m
    for axis in (0, 1):
        if high[axis] - low[axis] > side:
            middle = float(np.median(middles[:, axis]))
            low[axis] = min(max(low[axis], middle - side / 2), high[axis] - side)
            high[axis] = low[axis] + side
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _blocks(voters: Voters, raster: DirectionRaster) -> int:
    """In how many square kilometres there are voters."""
    row, column = np.divmod(voters.number, raster.bits.shape[1])
    size = _BLOCK_M / raster.cell_m
    return len(np.unique(np.column_stack([row // size, column // size]), axis=0))


def _homeward(
    sample: npt.NDArray[np.object_], moved: npt.NDArray[np.object_], features: npt.NDArray[np.intp]
) -> tuple[float, float]:
    """Mean shift in metres from the geometries as read to the corrected ones, over the features that vote."""
    rows = np.unique(features)
    before, after = shapely.bounds(sample[rows]), shapely.bounds(moved[rows])
    scale = metres_per_degree(float(np.mean(before[:, 1])))
    shift: Floats = ((after - before)[:, :2] + (after - before)[:, 2:]).mean(axis=0) / 2 * scale
    return float(shift[0]), float(shift[1])


def _judge(scores: ShiftMap, home: Mapping[Hypothesis, tuple[float, float]], *, may_shift: bool) -> Comparison:
    """The rules at the top of this file."""
    still = scores.near(0, 0, AT_HOME_M) - scores.background
    evidence = {"background": scores.background, "noise": scores.noise, "as_stated": still + scores.background}
    right, up, peak = scores.peak()
    for name, (dx, dy) in home.items():
        there = scores.near(dx, dy, AT_HOME_M) - scores.background
        evidence[name.value] = there + scores.background
        z = there / scores.noise
        rival = scores.elsewhere([(dx, dy)], 2.5 * AT_HOME_M) - scores.background
        if z >= _Z_DATUM and there >= rival and there >= 1.5 * still:
            return Comparison(name, z, shift_m=(-dx, -dy), evidence=evidence)
        mirror = scores.near(-dx, -dy, AT_HOME_M) - scores.background
        noisy = scores.elsewhere([(0, 0), (dx, dy)], 5 * AT_HOME_M) - scores.background
        if z >= _Z_PART and there >= max(0.15, 0.3 * still, 2.5 * mirror, 1.5 * noisy):
            return Comparison(name, z, partly=True, shift_m=(-dx, -dy), evidence=evidence)
    excess = peak - scores.background
    off = np.hypot(right, up) >= _LEAST_SHIFT_M
    if may_shift and off and excess >= max(0.35, 2.5 * still) and excess / scores.noise >= _Z_SHIFT:
        return Comparison(Hypothesis.SHIFTED, excess / scores.noise, shift_m=(-right, -up), evidence=evidence)
    if still / scores.noise >= _Z_FITS and still >= scores.elsewhere([(0, 0)], 2.5 * AT_HOME_M) - scores.background:
        return Comparison(Hypothesis.AS_STATED, still / scores.noise, evidence=evidence)
    return Comparison(None, evidence=evidence)


def _counted(found: Comparison, features: int, voters: Voters, raster: DirectionRaster) -> Comparison:
    """The comparison with the votes behind it, feature by feature, or place by place where there are few features."""
    if found.hypothesis is None:
        return found
    dx, dy = (0.0, 0.0) if found.shift_m is None else (-found.shift_m[0], -found.shift_m[1])
    there = _hits_about(voters, raster, dx, dy)
    rival = _hits_about(voters, raster, 0.0, 0.0) if found.shift_m else np.zeros(len(voters))
    by_feature = len(np.unique(voters.feature)) >= _FEWEST_FEATURES
    group = voters.feature if by_feature else np.arange(len(voters))
    votes_for, votes_against = np.bincount(group, there), np.bincount(group, rival)
    if found.shift_m is None:
        counted = np.bincount(group) > 0
        share = float((votes_for[counted] > 0).mean())
    else:
        counted = votes_for != votes_against
        share = float((votes_for > votes_against)[counted].mean()) if counted.any() else 0.0
    return Comparison(
        found.hypothesis,
        found.z,
        found.partly,
        share,
        int(counted.sum()),
        features if by_feature else len(voters),
        "features" if by_feature else "places",
        found.shift_m,
        found.evidence,
    )


def _hits_about(voters: Voters, raster: DirectionRaster, dx_m: float, dy_m: float) -> Floats:
    right, up = round(dx_m / raster.cell_m), round(dy_m / raster.cell_m)
    reach = int(REACH_M / raster.cell_m)
    right, up = (int(np.clip(v, -reach + 1, reach - 1)) for v in (right, up))
    best = np.zeros(len(voters), dtype=bool)
    for east in (-1, 0, 1):
        for north in (-1, 0, 1):
            best |= hits(voters, raster, right + east, up + north)
    return best.astype(np.float64)
