"""Questions of sight: lines, viewsheds, what cameras cover, who sees a place."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import shapely
from pydantic import Field

from layers.analysis.answer import Answer, Mark, regions
from layers.analysis.material import Box, Material, box_round
from layers.analysis.question import AboveGround, Area, LayerId, Metres, Places, Point, SightQuestion
from scenes3d.analysis.cameras import Cameras, coverage, rays_for_coverage, who_sees
from scenes3d.analysis.earthwork import cells_within
from scenes3d.analysis.scene import BLOCKED, CLEAR, GROUND, Blocker, Scene
from scenes3d.analysis.sight import above_ground, lines_of_sight, points_along, points_within, require_rays, viewshed
from scenes3d.rays.port import Floats
from twin.errors import BadAnalysisError
from twin.text import LocalText

WORDS = {CLEAR: "visible", BLOCKED: "hidden"}
UNKNOWN_WORD = "unknown"
_RIGHT_TO = LocalText(
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
    return Answer({"lines": len(marks), **counts}, marks, asked.cell_m, material.errors(), _RIGHT_TO)


def _line(scene: Scene, found: Blocker, row: int, start: Floats, target: Floats) -> Mark:
    verdict = WORDS.get(found.verdict[row], UNKNOWN_WORD)
    properties: dict[str, Any] = {
        "verdict": verdict,
        "distance_m": float(np.linalg.norm(target - start)),
        "from_elevation_m": start[2],
        "to_elevation_m": target[2],
        **_blocker(scene, found, row),
    }
    return Mark(shapely.LineString([start[:2], target[:2]]), properties)


def _blocker(scene: Scene, found: Blocker, row: int) -> dict[str, Any]:
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
    return Answer(values, marks, asked.cell_m, material.errors(), _RIGHT_TO)


def _viewpoints(place: shapely.Geometry, spacing_m: float) -> Floats:
    if place.geom_type == "LineString":
        return points_along(place, spacing_m)
    if place.geom_type in ("Polygon", "MultiPolygon"):
        return points_within(place, spacing_m)
    return np.asarray(shapely.get_coordinates(place))


class CameraQuestion(SightQuestion):
    """Which layer holds the cameras, and how its properties are called."""

    cameras: LayerId = "cameras"
    height_property_of_cameras: Annotated[str, Field(max_length=60)] = "height_m"
    azimuth_property: Annotated[str, Field(max_length=60)] = "azimuth_deg"
    fov_property: Annotated[str, Field(max_length=60)] = "fov_deg"
    range_property: Annotated[str, Field(max_length=60)] = "range_m"
    range_max_m: Annotated[Metres, Field(description="No camera is believed to see farther.")] = 1_000.0
    target_height_m: AboveGround = 1.5

    def read(self, material: Material, box: Box) -> tuple[list[str], Floats, Floats]:
        """Ids, places (n, 2), and height, azimuth, field of view and range (n, 4) of the cameras in a box."""
        record = material.desk.registry.layer(self.cameras, material.actor)
        names = (self.height_property_of_cameras, self.azimuth_property, self.fov_property, self.range_property)
        for name in names:
            record.schema.property(name)
        batch = material.read(record, box, names, material.limits.buildings)
        points = np.array(
            [geometry is not None and geometry.geom_type == "Point" for geometry in batch.geometries], dtype=bool
        )
        columns = [np.array([_number(value) for value in batch.columns[name]]) for name in names]
        where = shapely.get_coordinates([material.local(geometry) for geometry in batch.geometries[points]])
        table = np.column_stack(columns)[points] if len(batch) else np.zeros((0, 4))
        table[:, 3] = np.minimum(table[:, 3], self.range_max_m)
        return [str(id_) for id_, good in zip(batch.ids, points, strict=True) if good], where.reshape(-1, 2), table


def _number(value: Any) -> float:
    """NaN where nothing, or no number, is known."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _cameras(scene: Scene, ids: list[str], where: Floats, table: Floats) -> Cameras:
    ground = scene.ground.at(where[:, 0], where[:, 1])
    eyes = np.column_stack([where, ground + table[:, 0]])
    return Cameras(ids, eyes, table[:, 1], table[:, 2], table[:, 3])


class CameraCoverage(CameraQuestion):
    """What cameras see of an area."""

    area: Area

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.area]


def answer_camera_coverage(material: Material, asked: CameraCoverage) -> Answer:
    area = material.local(asked.area)
    ids, where, table = asked.read(material, box_round(area, asked.range_max_m))
    scene = material.scene(_box_with(area, where), asked.bend)
    cameras = _cameras(scene, ids, where, table)
    require_rays(rays_for_coverage(cameras, asked.cell_m), material.limits.rays)
    found = coverage(
        scene, cameras, cells_within(scene.ground, area), target_height_m=asked.target_height_m, told=material.told
    )
    classes = np.where(found.seen_by > 1, 2, np.where(found.seen_by == 1, 1, np.where(found.maybe_by > 0, 3, 0)))
    names = {0: "blind", 1: "one-camera", 2: "two-or-more", 3: UNKNOWN_WORD}
    marks = [
        Mark(geometry, {"verdict": names[value], "area_m2": geometry.area})
        for value, geometry in regions(scene.ground, classes.astype(np.uint8), found.within).items()
    ]
    seen = [{"camera": ids[i], "seen_m2": found.seen_m2[i]} for i in np.flatnonzero(np.nan_to_num(found.seen_m2) > 0)]
    areas = found.areas_m2()
    values = {
        "cameras": len(ids),
        "camerasNotUsable": int((~cameras.usable).sum()),
        "areas_m2": areas,
        "coveredShare": areas["covered"] / areas["area"] if areas["area"] else None,
        "byCamera": sorted(seen, key=lambda entry: -float(entry["seen_m2"])),
    }
    return Answer(values, marks, asked.cell_m, material.errors(), _RIGHT_TO)


def _box_with(area: shapely.Geometry, where: Floats) -> Box:
    """The box of an area and of the cameras that may see it."""
    together = shapely.GeometryCollection([area, shapely.MultiPoint(where)]) if len(where) else area
    return box_round(together, 10.0)


class WhoSees(CameraQuestion):
    """Which cameras see a place."""

    place: Point

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.place]


def answer_who_sees(material: Material, asked: WhoSees) -> Answer:
    spot = material.local(asked.place)
    ids, where, table = asked.read(material, box_round(spot, asked.range_max_m))
    scene = material.scene(_box_with(spot, where), asked.bend)
    cameras = _cameras(scene, ids, where, table)
    target = above_ground(scene.ground, np.asarray(shapely.get_coordinates(spot)), asked.target_height_m)[0]
    if not np.isfinite(target[2]):
        raise BadAnalysisError(
            "The ground at the place is unknown. 该处高程未知。",
            remedy="Choose a place with terrain, or state ground_m.",
        )
    framed, between = who_sees(scene, cameras, target)
    marks = []
    for row in np.flatnonzero(framed):
        verdict = WORDS.get(between.verdict[row], UNKNOWN_WORD)
        eye = cameras.eyes[row]
        properties = {
            "camera": ids[row],
            "verdict": verdict,
            "distance_m": float(np.linalg.norm(target - eye)),
            "bearing_deg": float(np.degrees(np.arctan2(*(target - eye)[:2])) % 360),
            **_blocker(scene, between, int(row)),
        }
        marks.append(Mark(shapely.LineString([eye[:2], target[:2]]), properties))
    marks.sort(key=lambda mark: (mark.properties["verdict"] != "visible", mark.properties["distance_m"]))
    values = {
        "cameras": len(ids),
        "camerasNotUsable": int((~cameras.usable).sum()),
        "seenBy": [mark.properties["camera"] for mark in marks if mark.properties["verdict"] == "visible"],
        "pointedButHidden": [mark.properties["camera"] for mark in marks if mark.properties["verdict"] == "hidden"],
        "unknown": [mark.properties["camera"] for mark in marks if mark.properties["verdict"] == UNKNOWN_WORD],
    }
    return Answer(values, marks, asked.cell_m, material.errors(), _RIGHT_TO)
