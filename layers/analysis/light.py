"""Questions of light: hours of sunlight, shadows, the share of sky, the skyline."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import numpy as np
import shapely
from pydantic import AwareDatetime, Field, model_validator

from layers.analysis.answer import Answer, Mark, points_of, regions
from layers.analysis.material import Material, box_round
from layers.analysis.question import AboveGround, Area, Metres, Places, Point, SceneQuestion
from scenes3d.analysis.scene import BLOCKED, CLEAR, Scene
from scenes3d.analysis.sight import above_ground, points_along, points_within, require_rays
from scenes3d.analysis.sky import sky_view, skyline
from scenes3d.analysis.sun import refraction_deg, sun_positions, unit_vectors
from scenes3d.analysis.sunlight import (
    BEIJING,
    LOWEST_SUN_DEG,
    Sunlight,
    SunlightRule,
    shaded,
    sun_through_the_day,
    sunlight,
    sunlight_rule,
)
from scenes3d.rays.port import Floats
from twin.errors import BadAnalysisError
from twin.text import LocalText

_RIGHT_TO = LocalText(
    "太阳位置误差小于0.01°（30米高处影端约2厘米）；时间精确到步长；分析范围以外的遮挡不计；建筑为竖直棱柱。",
    "The sun is right to 0.01° (2 cm at the tip of a 30 m shadow), times to the step; nothing outside the box of the question casts shadows;"
    " buildings are upright prisms.",
)


class LightQuestion(SceneQuestion):
    """What questions of light have in common."""

    margin_m: Annotated[Metres, Field(description="How far round the places things are taken into the scene.")] = 300.0


class SpotQuestion(LightQuestion):
    """Questions asked at points: given ones, along a line, or on a grid over an area."""

    at: Places
    spacing_m: Annotated[Metres, Field(description="Between points of a line or an area.")] = 10.0

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.at]

    def spots(self, material: Material) -> tuple[shapely.Geometry, Floats]:
        place = material.local(self.at)
        if place.geom_type == "LineString":
            return place, points_along(place, self.spacing_m)
        if place.geom_type in ("Polygon", "MultiPolygon"):
            require_rays(round(place.area / self.spacing_m**2), material.limits.rays)
            return place, points_within(place, self.spacing_m)
        return place, np.asarray(shapely.get_coordinates(place))


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
    height_m: Annotated[AboveGround, Field(description="Above the ground; else the rule's sill.")] | None = None
    step_min: Annotated[float, Field(ge=1, le=60)] = 5.0

    @model_validator(mode="after")
    def _day_is_said(self) -> SunlightHours:
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
    rule = None if asked.rule is None else sunlight_rule(asked.rule)
    day = asked.day if rule is None else rule.day(asked.year or 0)
    assert day is not None
    band = (0.0, 24.0) if rule is None else (rule.from_hour, rule.to_hour)
    if asked.from_hour is not None and asked.to_hour is not None:
        band = asked.from_hour, asked.to_hour
    height = asked.height_m if asked.height_m is not None else rule.sill_m if rule else 0.0
    sun = sun_through_the_day(day, (material.frame.lon, material.frame.lat), band, asked.step_min)
    place, spots = asked.spots(material)
    require_rays(len(spots) * len(sun.instants), material.limits.rays)
    scene = material.scene(box_round(place, asked.margin_m))
    points = above_ground(scene.ground, spots, height)
    shortest = rule.shortest_stretch_min if rule else 0.0
    found = sunlight(scene, points, sun, step_min=asked.step_min, shortest_stretch_min=shortest, told=material.told)
    values = {
        "date": day.isoformat(),
        "fromHour": band[0],
        "toHour": band[1],
        "time": "true solar",
        "height_m": height,
        "points": len(points),
        "withoutGround": int(np.isnan(found.minutes).sum()),
        "minutesLeast": _least(found.minutes),
        "minutesMean": float(np.nanmean(found.minutes)) if np.isfinite(found.minutes).any() else None,
    }
    if rule is not None:
        values["rule"] = {"id": rule.id, "title": rule.title.to_dict(), "leastMinutes": rule.least_minutes}
        values["verdicts"] = _counted(_verdicts(found, rule))
    return Answer(values, _sunlit(points, found, rule), asked.spacing_m, material.errors(), _RIGHT_TO)


def _sunlit(points: Floats, found: Sunlight, rule: SunlightRule | None) -> list[Mark]:
    columns = {
        "minutes": found.minutes.tolist(),
        "longest_min": found.longest_min.tolist(),
        "unknown_min": found.maybe_min.tolist(),
        "elevation_m": points[:, 2].tolist(),
    }
    if rule is not None:
        columns["verdict"] = _verdicts(found, rule)
    return points_of(points, columns)


def _verdicts(found: Sunlight, rule: SunlightRule) -> list[str]:
    """Whether a rule is kept; what cannot be told is neither kept nor broken."""
    least = rule.least_minutes
    return [
        "kept" if minutes >= least else "unknown" if not minutes + maybe < least else "broken"
        for minutes, maybe in zip(found.minutes, found.maybe_min, strict=True)
    ]


def _counted(words: list[str]) -> dict[str, int]:
    return {word: words.count(word) for word in ("kept", "broken", "unknown")}


def _least(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return float(known.min()) if len(known) else None


class Shadow(LightQuestion):
    """Where there is shadow in an area at an instant."""

    area: Area
    instant: AwareDatetime
    height_m: AboveGround = 0.0

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.area]


def answer_shadow(material: Material, asked: Shadow) -> Answer:
    sun = sun_positions([asked.instant], material.frame.lon, material.frame.lat)
    altitude, azimuth = float(sun.altitude_deg[0]), float(sun.azimuth_deg[0])
    if altitude < LOWEST_SUN_DEG:
        raise BadAnalysisError(
            "The sun is not up then. 太阳未升起。",
            value=f"altitude {altitude:.1f}° at {_clock(asked.instant)}",
            limit=f"{LOWEST_SUN_DEG}° and more",
            remedy="Choose a time of day; instants carry their time zone, as in 2026-01-20T12:00:00+08:00.",
        )
    area = material.local(asked.area)
    scene = material.scene(box_round(area, asked.margin_m))
    inside = _inside(scene, area)
    east, north = scene.ground.nodes()
    points = np.column_stack([east[inside], north[inside], scene.ground.heights[inside] + asked.height_m])
    require_rays(len(points), material.limits.rays)
    verdict = np.full(inside.shape, CLEAR, dtype=np.uint8)
    verdict[inside] = shaded(scene, points, unit_vectors(sun.azimuth_deg, sun.altitude_deg)[0])
    names = {int(CLEAR): "sun", int(BLOCKED): "shadow"}
    marks = [
        Mark(geometry, {"verdict": names.get(value, "unknown"), "area_m2": geometry.area})
        for value, geometry in regions(scene.ground, verdict, inside).items()
    ]
    values = {
        "instant": _clock(asked.instant),
        "sun": {
            "azimuth_deg": azimuth,
            "altitude_deg": altitude,
            "refraction_deg": float(refraction_deg(sun.altitude_deg)[0]),
        },
        "areas_m2": {str(mark.properties["verdict"]): mark.properties["area_m2"] for mark in marks},
    }
    return Answer(values, marks, asked.cell_m, material.errors(), _RIGHT_TO)


def _inside(scene: Scene, area: shapely.Geometry) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    shapely.prepare(area)
    return np.asarray(shapely.contains_xy(area, *scene.ground.nodes()))


def _clock(instant: datetime) -> str:
    return instant.astimezone(BEIJING).isoformat()


class SkyView(SpotQuestion):
    """How much of the sky points see."""

    height_m: AboveGround = 1.5


_SKY_RINGS, _SKY_SECTORS = 32, 128


def answer_sky_view(material: Material, asked: SkyView) -> Answer:
    place, spots = asked.spots(material)
    require_rays(len(spots) * _SKY_RINGS * _SKY_SECTORS, material.limits.rays)
    scene = material.scene(box_round(place, asked.margin_m))
    points = above_ground(scene.ground, spots, asked.height_m)
    found = sky_view(scene, points, rings=_SKY_RINGS, sectors=_SKY_SECTORS, told=material.told)
    marks = points_of(points, {"sky_view": found.factor.tolist(), "unknown": found.unknown.tolist()})
    known = found.factor[np.isfinite(found.factor)]
    values = {
        "points": len(points),
        "withoutGround": len(points) - len(known),
        "skyViewLeast": _least(found.factor),
        "skyViewMean": float(known.mean()) if len(known) else None,
    }
    return Answer(values, marks, asked.spacing_m, {**material.errors(), "skyView": 0.015}, _RIGHT_TO)


class SkylineRound(LightQuestion):
    """The skyline round a place."""

    place: Point
    height_m: AboveGround = 1.6
    azimuth_step_deg: Annotated[float, Field(ge=0.25, le=30)] = 1.0

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.place]


def answer_skyline(material: Material, asked: SkylineRound) -> Answer:
    spot = material.local(asked.place)
    scene = material.scene(box_round(spot, asked.margin_m))
    point = above_ground(scene.ground, np.asarray(shapely.get_coordinates(spot)), asked.height_m)[0]
    if not np.isfinite(point[2]):
        raise BadAnalysisError(
            "The ground at the place is unknown. 该处高程未知。",
            remedy="Choose a place with terrain, or state ground_m.",
        )
    line = skyline(scene, point, azimuth_step_deg=asked.azimuth_step_deg)
    values = {
        "elevation_m": point[2],
        "azimuth_deg": line.azimuth_deg,
        "altitude_deg": line.altitude_deg,
    }
    return Answer(values, [Mark(spot, {"elevation_m": point[2]})], line.step_deg, material.errors(), _RIGHT_TO)
