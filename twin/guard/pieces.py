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
# A straight edge is cut into at most so many pieces: a country's border shall not fill the memory.
_MOST_CUTS = 4000


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
    parts, owner = shapely.get_parts(geometries, return_index=True)
    while (shapely.get_type_id(parts) == 7).any():  # collections within collections
        parts, inner = shapely.get_parts(parts, return_index=True)
        owner = owner[inner]
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
    start, step, line = xy[:-1][joined], np.diff(xy, axis=0)[joined], line[:-1][joined]
    length = np.hypot(step[:, 0], step[:, 1])
    cuts = np.clip(np.ceil(length / length_m), 1, _MOST_CUTS).astype(np.intp)
    edge = np.repeat(np.arange(len(cuts)), cuts)
    nth = np.arange(len(edge)) - np.repeat(np.cumsum(cuts) - cuts, cuts)
    middles = start[edge] + step[edge] * ((nth + 0.5) / cuts[edge])[:, None]
    angle = np.mod(np.arctan2(step[:, 1], step[:, 0]), np.pi)
    sector = np.minimum(angle / np.pi * SECTORS, SECTORS - 1).astype(np.int8)
    return middles, sector[edge], line[edge]
