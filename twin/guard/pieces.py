"""Geometries cut into short pieces with a place and a direction: what the guard compares.

The plane is metres east and north along the parallel of `lat0`: good for shifts of some kilometres, not for measuring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]
DEGREE_NORTH_M = 110_950.0
_DEGREE_EAST_M = 111_320.0
# Directions of a line, without sense of travel, in eight sectors; a point has all of them.
SECTORS = 8
EVERY_DIRECTION = 255
# Pieces at most, some 50 bytes each while they are made: where there would be more, every k-th is taken.
MOST_PIECES = 500_000
# GEOS numbers point, line, ring and polygon 0 to 3, then the types made of several.
_LAST_SINGLE_TYPE = 3


@dataclass(frozen=True)
class Pieces:
    """Short straight pieces.

    Attributes:
        xy: Middles, metres, float64 (n, 2).
        sector: Sector of direction, 0 to 7, int8 (n,); -1 for points.
        feature: Number of the geometry each piece belongs to, int (n,).
    """

    xy: Floats
    sector: npt.NDArray[np.int8]
    feature: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.xy)

    def __getitem__(self, rows: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Pieces:
        return Pieces(self.xy[rows], self.sector[rows], self.feature[rows])


def metres_per_degree(lat0: float) -> Floats:
    """Metres east and north of one degree at latitude `lat0`, (2,)."""
    return np.array([_DEGREE_EAST_M * np.cos(np.radians(lat0)), DEGREE_NORTH_M])


def cut(geometries: npt.NDArray[np.object_], lat0: float, length_m: float, box: Box) -> Pieces:
    """Points as they are, lines and the edges of polygons in pieces of at most `length_m`, as far as they meet a box.

    Args:
        geometries: Lon/lat degrees, object (n,), none missing or empty.
        lat0: Latitude of the plane.
        length_m: Longest piece in metres.
        box: West, south, east, north in metres of the plane; edges and points that stay outside are left out.
    """
    parts, owner = flattened(geometries)
    dimension = shapely.get_dimensions(parts)
    lines, of = shapely.get_parts(np.where(dimension == 2, shapely.boundary(parts), parts), return_index=True)
    owner, dimension = owner[of], dimension[of]
    scale = metres_per_degree(lat0)
    dots = dimension == 0
    points = shapely.get_coordinates(lines[dots]) * scale
    near = _meets(points, points, box)
    middles, sector, line = _cut_lines(lines[~dots], scale, length_m, box)
    return Pieces(
        np.concatenate([points[near], middles]),
        np.concatenate([np.full(int(near.sum()), -1, dtype=np.int8), sector]),
        np.concatenate([owner[dots][near], owner[~dots][line]]),
    )


def flattened(geometries: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.intp]]:
    """Points, lines and polygons that geometries are made of, none empty, and the number of the geometry each belongs to.

    >>> flattened(np.array([shapely.from_wkt("GEOMETRYCOLLECTION (POINT (1 2), GEOMETRYCOLLECTION (POINT EMPTY))")]))[1]
    array([0])
    """
    parts, owner = shapely.get_parts(geometries, return_index=True)
    while (shapely.get_type_id(parts) > _LAST_SINGLE_TYPE).any():  # collections within collections
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
    there = ~shapely.is_empty(parts)
    return parts[there], owner[there]


def _meets(a: Floats, b: Floats, box: Box) -> npt.NDArray[np.bool_]:
    """Whether the boxes round two ends, (n, 2) each, meet a box."""
    low, high = np.minimum(a, b), np.maximum(a, b)
    return np.asarray((high >= box[:2]).all(axis=1) & (low <= box[2:]).all(axis=1))


def _cut_lines(
    lines: npt.NDArray[np.object_], scale: Floats, length_m: float, box: Box
) -> tuple[Floats, npt.NDArray[np.int8], npt.NDArray[np.intp]]:
    degrees, line = shapely.get_coordinates(lines, return_index=True)
    xy = degrees * scale
    joined = (line[1:] == line[:-1]) & _meets(xy[:-1], xy[1:], box)
    start, end, line = xy[:-1][joined], xy[1:][joined], line[:-1][joined]
    start, end, met = _clipped(start, end, box)
    start, step, line = start[met], (end - start)[met], line[met]
    cuts = np.maximum(np.ceil(np.hypot(step[:, 0], step[:, 1]) / length_m), 1).astype(np.intp)
    last = np.cumsum(cuts)
    total = int(last[-1]) if len(last) else 0
    piece = np.arange(0, total, 1 + total // MOST_PIECES)
    edge = np.searchsorted(last, piece, side="right")
    nth = piece - (last - cuts)[edge]
    middles = start[edge] + step[edge] * ((nth + 0.5) / cuts[edge])[:, None]
    angle = np.mod(np.arctan2(step[:, 1], step[:, 0]), np.pi)
    sector = np.minimum(angle / np.pi * SECTORS, SECTORS - 1).astype(np.int8)
    return middles, sector[edge], line[edge]


def _clipped(start: Floats, end: Floats, box: Box) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Edges cut off at a box (Liang and Barsky, 1984), and which of them meet it at all."""
    step = end - start
    low, high = np.array(box[:2]), np.array(box[2:])
    with np.errstate(divide="ignore", invalid="ignore"):
        one, other = (low - start) / step, (high - start) / step
    level = step == 0  # it never leaves in that direction: `_meets` has seen that it is inside
    enter = np.where(level, 0.0, np.minimum(one, other)).max(axis=1).clip(0.0, 1.0)
    leave = np.where(level, 1.0, np.maximum(one, other)).min(axis=1).clip(0.0, 1.0)
    return start + step * enter[:, None], start + step * leave[:, None], enter <= leave
