"""A triangle on its way into the quadtree: corners in quanta of the scene's frame, what it is painted with, 76 bytes.

Places are whole quanta of 2⁻¹³ m, 0.12 mm, as those of clouds: corners that were the same stay the same, so that tiles can be joined
at their edges by place alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.points.records import QUANTUM_M, REACH_M

__all__ = ["QUANTUM_M", "REACH_M", "RECORD", "Quanta", "Records", "centres", "iter_records", "join"]

RECORD = np.dtype([("place", "<i4", (3, 3)), ("uv", "<f4", (3, 2)), ("colour", "u1", (3, 4)), ("material", "<i4")])
"""Corners by axis, texture coordinates (no numbers where there are none), sRGB of corners and one byte of padding, material."""

_READ = 200_000
Records = npt.NDArray[Any]
Quanta = npt.NDArray[np.int32]


def centres(records: Records) -> npt.NDArray[np.int64]:
    """Three times the middle of each triangle in the plane, quanta (n, 2): whole numbers, so that a cell is a shift."""
    return np.asarray(records["place"][:, :, :2].sum(axis=1, dtype=np.int64))


def iter_records(file: Path, size: int = _READ) -> Iterator[Records]:
    """Records of a file, `size` at a time."""
    with file.open("rb") as source:
        while data := source.read(size * RECORD.itemsize):
            yield np.frombuffer(data, RECORD)


def join(rows: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[np.int32]]:
    """Different rows of a table (n, k) in ascending order, and the number of its own for each row."""
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    numbers = np.empty(len(rows), dtype=np.int32)
    numbers[order] = np.cumsum(first) - 1
    return ordered[first], numbers
