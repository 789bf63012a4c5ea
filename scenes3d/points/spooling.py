"""First pass: all points of a source as records in one file, with what one must know of all of them before the octree begins."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scenes3d.frames import Frame
from scenes3d.points.kernels import pack
from scenes3d.points.records import QUANTUM_M, REACH_M, WORDS, Chunk, places
from twin.ellipsoid import SEMI_MAJOR_M, SEMI_MINOR_M
from twin.errors import BadGeometryError

_NO_COLOUR = np.zeros((0, 3), dtype=np.uint16)
# Some points in a hundred thousand are noise of the instrument; more are a wrong CRS.
_MOST_EMPTY = 0.01


@dataclass(frozen=True, slots=True)
class Spooled:
    """What the first pass saw.

    Attributes:
        points: Records written.
        empty: Points left out because a coordinate was no number.
        low, high: Least and greatest x, y, z in quanta.
        brightest: Greatest value of a colour: 0 says that there are none, up to 255 that they were written in 8 bits.
    """

    points: int
    empty: int
    low: tuple[int, int, int]
    high: tuple[int, int, int]
    brightest: int

    def to_document(self) -> dict[str, Any]:
        return {
            "points": self.points,
            "empty": self.empty,
            "low": self.low,
            "high": self.high,
            "brightest": self.brightest,
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Spooled:
        low, high = _corner(document["low"]), _corner(document["high"])
        return cls(document["points"], document["empty"], low, high, document["brightest"])


def spool(
    chunks: Iterable[Chunk], frame: Frame, file: Path, advance: Callable[[int], None] = lambda _: None
) -> Spooled:
    """Write records of all points to `file`.

    Raises:
        BadGeometryError: if a point lies out of reach of the frame, more than one in a hundred has no place, or none is left.
    """
    points = empty = brightest = 0
    low, high = np.full(3, 2**31), np.full(3, -(2**31))
    flattening = 1.0 - SEMI_MINOR_M / SEMI_MAJOR_M
    with file.open("wb") as target:
        for chunk in chunks:
            records = np.empty((len(chunk.lon), WORDS), dtype=np.int32)
            colour = _NO_COLOUR if chunk.colour is None else chunk.colour
            kept, without, far, first = pack(
                chunk.lon, chunk.lat, chunk.height_m, colour, chunk.intensity, chunk.classification,
                SEMI_MAJOR_M, flattening, frame.origin, frame.axes, 1.0 / QUANTUM_M, records,
            )  # fmt: skip
            if far:
                raise _out_of_reach(chunk, first, far, frame)
            records = records[:kept]
            points, empty = points + kept, empty + without
            if kept:
                low, high = np.minimum(low, places(records).min(axis=0)), np.maximum(high, places(records).max(axis=0))
                target.write(records.data)
            if len(colour):
                brightest = max(brightest, int(colour.max()))
            advance(len(chunk.lon))
    if points == 0 or empty > _MOST_EMPTY * (points + empty):
        raise BadGeometryError(
            "坐标无效的点过多。Too many points have no place: a coordinate is no number, or out of the CRS's reach.",
            value=f"{empty:,} of {points + empty:,} points",
            limit=f"{_MOST_EMPTY:.0%}",
            remedy="Check the CRS, and the program that wrote the file.",
        )
    return Spooled(points, empty, _corner(low.tolist()), _corner(high.tolist()), brightest)


def _corner(values: Sequence[int]) -> tuple[int, int, int]:
    x, y, z = values
    return x, y, z


def _out_of_reach(chunk: Chunk, first: int, far: int, frame: Frame) -> BadGeometryError:
    return BadGeometryError(
        "点的位置相距过远。Points lie too far from where the header says that the cloud is.",
        value=f"{far:,} points, the first at {chunk.lon[first]:.5f}E {chunk.lat[first]:.5f}N {chunk.height_m[first]:,.1f} m; "
        f"the middle is at {frame.lon:.5f}E {frame.lat:.5f}N {frame.height_m:,.1f} m",
        limit=f"{REACH_M / 1000:,.0f} km",
        remedy="Check the CRS; split a cloud that is larger.",
    )
