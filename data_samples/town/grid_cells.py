"""Unit grid cells (单元网格): the faces of the three urban towns, grouped to communities, numbered as the standard asks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.town.arithmetic import Floats, length_of
from data_samples.town.chance import Chance
from data_samples.town.frame import Geometries
from data_samples.town.gazetteer import TOWNS
from data_samples.town.plan import Plan
from data_samples.town.table import Table, table

URBAN_TOWNS = ("370281001", "370281002", "370281004")
_SMALLEST_M2 = 7000.0
_COMMUNITY_M2 = 0.85e6
_FRONTS = (
    "云溪",
    "泰和",
    "福安",
    "常春",
    "向阳",
    "文昌",
    "瑞华",
    "锦绣",
    "新华",
    "振兴",
    "凤凰",
    "三里",
    "和睦",
    "望湖",
    "东苑",
    "西苑",
    "南苑",
    "北苑",
    "书香",
    "板桥",
    "安康",
    "朝阳",
    "光明",
    "胜利",
    "惠民",
    "康乐",
    "和平",
    "银河",
    "明珠",
    "春晖",
)
_POSTS = ("网格长岗", "专职网格员岗", "兼职网格员岗", "社区民警联络岗")


@dataclass(frozen=True, slots=True)
class Cells:
    """Cells in the order of their codes (metres)."""

    shapes: Geometries
    codes: list[str]


def grid_cells(plan: Plan, chance: Chance) -> tuple[Cells, Table]:
    """All cells of the urban towns: without gap or overlap, never through a building."""
    shapes: list[shapely.Polygon] = []
    heads: list[tuple[str, str, str, str]] = []
    for code in URBAN_TOWNS:
        town = next(i for i, t in enumerate(TOWNS) if t.code == code)
        faces = plan.faces[plan.face_town == town]
        community = _communities(faces)
        merged, community = _merged(faces, community)
        for number in range(community.max() + 1):
            inside = merged[community == number]
            middle = shapely.get_coordinates(shapely.centroid(inside))
            # West to east within bands of 300 m, the northern band first.
            order = np.lexsort((middle[:, 0], -np.floor(middle[:, 1] / 300)))
            name = _FRONTS[(number + 11 * town) % len(_FRONTS)] + ("社区" if number < len(_FRONTS) else "新社区")
            for sequence, k in enumerate(order, 1):
                shapes.append(inside[k])
                heads.append(
                    (f"370281{code[-3:]}{number + 1:03d}{sequence:03d}", code, f"{code}{number + 1:03d}", name)
                )
    cells = Cells(np.array(shapes, dtype=object), [head[0] for head in heads])
    return cells, _table(plan, chance, cells, heads)


def _communities(faces: Geometries) -> NDArray[np.int64]:
    """Community of each face: nearest of some seeds that lie far apart."""
    middle = shapely.get_coordinates(shapely.centroid(faces))
    count = int(np.clip(shapely.area(faces).sum() / _COMMUNITY_M2, 6, 42))
    seeds = [int(np.lexsort((middle[:, 0], -middle[:, 1]))[0])]
    gap = np.full(len(faces), np.inf)
    while len(seeds) < count:
        gap = np.minimum(gap, length_of(*(middle - middle[seeds[-1]]).T))
        seeds.append(int(gap.argmax()))
    distance = length_of(*(middle[:, None] - middle[seeds][None]).transpose(2, 0, 1))
    return np.asarray(distance.argmin(axis=1))


def _merged(faces: Geometries, community: NDArray[np.int64]) -> tuple[Geometries, NDArray[np.int64]]:
    """Faces with the too small ones joined to the neighbour they share most border with."""
    left, right = shapely.STRtree(faces).query(faces, predicate="touches")
    shared = shapely.length(shapely.intersection(shapely.boundary(faces[left]), shapely.boundary(faces[right])))
    group = np.arange(len(faces))
    area = shapely.area(faces)
    for i in np.argsort(area, kind="stable"):
        size = area[group == group[i]].sum()
        if size >= _SMALLEST_M2:
            continue
        mine = np.isin(left, np.flatnonzero(group == group[i])) & (group[right] != group[i])
        weight = shared * mine * np.where(community[right] == community[i], 10.0, 1.0)
        if weight.max() > 0:
            other = right[weight.argmax()]
            community[group == group[i]] = community[other]
            group[group == group[i]] = group[other]
    groups = np.unique(group)
    cells = np.array([shapely.coverage_union_all(faces[group == g]) for g in groups], dtype=object)
    return cells, np.array([community[group == g][0] for g in groups])


def _table(plan: Plan, chance: Chance, cells: Cells, heads: list[tuple[str, str, str, str]]) -> Table:
    homes = _homes(plan, cells.shapes)
    n = len(heads)
    people = np.round(homes * chance.uniform("cells/people", n, 0.8, 1.1) / 66.0).astype(int)
    cases = (chance.uniform("cells/cases", n) ** 2 * (4 + people / 90)).astype(int)
    share = chance.uniform("cells/open", n, 0.0, 0.55)
    post = chance.pick("cells/post", n, (20, 60, 15, 5))
    rows = []
    for i, (code, town, community_code, community) in enumerate(heads):
        shape = cells.shapes[i]
        rows.append([
            code, f"{community}第{int(code[-3:])}网格", town, community_code, community, round(float(shape.area), 1),
            f"{community}{_POSTS[post[i]]}", int(people[i]), round(int(people[i]) / 2.7), int(cases[i]), int(cases[i] * share[i]), shape,
        ])  # fmt: skip
    names = (
        "code",
        "name",
        "town_code",
        "community_code",
        "community",
        "area_m2",
        "post",
        "population",
        "households",
        "cases_30d",
        "open_cases",
    )
    return table("grid-cells", names, rows, numbered=False)


def _homes(plan: Plan, cells: Geometries) -> Floats:
    """Floor area of homes in each cell in square metres."""
    b = plan.buildings
    lived = np.isin(b.kind, ("residential", "rural"))
    spots = shapely.centroid(b.shapes[lived])
    home, cell = shapely.STRtree(cells).query(spots, predicate="within")
    floor_area = (shapely.area(b.shapes) * b.floors)[lived]
    return np.bincount(cell, weights=floor_area[home], minlength=len(cells)).astype(np.float64)
