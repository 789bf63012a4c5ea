"""Questions of height along and above: control surfaces and what pierces them, sections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import shapely
from pydantic import Field, model_validator

from layers.analysis.answer import Answer, Mark, points_of
from layers.analysis.material import Material, box_round
from layers.analysis.question import Area, Height, Line, Metres, ModelQuestion, Part, Point
from layers.analysis.rules import RUNWAYS, RuleBook
from scenes3d.analysis.control import (
    EDGE_STEP_M,
    Surface,
    judge_heights,
    judge_surfaces,
    runway_dimensions,
    runway_surfaces,
    view_cone,
)
from scenes3d.analysis.profile import profile
from scenes3d.analysis.scene import Scene
from scenes3d.rays.port import Floats
from twin.errors import BadAnalysisError
from twin.text import LocalText


class Runway(Part):
    """A runway by its thresholds; elevations count from the vertical datum of the terrain."""

    ends: tuple[Point, Point]
    elevations_m: tuple[Height, Height]
    kind: Annotated[str, Field(max_length=60, description="Approach and code number.")] = "precision-3-4"


class ViewCone(Part):
    """A view that is kept open: from an eye to a thing between two edges."""

    id: Annotated[str, Field(min_length=1, max_length=100)]
    eye: Point
    eye_elevation_m: Height
    left: Point
    right: Point
    target_elevation_m: Annotated[Height, Field(description="What must stay visible, at the line between the edges.")]


class HeightControl(ModelQuestion):
    """Buildings and planned volumes of an area against surfaces."""

    area: Area
    runways: Annotated[tuple[Runway, ...], Field(max_length=10)] = ()
    view_cones: Annotated[tuple[ViewCone, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _has_surfaces(self) -> HeightControl:
        if not self.runways and not self.view_cones:
            raise ValueError("name at least one runway or view cone")
        return self

    @property
    def places(self) -> list[shapely.Geometry]:
        return [
            self.area,
            *(end for runway in self.runways for end in runway.ends),
            *(place for cone in self.view_cones for place in (cone.eye, cone.left, cone.right)),
        ]


def answer_height_control(material: Material, asked: HeightControl) -> Answer:
    area = material.local(asked.area)
    box = box_round(area, 2 * asked.cell_m)
    scene = material.scene(box)
    blocks, limits = scene.blocks, _surfaces(material, asked)
    judged = judge_heights(blocks, limits)
    reached = shapely.intersects(area, blocks.footprints) & np.isfinite(judged.limit_m)
    unknown = reached & ~np.isfinite(blocks.top_m)
    above = reached & (np.nan_to_num(judged.excess_m, nan=-1.0) > 0)
    marks = []
    for row in np.flatnonzero(reached).tolist():
        verdict = "unknown" if unknown[row] else "above" if above[row] else "below"
        marks.append(
            Mark(
                blocks.footprints[row],
                {
                    "building": blocks.ids[row],
                    "verdict": verdict,
                    "surface": judged.surface[row],
                    "limit_m": judged.limit_m[row],
                    "top_m": blocks.top_m[row],
                    "excess_m": judged.excess_m[row],
                },
            )
        )
    models = _models(scene, limits, area, asked.cell_m)
    marks += models
    marks.sort(key=lambda mark: -np.nan_to_num(mark.properties["excess_m"], nan=-1e9))
    worst = marks[0].properties if marks and marks[0].properties["verdict"] == "above" else None
    values: dict[str, Any] = {
        "buildings": len(blocks.ids),
        "underSurfaces": int(reached.sum()),
        "above": int(above.sum()),
        "unknown": int(unknown.sum()),
        "sceneFeatures": len(models),
        "sceneFeaturesAbove": sum(mark.properties["verdict"] == "above" for mark in models),
        "worst": worst,
    }
    if asked.runways:
        values["runways"] = [_rests_on(material.desk.rules, runway.kind) for runway in asked.runways]
    slope = 0.2
    errors = {**material.errors(), "limit_m": slope * EDGE_STEP_M / 2}
    return Answer(
        values,
        marks,
        asked.cell_m,
        errors,
        LocalText(
            "限高面沿轮廓每5米取值，界限误差不超过0.5米；建筑顶为最低地面加高度；未计屋顶设施与天线；三维场景按其顶点及每个网格由上向下取值。",
            "Surfaces are looked up every 5 m along footprints: limits are right to 0.5 m; tops are lowest ground plus height, without masts;"
            " scenes are looked at in their corners and from above, cell by cell.",
        ),
    )


def _models(scene: Scene, limits: Sequence[Surface], area: shapely.Geometry, step_m: float) -> list[Mark]:
    """Features of scenes under surfaces, each at the place where it stands highest against them."""
    marks, before = [], 0
    for opened in scene.surfaces:
        found = judge_surfaces(opened, limits, area, step_m)
        for row, number in enumerate(found.owner.tolist()):
            owner, over = scene.others[before + number], float(found.excess_m[row])
            said = {
                "scene": owner.scene,
                "scene_feature": owner.feature or None,
                "verdict": "above" if over > 0 else "below",
                "surface": found.surface[row],
                "limit_m": found.limit_m[row],
                "top_m": found.top_m[row],
                "excess_m": over,
            }
            marks.append(Mark(shapely.Point(found.place[row]), said))
        before += len(opened.surfaces.owners)
    return marks


def _rests_on(rules: RuleBook, kind: str) -> dict[str, Any]:
    """Which dimensions a runway was judged by."""
    size = rules.runways()[kind]
    return {
        "kind": kind,
        "title": size.title.to_dict(),
        "source": size.source,
        "weak": size.weak,
        **rules.table_of(RUNWAYS, kind),
    }


def _surfaces(material: Material, asked: HeightControl) -> list[Surface]:
    found: list[Surface] = []
    for runway in asked.runways:
        first, second = (_spot(material, end) for end in runway.ends)
        if not 100 <= float(np.linalg.norm(second - first)) <= 10_000:
            raise BadAnalysisError(
                "These are not the ends of a runway. 跑道端点有误。",
                value=f"{float(np.linalg.norm(second - first)):.0f} m apart",
                limit="100 m to 10 km",
                remedy="Give both thresholds.",
            )
        size = runway_dimensions(runway.kind, material.desk.rules.runways())
        found += runway_surfaces((first, second), runway.elevations_m, size)
    for cone in asked.view_cones:
        eye = np.append(_spot(material, cone.eye), cone.eye_elevation_m)
        left, right = _spot(material, cone.left), _spot(material, cone.right)
        a, b = left - eye[:2], right - eye[:2]
        if abs(a[0] * b[1] - a[1] * b[0]) < 1e-6:
            raise BadAnalysisError(
                "The view cone has no width. 视锥没有宽度。",
                value=cone.id,
                limit="eye, left and right not on one line",
                remedy="Give both edges of what is looked at.",
            )
        found.append(view_cone(cone.id, eye, left, right, cone.target_elevation_m))
    return found


def _spot(material: Material, place: shapely.Geometry) -> Floats:
    return np.asarray(shapely.get_coordinates(material.local(place))[0])


class Section(ModelQuestion):
    """Heights along a line."""

    line: Line
    step_m: Metres = 5.0

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.line]


_POINTS_MAX = 100_000


def answer_section(material: Material, asked: Section) -> Answer:
    line = material.local(asked.line)
    if line.length / asked.step_m > _POINTS_MAX:
        raise BadAnalysisError(
            "The section has too many points. 剖面点过多。",
            value=f"{line.length / asked.step_m:,.0f}",
            limit=f"{_POINTS_MAX:,}",
            remedy="Use a larger step_m.",
        )
    box = box_round(line, 2 * asked.cell_m)
    scene = material.scene(box)
    cut = profile(scene.ground, scene.blocks, line, asked.step_m, scene.surfaces)
    gain, loss = cut.gain_loss_m()
    known = cut.ground_m[np.isfinite(cut.ground_m)]
    values = {
        "length_m": line.length,
        "gain_m": gain,
        "loss_m": loss,
        "lowest_m": float(known.min()) if len(known) else None,
        "highest_m": float(known.max()) if len(known) else None,
        "withoutGround": len(cut.ground_m) - len(known),
    }
    columns = {
        "distance_m": cut.distance_m.tolist(),
        "ground_m": cut.ground_m.tolist(),
        "top_m": cut.top_m.tolist(),
        "under_building": (cut.building >= 0).tolist(),
        "scene": [scene.others[row].scene if row >= 0 else None for row in cut.other.tolist()],
    }
    statement = LocalText(
        "地面为网格双线性插值；建筑顶为最低地面加高度。",
        "The ground is bilinear between cells; tops are lowest ground plus height.",
    )
    return Answer(values, points_of(cut.points, columns), asked.step_m, material.errors(), statement)
