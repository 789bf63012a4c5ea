"""Roads between the villages and the lanes inside them."""

from __future__ import annotations

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.town.arithmetic import Floats, length_of, sine, turned
from data_samples.town.chance import Chance
from data_samples.town.curves import line_parts
from data_samples.town.trunk_roads import Road
from data_samples.town.villages import Village

_LONGEST_M = 4800.0


def draw_village_roads(
    chance: Chance, villages: list[Village], gates: Floats, forbidden: shapely.Geometry
) -> list[Road]:
    """Roads that join each village with its natural neighbours (a Gabriel graph), none through `forbidden`.

    Args:
        gates: Points on the rim of the built-up areas, shape (n, 2), where village roads may begin.
    """
    points = np.vstack([[v.centre for v in villages], gates])
    edges = _gabriel(points)
    gate = np.arange(len(points)) >= len(villages)
    length = length_of(*(points[edges[:, 0]] - points[edges[:, 1]]).T)
    edges = edges[(length < _LONGEST_M) & ~(gate[edges[:, 0]] & gate[edges[:, 1]])]
    lines = _bent(chance, points[edges[:, 0]], points[edges[:, 1]])
    shapely.prepare(forbidden)
    free = ~shapely.intersects(forbidden, lines)
    edges, lines = edges[free], lines[free]
    busy = _relative_neighbours(points, edges)
    main = chance.uniform("village-roads/main", len(edges)) < 0.55
    roads = []
    for (a, b), line, joined in zip(edges, lines, busy & main, strict=True):
        names = [villages[i] for i in (a, b) if i < len(villages)]
        zh = "".join(v.name[:1] if len(v.name) < 3 else v.name[-3] for v in names)
        name = (f"{zh}路", f"{' - '.join(v.name_en for v in names)} Road") if joined and len(names) == 2 else ("", "")
        roads.append(Road(*name, "", "township" if joined else "village", line))
    return roads


def _gabriel(points: Floats) -> NDArray[np.int64]:
    """Pairs of points whose circle on the joining line holds no third point."""
    triangles = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(points)))
    corners = shapely.get_coordinates(triangles).reshape(-1, 4, 2)[:, :3]
    tree = shapely.STRtree(shapely.points(points))
    index = tree.nearest(shapely.points(corners.reshape(-1, 2))).reshape(-1, 3)
    pairs = np.unique(np.sort(np.concatenate([index[:, [0, 1]], index[:, [1, 2]], index[:, [0, 2]]]), axis=1), axis=0)
    a, b = points[pairs[:, 0]], points[pairs[:, 1]]
    circles, radius = shapely.points((a + b) / 2), length_of(*(a - b).T) / 2
    hits, _ = tree.query(circles, predicate="dwithin", distance=radius * (1 - 1e-9))
    empty = np.bincount(hits, minlength=len(pairs)) == 0
    return np.asarray(pairs[empty])


def _relative_neighbours(points: Floats, edges: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether no third point is nearer to both ends than they are to each other."""
    tree = shapely.STRtree(shapely.points(points))
    a, b = points[edges[:, 0]], points[edges[:, 1]]
    length = length_of(*(a - b).T) * (1 - 1e-9)
    near_a = tree.query(shapely.points(a), predicate="dwithin", distance=length)
    near_b = tree.query(shapely.points(b), predicate="dwithin", distance=length)
    keys_a = near_a[0] * len(points) + near_a[1]
    keys_b = near_b[0] * len(points) + near_b[1]
    both = np.intersect1d(keys_a, keys_b) // len(points)
    return np.asarray(np.bincount(both, minlength=len(edges)) == 0)


def _bent(chance: Chance, a: Floats, b: Floats) -> NDArray[np.object_]:
    """Lines from `a` to `b` with a bend or two."""
    t = np.linspace(0, 1, 14)
    one = chance.uniform("village-roads/one", len(a), -0.07, 0.07)
    two = chance.uniform("village-roads/two", len(a), -0.035, 0.035)
    side = np.column_stack([a[:, 1] - b[:, 1], b[:, 0] - a[:, 0]])
    swing = one[:, None] * sine(np.pi * t) + two[:, None] * sine(2 * np.pi * t)
    points = a[:, None] + (b - a)[:, None] * t[None, :, None] + side[:, None] * swing[:, :, None]
    points[:, 0], points[:, -1] = a, b
    return np.asarray(shapely.linestrings(points))


def draw_lanes(villages: list[Village]) -> list[Road]:
    """A cross of two streets in each village, and lanes beside the long one."""
    roads = []
    for village in villages:
        reach = 1.9 * village.radius_m
        count = int(village.radius_m // 62)
        ways = [((-reach, 0.0), (reach, 0.0), "village"), ((0.0, -reach), (0.0, reach), "village")]
        ways += [((-reach, k * 72.0), (reach, k * 72.0), "lane") for k in range(-count, count + 1) if k]
        for start, end, road_class in ways:
            line = shapely.LineString(turned(np.array([start, end]), village.turn) + village.centre)
            parts = line_parts(line.intersection(village.shape), 60)
            roads += [Road("", "", "", road_class, part) for part in parts]
    return roads
