"""Questions to cameras: what they cover, who sees a place. Their lenses are read from the layer, or from the words of GB/T 28181."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import shapely
from pydantic import Field

from layers.analysis.answer import Answer, Mark, class_areas, class_marks
from layers.analysis.indoors import INSIDE, INSIDE_CLASS, INSIDE_CODE, area_inside, nodes_inside
from layers.analysis.material import Box, Material, box_round
from layers.analysis.question import AboveGround, Area, LayerId, Metres, Point, RasterQuestion, SightQuestion
from layers.analysis.raster import Meaning, classes
from layers.analysis.seeing import RIGHT_TO, UNKNOWN_WORD, WORDS, blocker_words
from layers.analysis.verdicts import COLORS
from scenes3d.analysis.cameras import Cameras, Coverage, coverage, rays_for_coverage, who_sees
from scenes3d.analysis.earthwork import cells_within
from scenes3d.analysis.optics import Optics, distance_for
from scenes3d.analysis.scene import Scene
from scenes3d.analysis.sight import above_ground, require_rays
from scenes3d.rays.port import Bools, Floats
from twin.errors import BadAnalysisError
from twin.schema import Schema
from twin.text import LocalText

# Names of GB/T 28181-2022 (items of a catalogue), taken where a layer has no property of the name that is asked for by default.
_STANDARD = {
    "azimuth_property": "DirectionType",
    "fov_property": "HorizontalFieldAngle",
    "vertical_fov_property": "VerticalFieldAngle",
    "range_property": "MaxViewDistance",
}
# Where a camera faces by its DirectionType: 1 east, 2 west, 3 south, 4 north, 5 south-east, 6 north-east, 7 south-west, 8 north-west.
_DIRECTIONS = {1: 90.0, 2: 270.0, 3: 180.0, 4: 0.0, 5: 135.0, 6: 45.0, 7: 225.0, 8: 315.0}
_PropertyName = Annotated[str, Field(max_length=60)]


@dataclass(frozen=True)
class Lenses:
    """The cameras of a layer before they are set on the ground.

    Attributes:
        where: (n, 2) metres of the frame.
        height_m: (n,) above the ground; the others as in `Cameras` and `Optics`.
        names: Which property was read for what.
    """

    ids: list[str]
    where: Floats
    height_m: Floats
    azimuth_deg: Floats
    fov_deg: Floats
    range_m: Floats
    optics: Optics
    names: dict[str, str]

    def stand(self, scene: Scene) -> Cameras:
        """On the scene's ground."""
        ground = scene.ground.at(self.where[:, 0], self.where[:, 1])
        eyes = np.column_stack([self.where, ground + self.height_m])
        return Cameras(self.ids, eyes, self.azimuth_deg, self.fov_deg, self.range_m, self.optics)


class CameraQuestion(SightQuestion):
    """Which layer holds the cameras, and how its properties are called."""

    cameras: LayerId = "cameras"
    only: Annotated[
        tuple[Annotated[str, Field(max_length=200)], ...],
        Field(max_length=1_000, description="Ids of the cameras that are asked; without it, all of the layer."),
    ] = ()
    height_property_of_cameras: _PropertyName = "height_m"
    azimuth_property: _PropertyName = "azimuth_deg"
    fov_property: _PropertyName = "fov_deg"
    range_property: _PropertyName = "range_m"
    pitch_property: Annotated[
        str, Field(max_length=60, description="Of the axis above the horizon; negative looks down. It may be missing.")
    ] = "pitch_deg"
    vertical_fov_property: Annotated[str, Field(max_length=60, description="It may be missing.")] = "vertical_fov_deg"
    pitch_counts_down: Annotated[bool, Field(description="The layer's tilts are positive downwards.")] = False
    round_picture: Annotated[bool, Field(description="Pictures are circles: the field of view is that of a cone.")] = (
        False
    )
    range_max_m: Annotated[Metres, Field(description="No camera is believed to see farther.")] = 1_000.0
    pixels_per_m: (
        Annotated[
            float,
            Field(
                gt=0,
                le=10_000,
                description="Range ends where a metre of the target is narrower than this; by IEC 62676-4, 25 detect, 62 observe,"
                " 125 recognise, 250 identify.",
            ),
        ]
        | None
    ) = None
    picture_width_px: Annotated[int, Field(ge=100, le=100_000, description="Of all cameras, for pixels_per_m.")] = 1920
    target_height_m: AboveGround = 1.5

    def read(self, material: Material, box: Box) -> Lenses:
        """The cameras in a box.

        Raises:
            UnknownPropertyError: if the layer has no property of a name that was given, or of one that is needed.
        """
        record = material.desk.registry.layer(self.cameras, material.actor)
        found = self._names(record.schema)
        batch = material.read(record, box, tuple(found.values()), material.limits.buildings)
        points = np.array(
            [
                geometry is not None and geometry.geom_type == "Point" and (not self.only or str(id_) in self.only)
                for id_, geometry in zip(batch.ids, batch.geometries, strict=True)
            ],
            dtype=bool,
        )
        where = shapely.get_coordinates([material.local(geometry) for geometry in batch.geometries[points]])

        def column(role: str) -> Floats:
            values = batch.columns[found[role]] if role in found else np.full(len(batch), np.nan)
            numbers = [_direction(v) if found.get(role) == "DirectionType" else _number(v) for v in values]
            kept: Floats = np.array(numbers, dtype=np.float64)[points]
            return kept

        fov, pitch = column("fov_property"), column("pitch_property")
        reach = np.minimum(column("range_property"), self.range_max_m)
        if self.pixels_per_m is not None:
            # Where the range is unknown, the pixels alone say how far the picture is good for.
            reach = np.fmin(reach, distance_for(self.pixels_per_m, np.full(len(fov), self.picture_width_px), fov))
            reach = np.fmin(reach, self.range_max_m)
        return Lenses(
            [str(id_) for id_, good in zip(batch.ids, points, strict=True) if good],
            where.reshape(-1, 2),
            column("height_property_of_cameras"),
            column("azimuth_property"),
            fov,
            reach,
            Optics(-pitch if self.pitch_counts_down else pitch, column("vertical_fov_property"), self.round_picture),
            {role.removesuffix("_property"): name for role, name in found.items()},
        )

    def _names(self, schema: Schema) -> dict[str, str]:
        """The property of each role: the one named, that of the standard, or none where it may be missing."""
        found: dict[str, str] = {}
        for role in ("height_property_of_cameras", *_STANDARD, "pitch_property"):
            name = str(getattr(self, role))
            if name not in schema.names and role not in self.model_fields_set:
                name = _STANDARD.get(role, name) if _STANDARD.get(role, name) in schema.names else name
            optional = role in ("pitch_property", "vertical_fov_property") or (
                role == "range_property" and self.pixels_per_m is not None
            )
            if name not in schema.names and optional and role not in self.model_fields_set:
                continue
            schema.property(name)
            found[role] = name
        return found


def _number(value: Any) -> float:
    """NaN where nothing, or no number, is known."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _direction(value: Any) -> float:
    """The azimuth of a DirectionType; NaN for none."""
    number = _number(value)
    return _DIRECTIONS.get(int(number), float("nan")) if np.isfinite(number) else number


def _counts(lenses: Lenses, cameras: Cameras) -> dict[str, Any]:
    """How many cameras there are, and how many of them are known less well."""
    return {
        "cameras": len(cameras.ids),
        "camerasNotUsable": int((~cameras.usable).sum()),
        "camerasWithoutTilt": int((cameras.usable & ~lenses.optics.tilted).sum()),
        "cameraProperties": lenses.names,
    }


_COVERED = Meaning(
    LocalText("监控覆盖", "Camera coverage"),
    classes=(
        (0, LocalText("盲区", "Blind"), COLORS["blind"]),
        (1, LocalText("一台可见", "One camera"), COLORS["one-camera"]),
        (2, LocalText("两台及以上可见", "Two or more"), COLORS["two-or-more"]),
        (3, LocalText("不明", "Unknown"), COLORS["unknown"]),
        INSIDE_CLASS,
    ),
)


class CameraCoverage(CameraQuestion, RasterQuestion):
    """What cameras see of an area."""

    area: Area

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.area]


def answer_camera_coverage(material: Material, asked: CameraCoverage) -> Answer:
    area = material.local(asked.area)
    lenses = asked.read(material, box_round(area, asked.range_max_m))
    scene = material.scene(_box_with(area, lenses.where), asked.bend)
    cameras = lenses.stand(scene)
    require_rays(rays_for_coverage(cameras, asked.cell_m) * asked.casts, material.limits.rays)
    within = cells_within(scene.ground, area)

    def ask(where: Scene, first: float, indoors: Bools) -> Coverage:
        return coverage(
            where, cameras, within & ~indoors, target_height_m=asked.target_height_m,
            told=lambda share: material.told(first + share / asked.casts),
        )  # fmt: skip

    old = None
    if material.before is not None:
        was = nodes_inside(material.before, within, asked.target_height_m)
        old = _codes(ask(material.before, 0.0, was), was)
    indoors = nodes_inside(scene, within, asked.target_height_m)
    found = ask(scene, 1 - 1 / asked.casts, indoors)
    names = {0: "blind", 1: "one-camera", 2: "two-or-more", 3: UNKNOWN_WORD, INSIDE_CODE: INSIDE}
    codes, known = _codes(found, indoors), found.within | indoors
    marks = class_marks(scene.ground, codes, old, known, names)
    some = np.flatnonzero(np.nan_to_num(found.seen_m2) > 0).tolist()
    seen = [{"camera": cameras.ids[i], "seen_m2": found.seen_m2[i]} for i in some]
    areas = found.areas_m2()
    values = {
        **_counts(lenses, cameras),
        "areas_m2": areas,
        **area_inside(scene, indoors),
        "coveredShare": areas["covered"] / areas["area"] if areas["area"] else None,
        "byCamera": sorted(seen, key=lambda entry: -float(entry["seen_m2"])),
    }
    if old is not None:
        values["compared_m2"] = class_areas(scene.ground, codes, old, known, names)
    raster = classes(scene.ground, codes, known, _COVERED)
    return Answer(values, marks, asked.cell_m, material.errors(), RIGHT_TO, raster)


def _codes(found: Coverage, indoors: Bools) -> npt.NDArray[np.uint8]:
    """0 blind, 1 one camera, 2 two or more, 3 nobody can tell; and what is no ground."""
    codes = np.where(found.seen_by > 1, 2, np.where(found.seen_by == 1, 1, np.where(found.maybe_by > 0, 3, 0)))
    return np.where(indoors, INSIDE_CODE, codes).astype(np.uint8)


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
    lenses = asked.read(material, box_round(spot, asked.range_max_m))
    scene = material.scene(_box_with(spot, lenses.where), asked.bend)
    cameras = lenses.stand(scene)
    target = above_ground(scene.ground, np.asarray(shapely.get_coordinates(spot)), asked.target_height_m)[0]
    if not np.isfinite(target[2]):
        raise BadAnalysisError(
            "The ground at the place is unknown. 该处高程未知。",
            remedy="Choose a place with terrain, or state ground_m.",
        )
    framed, between = who_sees(scene, cameras, target)
    before = None if material.before is None else who_sees(material.before, cameras, target)[1]
    marks = []
    for row in np.flatnonzero(framed).tolist():
        verdict = WORDS.get(between.verdict[row], UNKNOWN_WORD)
        eye = cameras.eyes[row]
        properties = {
            "camera": cameras.ids[row],
            "verdict": verdict,
            "distance_m": float(np.linalg.norm(target - eye)),
            "from_elevation_m": float(eye[2]),
            "to_elevation_m": float(target[2]),
            "bearing_deg": float(np.degrees(np.arctan2(*(target - eye)[:2])) % 360),
            **blocker_words(scene, between, row),
            **({} if before is None else {"verdict_before": WORDS.get(before.verdict[row], UNKNOWN_WORD)}),
        }
        marks.append(Mark(shapely.LineString([eye[:2], target[:2]]), properties))
    marks.sort(key=lambda mark: (mark.properties["verdict"] != "visible", mark.properties["distance_m"]))
    values = {
        **_counts(lenses, cameras),
        "seenBy": [mark.properties["camera"] for mark in marks if mark.properties["verdict"] == "visible"],
        "pointedButHidden": [mark.properties["camera"] for mark in marks if mark.properties["verdict"] == "hidden"],
        "unknown": [mark.properties["camera"] for mark in marks if mark.properties["verdict"] == UNKNOWN_WORD],
    }
    return Answer(values, marks, asked.cell_m, material.errors(), RIGHT_TO)
