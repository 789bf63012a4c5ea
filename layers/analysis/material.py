"""What analyses rest on: terrain, buildings, scenes and cameras, as far as the one who asks may read them, with their versions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from layers.analysis.accuracy import Accuracy, accuracy_of
from layers.analysis.answer import to_degrees, to_frame
from layers.analysis.question import NO_LAYER, ModelQuestion, Question, RayQuestion, SceneQuestion
from layers.analysis.rules import RuleBook
from layers.analysis.scenes import ChosenScene, of_one_datum
from layers.policy import Actor
from layers.registry import Registry
from layers.scenes.desk import SceneDesk
from layers.scenes.rules import height_rule
from scenes3d.analysis.blocks import Blocks, HeightAt, standing_blocks
from scenes3d.analysis.ground import Elevations, Ground, lattice, level_ground, sampled_ground
from scenes3d.analysis.scene import Scene, bend_of, open_scene
from scenes3d.analysis.surfaces import OpenSurfaces, joined, open_surfaces, shown_by
from scenes3d.buildings.faults import BuildReport
from scenes3d.buildings.heights import heights_of
from scenes3d.rays.port import Bools, Floats
from tiles.raster.book import RasterBook
from tiles.terrain.shelf import TerrainShelf
from twin.bounds import Bounds
from twin.errors import BadAnalysisError
from twin.feature import FeatureBatch
from twin.local_frame import LocalFrame
from twin.moment import resolve_as_of
from twin.query import FeatureQuery
from twin.store.port import LayerRecord
from twin.text import LocalText
from twin.vertical import UNKNOWN, vertical_datum_title

Box = tuple[float, float, float, float]
REACH_MAX_M = 60_000.0


@dataclass(frozen=True, slots=True)
class AnalysisLimits:
    """What one question may cost.

    Attributes:
        cells: Cells of ground; rays: lines of sight; buildings: footprints read; triangles: of scenes.
    """

    cells: int = 25_000_000
    rays: int = 100_000_000
    buildings: int = 200_000
    triangles: int = 20_000_000


@dataclass(frozen=True)
class AnalysisDesk:
    """Where analyses find what they need.

    Attributes:
        inbox: Folder of point clouds; None where there is none.
        scenes: Meshes and city models; None where there are none.
        rasters: Where rasters of results are kept; None where there is no place for them.
        rules: What counts as sunlight, and the dimensions of surfaces.
    """

    registry: Registry
    terrains: TerrainShelf
    limits: AnalysisLimits = field(default_factory=AnalysisLimits)
    inbox: Path | None = None
    scenes: SceneDesk | None = None
    rasters: RasterBook | None = None
    rules: RuleBook = field(default_factory=RuleBook)


@dataclass
class Material:
    """What one question uses, written down as it is taken.

    Attributes:
        told: Hears the share that is done, and stops the work by raising.
        used: Layers and terrains with their versions.
        remarks: What the reader of the answer must know: heights from floors, ground that nobody measured.
        chosen: Scenes that may stand in the way; once the ground is known, those of its vertical datum.
        remark: A sentence on those that were left out.
        before: After `scene`, the city without what is planned, where that is asked for.
        neighbours: After `scene`, the buildings that stand and stay, and are raised from their footprints.
    """

    desk: AnalysisDesk
    actor: Actor
    question: Question
    frame: LocalFrame
    told: Callable[[float], None] = lambda share: None
    used: list[dict[str, Any]] = field(default_factory=list)
    remarks: dict[str, Any] = field(default_factory=dict)
    vertical_datum: str = UNKNOWN
    chosen: tuple[ChosenScene, ...] = ()
    remark: LocalText = field(default_factory=LocalText)
    before: Scene | None = None
    neighbours: Blocks | None = None
    _height_at: HeightAt | None = None
    _ground: Ground | None = None

    @property
    def limits(self) -> AnalysisLimits:
        return self.desk.limits

    def local(self, geometry: shapely.Geometry) -> shapely.Geometry:
        return to_frame(geometry, self.frame)

    def ground(self, box: Box, terrain: str | None = None) -> Ground:
        """The ground over a box of the frame.

        Raises:
            BadAnalysisError: if it has too many cells, or it is not said which ground is meant.
            UnknownTerrainError: if there is no such terrain.
        """
        question = self.question
        self._require_room(box)
        if question.ground_m is not None and terrain is None:
            self.used.append({"ground": "stated", "height_m": question.ground_m})
            self._height_at = partial(_level, question.ground_m)
            self._ground = level_ground(question.ground_m, box, question.cell_m)
            return self._ground
        held = self.desk.terrains.terrain(terrain or self._terrain_id())
        elevation = held.surface.elevation
        ground = sampled_ground(elevation, self.frame, box, question.cell_m)
        self._height_at = partial(self._measured, elevation)
        self.vertical_datum = elevation.vertical_datum
        self.used.append(
            {
                "terrain": held.id,
                "edition": held.edition,
                "verticalDatum": elevation.vertical_datum,
                "pixel_m": elevation.pixel_m,
            }
        )
        self.remarks["groundUnknownShare"] = ground.unknown_share
        self._ground = ground
        return ground

    def blocks(self, box: Box) -> Blocks:
        """The buildings that meet a box, and behind them the planned volumes, standing on the ground that was taken before."""
        question, height_at = self.question, self._height_at
        assert height_at is not None
        assert isinstance(question, SceneQuestion)
        ids: list[str] = []
        shapes: list[shapely.Geometry] = []
        heights = np.zeros(0)
        if question.buildings != NO_LAYER:
            record = self.desk.registry.layer(question.buildings, self.actor)
            rule = height_rule(record, question.height_property, question.floors_property, question.floor_height_m)
            names = tuple(name for name in (rule.height, rule.floors) if name)
            batch = self.read(record, box, names, self.limits.buildings)
            report = BuildReport(seen=len(batch))
            found = heights_of(batch, rule, report)
            areal = [
                geometry is not None and geometry.geom_type in ("Polygon", "MultiPolygon")
                for geometry in batch.geometries
            ]
            ids = [str(id_) for id_, good in zip(batch.ids, areal, strict=True) if good]
            # Crossing rings have no inside that anybody could agree on before they are mended.
            shapes = [self.local(shapely.force_2d(g)) for g in shapely.make_valid(batch.geometries[areal])]
            heights = found[areal]
            self.remarks["heights"] = {"rule": rule.to_dict(), "faults": report.to_dict()["faults"]}
        ids += [planned.id for planned in question.planned]
        shapes += [self.local(planned.footprint) for planned in question.planned]
        heights = np.concatenate([heights, [planned.height_m for planned in question.planned]])
        footprints = np.empty(len(shapes), dtype=object)
        footprints[:] = [_areas(geometry) for geometry in shapes]
        blocks = standing_blocks(ids, footprints, heights, height_at)
        self.remarks["buildings"] = blocks.counts() | {"planned": len(question.planned)}
        return blocks

    def scene(self, box: Box, refraction: float | None = None) -> Scene:
        """Ground, buildings, scenes and what is planned over a box of the frame; `before` and `neighbours` are known afterwards.

        Raises:
            BadAnalysisError: if a scene that is named counts heights from another datum, or a building to be taken down is not there.
        """
        question = self.question
        assert isinstance(question, ModelQuestion)
        ground = self.ground(box)
        self._settle_datum()
        blocks = self.blocks(box)
        bend = bend_of(self.frame, refraction)
        stands = [self._surfaces(ground, box, bend, planned=False)] if self.chosen else []
        comes = [self._surfaces(ground, box, bend, planned=True)] if question.planned_scenes else []
        existing = np.arange(len(blocks.ids)) < len(blocks.ids) - len(question.planned)
        shown = np.zeros_like(existing)
        for surfaces in stands:
            shown[existing] = shown_by(blocks.where(existing), surfaces)
        if self.chosen:
            self.remarks["buildings"]["shownByScenes"] = int(shown.sum())
        gone = self._demolished(question, blocks, existing, shown)
        self.neighbours = blocks.where(existing & ~shown & ~gone)
        if isinstance(question, RayQuestion) and question.compare:
            standing = blocks.where(existing & ~shown)
            self.before = open_scene(self.frame, ground, standing, refraction=refraction, surfaces=stands)
        after = blocks.where(~shown & ~gone)
        return open_scene(self.frame, ground, after, refraction=refraction, surfaces=[*stands, *comes])

    def _settle_datum(self) -> None:
        """Leave out the scenes that count from another datum than the ground, and note them."""
        stated = self.question.ground_m is not None
        settled = of_one_datum(self.chosen, None if stated else self.vertical_datum)
        self.vertical_datum = settled.datum or self.vertical_datum
        self.chosen = settled.scenes
        if settled.left_out:
            self.remarks["scenesLeftOut"] = settled.told()
            self.remark = settled.statement()

    def _surfaces(self, ground: Ground, box: Box, bend: float, *, planned: bool) -> OpenSurfaces:
        """The surfaces of the chosen scenes, those that stand or those that are planned, in one bag."""
        parts, room = [], self.limits.triangles
        for chosen in self.chosen:
            if chosen.planned is planned:
                part = chosen.surfaces(
                    self.frame, self.degrees(box), box, partial(self._anywhere, ground), ground.cell_m, room
                )
                room -= len(part.part)
                parts.append(part)
                self.used.append(chosen.told(part))
        return open_surfaces(joined(parts), bend)

    def _anywhere(self, ground: Ground, east: Floats, north: Floats) -> Floats:
        """Heights of the ground; beyond the lattice, where triangles reach out of the box, by looking them up one by one."""
        assert self._height_at is not None
        found = ground.at(east, north)
        missing = np.isnan(found)
        found[missing] = self._height_at(east[missing], north[missing])
        return found

    def _demolished(self, question: ModelQuestion, blocks: Blocks, existing: Bools, shown: Bools) -> Bools:
        """Which buildings are to be taken down."""
        rows = {blocks.ids[row]: row for row in np.flatnonzero(existing).tolist()}
        gone = np.zeros(len(blocks.ids), dtype=np.bool_)
        for name in question.demolished:
            row = rows.get(name)
            if row is None or shown[row]:
                why = "is not in the area" if row is None else "is shown by a scene of meshes or models"
                raise BadAnalysisError(
                    f"The building '{name}' cannot be taken down: it {why}. 拟拆建筑不在范围内或由场景表示。",
                    value=name,
                    limit=f"buildings of '{question.buildings}' that are raised from their footprints",
                    remedy="Correct the id, or leave the scene out (scenes).",
                )
            gone[row] = True
        return gone

    def read(self, record: LayerRecord, box: Box, properties: Sequence[str], most: int) -> FeatureBatch:
        """The features of a layer that meet a box of the frame, as they stood at the version that the answer names.

        Raises:
            BadAnalysisError: if there are more than `most`.
            BadMomentError, BadIntervalError: if the time that is asked for is none.
        """
        question = self.question
        assert isinstance(question, SceneQuestion)
        moment, store = question.as_of_instant, self.desk.registry.store
        version = record.version if moment is None else resolve_as_of(store, record.id, moment)
        query = FeatureQuery(
            bounds=self.degrees(box),
            as_of=version,
            interval=question.valid_interval,
            properties=tuple(dict.fromkeys(properties)),
            limit=most + 1,
        )
        batch = store.select(record.id, query)
        if len(batch) > most:
            raise BadAnalysisError(
                f"The area holds too many features of '{record.id}'. 区域内要素过多。",
                value=f"more than {most:,}",
                limit=f"{most:,}",
                remedy="Ask for a smaller area, or have ONEMAP_ANALYSIS_BUILDINGS_MAX raised.",
            )
        said = {
            name: record.document[name] for name in ("accuracy_m", "vertical_accuracy_m") if name in record.document
        }
        self.used.append({"layer": record.id, "version": version, "features": len(batch), **said})
        return batch

    def degrees(self, box: Box) -> Bounds:
        """The longitudes and latitudes that hold a box of the frame."""
        west, south, east, north = to_degrees(shapely.segmentize(shapely.box(*box), 1_000.0), self.frame).bounds
        return Bounds(west, south, east, north)

    def errors(self) -> dict[str, Any]:
        """Figures that every answer carries."""
        terrain = next((entry["pixel_m"] for entry in self.used if "pixel_m" in entry), None)
        return {"terrainPixel_m": terrain, **self.remarks}

    def accuracy(self) -> Accuracy | None:
        """What the answer is good to, once its ground was taken; None for answers without one."""
        if self._ground is None:
            return None
        reaches = [getattr(self.question, name, 0.0) for name in ("reach_m", "range_max_m", "margin_m")]
        west, south, east, north = shapely.total_bounds(
            np.array([self.local(place) for place in self.question.places], dtype=object)
        ).tolist()
        reach = max(reaches) or float(np.hypot(east - west, north - south))
        return accuracy_of(self.question, self.frame, self._ground, self.used, reach, self.vertical_datum)

    def datum_document(self) -> Mapping[str, str]:
        title = vertical_datum_title(self.vertical_datum)
        return {"id": self.vertical_datum, **title.to_dict()}

    def _measured(self, elevation: Elevations, east: Floats, north: Floats) -> Floats:
        lon, lat = self.frame.to_geodetic(east, north)
        return elevation.heights(lon, lat, elevation.level_for(self.question.cell_m)).astype(np.float64)

    def _terrain_id(self) -> str:
        if self.question.terrain is not None:
            return self.question.terrain
        known = self.desk.terrains.ids()
        if len(known) != 1:
            raise BadAnalysisError(
                "It is not said which ground is meant. 未指明地形。",
                value=", ".join(known) or "no terrain on this server",
                limit="one terrain, or a height that you state",
                remedy="Name it as 'terrain', or state 'ground_m' for a level ground. An unknown ground is not taken for zero.",
            )
        return known[0]

    def _require_room(self, box: Box) -> None:
        _west, _south, rows, columns = lattice(*box, self.question.cell_m)
        if rows * columns > self.limits.cells:
            raise BadAnalysisError(
                "The area has too many cells. 网格单元过多。",
                value=f"{rows * columns:,} cells of {self.question.cell_m:g} m",
                limit=f"{self.limits.cells:,} cells",
                remedy="Ask for a smaller area, a larger cell_m, or have ONEMAP_ANALYSIS_CELLS_MAX raised.",
            )


def _level(height_m: float, east: Floats, north: Floats) -> Floats:
    return np.full(np.shape(east), height_m)


def frame_round(*geometries: shapely.Geometry) -> LocalFrame:
    """The frame round the middle of geometries in degrees.

    Raises:
        BadAnalysisError: if they lie too far apart for one frame.
    """
    west, south, east, north = shapely.total_bounds(np.array(geometries, dtype=object))
    frame = LocalFrame(float(west + east) / 2, float(south + north) / 2)
    corner = frame.to_local(east, north)
    if not float(np.hypot(*corner)) <= REACH_MAX_M:
        raise BadAnalysisError(
            "The places lie too far apart. 范围过大。",
            value=f"{float(np.hypot(*corner)) * 2 / 1000:.0f} km",
            limit=f"{2 * REACH_MAX_M / 1000:.0f} km",
            remedy="Ask in parts.",
        )
    return frame


def box_round(geometry: shapely.Geometry, margin_m: float) -> Box:
    """The box of a geometry of the frame with a margin."""
    west, south, east, north = geometry.bounds
    return west - margin_m, south - margin_m, east + margin_m, north + margin_m


def _areas(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry that mending may have left lines in."""
    if geometry.geom_type in ("Polygon", "MultiPolygon"):
        return geometry
    return shapely.MultiPolygon([part for part in shapely.get_parts(geometry) if part.geom_type == "Polygon"])
