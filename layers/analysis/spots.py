"""Where questions of light are asked: at points, along a line, on a grid over an area, or before the walls of its buildings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal, Self

import numpy as np
import shapely
from pydantic import Field, model_validator

from layers.analysis.material import Box, Material, box_round
from layers.analysis.question import Metres, Places, RasterQuestion, RayQuestion
from layers.analysis.raster import Meaning, Raster
from scenes3d.analysis.facades import facade_points
from scenes3d.analysis.inside import inside
from scenes3d.analysis.scene import Scene
from scenes3d.analysis.sight import above_ground, points_along, points_within, require_rays
from scenes3d.rays.port import Bools, Floats
from twin.errors import BadAnalysisError

_AREAS = ("Polygon", "MultiPolygon")


class LightQuestion(RayQuestion):
    """What questions of light have in common."""

    margin_m: Annotated[Metres, Field(description="How far round the places things are taken into the scene.")] = 300.0


@dataclass(frozen=True)
class Spots:
    """Places that are asked about.

    Attributes:
        points: (n, 3) metres of the frame.
        buildings: Id of the building before whose wall each lies; empty where they do not.
    """

    points: Floats
    buildings: tuple[str, ...] = ()

    def inside(self, scene: Scene) -> Bools:
        """Which lie inside a building or a body of a scene, (n,). Places before walls never do: a window that is built over has lost
        its light.
        """
        return np.zeros(len(self.points), dtype=np.bool_) if self.buildings else inside(scene, self.points)

    def outside(self, within: Bools) -> Floats:
        """The points; without a height, so that nothing is asked of them, where they lie inside."""
        points = self.points.copy()
        points[within, 2] = np.nan
        return points

    def told_inside(self, within: Bools, when: str = "") -> dict[str, list[bool]]:
        """What marks say of it; nothing before walls."""
        return {} if self.buildings else {f"inside_building{when}": within.tolist()}


class SpotQuestion(LightQuestion, RasterQuestion):
    """Questions asked at points."""

    at: Places
    on: Annotated[
        Literal["ground", "facades"],
        Field(description="Over an area: a grid on the ground, or places before the walls of its buildings."),
    ] = "ground"
    spacing_m: Annotated[Metres, Field(description="Between points of a line, an area or along walls.")] = 10.0

    @model_validator(mode="after")
    def _walls_need_an_area(self) -> Self:
        if self.on == "facades" and self.at.geom_type not in _AREAS:
            raise ValueError("facades are looked for in an area: 'at' is a Polygon then")
        return self

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.at]

    def box(self, material: Material, rays_each: int) -> Box:
        """The box of the scene, once it is known that the points on the ground cost no more rays than may be.

        Raises:
            BadAnalysisError: if they do.
        """
        place = material.local(self.at)
        if self.on == "ground" and place.geom_type in _AREAS:
            require_rays(round(place.area / self.spacing_m**2) * rays_each, material.limits.rays)
        return box_round(place, self.margin_m)

    def spots(self, material: Material, scene: Scene, height_m: float, rays_each: int) -> Spots:
        """The points.

        Raises:
            BadAnalysisError: if there are none, or they cost more rays than may be.
        """
        place = material.local(self.at)
        found = self._facades(material, place, height_m) if self.on == "facades" else None
        if found is None:
            plan = self._plan(place)
            found = Spots(above_ground(scene.ground, plan, height_m))
        require_rays(len(found.points) * rays_each, material.limits.rays)
        return found

    def raster(self, material: Material, spots: Spots, values: Floats, meaning: Meaning) -> Raster | None:
        """The values at the points as cells, where they are a grid over an area."""
        place = material.local(self.at)
        if self.on != "ground" or place.geom_type not in _AREAS:
            return None
        west, south = spots.points[:, :2].min(axis=0).tolist()
        column, row = np.rint((spots.points[:, :2] - [west, south]) / self.spacing_m).astype(np.int64).T
        cells = np.full((int(row.max()) + 1, int(column.max()) + 1), np.nan, dtype=np.float32)
        cells[row, column] = values
        return Raster(cells, west, south, self.spacing_m, meaning)

    def _plan(self, place: shapely.Geometry) -> Floats:
        if place.geom_type == "LineString":
            return points_along(place, self.spacing_m)
        if place.geom_type in _AREAS:
            return points_within(place, self.spacing_m)
        return np.asarray(shapely.get_coordinates(place))

    def _facades(self, material: Material, place: shapely.Geometry, height_m: float) -> Spots:
        blocks = material.neighbours
        assert blocks is not None
        points, rows = facade_points(blocks, place, self.spacing_m)
        if not len(points):
            raise BadAnalysisError(
                "No building that stands and is raised from its footprint has a wall in the area. 范围内没有建筑立面。",
                value=f"{len(blocks.ids)} buildings near it",
                limit="buildings with a known height in the area",
                remedy="Draw the area round the buildings, or ask on the ground.",
            )
        points[:, 2] += height_m
        return Spots(points, tuple(blocks.ids[row] for row in rows.tolist()))
