"""Hours of sunlight at points on a day, shadows at an instant, and the legal rules for both as data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from scenes3d.analysis.scene import CLEAR, UNKNOWN, Scene, Verdicts
from scenes3d.analysis.sight import Told
from scenes3d.analysis.sun import SunPositions, solar_term_instant, sun_positions, true_solar_offset
from scenes3d.rays.port import Floats
from twin.errors import BadAnalysisError
from twin.text import LocalText

# Calendar days of China; all of it keeps Beijing time.
BEIJING = timezone(timedelta(hours=8))
# A ray along the horizon meets whatever the scene ends with; such a sun is weak and counts for nothing in any rule.
LOWEST_SUN_DEG = 0.5


@dataclass(frozen=True, slots=True)
class SunlightRule:
    """What counts as sunlight, and how much of it there must be.

    Attributes:
        solar_longitude_deg: Which solar term: 300° is Great Cold (大寒), 270° the winter solstice (冬至).
        from_hour, to_hour: The effective band of the day, in true solar time.
        least_minutes: How much sunlight is asked for.
        shortest_stretch_min: Shorter stretches of sunlight do not count.
        sill_m: Where it is judged, above the ground (the sill of the lowest window).
        source: Standard and clause.
        weak: Taken from secondary sources: the text of the standard was not at hand.
    """

    id: str
    title: LocalText
    solar_longitude_deg: float
    from_hour: float
    to_hour: float
    least_minutes: float
    shortest_stretch_min: float
    sill_m: float
    source: str = ""
    weak: bool = False

    def to_document(self) -> dict[str, Any]:
        """What an answer says of it."""
        return {
            "id": self.id,
            "title": self.title.to_dict(),
            "leastMinutes": self.least_minutes,
            "source": self.source,
            "weak": self.weak,
        }

    def day(self, year: int) -> date:
        """The rule's day in a year, by Beijing time."""
        return solar_term_instant(year, self.solar_longitude_deg).astimezone(BEIJING).date()


@cache
def sunlight_rules() -> dict[str, SunlightRule]:
    """The rules that come along, by id, in the order of the file."""
    path = Path(__file__).with_name("sunlight_rules.json")
    return parse_sunlight_rules(json.loads(path.read_text(encoding="utf-8")))


def parse_sunlight_rules(document: Mapping[str, Any]) -> dict[str, SunlightRule]:
    """Rules by id, of a document like `sunlight_rules.json`.

    Raises:
        KeyError, TypeError, ValueError: if it is none, with what is wrong.
    """
    found = {}
    for row in document["rules"]:
        said: dict[str, Any] = {name: float(row[name]) for name in _NUMBERS}
        said |= {"source": str(row.get("source", "")), "weak": bool(row.get("weak", False))}
        rule = SunlightRule(id=str(row["id"]), title=LocalText.parse(row["title"]), **said)
        if not (0 <= rule.from_hour < rule.to_hour <= 24 and 0 < rule.least_minutes <= 1440 and rule.sill_m >= 0):
            raise ValueError(f"rule '{rule.id}': hours from 0 to 24, the earlier one first, minutes from 1 to 1440")
        found[rule.id] = rule
    return found


def sunlight_rule(rule_id: str, rules: Mapping[str, SunlightRule] | None = None) -> SunlightRule:
    """One rule, of those that come along where none are given. Raises BadAnalysisError if there is none of that id."""
    rules = sunlight_rules() if rules is None else rules
    if rule_id not in rules:
        raise BadAnalysisError(
            "There is no such sunlight rule. 没有这条日照规则。",
            value=rule_id,
            limit=", ".join(rules),
            remedy="Name one of these, or say day, from_hour and to_hour.",
        )
    return rules[rule_id]


_NUMBERS = (
    "solar_longitude_deg", "from_hour", "to_hour", "least_minutes", "shortest_stretch_min", "sill_m",
)  # fmt: skip


def sun_through_the_day(
    day: date, place: tuple[float, float], hours: tuple[float, float], step_min: float
) -> SunPositions:
    """The sun in the middle of each step of a band of the day, in true solar time.

    Args:
        place: Longitude and latitude, degrees.
        hours: From and to, hours of true solar time.
    """
    offset = true_solar_offset(day, place[0])
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC) - offset
    steps = round((hours[1] - hours[0]) * 60 / step_min)
    middle = [midnight + timedelta(hours=hours[0], minutes=(i + 0.5) * step_min) for i in range(steps)]
    return sun_positions(middle, *place)


@dataclass(frozen=True, slots=True)
class Sunlight:
    """Sunlight at n points.

    Attributes:
        minutes: float64 (n,), in stretches long enough to count; NaN where the point's own height is unknown.
        longest_min: float64 (n,), the longest stretch.
        maybe_min: float64 (n,), more that cannot be told, because the ray crosses ground of unknown height.
        step_min: How far apart the sun was looked at: what both minutes are good to, at each beginning and end of a stretch.
    """

    minutes: Floats
    longest_min: Floats
    maybe_min: Floats
    step_min: float


def sunlight(
    scene: Scene,
    points: Floats,
    sun: SunPositions,
    *,
    step_min: float,
    shortest_stretch_min: float = 0.0,
    told: Told = lambda share: None,
) -> Sunlight:
    """How long the sun reaches points, (n, 3), at the given positions, one every `step_min` minutes."""
    count = len(points)
    total, longest, maybe = np.zeros(count), np.zeros(count), np.zeros(count)
    run = np.zeros(count)
    up = sun.altitude_deg >= LOWEST_SUN_DEG
    for index, direction in enumerate(sun.directions):
        verdict = shaded(scene, points, direction) if up[index] else np.full(count, 1, dtype=np.uint8)
        lit = verdict == CLEAR
        maybe += (verdict == UNKNOWN) * step_min
        ended = ~lit & (run >= max(shortest_stretch_min, 1e-9))
        total[ended] += run[ended]
        np.maximum(longest, run, out=longest)
        run = np.where(lit, run + step_min, 0.0)
        told((index + 1) / len(up))
    ended = run >= max(shortest_stretch_min, 1e-9)
    total[ended] += run[ended]
    np.maximum(longest, run, out=longest)
    lost = ~np.isfinite(points[:, 2])
    for values in (total, longest, maybe):
        values[lost] = np.nan
    return Sunlight(total, longest, maybe, step_min)


def shaded(scene: Scene, points: Floats, direction: Floats) -> Verdicts:
    """CLEAR where the sun in that direction, (3,), reaches a point, BLOCKED in shadow, UNKNOWN."""
    return scene.outward(points, np.broadcast_to(direction, points.shape))
