"""Roads and railways that lead through the city: motorways, national and county roads, lines of rail, placed by hand."""

from __future__ import annotations

from dataclasses import dataclass

import shapely

from data_samples.town.chance import Chance
from data_samples.town.curves import curve, line_parts

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Road:
    """A road before it is cut at its crossings.

    Attributes:
        road_class: Key of `road_classes.CLASSES`.
        priority: The smaller wins where two run on one line.
    """

    name: str
    name_en: str
    ref: str
    road_class: str
    line: shapely.LineString


@dataclass(frozen=True, slots=True)
class Rail:
    name: str
    name_en: str
    kind: str
    line: shapely.LineString


MOTORWAYS: tuple[tuple[str, str, str, Points], ...] = (
    ("沈海高速", "Shenyang-Haikou Expressway", "G15", ((120.005, 36.50), (119.99, 36.455), (119.975, 36.41), (119.93, 36.355), (119.915, 36.30), (119.925, 36.25), (119.935, 36.20), (119.96, 36.155), (119.985, 36.11), (119.99, 36.06))),
    ("青银高速", "Qingdao-Yinchuan Expressway", "G20", ((119.88, 36.385), (119.92, 36.392), (119.97, 36.40), (120.03, 36.405), (120.08, 36.412), (120.13, 36.405), (120.18, 36.385), (120.23, 36.37))),
    ("青兰高速", "Qingdao-Lanzhou Expressway", "G22", ((119.61, 36.115), (119.67, 36.128), (119.73, 36.135), (119.80, 36.15), (119.86, 36.155), (119.92, 36.158), (119.98, 36.165), (120.03, 36.172), (120.08, 36.183), (120.13, 36.182), (120.20, 36.168), (120.27, 36.143), (120.325, 36.12), (120.36, 36.10))),
    ("机场高速", "Airport Expressway", "", ((120.083, 36.323), (120.097, 36.308), (120.112, 36.29), (120.14, 36.282), (120.18, 36.29), (120.23, 36.295))),
)  # fmt: skip

NATIONAL: tuple[tuple[str, str, str, str, Points], ...] = (
    ("烟沪线", "Yantai-Shanghai Road", "G204", "national", ((120.22, 36.385), (120.19, 36.372), (120.158, 36.362), (120.137, 36.345), (120.118, 36.325), (120.095, 36.305))),
    ("烟沪线", "Yantai-Shanghai Road", "G204", "national", ((120.058, 36.192), (120.05, 36.17), (120.035, 36.15), (120.02, 36.12))),
    ("文石线", "Wendeng-Shijiazhuang Road", "G308", "national", ((119.80, 36.262), (119.845, 36.268), (119.895, 36.262), (119.945, 36.268))),
    ("胶平线", "Jiaozhou-Pingdu Road", "S219", "provincial", ((119.975, 36.327), (119.968, 36.352), (119.975, 36.385), (119.985, 36.425), (119.97, 36.47))),
    ("胶诸线", "Jiaozhou-Zhucheng Road", "S311", "provincial", ((119.948, 36.24), (119.915, 36.215), (119.88, 36.175), (119.84, 36.135), (119.80, 36.105), (119.75, 36.108), (119.705, 36.118), (119.66, 36.12), (119.61, 36.12))),
    ("胶莱路", "Jiaolai Road", "X601", "county", ((120.025, 36.335), (120.022, 36.37), (120.035, 36.40), (120.055, 36.43), (120.065, 36.455), (120.07, 36.50))),
    ("胶东路", "Jiaodong Road", "X602", "county", ((120.052, 36.307), (120.075, 36.312), (120.095, 36.305))),
    ("九龙路", "Jiulong Road", "X603", "county", ((119.985, 36.215), (119.97, 36.185), (119.945, 36.15), (119.932, 36.122), (119.925, 36.085), (119.92, 36.04))),
    ("洋里线", "Yanghe-Licha Road", "X604", "county", ((120.05, 36.17), (120.00, 36.135), (119.965, 36.125), (119.932, 36.122), (119.885, 36.115), (119.84, 36.10), (119.793, 36.092))),
    ("铺里线", "Puji-Licha Road", "X605", "county", ((119.705, 36.118), (119.74, 36.09), (119.793, 36.092), (119.80, 36.055), (119.81, 36.00))),
    ("西铺线", "Jiaoxi-Puji Road", "X606", "county", ((119.895, 36.262), (119.895, 36.23), (119.865, 36.19), (119.815, 36.165), (119.76, 36.15), (119.705, 36.118))),
    ("北西线", "Jiaobei-Jiaoxi Road", "X607", "county", ((119.962, 36.352), (119.935, 36.33), (119.905, 36.305), (119.895, 36.262))),
    ("北莱线", "Jiaobei-Jiaolai Road", "X608", "county", ((119.962, 36.352), (119.99, 36.37), (120.022, 36.38), (120.055, 36.43), (120.09, 36.435), (120.125, 36.43))),
    ("沽河东路", "East Dagu Road", "X609", "county", ((120.165, 36.45), (120.172, 36.42), (120.168, 36.39), (120.158, 36.362), (120.165, 36.33), (120.168, 36.30), (120.15, 36.28))),
    ("沽河西路", "West Dagu Road", "X610", "county", ((120.138, 36.455), (120.142, 36.42), (120.125, 36.385), (120.118, 36.355), (120.118, 36.325), (120.11, 36.285), (120.108, 36.25), (120.10, 36.225))),
)  # fmt: skip

RAILWAYS: tuple[tuple[str, str, str, Points], ...] = (
    ("胶济铁路", "Jiaozhou-Jinan Railway", "rail", ((119.80, 36.30), (119.86, 36.301), (119.91, 36.293), (119.96, 36.289), (120.003, 36.291), (120.045, 36.294), (120.09, 36.292), (120.14, 36.30), (120.19, 36.308), (120.24, 36.312))),
    ("济青高速铁路", "Jinan-Qingdao High-speed Railway", "high-speed", ((119.86, 36.372), (119.91, 36.36), (119.96, 36.342), (120.00, 36.326), (120.035, 36.329), (120.072, 36.345), (120.10, 36.343), (120.14, 36.327), (120.19, 36.322), (120.24, 36.325))),
    ("青盐铁路", "Qingdao-Yancheng Railway", "high-speed", ((120.035, 36.329), (120.055, 36.30), (120.083, 36.275), (120.092, 36.24), (120.085, 36.20), (120.06, 36.16), (120.03, 36.11))),
    ("胶新铁路", "Jiaozhou-Xinyi Railway", "rail", ((119.96, 36.289), (119.925, 36.272), (119.885, 36.225), (119.85, 36.185), (119.82, 36.14), (119.775, 36.105), (119.735, 36.065), (119.71, 36.03))),
    ("胶黄铁路", "Jiaozhou-Huangdao Railway", "rail", ((120.045, 36.294), (120.078, 36.275), (120.088, 36.235), (120.08, 36.20), (120.075, 36.165), (120.08, 36.12))),
    ("地铁8号线", "Metro Line 8", "metro", ((120.00, 36.326), (120.03, 36.332), (120.055, 36.348), (120.076, 36.356), (120.10, 36.345), (120.13, 36.317), (120.17, 36.30), (120.22, 36.29))),
)  # fmt: skip


def draw_motorways(extent: shapely.Geometry) -> list[Road]:
    """Motorways, which have no crossings on the level, cut to `extent` (metres)."""
    return [
        Road(name, name_en, ref, "expressway", part)
        for name, name_en, ref, points in MOTORWAYS
        for part in line_parts(curve(points, 90).intersection(extent), 400)
    ]


def draw_through_roads(city: shapely.Geometry, chance: Chance) -> list[Road]:
    """National, provincial and county roads (metres)."""
    wander = chance.warp("through-roads", (1900, 45))
    roads = []
    for name, name_en, ref, road_class, points in NATIONAL:
        line = shapely.transform(curve(points, 90), wander)
        roads += [Road(name, name_en, ref, road_class, part) for part in line_parts(line.intersection(city), 200)]
    return roads


def draw_railways(city: shapely.Geometry) -> list[Rail]:
    """Lines of rail (metres)."""
    return [
        Rail(name, name_en, kind, part)
        for name, name_en, kind, points in RAILWAYS
        for part in line_parts(curve(points, 90).intersection(city), 400)
    ]
