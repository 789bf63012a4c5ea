"""Names on the map: the city, its towns, its villages, and the points of interest."""

from __future__ import annotations

from collections import Counter

import numpy as np
import shapely

from data_samples.town.chance import Chance
from data_samples.town.frame import to_metres
from data_samples.town.gazetteer import CITY_CODE, CITY_NAME, TOWNS
from data_samples.town.landmarks import STATIONS
from data_samples.town.plan import Plan
from data_samples.town.street_words import GARDEN_ENDS, STREET_WORDS
from data_samples.town.table import Table, table

POI_CLASS = {
    "school": "340101", "kindergarten": "340102", "university": "340103", "library": "340104", "museum": "340105",
    "stadium": "340107", "government": "340201", "police": "340202", "fire-station": "340203", "hospital": "340301",
    "clinic": "340302", "care-home": "340304", "bank": "340502", "market": "340503", "mall": "340504",
    "railway-station": "450203", "bus-station": "450201", "fuel": "450202", "airport": "480101", "park": "820101",
}  # fmt: skip
CATEGORY = {
    "school": "education", "kindergarten": "education", "university": "education", "library": "public", "museum": "leisure",
    "stadium": "leisure", "government": "public", "police": "public", "fire-station": "public", "hospital": "health",
    "clinic": "health", "care-home": "care", "bank": "commerce", "market": "commerce", "mall": "commerce",
    "railway-station": "transport", "bus-station": "transport", "fuel": "transport", "airport": "transport", "park": "leisure",
}  # fmt: skip

OF_USE: dict[str, tuple[tuple[str, str, str, float], ...]] = {
    "school": (("school", "实验小学", "Experimental Primary School", 5), ("school", "中学", "Middle School", 4), ("kindergarten", "幼儿园", "Kindergarten", 5)),
    "university": (("university", "职业技术学院", "Vocational College", 1),),
    "hospital": (("hospital", "医院", "Hospital", 3), ("clinic", "社区卫生服务中心", "Community Health Centre", 4), ("care-home", "养老服务中心", "Care Home", 2)),
    "government": (("government", "便民服务中心", "Citizen Service Centre", 4), ("police", "派出所", "Police Station", 2), ("fire-station", "消防救援站", "Fire Station", 1.2), ("library", "文化馆", "Culture House", 1), ("museum", "博物馆", "Museum", 0.4), ("stadium", "体育中心", "Sports Centre", 0.6)),
    "park": (("park", "公园", "Park", 1),),
    "shops": (("market", "农贸市场", "Market", 3), ("mall", "购物广场", "Shopping Centre", 2), ("bank", "银行网点", "Bank Branch", 2), ("fuel", "加油站", "Fuel Station", 1)),
}  # fmt: skip
"""What stands in a block of each use: kind, words for its name, weight."""
_SHARE = {"shops": 0.38, "park": 0.55, "university": 0.3}
_WORDS = (
    ("振华", "Zhenhua"), ("向阳", "Xiangyang"), ("育才", "Yucai"), ("新华", "Xinhua"), ("三里河", "Sanlihe"), ("瑞华", "Ruihua"),
    ("少海", "Shaohai"), ("云溪", "Yunxi"), ("大沽河", "Daguhe"), ("板桥", "Banqiao"), ("常春", "Changchun"), ("正北", "Zhengbei"),
    ("福安", "Fu'an"), ("香港路", "Hong Kong Road"), ("北京路", "Beijing Road"), ("扬州路", "Yangzhou Road"), ("兰州路", "Lanzhou Road"),
    ("广州路", "Guangzhou Road"), ("泰和", "Taihe"), ("锦州", "Jinzhou"), ("金秋", "Jinqiu"), ("朝阳", "Chaoyang"),
)  # fmt: skip


def places_table(plan: Plan) -> Table:
    """The city, the towns and the villages as points to be labelled."""
    people = sum(town.population for town in TOWNS)
    city = shapely.Point(to_metres([(120.008, 36.268)])[0])
    rows = [[*CITY_NAME, "310101", "city", 1, people, CITY_CODE, city]]
    for town in TOWNS:
        seat = shapely.Point(to_metres([(town.seat_lon, town.seat_lat)])[0])
        rows.append([town.name, town.name_en, "310103", "town", 3, town.population, town.code, seat])
    for village in sorted(plan.villages, key=lambda v: -v.radius_m):
        spot = shapely.Point(village.centre)
        rows.append([village.name, village.name_en, "310104", "village", 5, village.population, None, spot])
    return table("places", ("name", "name_en", "feature_class", "kind", "rank", "population", "code"), rows)


def poi_table(plan: Plan, chance: Chance) -> Table:
    """Schools, hospitals, offices, markets and others, one in each fitting block, and the great stations."""
    rows = _great_ones(plan)
    word = chance.integers("poi/word", len(plan.blocks), 0, len(_WORDS) - 1)
    luck = chance.uniform("poi/share", len(plan.blocks))
    pick = chance.uniform("poi/pick", len(plan.blocks))
    used: Counter[str] = Counter()
    for i, block in enumerate(plan.blocks):
        choices = OF_USE.get(block.use)
        if choices is None or luck[i] > _SHARE.get(block.use, 0.8) or block.shape.area < 4000:
            continue
        edges = np.cumsum([weight for *_, weight in choices])
        kind, zh, en, _ = choices[int(np.searchsorted(edges, pick[i] * edges[-1], side="right"))]
        town = TOWNS[plan.face_town[block.face]]
        own = (town.name.removesuffix("街道").removesuffix("镇"), town.name_en)
        front = own if block.zone == "centre" else _WORDS[word[i]]
        names = _garden_name(used, int(word[i]) + i) if kind == "park" else _numbered_name(used, front, (zh, en))
        if names is None:
            continue
        rows.append([*names, POI_CLASS[kind], kind, CATEGORY[kind], shapely.point_on_surface(block.shape)])
    return table("poi", ("name", "name_en", "feature_class", "kind", "category"), rows)


def _numbered_name(used: Counter[str], front: tuple[str, str], what: tuple[str, str]) -> tuple[str, str]:
    """A name made of a place and what is there; the second of a kind is called so."""
    used[front[0] + what[0]] += 1
    number = used[front[0] + what[0]]
    if number == 1:
        return front[0] + what[0], f"{front[1]} {what[1]}"
    return f"{front[0]}第{_chinese(number)}{what[0]}", f"{front[1]} {what[1]} No. {number}"


def _garden_name(used: Counter[str], start: int) -> tuple[str, str] | None:
    """A name that no garden has yet; None when all are taken."""
    for k in range(len(STREET_WORDS) * len(GARDEN_ENDS)):
        word = STREET_WORDS[(start + k) % len(STREET_WORDS)]
        end = GARDEN_ENDS[(start + k) // len(STREET_WORDS) % len(GARDEN_ENDS)]
        if not used[word[0] + end[0]]:
            used[word[0] + end[0]] += 1
            return word[0] + end[0], f"{word[1]} {end[1]}"
    return None


def _great_ones(plan: Plan) -> list[list[object]]:
    halls = plan.buildings.shapes[plan.buildings.use == "station"]
    spots = shapely.centroid(halls)
    rows: list[list[object]] = []
    for (name, name_en, lon, lat, _), fallback in zip(STATIONS, range(len(STATIONS)), strict=True):
        spot = spots[fallback] if fallback < len(spots) else shapely.Point(to_metres([(lon, lat)])[0])
        rows.append([name, name_en, POI_CLASS["railway-station"], "railway-station", "transport", spot])
    terminal = shapely.point_on_surface(plan.airport.terminal)
    rows.append(
        ["胶东国际机场", "Jiaodong International Airport", POI_CLASS["airport"], "airport", "transport", terminal]
    )
    for town in TOWNS:
        seat = to_metres([(town.seat_lon, town.seat_lat)])[0] + np.array([60.0, 45.0])
        name = f"{town.name}{'人民政府' if town.name.endswith('镇') else '办事处'}"
        rows.append(
            [name, f"{town.name_en} Town Office", POI_CLASS["government"], "government", "public", shapely.Point(seat)]
        )
    return rows


def _chinese(number: int) -> str:
    """A small number in Chinese, as in 第二."""
    digits = "零一二三四五六七八九"
    if number < 10:
        return digits[number]
    tens, ones = divmod(number, 10)
    return ("" if tens == 1 else digits[tens]) + "十" + (digits[ones] if ones else "")
