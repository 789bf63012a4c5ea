"""Surfaces of many features as triangles: planes by Newell's method, corners by earcut in the polygon's own plane, with its holes.

Nothing is moved: a polygon that is not flat keeps its vertices, so roofs stay as they were delivered.
Source: M. E. Newell et al., "A solution to the hidden surface problem", 1972 (normal of a polygon).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import mapbox_earcut
import numpy as np
import numpy.typing as npt

from twin.ellipsoid import Floats

Ints = npt.NDArray[np.int64]
# Narrower than this for its length is no surface: points of a line bulge as much, because the globe is round.
LEAST_WIDTH_M = 1e-4


@dataclass(frozen=True)
class Polygons:
    """Many polygons, each level an array of offsets into the next.

    Attributes:
        points: float64 (m, 3), metres; rings are not closed.
        rings: int64 (r + 1,), offsets into `points`.
        surfaces: int64 (s + 1,), offsets into `rings`; the first ring of each is its outer one.
    """

    points: Floats
    rings: Ints
    surfaces: Ints


@dataclass(frozen=True)
class Triangles:
    """Triangles of polygons.

    Attributes:
        corners: int64 (t, 3), rows of the points, counter-clockwise seen from where the outer ring is.
        surface: int64 (t,), the polygon of each, ascending.
        normals: float64 (s, 3), unit length; zero where a polygon has no area.
        areas: float64 (s,), square metres of the plane; 0 where nothing could be cut.
    """

    corners: Ints
    surface: Ints
    normals: Floats
    areas: Floats


def cut(polygons: Polygons) -> Triangles:
    """All polygons cut into triangles. Triangles and convex quadrilaterals, most of any city, are cut all at once."""
    points, outer = polygons.points, polygons.surfaces[:-1]
    starts = polygons.rings[outer]
    lengths = polygons.rings[outer + 1] - starts
    whole = polygons.rings[polygons.surfaces[1:]] - starts
    vectors = _newell(polygons)
    normals, areas = _units(vectors[outer])
    sound = (areas > LEAST_WIDTH_M * _extents(polygons)[outer]) & (lengths >= 3)
    plain = sound & (np.diff(polygons.surfaces) == 1)
    three = np.flatnonzero(plain & (lengths == 3))
    four = np.flatnonzero(plain & (lengths == 4))
    four = four[_convex(points[starts[four][:, None] + np.arange(4)], normals[four])]
    fan = np.array([[0, 1, 2], [0, 2, 3]])
    corners = [starts[three][:, None] + np.arange(3), (starts[four][:, None, None] + fan).reshape(-1, 3)]
    owners = [three, np.repeat(four, 2)]
    left = sound.copy()
    left[three] = left[four] = False
    for surface in np.flatnonzero(left).tolist():
        first, last = polygons.surfaces[surface], polygons.surfaces[surface + 1]
        ends = polygons.rings[first + 1 : last + 1] - starts[surface]
        inside = points[starts[surface] : starts[surface] + whole[surface]]
        found = _ears(inside, ends, normals[surface])
        corners.append(found + starts[surface])
        owners.append(np.full(len(found), surface))
    owner = np.concatenate(owners)
    order = np.argsort(owner, kind="stable")
    holes = np.ones(len(vectors), dtype=bool)
    holes[outer] = False
    areas = np.where(sound, areas, 0.0)
    ring_owner = np.repeat(np.arange(len(outer)), np.diff(polygons.surfaces))
    areas -= np.bincount(ring_owner[holes], np.linalg.norm(vectors[holes], axis=1) / 2, minlength=len(areas)) * (
        areas > 0
    )
    drawn = np.zeros(len(areas), dtype=bool)
    drawn[owner] = True
    return Triangles(np.concatenate(corners)[order], owner[order], normals, np.where(drawn, areas, 0.0))


def _newell(polygons: Polygons) -> Floats:
    """Twice the area of each ring as a vector along its normal, (r, 3)."""
    starts, ends = polygons.rings[:-1], polygons.rings[1:]
    after = np.arange(1, len(polygons.points) + 1)
    after[ends - 1] = starts
    # From the ring's first point, so that large coordinates do not eat the digits.
    local = polygons.points - np.repeat(polygons.points[starts], ends - starts, axis=0)
    return np.asarray(np.add.reduceat(np.cross(local, local[after]), starts, axis=0))


def _extents(polygons: Polygons) -> Floats:
    """How far the farthest point of each ring is from its first, (r,)."""
    starts, ends = polygons.rings[:-1], polygons.rings[1:]
    away = np.linalg.norm(polygons.points - np.repeat(polygons.points[starts], ends - starts, axis=0), axis=1)
    return np.asarray(np.maximum.reduceat(away, starts))


def _units(vectors: Floats) -> tuple[Floats, Floats]:
    lengths = np.linalg.norm(vectors, axis=1)
    return vectors / np.where(lengths > 0, lengths, 1.0)[:, None], lengths / 2


def _convex(quads: Floats, normals: Floats) -> npt.NDArray[np.bool_]:
    edges = np.roll(quads, -1, axis=1) - quads
    turns = np.cross(edges, np.roll(edges, -1, axis=1))
    return np.asarray((np.einsum("nkx,nx->nk", turns, normals) > 0).all(axis=1))


def _ears(points: Floats, ends: Ints, normal: Floats) -> Ints:
    """Triangles of one polygon as rows of its points, turned the way of its normal."""
    x, y, z = normal.tolist()
    # Any direction across the normal, and the one across both; by hand, because this runs for every polygon.
    if abs(z) > abs(x):
        length = math.hypot(y, z)
        across = (0.0, z / length, -y / length)
    else:
        length = math.hypot(x, y)
        across = (y / length, -x / length, 0.0)
    u, v, w = across
    along = (y * w - z * v, z * u - x * w, x * v - y * u)
    plane = np.ascontiguousarray((points - points[0]) @ np.array([across, along]).T)
    found = mapbox_earcut.triangulate_float64(plane, ends.astype(np.uint32)).reshape(-1, 3).astype(np.int64)
    a, b, c = (plane[found[:, k]] for k in range(3))
    turn = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    turned: Ints = np.where((turn < 0)[:, None], found[:, ::-1], found)[turn != 0]
    return turned
