"""Pitched roofs over one outline, as faces in the plane: which plane is over which part of the ground.

A roof is the lower envelope of planes: two for a gabled one, one for a skillion, one through each wall for a hipped one, whose equal
slopes over a convex outline are its straight skeleton. A pyramidal roof has a face for each wall, up to one point.

Source: Aichholzer, Aurenhammer, Alberts, Gärtner (1995), A novel type of skeleton for polygons: the roof over a polygon.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from scenes3d.buildings.roof_rule import RoofShape
from twin.ellipsoid import Floats

SAME_M = 1.0e-6
_FLAT_CORNER_M = 1.0e-3


@dataclass(frozen=True)
class RoofFaces:
    """A roof above its eaves.

    Attributes:
        points: float64 (k, 2), metres; the corners of the outline first.
        rise_m: float64 (k,), above the eaves.
        faces: Rings of rows of `points`, counter-clockwise; with all points that lie on their edges.
        slopes: float64 (f, 2), metres up for each metre east and north, of each face.
        walls: For each edge of the outline the points on it, from corner to corner.
    """

    points: Floats
    rise_m: Floats
    faces: tuple[tuple[int, ...], ...]
    slopes: Floats
    walls: tuple[tuple[int, ...], ...]

    @property
    def is_closed(self) -> bool:
        """Whether each edge of a face is that of one other face, the other way round, or lies on a wall."""
        edges = [edge for ring in self.faces for edge in pairwise((*ring, ring[0]))]
        known, border = set(edges), {edge for wall in self.walls for edge in pairwise(wall)}
        return len(known) == len(edges) and border <= known and all((b, a) in known for a, b in known - border)


def corners_of(ring: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Rows of a ring (m, 2) that are corners: those that lie a millimetre or less beside the line of their neighbours are left out."""
    points = ring.tolist()
    kept = list(range(len(points)))
    at = 0
    while at < len(kept) and len(kept) > 3:
        (ax, ay), (x, y), (bx, by) = (points[kept[(at + step) % len(kept)]] for step in (-1, 0, 1))
        length = math.hypot(bx - ax, by - ay)
        beside = abs((bx - ax) * (y - ay) - (by - ay) * (x - ax))
        if length <= SAME_M or beside <= _FLAT_CORNER_M * length:
            del kept[at]
            at = max(at - 1, 0)
        else:
            at += 1
    return np.array(kept, dtype=np.int64)


def is_convex(outline: Floats) -> bool:
    """Whether an outline of corners, counter-clockwise, turns left at each, once round."""
    points = outline.tolist()
    edges = [(bx - ax, by - ay) for (ax, ay), (bx, by) in pairwise([*points, points[0]])]
    turns = pairwise([*edges, edges[0]])
    rightward = [east > 0 for east, _ in edges]
    around = sum(one != other for one, other in pairwise([*rightward, rightward[0]]))
    return all(ax * by - ay * bx > 0 for (ax, ay), (bx, by) in turns) and around <= 2


def ridge_cuts_once(outline: Floats, facing: Floats) -> bool:
    """Whether the line half-way along `facing` cuts the outline in two pieces."""
    along = (outline @ facing).tolist()
    middle = (min(along) + max(along)) / 2
    signs = [0 if abs(place - middle) <= SAME_M else math.copysign(1, place - middle) for place in along]
    crossings = sum(one * other < 0 for one, other in pairwise([*signs, signs[0]]))
    through = sum(signs[at - 1] * signs[(at + 1) % len(signs)] < 0 for at, sign in enumerate(signs) if sign == 0)
    return through == signs.count(0) and crossings + through == 2


def run_of(shape: RoofShape, outline: Floats, facing: Floats) -> float:
    """Metres on the ground from the eaves to the ridge, along the fall of the roof."""
    along = outline @ facing
    across = float(along.max() - along.min())
    if shape is RoofShape.SKILLION:
        return across
    if shape is RoofShape.GABLED:
        return across / 2
    planes = _wall_planes(outline)
    if shape is RoofShape.PYRAMIDAL:
        return float((planes[:, :2] @ _centroid(outline) + planes[:, 2]).min())
    return float(_Cells(outline, planes).heights().max())


def roof_faces(shape: RoofShape, outline: Floats, facing: Floats, rise_m: float) -> RoofFaces:
    """The roof of a drawn shape.

    Args:
        outline: float64 (n, 2), corners, counter-clockwise, metres; convex for hipped and pyramidal roofs.
        facing: float64 (2,), unit vector: down the slope of a skillion, across the ridge of a gabled roof; others do without.
        rise_m: From eaves to ridge.
    """
    if shape is RoofShape.PYRAMIDAL:
        return _pyramid(outline, rise_m)
    along = outline @ facing
    low, high = float(along.min()), float(along.max())
    if shape is RoofShape.SKILLION:
        fall = rise_m / (high - low)
        planes = np.array([[-fall * facing[0], -fall * facing[1], fall * high]])
    elif shape is RoofShape.GABLED:
        fall = rise_m / ((high - low) / 2)
        planes = np.array([[*(fall * facing), -fall * low], [*(-fall * facing), fall * high]])
    else:
        faces = _Cells(outline, _wall_planes(outline)).faces()
        scale = rise_m / float(faces.rise_m.max())
        return replace(faces, rise_m=faces.rise_m * scale, slopes=faces.slopes * scale)
    return _Cells(outline, planes).faces()


def _wall_planes(outline: Floats) -> Floats:
    """Planes through the edges that rise by a metre each metre inwards: float64 (n, 3), a x + b y + c."""
    edge = np.roll(outline, -1, axis=0) - outline
    inward = np.column_stack([-edge[:, 1], edge[:, 0]]) / np.hypot(edge[:, 0], edge[:, 1])[:, None]
    return np.column_stack([inward, -(inward * outline).sum(axis=1)])


def _centroid(outline: Floats) -> Floats:
    local = outline - outline[0]
    after = np.roll(local, -1, axis=0)
    cross = local[:, 0] * after[:, 1] - after[:, 0] * local[:, 1]
    return np.asarray(((local + after) * cross[:, None]).sum(axis=0) / (3 * cross.sum()) + outline[0])


def _pyramid(outline: Floats, rise_m: float) -> RoofFaces:
    count = len(outline)
    apex = _centroid(outline)
    here = np.arange(count)
    after = (here + 1) % count
    planes = _wall_planes(outline)
    distance = planes[:, :2] @ apex + planes[:, 2]
    return RoofFaces(
        np.vstack([outline, apex]),
        np.append(np.zeros(count), rise_m),
        tuple((int(a), int(b), count) for a, b in zip(here, after, strict=True)),
        planes[:, :2] * (rise_m / distance)[:, None],
        tuple((int(a), int(b)) for a, b in zip(here, after, strict=True)),
    )


class _Cells:
    """The parts of an outline over which each plane is the lowest."""

    def __init__(self, outline: Floats, planes: Floats) -> None:
        self._outline, self._planes = outline, planes
        self._points = [tuple(point) for point in outline.tolist()]
        self._rings: list[tuple[int, list[int]]] = []
        corners = [(x, y) for x, y in outline.tolist()]
        coefficients = planes.tolist()
        for number, (a, b, c) in enumerate(coefficients):
            ring = corners
            for other, (d, e, f) in enumerate(coefficients):
                if other != number and ring:
                    ring = _below(ring, a - d, b - e, c - f)
            named = self._named(ring)
            if len(named) >= 3:
                self._rings.append((number, named))

    def heights(self) -> Floats:
        """Of all points, above the eaves."""
        points = np.array(self._points)
        return np.asarray((points @ self._planes[:, :2].T + self._planes[:, 2]).min(axis=1))

    def faces(self) -> RoofFaces:
        count = len(self._outline)
        rings = [self._stitched([*ring, ring[0]])[:-1] for _, ring in self._rings]
        walls = [self._stitched([corner, (corner + 1) % count]) for corner in range(count)]
        used = sorted({point for ring in (*rings, *walls) for point in ring} | set(range(count)))
        row = {point: number for number, point in enumerate(used)}
        rise = self.heights()[used]
        rise[np.abs(rise) <= SAME_M] = 0.0
        return RoofFaces(
            np.array([self._points[point] for point in used]),
            rise,
            tuple(tuple(row[point] for point in ring) for ring in rings),
            self._planes[[number for number, _ in self._rings], :2],
            tuple(tuple(row[point] for point in wall) for wall in walls),
        )

    def _named(self, ring: list[tuple[float, float]]) -> list[int]:
        """Numbers of the points of a ring; the same place has the same number."""
        named: list[int] = []
        for x, y in ring:
            known = next(
                (n for n, (px, py) in enumerate(self._points) if abs(px - x) <= SAME_M and abs(py - y) <= SAME_M), None
            )
            if known is None:
                known = len(self._points)
                self._points.append((x, y))
            if not named or named[-1] != known:
                named.append(known)
        return named[:-1] if len(named) > 1 and named[0] == named[-1] else named

    def _stitched(self, path: list[int]) -> list[int]:
        """A path with the points of others that lie on its edges."""
        found: list[int] = [path[0]]
        # Corners of the outline lie on no edge but their own.
        first = len(self._outline)
        cuts = list(enumerate(self._points[first:], first))
        for start, end in pairwise(path):
            (ax, ay), (bx, by) = self._points[start], self._points[end]
            dx, dy = bx - ax, by - ay
            length = math.hypot(dx, dy)
            between = []
            for number, (x, y) in cuts:
                beside = abs((x - ax) * dy - (y - ay) * dx) / length
                if beside > SAME_M:
                    continue
                along = ((x - ax) * dx + (y - ay) * dy) / length
                if SAME_M < along < length - SAME_M and number not in (start, end):
                    between.append((along, number))
            found += [number for _, number in sorted(between)] + [end]
        return found


def _below(ring: list[tuple[float, float]], a: float, b: float, c: float) -> list[tuple[float, float]]:
    """The part of a ring where a x + b y + c is not above zero; a ring that the line cuts once is cut right."""
    norm = math.hypot(a, b)
    if norm == 0.0:
        return ring if c <= 0 else []
    side = [(a * x + b * y + c) / norm for x, y in ring]
    side = [0.0 if abs(value) <= SAME_M else value for value in side]
    kept: list[tuple[float, float]] = []
    for at, (here, value) in enumerate(zip(ring, side, strict=True)):
        after, following = ring[(at + 1) % len(ring)], side[(at + 1) % len(ring)]
        if value <= 0:
            kept.append(here)
        if value * following < 0:
            share = value / (value - following)
            kept.append((here[0] + share * (after[0] - here[0]), here[1] + share * (after[1] - here[1])))
    return kept
