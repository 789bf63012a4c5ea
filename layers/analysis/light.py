"""Questions of light at one time or none: shadows, the share of sky, the skyline."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import AwareDatetime, Field

from layers.analysis.answer import Answer, Mark, class_areas, class_marks, points_of
from layers.analysis.indoors import INSIDE, INSIDE_CLASS, INSIDE_CODE, area_inside, nodes_inside
from layers.analysis.material import Material, box_round
from layers.analysis.question import AboveGround, Area, Point, RasterQuestion
from layers.analysis.raster import Meaning, classes
from layers.analysis.spots import LightQuestion, SpotQuestion
from layers.analysis.verdicts import COLORS
from scenes3d.analysis.earthwork import cells_within
from scenes3d.analysis.scene import BLOCKED, CLEAR, UNKNOWN, Scene
from scenes3d.analysis.sight import above_ground, require_rays
from scenes3d.analysis.sky import sky_view, skyline
from scenes3d.analysis.sun import refraction_deg, sun_positions, unit_vectors
from scenes3d.analysis.sunlight import BEIJING, LOWEST_SUN_DEG, shaded
from scenes3d.rays.port import Bools, Floats
from twin.errors import BadAnalysisError
from twin.text import LocalText

RIGHT_TO = LocalText(
    "太阳位置误差小于0.01°（30米高处影端约2厘米）；时间精确到步长；分析范围以外的遮挡不计；由轮廓拉起的建筑为竖直棱柱。",
    "The sun is right to 0.01° (2 cm at the tip of a 30 m shadow), times to the step; nothing outside the box of the question casts shadows;"
    " buildings raised from footprints are upright prisms.",
)


_SHADED = Meaning(
    LocalText("阴影", "Shadow"),
    classes=(
        (int(CLEAR), LocalText("日照", "Sun"), COLORS["sun"]),
        (int(BLOCKED), LocalText("阴影", "Shadow"), COLORS["shadow"]),
        (int(UNKNOWN), LocalText("不明", "Unknown"), COLORS["unknown"]),
        INSIDE_CLASS,
    ),
)
_SKY = Meaning(LocalText("天空可视率", "Sky view factor"), colormap="viridis")


class Shadow(LightQuestion, RasterQuestion):
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
    within = cells_within(scene.ground, area)
    require_rays(int(within.sum()) * asked.casts, material.limits.rays)
    way = unit_vectors(sun.azimuth_deg, sun.altitude_deg)[0]
    verdict = _shade(scene, within, asked.height_m, way)
    before = None if material.before is None else _shade(material.before, within, asked.height_m, way)
    told = {int(CLEAR): "sun", int(BLOCKED): "shadow", int(UNKNOWN): "unknown"}
    names = {**told, INSIDE_CODE: INSIDE}
    marks = class_marks(scene.ground, verdict, before, within, names)
    areas = {word: float(((verdict == code) & within).sum() * asked.cell_m**2) for code, word in told.items()}
    values: dict[str, Any] = {
        "instant": _clock(asked.instant),
        "sun": {
            "azimuth_deg": azimuth,
            "altitude_deg": altitude,
            "refraction_deg": float(refraction_deg(sun.altitude_deg)[0]),
        },
        "areas_m2": {word: area_m2 for word, area_m2 in areas.items() if area_m2},
        **area_inside(scene, verdict == INSIDE_CODE),
    }
    if before is not None:
        values["compared_m2"] = class_areas(scene.ground, verdict, before, within, names)
    raster = classes(scene.ground, verdict, within, _SHADED)
    return Answer(values, marks, asked.cell_m, material.errors(), RIGHT_TO, raster)


def _shade(scene: Scene, within: Bools, height_m: float, way: Floats) -> npt.NDArray[np.uint8]:
    """The verdict at each node in question, (rows, columns)."""
    codes = np.full(within.shape, CLEAR, dtype=np.uint8)
    indoors = nodes_inside(scene, within, height_m)
    codes[indoors] = INSIDE_CODE
    free = within & ~indoors
    east, north = scene.ground.nodes()
    codes[free] = shaded(scene, np.column_stack([east[free], north[free], scene.ground.heights[free] + height_m]), way)
    return codes


def _clock(instant: datetime) -> str:
    return instant.astimezone(BEIJING).isoformat()


class SkyView(SpotQuestion):
    """How much of the sky points see."""

    height_m: AboveGround = 1.5


_SKY_RINGS, _SKY_SECTORS = 32, 128


def answer_sky_view(material: Material, asked: SkyView) -> Answer:
    rays = _SKY_RINGS * _SKY_SECTORS * asked.casts
    scene = material.scene(asked.box(material, rays))
    spots = asked.spots(material, scene, asked.height_m, rays)
    within = spots.inside(scene)
    found = sky_view(scene, spots.outside(within), rings=_SKY_RINGS, sectors=_SKY_SECTORS, told=material.told)
    columns: dict[str, list[Any]] = {"sky_view": found.factor.tolist(), "unknown": found.unknown.tolist()}
    columns |= spots.told_inside(within)
    if spots.buildings:
        columns["building"] = list(spots.buildings)
    known = found.factor[np.isfinite(found.factor)]
    values: dict[str, Any] = {
        "points": len(spots.points),
        "insideBuildings": int(within.sum()),
        "withoutGround": len(spots.points) - len(known) - int(within.sum()),
        "skyViewLeast": least(found.factor),
        "skyViewMean": float(known.mean()) if len(known) else None,
    }
    if material.before is not None:
        was = spots.inside(material.before)
        before = sky_view(material.before, spots.outside(was), rings=_SKY_RINGS, sectors=_SKY_SECTORS)
        change = found.factor - before.factor
        columns |= {"sky_view_before": before.factor.tolist(), "change": change.tolist()}
        columns |= spots.told_inside(was, "_before")
        lost = least(change)
        values["compared"] = {
            **compared_points(within, was),
            "skyViewLeastBefore": least(before.factor[~within]),
            "pointsLosing": int((change < 0).sum()),
            "mostLost": None if lost is None else max(-lost, 0.0),
        }
    marks = points_of(spots.points, columns)
    raster = asked.raster(material, spots, found.factor, _SKY)
    return Answer(values, marks, asked.spacing_m, {**material.errors(), "skyView": 0.015}, RIGHT_TO, raster)


def compared_points(now: Bools, before: Bools) -> dict[str, int]:
    """How many points a comparison is about, and how many the plan builds over or lays open: those are no part of it.

    Args:
        now, before: (n,), which lie inside a building after and before the plan.
    """
    return {
        "points": int((~now & ~before).sum()),
        "builtOver": int((now & ~before).sum()),
        "laidOpen": int((before & ~now).sum()),
    }


def least(values: Floats) -> float | None:
    """The least of those that are known."""
    known = values[np.isfinite(values)]
    return float(known.min()) if len(known) else None


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
    values: dict[str, Any] = {
        "elevation_m": point[2],
        "azimuth_deg": line.azimuth_deg,
        "altitude_deg": line.altitude_deg,
    }
    if material.before is not None:
        before = skyline(material.before, point, azimuth_step_deg=asked.azimuth_step_deg)
        values["altitude_before_deg"] = before.altitude_deg
    return Answer(values, [Mark(spot, {"elevation_m": point[2]})], line.step_deg, material.errors(), RIGHT_TO)
