"""Pairs of lines that cross without a node or lie on each other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import shapely

from twin.topology.faults import Faults, faults
from twin.topology.lines import Integers, Lines
from twin.topology.rules import NetworkCheck
from twin.topology.sheet import Geometries, chunks


def find_line_pairs(lines: Lines, check: NetworkCheck) -> list[Faults]:
    """Crossings where neither line ends, and stretches that two lines share; lines of different levels are let pass.

    Where lines need not be cut at crossings (`split` false), a vertex that both have is a node.
    """
    a, b = shapely.STRtree(lines.shapes).query(lines.shapes, predicate="intersects")
    levels = _levels(lines, check.levels)
    pair = (a < b) & (levels[a] == levels[b])
    a, b = a[pair], b[pair]
    found: list[Faults] = []
    for part in chunks(len(a)):
        common = shapely.intersection(lines.shapes[a[part]], lines.shapes[b[part]])
        found += [_shared(lines, a[part], b[part], common, check), _crossings(lines, a[part], b[part], common, check)]
    return found


def _levels(lines: Lines, names: Sequence[str]) -> Integers:
    """A number for each line, equal where its level properties are; unknown counts as false."""
    columns = [lines.sheet.columns[name] for name in names if name in lines.sheet.columns]
    if not columns:
        return np.zeros(len(lines.shapes), dtype=np.int64)
    known: dict[tuple[object, ...], int] = {}
    rows = (tuple(column[row] or 0 for column in columns) for row in lines.owner)
    return np.fromiter((known.setdefault(row, len(known)) for row in rows), np.int64, len(lines.shapes))


def _shared(lines: Lines, a: Integers, b: Integers, common: Geometries, check: NetworkCheck) -> Faults:
    lengths = shapely.length(common)
    rows = np.flatnonzero(lengths > check.min_shared_m)
    return faults(
        "overlapping-lines",
        lines.ids_of_lines(b[rows]),
        [_linear(shape) for shape in common[rows]],
        others=lines.ids_of_lines(a[rows]),
        measures=lengths[rows],
        limit=check.min_shared_m,
    )


def _crossings(lines: Lines, a: Integers, b: Integers, common: Geometries, check: NetworkCheck) -> Faults:
    """Points that two lines share and where neither has an end."""
    points, pair = shapely.get_parts(common, return_index=True)
    single = shapely.get_type_id(points) == 0
    points, pair = points[single], pair[single]
    first, second = a[pair], b[pair]
    ends = lines.ends_of_lines
    free = ~_near(points, ends[first], check.node_m) & ~_near(points, ends[second], check.node_m)
    if not check.split:
        rows = np.flatnonzero(free)
        both = _near(points[rows], _vertices(lines.shapes[first[rows]]), check.node_m)
        both &= _near(points[rows], _vertices(lines.shapes[second[rows]]), check.node_m)
        free[rows[both]] = False
    rows = np.flatnonzero(free)
    ids, others = lines.ids_of_lines(first[rows]), lines.ids_of_lines(second[rows])
    return faults("crossing-without-node", ids, points[rows], others=others)


def _near(points: Geometries, places: Geometries, within_m: float) -> npt.NDArray[np.bool_]:
    return np.asarray(shapely.distance(points, places) <= within_m, dtype=bool)


def _vertices(shapes: Geometries) -> Geometries:
    coordinates, index = shapely.get_coordinates(shapes, return_index=True)
    return np.asarray(shapely.multipoints(shapely.points(coordinates), indices=index), dtype=object)


def _linear(shape: shapely.Geometry) -> shapely.Geometry:
    """The lines of a geometry that may hold points too."""
    parts = shapely.get_parts(shape)
    return shapely.line_merge(shapely.multilinestrings(parts[shapely.get_type_id(parts) == 1]))
