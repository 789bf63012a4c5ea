"""Place by place voting on shifts: how much of a sample lies on the base map if all of it is moved by dx, dy.

A layer that is in its place scores high at no shift and low at almost all others; one that is off scores high at the shift
that brings it home. What unrelated things score is seen in the same picture: the scores at all the other shifts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.guard.direction_raster import DirectionRaster, bits_of
from twin.guard.pieces import Floats, Pieces

MOST_VOTERS = 2500
REACH_M = 2000.0


@dataclass(frozen=True)
class Voters:
    """Places of the sample that may vote: one for each cell and direction, however many features pass there.

    Attributes:
        number: Flat cell numbers in the raster, (n,).
        bit: Direction bits, uint8 (n,).
        feature: Feature of each, (n,).
    """

    number: npt.NDArray[np.intp]
    bit: npt.NDArray[np.uint8]
    feature: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.number)


@dataclass(frozen=True)
class ShiftMap:
    """Scores of all shifts of a square of +-`REACH_M`.

    Attributes:
        share: Share of the voters on the base map, float64 (k, k), southernmost and westernmost shift first.
        step_m: Distance between neighbouring shifts.
        background: Score of an unrelated shift (the median).
        noise: Spread of those scores.
    """

    share: Floats
    step_m: float
    background: float
    noise: float

    def near(self, dx_m: float, dy_m: float, radius_m: float) -> float:
        """The best score within `radius_m` of a shift."""
        inside = self._distance(dx_m, dy_m) <= max(radius_m, self.step_m)
        return float(self.share[inside].max()) if inside.any() else self.background

    def elsewhere(self, shifts: list[tuple[float, float]], radius_m: float) -> float:
        """The best score farther than `radius_m` from all these shifts."""
        far = np.ones(self.share.shape, dtype=bool)
        for dx_m, dy_m in shifts:
            far &= self._distance(dx_m, dy_m) > radius_m
        return float(self.share[far].max()) if far.any() else self.background

    def peak(self) -> tuple[float, float, float]:
        """Shift east and north in metres, and score, of the best place."""
        row, column = np.unravel_index(int(self.share.argmax()), self.share.shape)
        middle = self.share.shape[0] // 2
        return (column - middle) * self.step_m, (row - middle) * self.step_m, float(self.share[row, column])

    def _distance(self, dx_m: float, dy_m: float) -> Floats:
        middle = self.share.shape[0] // 2
        axis = (np.arange(self.share.shape[0]) - middle) * self.step_m
        return np.asarray(np.hypot(axis[None, :] - dx_m, axis[:, None] - dy_m))


def choose_voters(sample: Pieces, raster: DirectionRaster, reach: int) -> Voters:
    """At most `MOST_VOTERS` places of the sample whose surroundings the raster covers; the same sample gives the same."""
    number, inside = raster.cells(sample.xy, reach)
    bit = bits_of(sample.sector)
    rows = np.flatnonzero(inside)
    _, first = np.unique(number[rows].astype(np.int64) * 256 + bit[rows], return_index=True)
    rows = rows[first]
    if len(rows) > MOST_VOTERS:
        rows = rows[np.random.default_rng(0).permutation(len(rows))[:MOST_VOTERS]]
    return Voters(number[rows], bit[rows], sample.feature[rows])


def hits(voters: Voters, raster: DirectionRaster, right: int = 0, up: int = 0) -> npt.NDArray[np.bool_]:
    """Which voters lie on the base map when moved by so many cells."""
    flat, columns = raster.bits.reshape(-1), raster.bits.shape[1]
    return np.asarray((flat[voters.number + up * columns + right] & voters.bit) != 0)


def shift_map(voters: Voters, raster: DirectionRaster, reach: int, stride: int = 2) -> ShiftMap:
    """Scores of all shifts up to `reach` cells, every `stride` cells (the raster is one cell wider than what it shows)."""
    flat, columns = raster.bits.reshape(-1), raster.bits.shape[1]
    steps = np.arange(-(reach // stride), reach // stride + 1) * stride
    share = np.empty((len(steps), len(steps)))
    for row, up in enumerate(steps):
        line = voters.number + up * columns
        share[row] = np.count_nonzero(flat[line[None, :] + steps[:, None]] & voters.bit, axis=1)
    share /= max(1, len(voters))
    background = float(np.median(share))
    spread = 1.4826 * float(np.median(np.abs(share - background)))
    by_chance = float(np.sqrt(max(background * (1 - background), 1 / max(1, len(voters))) / max(1, len(voters))))
    return ShiftMap(share, stride * raster.cell_m, background, max(spread, by_chance))
