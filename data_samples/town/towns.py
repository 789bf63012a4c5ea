"""Borders of the twelve towns: a power diagram of their real middles grown to about their real areas.

The Dagu river is the border of Ligezhuang; the other eleven share the land west of it. Each cell is the part of the land
that lies nearer to its town than to any other, where nearness is squared distance minus a weight.
"""

from __future__ import annotations

import numpy as np
import shapely

from data_samples.town.arithmetic import Floats, length_of
from data_samples.town.chance import Chance
from data_samples.town.curves import line_parts, polygon_parts
from data_samples.town.frame import Geometries, to_metres
from data_samples.town.gazetteer import TOWNS
from data_samples.town.outline import Ground

EAST_OF_THE_RIVER = "370281102"
_FAR_M = 200_000.0
_ROUNDS = 200
_STEP = 0.12
_MOVING = (50, 120)
_RASTER_M = 400.0
_SHARE = {"370281001": 0.8, "370281002": 1.08, "370281105": 1.03, "370281108": 1.05}
"""Hand corrections of the goal: wavy borders and borders that follow streets shift some area."""
_MARGIN_M = 40.0


def draw_towns(ground: Ground, chance: Chance) -> Geometries:
    """One polygon a town, in the order of `TOWNS`; together they are the city, without gap or overlap (metres)."""
    west, east = _banks(ground)
    index = [i for i, town in enumerate(TOWNS) if town.code != EAST_OF_THE_RIVER]
    goals = np.array([TOWNS[i].area_km2 * _SHARE.get(TOWNS[i].code, 1.0) for i in index]) * 1e6
    middles = to_metres([(TOWNS[i].lon, TOWNS[i].lat) for i in index])
    cells = _grow(west.simplify(250), middles, goals * west.area / goals.sum())
    rim = west.simplify(250).boundary
    lines = shapely.union_all([c.boundary for c in cells], grid_size=0.01)
    inner = shapely.line_merge(shapely.difference(lines, rim.buffer(_MARGIN_M), grid_size=0.01))
    push = chance.warp("towns", (3600, 240), (1200, 60), (400, 14))
    wavy = [
        shapely.LineString(push(_to_the_edge(shapely.get_coordinates(shapely.segmentize(line, 70)), rim)))
        for line in line_parts(inner)
    ]
    outer = shapely.union_all([west.boundary, east.boundary], grid_size=0.01)
    edges = shapely.union_all([outer, *wavy], grid_size=0.01)
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    middle = shapely.get_coordinates(shapely.point_on_surface(faces))
    return _assign(faces[shapely.contains_xy(ground.city, *middle.T)], west, cells, index)


def _banks(ground: Ground) -> tuple[shapely.Polygon, shapely.Polygon]:
    """Land west and land east of the Dagu river."""
    edges = shapely.union_all([ground.city.boundary, ground.dagu], grid_size=0.01)
    faces = [f for f in shapely.get_parts(shapely.polygonize(shapely.get_parts(edges))) if f.area > 1e4]
    faces.sort(key=lambda f: -f.area)
    west = faces[0]
    return west, shapely.union_all(faces[1:])


def _grow(land: shapely.Polygon, middles: Floats, goals: Floats) -> list[shapely.Geometry]:
    """Cells of the power diagram, weights and sites moved until areas and centroids come near the goals.

    Areas are counted on a raster of points while the sites move; only the last cells are cut exactly.
    """
    west, south, east, north = land.bounds
    x, y = np.meshgrid(np.arange(west, east, _RASTER_M), np.arange(south, north, _RASTER_M))
    raster = np.column_stack([x.ravel(), y.ravel()])
    shapely.prepare(land)
    raster = raster[shapely.contains_xy(land, *raster.T)]
    square = land.area / len(raster)
    sites, weights = middles.copy(), np.zeros(len(goals))
    for turn in range(_ROUNDS):
        power = ((raster[:, None, :] - sites[None]) ** 2).sum(axis=2) - weights
        owner = power.argmin(axis=1)
        counts = np.bincount(owner, minlength=len(sites))
        weights += (goals - counts * square) * _STEP
        weights -= weights.mean()
        if _MOVING[0] <= turn < _MOVING[1]:
            sums = np.column_stack([np.bincount(owner, raster[:, axis], len(sites)) for axis in (0, 1)])
            centroids = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], sites)
            sites += 0.1 * (middles - centroids)
    return [_cell(land, sites, weights, i) for i in range(len(sites))]


def _cell(land: shapely.Polygon, sites: Floats, weights: Floats, i: int) -> shapely.Geometry:
    box = shapely.box(*(sites[i] - _FAR_M), *(sites[i] + _FAR_M))
    for j in range(len(sites)):
        if j == i:
            continue
        along = sites[j] - sites[i]
        length = length_of(*along)
        if length < 1:
            continue
        unit = along / length
        # The edge lies where both powers are equal, this far from site i towards site j.
        offset = (length**2 + weights[i] - weights[j]) / (2 * length)
        foot, side = sites[i] + unit * offset, np.array([-unit[1], unit[0]])
        corners = [foot + side * _FAR_M, foot - side * _FAR_M, foot - side * _FAR_M - unit * 2 * _FAR_M]
        corners.append(foot + side * _FAR_M - unit * 2 * _FAR_M)
        box = box.intersection(shapely.Polygon(corners))
    return land.intersection(box)


def _to_the_edge(line: Floats, edge: shapely.Geometry, by_m: float = 1500.0) -> Floats:
    """The line drawn out beyond `edge` where it ends near it, so that it still meets the edge after a push."""
    head, tail = line[0] - line[1], line[-1] - line[-2]
    pieces = [line]
    if shapely.distance(edge, shapely.Point(line[0])) < 2 * _MARGIN_M:
        pieces.insert(0, line[:1] + head / length_of(*head) * by_m)
    if shapely.distance(edge, shapely.Point(line[-1])) < 2 * _MARGIN_M:
        pieces.append(line[-1:] + tail / length_of(*tail) * by_m)
    return np.vstack(pieces)


def _assign(faces: Geometries, west: shapely.Polygon, cells: list[shapely.Geometry], index: list[int]) -> Geometries:
    """Union of the faces that fall to each town; crumbs east of the river are Ligezhuang's."""
    owner = np.full(len(faces), next(i for i, t in enumerate(TOWNS) if t.code == EAST_OF_THE_RIVER))
    inside = shapely.contains_xy(west, *shapely.get_coordinates(shapely.point_on_surface(faces)).T)
    overlap = np.stack([shapely.area(shapely.intersection(faces, cell)) for cell in cells], axis=1)
    owner[inside] = np.array(index)[overlap[inside].argmax(axis=1)]
    towns = np.array([shapely.coverage_union_all(faces[owner == i]) for i in range(len(TOWNS))], dtype=object)
    assert all(len(polygon_parts(t)) >= 1 for t in towns)
    return towns
