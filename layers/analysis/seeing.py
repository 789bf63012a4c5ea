"""Questions of sight: lines of sight and viewsheds."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field

from layers.analysis.answer import Answer, Mark, class_areas, class_marks
from layers.analysis.indoors import INSIDE, INSIDE_CLASS, INSIDE_CODE, area_inside, nodes_inside
from layers.analysis.material import Material, box_round
from layers.analysis.question import AboveGround, Metres, Places, Point, RasterQuestion, SightQuestion
from layers.analysis.raster import Meaning, classes
from layers.analysis.verdicts import COLORS
from scenes3d.analysis.scene import BLOCKED, CLEAR, GROUND, Blocker, Scene
from scenes3d.analysis.sight import Viewshed as Seen
from scenes3d.analysis.sight import above_ground, lines_of_sight, points_along, points_within, require_rays, viewshed
from scenes3d.rays.port import Bools, Floats
from twin.text import LocalText

WORDS = {CLEAR: "visible", BLOCKED: "hidden"}
UNKNOWN_WORD = "unknown"
VERDICTS = (*WORDS.values(), UNKNOWN_WORD)
RIGHT_TO = LocalText(
    "可见性精确到网格单元；由轮廓拉起的建筑为竖直棱柱，不含屋顶构件与植被；经过无高程地面的视线为未知。",
    "Sight is right to a cell; buildings raised from footprints are upright prisms without roof structures or trees;"
    " lines over ground without data are unknown.",
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
    starts = np.repeat(start, len(targets), axis=0)
    found = lines_of_sight(scene, starts, targets)
    marks = [_line(scene, found, row, start[0], target) for row, target in enumerate(targets)]
    words = [mark.properties["verdict"] for mark in marks]
    values: dict[str, Any] = {"lines": len(marks), **{word: words.count(word) for word in VERDICTS}}
    if material.before is not None:
        before = [WORDS.get(code, UNKNOWN_WORD) for code in lines_of_sight(material.before, starts, targets).verdict]
        marks = [
            Mark(mark.geometry, {**mark.properties, "verdict_before": word})
            for mark, word in zip(marks, before, strict=True)
        ]
        pairs = list(zip(before, words, strict=True))
        values["compared"] = {
            "becomeHidden": pairs.count(("visible", "hidden")),
            "becomeVisible": pairs.count(("hidden", "visible")),
        }
    return Answer(values, marks, asked.cell_m, material.errors(), RIGHT_TO)


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
    """What stands in the way: a building by its id, a feature of a scene, or the ground; null where nothing does."""
    building = int(found.building[row])
    other = scene.other(building)
    said: dict[str, Any] = {"blocked_by": None, "building": None, "blocked_at_m": found.distance_m[row]}
    if other is not None:
        return said | {"blocked_by": "scene", "scene": other.scene, "scene_feature": other.feature or None}
    if building >= 0:
        return said | {"blocked_by": "building", "building": scene.blocks.ids[building]}
    return said | {"blocked_by": "ground" if building == GROUND else None}


_SEEN = Meaning(
    LocalText("可视性", "Visibility"),
    classes=(
        (0, LocalText("被遮挡", "Hidden"), COLORS["hidden"]),
        (1, LocalText("可见", "Visible"), COLORS["visible"]),
        (2, LocalText("不明", "Unknown"), COLORS["unknown"]),
        INSIDE_CLASS,
    ),
)


class Viewshed(SightQuestion, RasterQuestion):
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
    rays = round(len(viewpoints) * np.pi * (asked.reach_m / asked.cell_m) ** 2)
    require_rays(rays * asked.casts, material.limits.rays)
    scene = material.scene(box_round(place, asked.reach_m), asked.bend)
    eyes = above_ground(scene.ground, viewpoints, asked.from_height_m)

    def ask(where: Scene, first: float) -> Seen:
        return viewshed(
            where, eyes, reach_m=asked.reach_m, target_height_m=asked.target_height_m,
            told=lambda share: material.told(first + share / asked.casts),
        )  # fmt: skip

    before = None if material.before is None else ask(material.before, 0.0)
    seen = ask(scene, 1 - 1 / asked.casts)
    names = {0: "hidden", 1: "visible", 2: UNKNOWN_WORD, INSIDE_CODE: INSIDE}
    indoors = nodes_inside(scene, seen.within, asked.target_height_m)
    codes, old = _codes(seen, indoors), None
    if before is not None and material.before is not None:
        old = _codes(before, nodes_inside(material.before, seen.within, asked.target_height_m))
    marks = class_marks(scene.ground, codes, old, seen.within, names)
    values: dict[str, Any] = {
        "viewpoints": seen.viewpoints,
        "viewpointsWithoutGround": seen.lost,
        "areas_m2": replace(seen, within=seen.within & ~indoors).areas_m2(),
        **area_inside(scene, indoors),
        "seenByAtMost": int(seen.seen_by.max()),
    }
    if old is not None:
        values["compared_m2"] = class_areas(scene.ground, codes, old, seen.within, names)
    raster = classes(scene.ground, codes, seen.within, _SEEN)
    return Answer(values, marks, asked.cell_m, material.errors(), RIGHT_TO, raster)


def _codes(seen: Seen, indoors: Bools) -> npt.NDArray[np.uint8]:
    codes = np.where(seen.visible, 1, np.where(seen.unknown, 2, 0))
    return np.where(indoors, INSIDE_CODE, codes).astype(np.uint8)


def _viewpoints(place: shapely.Geometry, spacing_m: float) -> Floats:
    if place.geom_type == "LineString":
        return points_along(place, spacing_m)
    if place.geom_type in ("Polygon", "MultiPolygon"):
        return points_within(place, spacing_m)
    return np.asarray(shapely.get_coordinates(place))
