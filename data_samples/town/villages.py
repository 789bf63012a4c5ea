"""Where the villages lie, what they are called, and the patch of ground each one fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from data_samples.town.arithmetic import Floats
from data_samples.town.chance import Chance
from data_samples.town.curves import blob

SURNAMES = (
    ("王", "Wang"), ("李", "Li"), ("张", "Zhang"), ("刘", "Liu"), ("陈", "Chen"), ("赵", "Zhao"), ("孙", "Sun"), ("周", "Zhou"),
    ("宋", "Song"), ("高", "Gao"), ("姜", "Jiang"), ("于", "Yu"), ("徐", "Xu"), ("冷", "Leng"), ("匡", "Kuang"), ("法", "Fa"),
    ("杜", "Du"), ("辛", "Xin"), ("葛", "Ge"), ("逄", "Pang"), ("管", "Guan"), ("范", "Fan"), ("栾", "Luan"), ("石", "Shi"),
    ("郭", "Guo"), ("马", "Ma"), ("韩", "Han"), ("邢", "Xing"), ("胡", "Hu"), ("薛", "Xue"), ("崔", "Cui"), ("袁", "Yuan"),
)  # fmt: skip
ENDINGS = (
    ("家庄", "jiazhuang"), ("家村", "jiacun"), ("家屯", "jiatun"), ("家疃", "jiatuan"), ("家河", "jiahe"),
    ("家寨", "jiazhai"), ("家沟", "jiagou"), ("官庄", "guanzhuang"), ("家埠", "jiabu"), ("家岭", "jialing"),
    ("家园", "jiayuan"), ("家店", "jiadian"), ("哥庄", "gezhuang"), ("戈庄", "gezhuang"),
)  # fmt: skip
FRONTS = (
    ("", ""), ("", ""), ("", ""), ("大", "Da"), ("小", "Xiao"), ("东", "Dong"), ("西", "Xi"), ("南", "Nan"), ("北", "Bei"),
    ("前", "Qian"), ("后", "Hou"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Village:
    """A village; `turn` is the direction of its rows in radians, never far from east."""

    name: str
    name_en: str
    centre: Floats
    radius_m: float
    turn: float
    shape: shapely.Polygon
    population: int


def draw_villages(
    chance: Chance, land: shapely.Geometry, hills: shapely.Geometry, spacing_m: float = 1600
) -> list[Village]:
    """Villages spread over `land`, fewer in the hills (metres)."""
    west, south, east, north = land.bounds
    rows = np.arange(south, north, spacing_m * 0.87)
    columns = np.arange(west, east, spacing_m)
    x, y = np.meshgrid(columns, rows)
    x = x + (np.arange(len(rows)) % 2)[:, None] * spacing_m / 2
    points = np.column_stack([x.ravel(), y.ravel()])
    n = len(points)
    points += np.column_stack([chance.uniform(f"village/{axis}", n, -0.36, 0.36) * spacing_m for axis in "xy"])
    radius = chance.uniform("village/radius", n, 125, 225) + 70 * (chance.uniform("village/large", n) > 0.85)
    shapes = shapely.points(points)
    keep = shapely.contains(land, shapes)
    in_hills = shapely.contains(hills, shapes)
    keep &= ~(in_hills & (chance.uniform("village/hills", n) < 0.72))
    radius[in_hills] *= 0.75
    turns = chance.uniform("village/turn", n, -0.16, 0.16)
    aspects = chance.uniform("village/aspect", n, 0.9, 1.7)
    chosen = np.flatnonzero(keep)
    names = _names(chance, len(chosen))
    return [
        Village(
            *names[k],
            centre=points[i],
            radius_m=float(radius[i]),
            turn=float(turns[i]),
            shape=blob(
                chance, f"village/{i}", points[i], float(radius[i]), float(aspects[i]), float(turns[i])
            ).simplify(8),
            population=int(round(radius[i] ** 2 / 36, -1)),
        )
        for k, i in enumerate(chosen)
    ]


def _names(chance: Chance, count: int) -> list[tuple[str, str]]:
    """`count` names, no two alike."""
    tries = count * 6
    front = chance.integers("village/front", tries, 0, len(FRONTS) - 1)
    surname = chance.integers("village/surname", tries, 0, len(SURNAMES) - 1)
    ending = chance.integers("village/ending", tries, 0, len(ENDINGS) - 1)
    names: dict[str, str] = {}
    for f, s, e in zip(front, surname, ending, strict=True):
        zh = FRONTS[f][0] + SURNAMES[s][0] + ENDINGS[e][0]
        names.setdefault(zh, f"{FRONTS[f][1]} {SURNAMES[s][1]}{ENDINGS[e][1]}".strip())
        if len(names) == count:
            break
    return list(names.items())
