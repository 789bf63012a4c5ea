"""Sensors of the city: water level, rain, air, noise, water in manholes, each with its latest observation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import shapely

from data_samples.town.arithmetic import Floats, length_of
from data_samples.town.chance import Chance
from data_samples.town.frame import to_metres
from data_samples.town.gazetteer import TOWNS
from data_samples.town.plan import Plan
from data_samples.town.table import Table, table

NOW = datetime(2026, 11, 1, 0, 0, tzinfo=UTC)
"""The hour of the sample's latest observations."""


@dataclass(frozen=True, slots=True)
class Sort:
    """One sort of sensor: usual range of its value, and the value above which it raises an alarm."""

    type: str
    prefix: str
    quantity: str
    unit: str
    usual: tuple[float, float]
    alarm_above: float
    decimals: int
    every_min: int


SORTS = (
    Sort("water-level", "WL", "水位", "m", (0.6, 2.7), 3.2, 2, 5),
    Sort("rain", "RN", "小时雨量", "mm", (0.0, 6.0), 16.0, 1, 60),
    Sort("air-quality", "AQ", "PM2.5", "µg/m³", (18, 68), 75.0, 0, 60),
    Sort("noise", "NS", "等效声级", "dB(A)", (46, 68), 70.0, 1, 10),
    Sort("manhole-level", "MH", "井下液位", "m", (0.1, 1.1), 1.5, 2, 10),
)


def sensors_table(plan: Plan, chance: Chance) -> Table:
    """All sensors, sort by sort."""
    rows = []
    for sort, (names, spots) in zip(SORTS, _places(plan, chance), strict=True):
        rows += _rows(plan, chance, sort, names, spots)
    columns = (
        "code",
        "name",
        "sensor_type",
        "quantity",
        "value",
        "unit",
        "observed_at",
        "status",
        "alarm_above",
        "town_code",
    )
    return table("sensors", columns, rows, numbered=False)


def _places(plan: Plan, chance: Chance) -> list[tuple[list[str], Floats]]:
    """Names and places (metres) for each sort, in the order of `SORTS`."""
    return [_by_water(plan), _in_villages(plan, chance), _in_blocks(plan, chance, "air", 64, "空气微站"),
            _at_streets(plan, chance, "noise", 52, "噪声监测点", 9.0), _at_streets(plan, chance, "manhole", 72, "雨污水井", 3.0)]  # fmt: skip


def _by_water(plan: Plan) -> tuple[list[str], Floats]:
    names, spots = [], []
    for way in plan.water.ways:
        count = max(1, int(way.line.length // 6500))
        for k in range(count):
            point = way.line.interpolate((k + 0.5) / count, normalized=True)
            if any(b.kind == "sea" and b.shape.contains(point) for b in plan.water.bodies):
                continue
            names.append(f"{way.name}{k + 1}号水位站")
            spots.append((point.x, point.y))
    for body in plan.water.bodies:
        if body.kind in ("lake", "reservoir"):
            names.append(f"{body.name}水位站")
            spots.append(body.shape.exterior.coords[0])
    return names, np.array(spots)


def _in_villages(plan: Plan, chance: Chance) -> tuple[list[str], Floats]:
    order = np.argsort(chance.uniform("sensor/rain", len(plan.villages)), kind="stable")[:34]
    names = [f"{plan.villages[i].name}雨量站" for i in order]
    spots = [plan.villages[i].centre + np.array([22.0, 18.0]) for i in order]
    seats = [to_metres([(town.seat_lon, town.seat_lat)])[0] + np.array([-70.0, 40.0]) for town in TOWNS]
    return names + [f"{town.name}雨量站" for town in TOWNS], np.vstack([spots, seats])


def _in_blocks(plan: Plan, chance: Chance, name: str, count: int, title: str) -> tuple[list[str], Floats]:
    blocks = [b for b in plan.blocks if b.kind in ("park", "education", "industrial", "residential")]
    order = np.argsort(chance.uniform(f"sensor/{name}", len(blocks)), kind="stable")[:count]
    spots = shapely.point_on_surface(np.array([blocks[i].shape for i in order], dtype=object))
    towns = [TOWNS[plan.face_town[blocks[i].face]].name for i in order]
    return [f"{town}{title}{k + 1:02d}" for k, town in enumerate(towns)], shapely.get_coordinates(spots)


def _at_streets(
    plan: Plan, chance: Chance, name: str, count: int, title: str, aside_m: float
) -> tuple[list[str], Floats]:
    streets = [
        s for s in plan.segments if s.road.road_class in ("urban-arterial", "urban-secondary") and s.line.length > 60
    ]
    order = np.argsort(chance.uniform(f"sensor/{name}", len(streets)), kind="stable")[:count]
    spots = []
    for i in order:
        line = streets[i].line
        middle, ahead = line.interpolate(0.4, normalized=True), line.interpolate(0.42, normalized=True)
        way = np.array([ahead.x - middle.x, ahead.y - middle.y])
        spots.append(np.array([middle.x, middle.y]) + aside_m * np.array([way[1], -way[0]]) / length_of(*way))
    return [f"{streets[i].road.name}{title}{k + 1:02d}" for k, i in enumerate(order)], np.array(spots)


def _rows(plan: Plan, chance: Chance, sort: Sort, names: list[str], spots: Floats) -> list[list[object]]:
    n = len(names)
    level = chance.uniform(f"sensor/{sort.type}/value", n)
    luck = chance.uniform(f"sensor/{sort.type}/luck", n)
    late = chance.integers(f"sensor/{sort.type}/late", n, 1, 96)
    points = shapely.points(spots)
    town = shapely.distance(plan.towns[:, None], points[None]).argmin(axis=0)
    rows: list[list[object]] = []
    for i, name in enumerate(names):
        status = "alarm" if luck[i] > 0.955 else "offline" if luck[i] < 0.05 else "normal"
        low, high = (sort.alarm_above * 1.03, sort.alarm_above * 1.35) if status == "alarm" else sort.usual
        high = min(high, sort.alarm_above * 0.97) if status != "alarm" else high
        value = round(float(low + level[i] * (high - low)), sort.decimals)
        age = (
            timedelta(hours=int(late[i]) + 3)
            if status == "offline"
            else timedelta(minutes=int(late[i]) % sort.every_min)
        )
        seen = (NOW - age).strftime("%Y-%m-%dT%H:%M:%SZ")
        rows.append(
            [
                f"JZ-{sort.prefix}-{i + 1:04d}",
                name,
                sort.type,
                sort.quantity,
                value,
                sort.unit,
                seen,
                status,
                sort.alarm_above,
                TOWNS[town[i]].code,
                points[i],
            ]
        )
    return rows
