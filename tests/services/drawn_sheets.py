"""Sheets for topology checks made of shapes in metres, and what was found in them, by kind."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import shapely

from twin.topology.faults import Faults
from twin.topology.sheet import Sheet

EAST, NORTH = 503_000.0, 4_014_000.0


def sheet_of(
    shapes: Sequence[Any], columns: dict[str, Sequence[Any]] | None = None, digests: Sequence[int] | None = None
) -> Sheet:
    """Shapes in metres as a sheet; ids are "1" to "n"."""
    places = np.empty(len(shapes), dtype=object)
    places[:] = list(shapes)
    ids = [str(i + 1) for i in range(len(shapes))]
    numbers = np.array(digests if digests is not None else range(len(shapes)), dtype=np.int64)
    return Sheet("drawn", ids, places, columns or {}, numbers)


def box(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    """A rectangle, metres from the middle of the town."""
    return shapely.box(EAST + west, NORTH + south, EAST + east, NORTH + north)


def line(*points: tuple[float, float]) -> shapely.Geometry:
    """A line through points, metres from the middle of the town."""
    return shapely.linestrings([(EAST + x, NORTH + y) for x, y in points])


def point(x: float, y: float) -> shapely.Geometry:
    return shapely.points(EAST + x, NORTH + y)


def tiles(columns: int, rows: int, size: float = 100.0) -> list[shapely.Geometry]:
    """Squares that tile a rectangle, row by row from the south-west."""
    return [box(c * size, r * size, (c + 1) * size, (r + 1) * size) for r in range(rows) for c in range(columns)]


def streets(columns: int, rows: int, size: float = 100.0) -> list[shapely.Geometry]:
    """A grid of streets cut at every crossing; every node has at least two of them."""
    across = [line((c * size, r * size), ((c + 1) * size, r * size)) for r in range(rows + 1) for c in range(columns)]
    along = [line((c * size, r * size), (c * size, (r + 1) * size)) for c in range(columns + 1) for r in range(rows)]
    return across + along


def by_kind(found: Iterable[Faults]) -> dict[str, list[tuple[str, str | None, float]]]:
    """Feature, other feature and measure of all faults, by kind; kinds without any are left out."""
    result: dict[str, list[tuple[str, str | None, float]]] = {}
    for faults in found:
        for feature, other, measure in zip(faults.features, faults.others, faults.measures, strict=True):
            result.setdefault(faults.kind, []).append((feature, other, float(measure)))
    return result
