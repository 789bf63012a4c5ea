"""The road network: all surface roads cut at their crossings, bridges and underpasses told apart."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.town.arithmetic import Floats
from data_samples.town.frame import Geometries
from data_samples.town.rivers import WaterBody, WaterWay
from data_samples.town.road_classes import CLASSES
from data_samples.town.trunk_roads import Rail, Road

_GRID_M = 0.01
_RANK = {name: rank for rank, name in enumerate([*CLASSES, "edge"])}
_SHORTEST_M = 0.05
"""Shorter pieces would be a single point once coordinates are rounded."""
EDGE = "edge"
"""Class of lines that only divide the ground: rivers, motorways, borders."""
_OVER = ("national", "provincial", "urban-arterial", "county", "urban-secondary", "township")
"""Classes that lead over a railway or motorway; smaller ones lead under it."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A road from one crossing to the next."""

    road: Road
    line: shapely.LineString
    bridge: bool = False
    tunnel: bool = False


def join_loose_ends(roads: list[Road], area: shapely.Polygon, reach_m: float = 900.0) -> list[Road]:
    """Through roads kept outside `area` (the city's ring) and drawn on to it where they end close by."""
    joined = []
    for road in roads:
        for part in getattr(road.line.difference(area), "geoms", [road.line.difference(area)]):
            if part.is_empty or part.length < 150:
                continue
            points = list(part.coords)
            for end in (0, -1):
                tip = shapely.Point(points[end])
                gap = area.exterior.distance(tip)
                if 0 < gap < reach_m:
                    foot = area.exterior.interpolate(area.exterior.project(tip))
                    points.insert(0 if end == 0 else len(points), (foot.x, foot.y))
            joined.append(replace(road, line=shapely.LineString(points)))
    return joined


def cut_at_crossings(roads: list[Road]) -> tuple[list[Road], Geometries]:
    """Every piece between two crossings, with the road of highest rank that runs there (metres)."""
    sources = np.array([r.line for r in roads], dtype=object)
    pieces = shapely.get_parts(shapely.union_all(sources, grid_size=_GRID_M))
    middles = shapely.line_interpolate_point(pieces, 0.5, normalized=True)
    piece, source = shapely.STRtree(sources).query(middles, predicate="dwithin", distance=0.1)
    rank = np.array([_RANK[r.road_class] for r in roads])
    order = np.lexsort((source, rank[source], piece))
    first = np.unique(piece[order], return_index=True)[1]
    owner = np.full(len(pieces), -1)
    owner[piece[order][first]] = source[order][first]
    known = owner >= 0
    return [roads[i] for i in owner[known]], pieces[known]


def drop_drowned(
    roads: list[Road], pieces: Geometries, water: shapely.Geometry, banks: shapely.Geometry
) -> NDArray[np.bool_]:
    """Which pieces stay: no street runs through a lake, no side street crosses a river or a railway."""
    shapely.prepare(water)
    shapely.prepare(banks)
    names = np.array([r.road_class for r in roads])
    branch = (names == "urban-branch") | (names == "lane")
    town = branch | (names == "urban-secondary") | (names == "urban-arterial")
    return np.asarray(~(town & shapely.intersects(water, pieces)) & ~(branch & shapely.intersects(banks, pieces)))


def loose_stubs(pieces: Geometries, shorter_m: float = 35.0) -> NDArray[np.bool_]:
    """Short tails that stick out over a crossing."""
    degree = _degree(_ends(pieces))
    return np.asarray((degree == 1).any(axis=1) & (shapely.length(pieces) < shorter_m))


def _ends(pieces: Geometries) -> Floats:
    first, last = shapely.get_point(pieces, 0), shapely.get_point(pieces, -1)
    return np.stack([shapely.get_coordinates(first), shapely.get_coordinates(last)], axis=1)


def _degree(ends: Floats) -> NDArray[np.int64]:
    """How many pieces meet at each end, shape (n, 2)."""
    keys = np.round(ends.reshape(-1, 2), 2)
    _, inverse, counts = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    return np.asarray(counts[inverse.reshape(-1)].reshape(-1, 2))


def cross_water_and_rails(
    roads: list[Road],
    pieces: Geometries,
    ways: list[WaterWay],
    bodies: list[WaterBody],
    rails: list[Rail],
    motorways: list[Road],
) -> list[Segment]:
    """Pieces split where they cross: a bridge over water, a bridge over or an underpass below rails and motorways."""
    wet = [b.shape for b in bodies if b.kind in ("river", "lake", "reservoir", "sea")]
    beds = [w.line.buffer(w.width_m / 2 + 6, quad_segs=4) for w in ways if w.name != "大沽河"]
    water = np.array([*wet, *beds], dtype=object)
    banks = np.array(
        [r.line.buffer(18, quad_segs=4) for r in rails if r.kind != "metro"]
        + [m.line.buffer(26, quad_segs=4) for m in motorways],
        dtype=object,
    )
    segments = []
    over_water, over_banks = _crossed(pieces, water), _crossed(pieces, banks)
    for i, (road, piece) in enumerate(zip(roads, pieces, strict=True)):
        parts = [Segment(road, piece)]
        for k in over_water.get(i, ()):
            parts = _split(parts, water[k], bridge=True)
        for k in over_banks.get(i, ()):
            over = road.road_class in _OVER
            parts = _split(parts, banks[k], bridge=over, tunnel=not over)
        segments += [part for part in parts if part.line.length > _SHORTEST_M]
    return segments


def _crossed(pieces: Geometries, obstacles: Geometries) -> dict[int, NDArray[np.int64]]:
    piece, obstacle = shapely.STRtree(obstacles).query(pieces, predicate="intersects")
    return {int(i): obstacle[piece == i] for i in np.unique(piece)}


def _split(
    parts: list[Segment], obstacle: shapely.Geometry, *, bridge: bool = False, tunnel: bool = False
) -> list[Segment]:
    result = []
    for part in parts:
        if part.bridge or part.tunnel:
            result.append(part)
            continue
        outside = shapely.get_parts(shapely.difference(part.line, obstacle))
        inside = shapely.get_parts(shapely.intersection(part.line, obstacle))
        result += [replace(part, line=line) for line in outside if line.length > 0]
        result += [
            replace(part, line=line, bridge=bridge, tunnel=tunnel)
            for line in inside
            if line.geom_type == "LineString" and line.length > 0
        ]
    return result
