"""Cameras at the crossings of named streets and at gates of the city, with ids of GB/T 28181."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import shapely

from data_samples.town.arithmetic import angle_of, cosine, sine
from data_samples.town.chance import Chance
from data_samples.town.gazetteer import TOWNS
from data_samples.town.plan import Plan
from data_samples.town.table import Table, table

_WANTED = 420
_CLASSES = ("urban-arterial", "urban-secondary", "national", "provincial", "county")
_COMPASS = ("北", "东北", "东", "东南", "南", "西南", "西", "西北")
_FIELD = {1: (62.0, 180.0), 2: (92.0, 60.0), 3: (48.0, 140.0), 4: (36.0, 260.0)}
"""Camera type: horizontal field of view in degrees, range in metres."""


def cameras_table(plan: Plan, chance: Chance) -> Table:
    """Cameras, each looking along one of the streets of its crossing."""
    crossings = _crossings(plan)
    rank = chance.uniform("camera/crossing", len(crossings))
    crossings = [crossings[i] for i in sorted(np.argsort(rank, kind="stable")[:_WANTED])]
    n = len(crossings)
    arm = chance.uniform("camera/arm", n)
    ptz = np.array([1, 2, 3, 4])[chance.pick("camera/type", n, (40, 5, 40, 15))]
    use = np.array([1, 2, 3])[chance.pick("camera/use", n, (45, 47, 8))]
    off = chance.uniform("camera/off", n) > 0.93
    height = chance.uniform("camera/height", n, 4.5, 9.0)
    towns = _town_of(plan, [xy for xy, _, _ in crossings])
    rows = []
    for i, (xy, streets, directions) in enumerate(crossings):
        azimuth = directions[int(arm[i] * len(directions))]
        fov, reach = _FIELD[int(ptz[i])]
        angle = np.radians(azimuth + 150)
        spot = shapely.Point(np.array(xy) + 11 * np.array([sine(angle), cosine(angle)]))
        facing = _COMPASS[int((azimuth + 22.5) // 45) % 8]
        industry = "04" if use[i] == 2 else "00"
        rows.append([
            f"37028100{industry}1326{i + 1:06d}", f"{streets[0]}与{streets[1]}路口（向{facing}）", "OFF" if off[i] else "ON",
            round(azimuth, 1), fov, reach, round(float(height[i]), 1), int(ptz[i]), int(use[i]), streets[0], TOWNS[towns[i]].code, spot,
        ])  # fmt: skip
    names = (
        "code",
        "name",
        "status",
        "azimuth_deg",
        "fov_deg",
        "range_m",
        "height_m",
        "ptz_type",
        "use_type",
        "road",
        "town_code",
    )
    return table("cameras", names, rows, numbered=False)


Crossing = tuple[tuple[float, float], list[str], list[float]]


def _crossings(plan: Plan) -> list[Crossing]:
    """Places where two named streets meet, with the bearing of each arm in degrees from north."""
    arms: dict[tuple[float, float], list[tuple[str, float]]] = defaultdict(list)
    for segment in plan.segments:
        if segment.road.road_class not in _CLASSES or not segment.road.name:
            continue
        points = shapely.get_coordinates(segment.line)
        for here, next_ in ((points[0], points[1]), (points[-1], points[-2])):
            way = next_ - here
            bearing = float(np.degrees(angle_of(way[0], way[1])) % 360)
            arms[round(float(here[0]), 1), round(float(here[1]), 1)].append((segment.road.name, bearing))
    crossings: list[Crossing] = []
    for xy in sorted(arms):
        names = sorted({name for name, _ in arms[xy]})
        if len(names) == 2 and len(arms[xy]) >= 3:
            crossings.append((xy, names, sorted(bearing for _, bearing in arms[xy])))
    return crossings


def _town_of(plan: Plan, places: list[tuple[float, float]]) -> list[int]:
    distance = shapely.distance(plan.towns[:, None], shapely.points(np.array(places))[None])
    return [int(i) for i in distance.argmin(axis=0)]
