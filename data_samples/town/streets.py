"""Streets of the city proper and of the town centres: arterials first, then every superblock is cut down to blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import shapely

from data_samples.town.arithmetic import Floats, angle_of, length_of, turned
from data_samples.town.chance import Chance
from data_samples.town.curves import line_parts, polygon_parts, smooth
from data_samples.town.frame import Geometries, to_metres
from data_samples.town.street_words import STREET_ENDS, STREET_WORDS
from data_samples.town.trunk_roads import Road

RING = (
    (119.942, 36.262), (119.942, 36.286), (119.953, 36.303), (119.968, 36.318), (119.98, 36.332), (120.005, 36.342),
    (120.03, 36.336), (120.048, 36.318), (120.072, 36.303), (120.095, 36.29), (120.101, 36.268), (120.10, 36.245),
    (120.101, 36.218), (120.097, 36.196), (120.075, 36.186), (120.045, 36.192), (120.02, 36.205), (119.99, 36.212),
    (119.963, 36.222), (119.946, 36.24),
)  # fmt: skip
MIDDLE = (120.012, 36.268)
TURN = np.radians(-3.5)

NORTH_SOUTH = (
    (-5400, "海尔大道", "Haier Avenue", 1), (-4500, "杭州路", "Hangzhou Road", 1), (-3600, "梧州路", "Wuzhou Road", 0),
    (-2750, "广州路", "Guangzhou Road", 1), (-1900, "常州路", "Changzhou Road", 0), (-1150, "福州路", "Fuzhou Road", 1),
    (-450, "徐州路", "Xuzhou Road", 0), (250, "泉州路", "Quanzhou Road", 0), (1050, "温州路", "Wenzhou Road", 1),
    (1850, "香港路", "Hong Kong Road", 1), (2750, "珠海路", "Zhuhai Road", 0), (3650, "澳门路", "Macao Road", 1),
    (4600, "汕头路", "Shantou Road", 0), (5500, "生态大道", "Shengtai Avenue", 1), (6500, "长江路", "Changjiang Road", 1),
    (7300, "尚德大道", "Shangde Avenue", 0),
)  # fmt: skip
EAST_WEST = (
    (-8000, "上合大道", "Shanghe Avenue", 1), (-7200, "如意湖路", "Ruyihu Road", 0), (-6300, "长安路", "Chang'an Road", 1),
    (-5400, "创新大道", "Chuangxin Avenue", 0), (-4500, "洮河路", "Taohe Road", 1), (-3600, "淮河路", "Huaihe Road", 0),
    (-2750, "扬州路", "Yangzhou Road", 1), (-1900, "泸州路", "Luzhou Road", 0), (-1100, "郑州路", "Zhengzhou Road", 1),
    (-350, "寺门首路", "Simenshou Road", 0), (350, "兰州路", "Lanzhou Road", 1), (1150, "太原路", "Taiyuan Road", 0),
    (2000, "北京路", "Beijing Road", 1), (3000, "和平路", "Heping Road", 0), (3950, "胶州湾路", "Jiaozhouwan Road", 1),
    (4900, "北外环路", "North Outer Road", 0), (5900, "站前大道", "Station Avenue", 1), (7000, "北关路", "Beiguan Road", 0),
)  # fmt: skip
_NAMED = 0.5
"""Share of the small streets that have a name."""


@dataclass(frozen=True, slots=True)
class Urban:
    """Streets and the ground they serve (metres).

    Attributes:
        area: Ground inside the ring, or the union of a town centre's blocks.
    """

    roads: list[Road]
    area: shapely.Geometry


def draw_city_streets(chance: Chance, target_ha: Callable[[Floats], Floats]) -> Urban:
    """Ring, arterials and side streets of the city proper."""
    ring = shapely.Polygon(smooth(to_metres(RING), 90, closed=True))
    ring = shapely.transform(shapely.segmentize(ring, 90), chance.warp("ring", (2400, 70)))
    roads = [Road("环城路", "Ring Road", "", "national", shapely.LineString(ring.exterior.coords))]
    push = chance.warp("arterials", (4200, 60), (1500, 14))
    for table, vertical in ((NORTH_SOUTH, True), (EAST_WEST, False)):
        for offset, name, name_en, main in table:
            line = shapely.transform(_grid_line(offset, vertical), push)
            road_class = "urban-arterial" if main else "urban-secondary"
            roads += [Road(name, name_en, "", road_class, part) for part in line_parts(line.intersection(ring), 250)]
    edges = shapely.union_all([r.line for r in roads], grid_size=0.01)
    blocks = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    roads += cut_into_blocks(chance, "city", blocks, TURN, target_ha)
    return Urban(roads, ring)


def _grid_line(offset_m: float, vertical: bool) -> shapely.LineString:
    reach = np.arange(-14_000, 14_001, 90.0)
    across = np.full_like(reach, offset_m)
    uv = np.column_stack([across, reach] if vertical else [reach, across])
    return shapely.LineString(turned(uv, TURN) + to_metres([MIDDLE])[0])


def draw_centre_streets(chance: Chance, name: str, seat: Floats, radius_m: float, through: list[Road]) -> Urban:
    """Streets of one town centre, laid along the road that leads through it."""
    lines = np.array([r.line for r in through], dtype=object)
    near = lines[shapely.distance(lines, shapely.Point(seat)).argmin()]
    at = near.line_locate_point(shapely.Point(seat))
    a, b = near.interpolate(max(0, at - 300)), near.interpolate(at + 300)
    angle = float(angle_of(b.y - a.y, b.x - a.x))
    spacing = float(chance.uniform(f"{name}/spacing", 1, 300, 380)[0])
    count = int(np.ceil(1.4 * radius_m / spacing))
    offsets = (np.arange(-count, count) + 0.5) * spacing
    offsets += chance.uniform(f"{name}/offsets", len(offsets), -35, 35)
    reach = np.arange(-count * spacing, count * spacing + 1, 60.0)
    push = chance.warp(f"{name}/bend", (1600, 18))
    grid = [
        shapely.LineString(push(turned(np.column_stack(pair), angle) + seat))
        for offset in offsets
        for pair in ((np.full_like(reach, offset), reach), (reach, np.full_like(reach, offset)))
    ]
    edges = shapely.union_all(
        [*grid, *lines[shapely.dwithin(lines, shapely.Point(seat), 3 * radius_m)]], grid_size=0.01
    )
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(edges)))
    middle = shapely.get_coordinates(shapely.point_on_surface(faces)) - seat
    wild = 1 + 0.28 * chance.noise(f"{name}/edge", 1500)(middle)
    u = turned(middle, -angle)
    inside = length_of(u[:, 0] / 1.25, u[:, 1] * 1.1) < radius_m * wild
    blocks = faces[inside & (shapely.area(faces) > 3000)]
    area = max(polygon_parts(shapely.union_all(blocks)), key=lambda p: float(p.area))
    area = shapely.Polygon(area.exterior)
    words = chance.integers(f"{name}/words", len(grid), 0, len(STREET_WORDS) - 1)
    roads = []
    for i, line in enumerate(grid):
        word, word_en = STREET_WORDS[words[i]]
        end, end_en = STREET_ENDS[i % 2 == 0]
        road_class = "urban-secondary" if i < 2 else "urban-branch"
        parts = line_parts(line.intersection(area.buffer(0.05)), 60)
        roads += [Road(word + end, f"{word_en} {end_en}", "", road_class, part) for part in parts]
    roads += cut_into_blocks(
        chance, name, blocks[shapely.contains(area.buffer(1), blocks)], angle, lambda xy: np.full(len(xy), 3.4)
    )
    return Urban(roads, area)


def cut_into_blocks(
    chance: Chance, name: str, blocks: Geometries, angle: float, target_ha: Callable[[Floats], Floats]
) -> list[Road]:
    """Side streets that cut `blocks` in two, again and again, until each is about as large as wanted there."""
    roads: list[Road] = []
    polygons = np.array(
        [shapely.Polygon(turned(shapely.get_coordinates(b.exterior), -angle)) for b in blocks], dtype=object
    )
    for level in range(7):
        centres = turned(shapely.get_coordinates(shapely.centroid(polygons)), angle)
        split = shapely.area(polygons) > 1.55e4 * target_ha(centres)
        polygons = polygons[split]
        if not len(polygons):
            break
        west, south, east, north = shapely.bounds(polygons).T
        wide = (east - west) > (north - south) * 0.9
        share = chance.uniform(f"{name}/cut/{level}", len(polygons), 0.42, 0.58)
        x, y = west + share * (east - west), south + share * (north - south)
        far = 1e5
        starts = np.where(wide[:, None], np.column_stack([x, south - 10]), np.column_stack([west - 10, y]))
        ends = np.where(wide[:, None], np.column_stack([x, north + 10]), np.column_stack([east + 10, y]))
        cuts = shapely.intersection(polygons, shapely.linestrings(np.stack([starts, ends], axis=1)))
        first = shapely.box(-far, -far, np.where(wide, x, far), np.where(wide, far, y))
        halves = np.concatenate([shapely.intersection(polygons, first), shapely.difference(polygons, first)])
        road_class = "urban-secondary" if level == 0 and name == "city" else "urban-branch"
        words = chance.integers(f"{name}/names/{level}", len(cuts), 0, len(STREET_WORDS) - 1)
        named = (chance.uniform(f"{name}/named/{level}", len(cuts)) < _NAMED) | (level == 0)
        for i, cut in enumerate(cuts):
            (word, word_en), (end, end_en) = STREET_WORDS[words[i]], STREET_ENDS[bool(wide[i])]
            zh, en = (word + end, f"{word_en} {end_en}") if named[i] else ("", "")
            for part in line_parts(cut, 30):
                line = shapely.LineString(turned(shapely.get_coordinates(part), angle))
                roads.append(Road(zh, en, "", road_class, line))
        polygons = np.array([p for half in halves for p in polygon_parts(half, 2000)], dtype=object)
    return roads
