"""Rows of the base-map layers: what was drawn, in the words of their schemas."""

from __future__ import annotations

import numpy as np
import shapely

from data_samples.town.arithmetic import Floats
from data_samples.town.chance import Chance
from data_samples.town.gazetteer import CITY_CODE, CITY_NAME, TOWNS
from data_samples.town.plan import Plan
from data_samples.town.road_classes import CLASSES
from data_samples.town.table import Table, table

LANDUSE_CLASS = {
    "residential": "310201", "commercial": "340501", "industrial": "320101", "farmland": "810201", "forest": "810501",
    "park": "820101", "education": "340101", "medical": "340301", "transport": "450101", "grass": "810801", "other": "380101",
}  # fmt: skip
WATER_CLASS = {
    "sea": "250101", "river": "210101", "lake": "230101", "reservoir": "240101", "pond": "230102", "wetland": "260201",
    "canal": "220101", "stream": "210102",
}  # fmt: skip
RAIL_CLASS = {"rail": "410101", "high-speed": "410102", "metro": "430101", "tram": "430102"}
BUILDING_CLASS = {
    "residential": "310301",
    "rural": "330101",
    "commercial": "340501",
    "industrial": "320101",
    "public": "340101",
}
SHARED = ("name", "name_en", "feature_class", "kind")

_ESTATES = (
    "锦绣",
    "金鼎",
    "阳光",
    "东方",
    "海岸",
    "福临",
    "书香",
    "御景",
    "翡翠",
    "紫荆",
    "凤凰",
    "龙湖",
    "春晖",
    "盛世",
    "和谐",
    "云溪",
)
_ESTATE_ENDS = (
    ("花园", "Garden"),
    ("家园", "Homes"),
    ("小区", "Estate"),
    ("苑", "Court"),
    ("华府", "Residence"),
    ("新城", "New Town"),
)
_ESTATES_EN = (
    "Jinxiu",
    "Jinding",
    "Yangguang",
    "Dongfang",
    "Hai'an",
    "Fulin",
    "Shuxiang",
    "Yujing",
    "Feicui",
    "Zijing",
    "Fenghuang",
    "Longhu",
    "Chunhui",
    "Shengshi",
    "Hexie",
    "Yunxi",
)


def base_map_tables(plan: Plan, chance: Chance) -> list[Table]:
    """All base-map layers but places and points of interest."""
    return [
        _districts(plan),
        _landuse(plan, chance),
        _water(plan),
        _rivers(plan),
        _roads(plan),
        _railways(plan),
        _buildings(plan),
    ]


def _districts(plan: Plan) -> Table:
    city = shapely.coverage_union_all(plan.towns)
    rows = [[*CITY_NAME, "650201", "city", CITY_CODE, 6, round(city.area / 1e6, 2), shapely.multipolygons([city])]]
    for town, shape in zip(TOWNS, plan.towns, strict=True):
        area = round(shape.area / 1e6, 2)
        rows.append([town.name, town.name_en, "660201", "town", town.code, 8, area, shapely.multipolygons([shape])])
    return table("districts", (*SHARED, "code", "level", "area_km2"), rows)


def _landuse(plan: Plan, chance: Chance) -> Table:
    rows = []
    estate = chance.integers("landuse/estate", 2 * len(plan.blocks), 0, 10**6)
    for i, block in enumerate(plan.blocks):
        name: tuple[str | None, str | None] = (None, None)
        if block.use in ("urban", "villas") and block.shape.area > 15_000:
            name = _estate(int(estate[2 * i]), int(estate[2 * i + 1]))
        rows.append([*name, LANDUSE_CLASS[block.kind], block.kind, block.use, block.shape])
    rows += [
        [v.name, v.name_en, LANDUSE_CLASS["residential"], "residential", "village", v.shape] for v in plan.villages
    ]
    rows += [[None, None, LANDUSE_CLASS[p.kind], p.kind, p.use, p.shape] for p in plan.parcels]
    grass = plan.airport.ground.difference(shapely.union_all([shape for *_, shape in plan.airport.paved]))
    rows.append(["胶东国际机场", "Jiaodong International Airport", "480101", "grass", "airport", grass])
    rows += [[zh or None, en or None, "480101", "transport", "airport", shape] for zh, en, shape in plan.airport.paved]
    return table("landuse", (*SHARED, "use"), rows)


def _estate(a: int, b: int) -> tuple[str, str]:
    end, end_en = _ESTATE_ENDS[b % len(_ESTATE_ENDS)]
    return _ESTATES[a % len(_ESTATES)] + end, f"{_ESTATES_EN[a % len(_ESTATES)]} {end_en}"


def _water(plan: Plan) -> Table:
    rows = []
    for body in plan.water.bodies:
        names = (body.name or None, body.name_en or None)
        rows.append([*names, WATER_CLASS[body.kind], body.kind, body.kind, body.width_m or None, body.shape])
    return table("water", (*SHARED, "water_class", "width_m"), rows)


def _rivers(plan: Plan) -> Table:
    rows = [[w.name, w.name_en, WATER_CLASS[w.kind], w.kind, w.kind, w.width_m, w.line] for w in plan.water.ways]
    return table("rivers", (*SHARED, "water_class", "width_m"), rows)


def _roads(plan: Plan) -> Table:
    rows = []
    for segment in plan.segments:
        road, kind = segment.road, CLASSES[segment.road.road_class]
        words = (
            road.name or None,
            road.name_en or None,
            kind.feature_class,
            kind.kind,
            road.ref or None,
            road.road_class,
        )
        rows.append([*words, kind.lanes, False, segment.bridge, segment.tunnel, kind.maxspeed_kmh, segment.line])
    names = (*SHARED, "ref", "road_class", "lanes", "oneway", "bridge", "tunnel", "maxspeed_kmh")
    return table("roads", names, rows)


def _railways(plan: Plan) -> Table:
    return table("railways", SHARED, [[r.name, r.name_en, RAIL_CLASS[r.kind], r.kind, r.line] for r in plan.rails])


def _buildings(plan: Plan) -> Table:
    b = plan.buildings
    known = {"airport": ("胶东国际机场航站楼", "Jiaodong Airport Terminal")}
    order = spatial_order(shapely.get_coordinates(shapely.centroid(b.shapes)))
    rows = [
        [
            *known.get(str(b.use[i]), (None, None)),
            BUILDING_CLASS[str(b.kind[i])],
            str(b.kind[i]),
            float(b.height_m[i]),
            int(b.floors[i]),
            str(b.use[i]),
            b.shapes[i],
        ]
        for i in order
    ]
    return table("buildings", (*SHARED, "height_m", "floors", "use"), rows)


def spatial_order(xy: Floats) -> list[int]:
    """Positions along a Z-shaped curve: neighbours in the city are neighbours in the file, which then packs better."""
    cells = np.floor((xy - xy.min(axis=0)) / 30.0).astype(np.uint64)
    code = np.zeros(len(cells), dtype=np.uint64)
    for bit in range(16):
        for axis in (0, 1):
            code |= ((cells[:, axis] >> np.uint64(bit)) & np.uint64(1)) << np.uint64(2 * bit + axis)
    return [int(i) for i in np.argsort(code, kind="stable")]
