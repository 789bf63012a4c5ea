"""City components (部件) along the streets of the urban towns: lamps, covers, hydrants, stops, bins and others."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.town.arithmetic import Floats, length_of
from data_samples.town.chance import Chance
from data_samples.town.frame import Geometries
from data_samples.town.grid_cells import Cells
from data_samples.town.network import Segment
from data_samples.town.plan import Plan
from data_samples.town.road_classes import CLASSES
from data_samples.town.table import Table, table

EDITION = "47678.5-2026"
ARTERIAL, SECONDARY, BRANCH = ("urban-arterial", "national"), ("urban-secondary",), ("urban-branch",)
MAIN = (*ARTERIAL, *SECONDARY)
ALL = (*MAIN, *BRANCH)

Indices = NDArray[np.int64]
Kind = tuple[str, str, float, tuple[str, ...], float, str]
KINDS: tuple[Kind, ...] = (
    ("01037", "路灯", 105, MAIN, 0.85, "路灯管理所"), ("01037", "路灯", 260, BRANCH, 0.8, "路灯管理所"),
    ("01001", "供水井盖", 330, ALL, 0.35, "供水公司"), ("01002", "污水井盖", 240, ALL, 0.2, "排水管理处"),
    ("01003", "雨水井盖", 280, ALL, -0.3, "排水管理处"), ("01004", "雨水箅子", 310, MAIN, 0.68, "排水管理处"),
    ("01005", "电力井盖", 620, MAIN, 0.9, "供电公司"), ("01007", "通信井盖", 560, MAIN, -0.92, "通信公司"),
    ("01011", "燃气井盖", 640, ALL, -0.45, "燃气公司"), ("01013", "消火栓", 420, MAIN, 0.88, "供水公司"),
    ("01048", "变压器（箱）", 1500, ALL, 1.0, "供电公司"), ("01060", "路灯配电箱", 1900, MAIN, 0.95, "路灯管理所"),
    ("02004", "公交站", 640, ARTERIAL, 0.93, "公交公司"), ("02010", "交通标志牌", 380, MAIN, 0.82, "交警大队"),
    ("02012", "路名牌", 700, MAIN, 0.9, "民政局"), ("02014", "交通信号灯", 900, ARTERIAL, 0.75, "交警大队"),
    ("02025", "非机动车停放点", 1100, ALL, 0.97, "城市管理局"), ("03001", "公共厕所", 2600, ALL, 1.05, "环境卫生处"),
    ("03005", "垃圾箱", 260, MAIN, 0.92, "环境卫生处"), ("03008", "宣传栏", 1700, ALL, 1.0, "街道办事处"),
    ("04002", "行道树", 210, MAIN, -0.87, "园林绿化处"), ("04007", "街头座椅", 900, MAIN, -0.98, "园林绿化处"),
)  # fmt: skip
"""Class code, name, metres between two of a kind, classes of road, side (share of the half width, left is negative), owner."""
_OPENING = date(2009, 1, 1)
_SURVEY = date(2026, 9, 30)


def facilities_table(plan: Plan, chance: Chance, cells: Cells) -> Table:
    """Components with ids of 17 digits; each lies in a unit grid cell and by a road."""
    area = shapely.box(*shapely.total_bounds(cells.shapes))
    near = [s for s in plan.segments if s.road.road_class in ALL and s.road.name and area.intersects(s.line)]
    found = [_along(near, chance, kind, number) for number, kind in enumerate(KINDS)]
    points = np.concatenate([points for points, _ in found])
    owner = np.concatenate([np.full(len(points), k) for k, (points, _) in enumerate(found)])
    road = [segment.road.name for _, segments in found for segment in segments]
    spot, cell = shapely.STRtree(cells.shapes).query(points, predicate="within")
    clear = np.ones(len(points), dtype=bool)
    clear[shapely.STRtree(points).query(plan.buildings.shapes, predicate="intersects")[1]] = False
    inside = clear[spot]
    spot, cell = spot[inside], cell[inside]
    return _rows(chance, points, owner, road, spot, cell, cells)


def _along(streets: list[Segment], chance: Chance, kind: Kind, number: int) -> tuple[Geometries, list[Segment]]:
    """Places of one kind beside the roads of its classes, evenly but not exactly evenly spaced."""
    _, _, gap, classes, side, _ = kind
    segments = [s for s in streets if s.road.road_class in classes and not s.bridge and not s.tunnel]
    lines = np.array([s.line for s in segments], dtype=object)
    length = shapely.length(lines)
    start = np.concatenate([[0], np.cumsum(length)[:-1]])
    marks = np.arange(gap / 2, float(length.sum()), gap)
    marks = marks + chance.uniform(f"facility/{number}", len(marks), -0.25, 0.25) * gap
    index = np.clip(np.searchsorted(start, marks, side="right") - 1, 0, len(lines) - 1)
    at = np.clip(marks - start[index], 0.1 * length[index], 0.9 * length[index])
    half = np.array([CLASSES[s.road.road_class].half_width_m for s in segments])[index]
    return shapely.points(_beside(lines[index], at, side * half)), [segments[i] for i in index]


def _beside(lines: Geometries, at: Floats, offset: Floats) -> Floats:
    """Points on the lines at a distance, pushed to the right by `offset` metres."""
    here = shapely.get_coordinates(shapely.line_interpolate_point(lines, at))
    ahead = shapely.get_coordinates(shapely.line_interpolate_point(lines, at + 0.5))
    back = shapely.get_coordinates(shapely.line_interpolate_point(lines, np.maximum(at - 0.5, 0)))
    way = ahead - back
    way /= np.maximum(length_of(*way.T), 1e-9)[:, None]
    return np.asarray(here + np.column_stack([way[:, 1], -way[:, 0]]) * offset[:, None])


def _rows(
    chance: Chance, points: Geometries, owner: Indices, road: list[str], spot: Indices, cell: Indices, cells: Cells
) -> Table:
    """Rows of the components at `points[spot]`; `owner` is the kind of each point, `cell` the grid cell of each spot."""
    n = len(spot)
    luck = chance.uniform("facility/status", n)
    age = chance.integers("facility/age", n, 30, (_SURVEY - _OPENING).days)
    seen: dict[str, int] = {}
    rows = []
    for k, (i, c) in enumerate(zip(spot, cell, strict=True)):
        class_code, name, _, _, _, unit = KINDS[owner[i]]
        seen[class_code] = seen.get(class_code, 0) + 1
        status = "missing" if luck[k] > 0.993 else "damaged" if luck[k] > 0.965 else "ok"
        installed = _SURVEY - timedelta(days=int(age[k]))
        changed = None if status == "ok" else _SURVEY - timedelta(days=int(age[k]) % 90)
        grid = cells.codes[c]
        rows.append([
            f"370281{class_code}{seen[class_code]:06d}", name, class_code[:2], class_code, EDITION, status, grid, grid[:9],
            road[i], f"示例{unit}", f"示例{unit}养护班", installed, changed, points[i],
        ])  # fmt: skip
    names = (
        "code",
        "name",
        "major",
        "class_code",
        "edition",
        "status",
        "grid_code",
        "town_code",
        "road",
        "owner_unit",
        "maintainer",
        "installed_on",
        "changed_on",
    )
    return table("facilities", names, rows, numbered=False)
