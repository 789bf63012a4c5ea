"""Hours of sunlight at points, before and after what is planned, held against a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, model_validator

from layers.analysis.answer import Answer, Mark, points_of
from layers.analysis.indoors import INSIDE
from layers.analysis.light import RIGHT_TO, compared_points, least
from layers.analysis.material import Material
from layers.analysis.question import AboveGround
from layers.analysis.raster import Meaning
from layers.analysis.rules import SUNLIGHT
from layers.analysis.spots import SpotQuestion, Spots
from scenes3d.analysis.scene import Scene
from scenes3d.analysis.sunlight import (
    Sunlight,
    SunlightRule,
    sun_through_the_day,
    sunlight,
    sunlight_rule,
)
from scenes3d.rays.port import Bools, Floats
from twin.text import LocalText

_MINUTES = Meaning(LocalText("日照时长", "Sunlight"), unit="min", colormap="inferno")


class SunlightHours(SpotQuestion):
    """How long the sun reaches points: by a rule, or on a date in a band of true solar time."""

    rule: (
        Annotated[str, Field(max_length=60, description="Id of a rule, such as great-cold-2h; its day, band and sill.")]
        | None
    ) = None
    year: Annotated[int, Field(ge=1950, le=2050)] | None = None
    day: date | None = None
    from_hour: Annotated[float, Field(ge=0, le=24)] | None = None
    to_hour: Annotated[float, Field(ge=0, le=24)] | None = None
    height_m: (
        Annotated[AboveGround, Field(description="Above the ground, or the foot of the wall; else the rule's sill.")]
        | None
    ) = None
    step_min: Annotated[float, Field(ge=1, le=60)] = 5.0

    @model_validator(mode="after")
    def _day_is_said(self) -> Self:
        if (self.rule is None) == (self.day is None):
            raise ValueError("say either a rule (with the year) or a day")
        if self.rule is not None and self.year is None:
            raise ValueError("a rule needs the year")
        hours = self.from_hour, self.to_hour
        if (hours[0] is None) != (hours[1] is None) or (
            hours[0] is not None and hours[1] is not None and hours[0] >= hours[1]
        ):
            raise ValueError("from_hour and to_hour belong together, the earlier one first")
        return self


def answer_sunlight(material: Material, asked: SunlightHours) -> Answer:
    rules = material.desk.rules
    rule = None if asked.rule is None else sunlight_rule(asked.rule, rules.sunlight())
    day = asked.day if rule is None else rule.day(asked.year or 0)
    assert day is not None
    band = (0.0, 24.0) if rule is None else (rule.from_hour, rule.to_hour)
    if asked.from_hour is not None and asked.to_hour is not None:
        band = asked.from_hour, asked.to_hour
    height = asked.height_m if asked.height_m is not None else rule.sill_m if rule else 0.0
    sun = sun_through_the_day(day, (material.frame.lon, material.frame.lat), band, asked.step_min)
    rays = len(sun.instants) * asked.casts
    scene = material.scene(asked.box(material, rays))
    spots = asked.spots(material, scene, height, rays)
    shortest = rule.shortest_stretch_min if rule else 0.0
    scenes = [scene] if material.before is None else [material.before, scene]

    def lit(number: int, where: Scene) -> _Lit:
        within = spots.inside(where)
        found = sunlight(
            where, spots.outside(within), sun, step_min=asked.step_min, shortest_stretch_min=shortest,
            told=lambda share: material.told((number + share) / len(scenes)),
        )  # fmt: skip
        return _Lit(found, within)

    *before, now = [lit(number, where) for number, where in enumerate(scenes)]
    found = now.found
    columns = _columns(spots, now, before[0] if before else None, rule)
    values = {
        "date": day.isoformat(),
        "fromHour": band[0],
        "toHour": band[1],
        "time": "true solar",
        "height_m": height,
        "points": len(spots.points),
        "insideBuildings": int(now.inside.sum()),
        "withoutGround": int((np.isnan(found.minutes) & ~now.inside).sum()),
        "minutesLeast": least(found.minutes),
        "minutesMean": float(np.nanmean(found.minutes)) if np.isfinite(found.minutes).any() else None,
    }
    if rule is not None:
        values["rule"] = rule.to_document() | rules.table_of(SUNLIGHT, rule.id)
        values["verdicts"] = _counted(columns["verdict"])
    if before:
        values["compared"] = _compared(now, before[0], columns)
    if spots.buildings:
        values["byBuilding"] = _by_building(columns)
    marks: Sequence[Mark] = points_of(spots.points, columns)
    raster = asked.raster(material, spots, found.minutes, _MINUTES)
    return Answer(values, marks, asked.spacing_m, {**material.errors(), "step_min": asked.step_min}, RIGHT_TO, raster)


@dataclass(frozen=True, slots=True)
class _Lit:
    """The sunlight in one scene, and which points lie inside its buildings, (n,): there it is unknown."""

    found: Sunlight
    inside: Bools


def _columns(spots: Spots, now: _Lit, old: _Lit | None, rule: SunlightRule | None) -> dict[str, list[Any]]:
    found = now.found
    columns: dict[str, list[Any]] = {
        "minutes": found.minutes.tolist(),
        "longest_min": found.longest_min.tolist(),
        "unknown_min": found.maybe_min.tolist(),
        "elevation_m": spots.points[:, 2].tolist(),
        **spots.told_inside(now.inside),
    }
    if rule is not None:
        columns["verdict"] = _verdicts(now, rule)
    if old is not None:
        before = old.found
        columns["minutes_before"] = before.minutes.tolist()
        columns["change_min"] = (found.minutes - before.minutes).tolist()
        columns |= spots.told_inside(old.inside, "_before")
        if rule is not None:
            columns["verdict_before"] = _verdicts(old, rule)
    if spots.buildings:
        columns["building"] = list(spots.buildings)
    return columns


def _verdicts(lit: _Lit, rule: SunlightRule) -> list[str]:
    """Whether a rule is kept; what cannot be told is neither kept nor broken, and inside a building there is nothing to be kept."""
    wanted, found = rule.least_minutes, lit.found
    return [
        INSIDE if within else "kept" if minutes >= wanted else "unknown" if not minutes + maybe < wanted else "broken"
        for within, minutes, maybe in zip(lit.inside, found.minutes, found.maybe_min, strict=True)
    ]


def _counted(words: Sequence[str]) -> dict[str, int]:
    return {word: words.count(word) for word in ("kept", "broken", "unknown")}


def _compared(now: _Lit, old: _Lit, columns: dict[str, list[Any]]) -> dict[str, Any]:
    """What the plan does to the points that lie in the open before and after it, together."""
    change: Floats = now.found.minutes - old.found.minutes
    open_ = ~(now.inside | old.inside)
    known = change[np.isfinite(change)]
    said: dict[str, Any] = {
        **compared_points(now.inside, old.inside),
        "minutesLeastBefore": least(old.found.minutes[open_]),
        "pointsLosing": int((known < 0).sum()),
        "pointsGaining": int((known > 0).sum()),
        "mostLost_min": float(-known.min()) if len(known) and known.min() < 0 else 0.0,
    }
    if "verdict" in columns:
        pairs = list(zip(columns["verdict_before"], columns["verdict"], strict=True))
        said["verdictsBefore"] = _counted(
            [before for before, both in zip(columns["verdict_before"], open_, strict=True) if both]
        )
        said["becomeBroken"] = pairs.count(("kept", "broken"))
        said["becomeKept"] = pairs.count(("broken", "kept"))
    return said


def _by_building(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """The walls of each building together, those that lose most first."""
    rows: dict[str, list[int]] = {}
    for number, building in enumerate(columns["building"]):
        rows.setdefault(building, []).append(number)
    found = []
    for building, numbers in rows.items():
        minutes = np.array([columns["minutes"][row] for row in numbers])
        said: dict[str, Any] = {
            "building": building,
            "points": len(numbers),
            "minutesLeast": least(minutes),
            "minutesMost": float(np.nanmax(minutes)) if np.isfinite(minutes).any() else None,
        }
        if "verdict" in columns:
            said["verdicts"] = _counted([columns["verdict"][row] for row in numbers])
        if "change_min" in columns:
            change = least(np.array([columns["change_min"][row] for row in numbers]))
            said["mostLost_min"] = None if change is None else max(-change, 0.0)
        if "verdict_before" in columns:
            said["verdictsBefore"] = _counted([columns["verdict_before"][row] for row in numbers])
        found.append(said)
    return sorted(found, key=lambda said: (-(said.get("mostLost_min") or 0.0), said["building"]))
