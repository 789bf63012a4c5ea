"""Questions of sight: lines of sight and viewsheds."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import shapely
from pydantic import Field

from layers.analysis.answer import Answer, Mark, regions
from layers.analysis.material import Material, box_round
from layers.analysis.question import AboveGround, Metres, Places, Point, SightQuestion
from scenes3d.analysis.scene import BLOCKED, CLEAR, GROUND, Blocker, Scene
from scenes3d.analysis.sight import above_ground, lines_of_sight, points_along, points_within, require_rays, viewshed
from scenes3d.rays.port import Floats
from twin.text import LocalText

WORDS = {CLEAR: "visible", BLOCKED: "hidden"}
UNKNOWN_WORD = "unknown"
RIGHT_TO = LocalText(
    "可见性精确到网格单元；建筑为竖直棱柱，不含屋顶构件与植被；经过无高程地面的视线为未知。",
    "Sight is right to a cell; buildings are upright prisms without roof structures or trees; lines over ground without data are unknown.",
)


class LineOfSight(SightQuestion):
    """From one place to others."""

    from_: Annotated[Point, Field(alias="from")]
    from_height_m: AboveGround = 1.6
    to: Annotated[tuple[Point, ...], Field(min_length=1, max_length=10_000)]
    to_height_m: AboveGround = 0.0

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.from_, *self.to]


def answer_line_of_sight(material: Material, asked: LineOfSight) -> Answer:
    ends = shapely.get_coordinates([material.local(place) for place in asked.places])
    scene = material.scene(box_round(shapely.MultiPoint(ends), 3 * asked.cell_m), asked.bend)
    start = above_ground(scene.ground, ends[:1], asked.from_height_m)
    targets = above_ground(scene.ground, ends[1:], asked.to_height_m)
    found = lines_of_sight(scene, np.repeat(start, len(targets), axis=0), targets)
    marks = [_line(scene, found, row, start[0], target) for row, target in enumerate(targets)]
    counts = {
        word: sum(mark.properties["verdict"] == word for mark in marks) for word in (*WORDS.values(), UNKNOWN_WORD)
    }
    return Answer({"lines": len(marks), **counts}, marks, asked.cell_m, material.errors(), RIGHT_TO)


def _line(scene: Scene, found: Blocker, row: int, start: Floats, target: Floats) -> Mark:
    verdict = WORDS.get(found.verdict[row], UNKNOWN_WORD)
    properties: dict[str, Any] = {
        "verdict": verdict,
        "distance_m": float(np.linalg.norm(target - start)),
        "from_elevation_m": start[2],
        "to_elevation_m": target[2],
        **blocker_words(scene, found, row),
    }
    return Mark(shapely.LineString([start[:2], target[:2]]), properties)


def blocker_words(scene: Scene, found: Blocker, row: int) -> dict[str, Any]:
    """What stands in the way: a building by its id, or the ground; null where nothing does."""
    building = int(found.building[row])
    what = scene.blocks.ids[building] if building >= 0 else None
    kind = "building" if building >= 0 else "ground" if building == GROUND else None
    return {"blocked_by": kind, "building": what, "blocked_at_m": found.distance_m[row]}


class Viewshed(SightQuestion):
    """What is seen from a place, from anywhere along a path, or from anywhere in an area."""

    from_: Annotated[Places, Field(alias="from")]
    from_height_m: AboveGround = 1.6
    spacing_m: Annotated[Metres, Field(description="Between viewpoints of a path or an area.")] = 50.0
    reach_m: Metres = 1_000.0
    target_height_m: AboveGround = 0.0

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.from_]


def answer_viewshed(material: Material, asked: Viewshed) -> Answer:
    place = material.local(asked.from_)
    viewpoints = _viewpoints(place, asked.spacing_m)
    require_rays(round(len(viewpoints) * np.pi * (asked.reach_m / asked.cell_m) ** 2), material.limits.rays)
    scene = material.scene(box_round(place, asked.reach_m), asked.bend)
    eyes = above_ground(scene.ground, viewpoints, asked.from_height_m)
    seen = viewshed(scene, eyes, reach_m=asked.reach_m, target_height_m=asked.target_height_m, told=material.told)
    classes = np.where(seen.visible, 1, np.where(seen.unknown, 2, 0)).astype(np.uint8)
    names = {0: "hidden", 1: "visible", 2: UNKNOWN_WORD}
    marks = [
        Mark(geometry, {"verdict": names[value], "area_m2": geometry.area})
        for value, geometry in regions(scene.ground, classes, seen.within).items()
    ]
    values = {
        "viewpoints": seen.viewpoints,
        "viewpointsWithoutGround": seen.lost,
        "areas_m2": seen.areas_m2(),
        "seenByAtMost": int(seen.seen_by.max()),
    }
    return Answer(values, marks, asked.cell_m, material.errors(), RIGHT_TO)


def _viewpoints(place: shapely.Geometry, spacing_m: float) -> Floats:
    if place.geom_type == "LineString":
        return points_along(place, spacing_m)
    if place.geom_type in ("Polygon", "MultiPolygon"):
        return points_within(place, spacing_m)
    return np.asarray(shapely.get_coordinates(place))
