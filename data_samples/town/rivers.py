"""Rivers, lakes and reservoirs: courses through hand-placed points, made to wander; the Dagu river as a surface too."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from data_samples.town.arithmetic import Floats, length_of, sine
from data_samples.town.chance import Chance
from data_samples.town.curves import blob, line_parts, polygon_parts, smooth
from data_samples.town.frame import to_metres
from data_samples.town.outline import Ground

Course = tuple[str, str, str, float, tuple[tuple[float, float], ...]]

COURSES: tuple[Course, ...] = (
    ("胶莱河", "Jiaolai River", "river", 60, ((119.905, 36.405), (119.935, 36.425), (119.97, 36.44), (120.01, 36.462), (120.05, 36.475), (120.09, 36.465), (120.125, 36.457), (120.152, 36.44))),
    ("胶河", "Jiao River", "river", 45, ((119.765, 36.02), (119.757, 36.05), (119.768, 36.08), (119.752, 36.11), (119.757, 36.14), (119.745, 36.165), (119.752, 36.20))),
    ("洋河", "Yang River", "river", 50, ((119.885, 36.045), (119.893, 36.075), (119.915, 36.10), (119.95, 36.118), (119.985, 36.143), (120.025, 36.152), (120.06, 36.166), (120.095, 36.163), (120.128, 36.17), (120.16, 36.175))),
    ("墨水河", "Moshui River", "river", 35, ((119.845, 36.245), (119.872, 36.278), (119.905, 36.30), (119.93, 36.325), (119.938, 36.36), (119.965, 36.388), (120.00, 36.408), (120.035, 36.425), (120.075, 36.44), (120.10, 36.462))),
    ("云溪河", "Yunxi River", "river", 28, ((119.925, 36.262), (119.952, 36.269), (119.975, 36.266), (119.998, 36.270), (120.02, 36.266), (120.04, 36.262), (120.064, 36.256))),
    ("三里河", "Sanli River", "river", 22, ((119.915, 36.235), (119.945, 36.243), (119.975, 36.246), (120.005, 36.244), (120.03, 36.247), (120.05, 36.246), (120.066, 36.248))),
    ("少海出水河", "Shaohai Outlet", "canal", 30, ((120.072, 36.245), (120.09, 36.24), (120.105, 36.238), (120.122, 36.235))),
    ("护城河", "Moat Stream", "stream", 12, ((119.955, 36.295), (119.982, 36.292), (120.006, 36.294), (120.03, 36.287), (120.048, 36.275), (120.06, 36.262))),
    ("碧沟河", "Bigou River", "stream", 16, ((119.868, 36.205), (119.90, 36.212), (119.935, 36.207), (119.97, 36.212), (120.01, 36.206), (120.045, 36.212), (120.08, 36.216), (120.118, 36.219))),
    ("跃进河", "Yuejin River", "stream", 14, ((119.915, 36.17), (119.955, 36.178), (119.995, 36.183), (120.04, 36.185), (120.08, 36.193), (120.118, 36.197), (120.135, 36.195))),
    ("桃源河", "Taoyuan River", "river", 30, ((120.195, 36.41), (120.187, 36.385), (120.18, 36.355), (120.178, 36.325), (120.163, 36.298), (120.146, 36.272), (120.13, 36.245))),
    ("小辛河", "Xiaoxin River", "stream", 14, ((119.965, 36.372), (119.995, 36.362), (120.02, 36.372), (120.045, 36.398), (120.06, 36.42), (120.06, 36.436))),
    ("店子河", "Dianzi River", "stream", 12, ((119.905, 36.345), (119.922, 36.352), (119.94, 36.352))),
    ("清洋河", "Qingyang River", "stream", 14, ((119.84, 36.06), (119.853, 36.085), (119.875, 36.10), (119.902, 36.098), (119.914, 36.101))),
    ("助水河", "Zhushui River", "stream", 16, ((119.795, 36.04), (119.805, 36.07), (119.80, 36.10), (119.81, 36.13), (119.798, 36.155), (119.79, 36.185))),
    ("墨溪河", "Moxi Stream", "stream", 10, ((119.955, 36.07), (119.962, 36.09), (119.95, 36.118))),
    ("石河", "Shi River", "stream", 12, ((119.68, 36.07), (119.697, 36.095), (119.69, 36.125), (119.70, 36.15), (119.70, 36.18))),
    ("胶东干渠", "Jiaodong Canal", "canal", 18, ((119.87, 36.315), (119.90, 36.325), (119.955, 36.318), (119.985, 36.345), (120.03, 36.345), (120.045, 36.325), (120.09, 36.30), (120.127, 36.303))),
)  # fmt: skip

Lake = tuple[str, str, str, float, float, float, float, float]

LAKES: tuple[Lake, ...] = (
    ("少海", "Shaohai Lake", "lake", 120.066, 36.252, 820, 0.62, 0.2),
    ("少海南湖", "South Shaohai Lake", "lake", 120.076, 36.233, 520, 1.4, 0.5),
    ("山洲水库", "Shanzhou Reservoir", "reservoir", 119.864, 36.083, 760, 0.7, 0.6),
    ("青年水库", "Qingnian Reservoir", "reservoir", 119.846, 36.212, 620, 1.5, 2.2),
    ("龙潭水库", "Longtan Reservoir", "reservoir", 119.945, 36.074, 300, 1.4, 0.9),
    ("孟家水库", "Mengjia Reservoir", "reservoir", 119.73, 36.068, 330, 1.3, 1.2),
    ("黄家岭水库", "Huangjialing Reservoir", "reservoir", 119.815, 36.045, 280, 1.5, 0.3),
    ("朱陈水库", "Zhuchen Reservoir", "reservoir", 119.905, 36.172, 260, 1.5, 2.6),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WaterWay:
    name: str
    name_en: str
    kind: str
    width_m: float
    line: shapely.LineString


@dataclass(frozen=True, slots=True)
class WaterBody:
    name: str
    name_en: str
    kind: str
    width_m: float
    shape: shapely.Geometry


def draw_ways(ground: Ground, chance: Chance) -> list[WaterWay]:
    """Middle lines on the land of the city, the Dagu river first (metres)."""
    wander = chance.warp("rivers", (1500, 90), (520, 12))
    ways = [WaterWay("大沽河", "Dagu River", "river", 320, ground.dagu)]
    for name, name_en, kind, width, points in COURSES:
        line = shapely.LineString(_meander(chance, name, wander(smooth(to_metres(points), 60)), width))
        ways.append(WaterWay(name, name_en, kind, width, line))
    cut = ground.city.buffer(30)
    return [
        WaterWay(way.name, way.name_en, way.kind, way.width_m, part)
        for way in ways
        for part in line_parts(way.line.intersection(cut), 300)
    ]


def _meander(chance: Chance, name: str, line: Floats, width_m: float) -> Floats:
    """The course swung to both sides; wide rivers swing in longer and larger bends."""
    along = np.concatenate([[0], np.cumsum(length_of(*np.diff(line, axis=0).T))])
    bend = 420 + 9 * width_m
    phase = chance.uniform(f"meander/{name}", 3, 0, 2 * np.pi)
    swing = (
        0.09
        * bend
        * (
            sine(2 * np.pi * along / bend + phase[0]) * (0.6 + 0.4 * sine(2 * np.pi * along / (4.7 * bend) + phase[1]))
            + 0.35 * sine(2 * np.pi * along / (0.43 * bend) + phase[2])
        )
    )
    tangent = np.gradient(line, axis=0)
    tangent /= np.maximum(length_of(*tangent.T), 1e-9)[:, None]
    fade = np.minimum(1, np.minimum(along, along[-1] - along) / 600)
    return np.asarray(line + np.column_stack([-tangent[:, 1], tangent[:, 0]]) * (swing * fade)[:, None])


def draw_bodies(ground: Ground, chance: Chance) -> list[WaterBody]:
    """The bay, the Dagu river's surface, the wetland at its mouth, lakes and reservoirs; none overlaps another (metres)."""
    river = _river_surface(ground, chance)
    bodies = [WaterBody("胶州湾", "Jiaozhou Bay", "sea", 0, ground.sea)]
    bodies.append(WaterBody("大沽河", "Dagu River", "river", 320, river))
    taken = shapely.union_all([ground.sea, river])
    for name, name_en, kind, lon, lat, radius, aspect, turn in LAKES:
        shape = blob(chance, name, to_metres([(lon, lat)])[0], radius, aspect, turn)
        dense = shapely.segmentize(shape, 40)
        wavy = shapely.transform(dense, chance.warp(f"shore/{name}", (420, 26), (150, 7))).buffer(0)
        part = max(polygon_parts(wavy.difference(taken)), key=lambda p: float(p.area))
        bodies.append(WaterBody(name, name_en, kind, 2 * radius, part))
    mouth = ground.dagu.interpolate(ground.dagu.line_locate_point(shapely.Point(to_metres([(120.117, 36.21)])[0])))
    wet = blob(chance, "wetland", np.array([mouth.x - 350, mouth.y - 300]), 1500, 0.5, 0.2).intersection(ground.city)
    marsh = polygon_parts(wet.difference(shapely.union_all([taken, *[b.shape for b in bodies[2:]]])), 30_000)
    return bodies + [WaterBody("大沽河口湿地", "Dagu Mouth Wetland", "wetland", 0, part) for part in marsh]


def _river_surface(ground: Ground, chance: Chance) -> shapely.Geometry:
    """The Dagu river between its banks: about 180 m wide in the north, 450 m at the mouth, never even."""
    line = shapely.segmentize(ground.dagu, 60)
    points = shapely.get_coordinates(line)
    along = np.linspace(0, 1, len(points))
    half = 85 + 130 * along * along * np.sqrt(np.sqrt(along)) + 30 * chance.noise("banks", 1300)(points)
    tangent = np.gradient(points, axis=0)
    tangent /= length_of(*tangent.T)[:, None]
    normal = np.column_stack([-tangent[:, 1], tangent[:, 0]])
    left, right = points + normal * half[:, None], points - normal * half[:, None]
    surface = shapely.Polygon(np.vstack([left, right[::-1]])).buffer(0)
    inside = surface.intersection(ground.city.buffer(0.0))
    return max(polygon_parts(inside), key=lambda p: float(p.area))


def draw_ponds(chance: Chance, fields: list[shapely.Polygon], share: float = 0.09) -> list[WaterBody]:
    """Small ponds, one in the middle of every eleventh of `fields` or so (metres)."""
    luck = chance.uniform("pond/luck", len(fields))
    size = chance.uniform("pond/size", len(fields), 26, 88)
    turn = chance.uniform("pond/turn", len(fields), 0, np.pi)
    ponds: list[WaterBody] = []
    for i in np.flatnonzero(luck < share):
        middle = fields[i].point_on_surface()
        shape = blob(chance, f"pond/{i}", np.array([middle.x, middle.y]), size[i], 1.4, turn[i]).simplify(2)
        if shape.is_valid and fields[i].contains(shape):
            ponds.append(WaterBody("", "", "pond", round(2 * float(size[i])), shape))
    return ponds
