"""Questions of volume: flood, cut and fill, stockpiles."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import shapely
from pydantic import Field, model_validator

from layers.analysis.answer import Answer, Mark, regions
from layers.analysis.cloud import read_cloud
from layers.analysis.material import Material, box_round
from layers.analysis.question import Area, Height, Point, Question, RasterQuestion
from layers.analysis.raster import Meaning, numbers
from scenes3d.analysis.earthwork import Volumes, cells_within, stockpile, volumes_between
from scenes3d.analysis.flood import Flood, cells_at, flood_by_inflow, flood_to_level, told_of_the_rim
from scenes3d.analysis.ground import Ground
from twin.errors import BadAnalysisError
from twin.text import LocalText

# Depths in metres at which classes of depth begin; common words of flood maps.
_DEPTHS = (0.0, 0.15, 0.5, 1.0, 2.0)
_HEIGHT_ERROR_M = 0.15


_DEPTH = Meaning(LocalText("水深", "Depth of water"), unit="m", colormap="blues", undrawn="0")
_CUT = Meaning(LocalText("挖（正）填（负）深度", "Cut (positive) and fill (negative)"), unit="m", colormap="rdbu")


class FloodQuestion(Question, RasterQuestion):
    """Water over the ground of an area: up to a level, or a volume of it from one source."""

    area: Area
    sources: Annotated[
        tuple[Point, ...], Field(min_length=1, max_length=1_000, description="Where the water comes from.")
    ]
    level_m: Annotated[Height, Field(description="Water level above the vertical datum of the terrain.")] | None = None
    inflow_m3: Annotated[float, Field(gt=0, le=1e12, description="Volume that comes from the one source.")] | None = (
        None
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> FloodQuestion:
        if (self.level_m is None) == (self.inflow_m3 is None):
            raise ValueError("say either level_m or inflow_m3")
        if self.inflow_m3 is not None and len(self.sources) != 1:
            raise ValueError("an inflow comes from one source")
        return self

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.area, *self.sources]


def answer_flood(material: Material, asked: FloodQuestion) -> Answer:
    area = material.local(asked.area)
    whole = material.ground(box_round(area, 0.0))
    inside = cells_within(whole, area)
    # Ground outside the area in question is not known to it: water that gets there is said to have left, not followed.
    heights = np.where(inside, whole.heights, np.nan)
    ground = Ground(heights, whole.west, whole.south, whole.cell_m)
    material.told(0.2)
    spots = shapely.get_coordinates([material.local(source) for source in asked.sources])
    cells = cells_at(ground, np.asarray(spots))
    if asked.level_m is not None:
        flood = flood_to_level(ground, cells, asked.level_m)
    else:
        flood = flood_by_inflow(ground, int(cells[0]), asked.inflow_m3 or 0.0)
    flood = told_of_the_rim(flood, ~inside)
    material.told(0.8)
    wet = flood.wet
    level = ground.heights[wet] + flood.depth_m[wet]
    values = {
        "area_m2": flood.area_m2,
        "volume_m3": flood.volume_m3,
        "deepest_m": float(flood.depth_m[wet].max()) if wet.any() else 0.0,
        "highestLevel_m": float(level.max()) if wet.any() else None,
        "ending": flood.ending.value,
        "surplus_m3": flood.surplus_m3,
        "unknownGround_m2": float((inside & np.isnan(whole.heights)).sum() * whole.cell_m**2),
    }
    errors = {**material.errors(), "level_m": _HEIGHT_ERROR_M}
    statement = LocalText(
        "静水连通淹没：不计时间、流速、管网与下渗；薄于一个网格的堤墙不在地形中；到达范围边界或无高程处即注明。",
        "Still water, connected cell by cell: no time, flow, sewers or infiltration; walls thinner than a cell are not in the terrain;"
        " water that reaches the rim or ground without data is said so.",
    )
    raster = numbers(ground, flood.depth_m, inside, _DEPTH)
    return Answer(values, _water(flood), asked.cell_m, errors, statement, raster)


def _water(flood: Flood) -> list[Mark]:
    depth = np.nan_to_num(flood.depth_m, nan=0.0)
    classes = np.digitize(depth, _DEPTHS[1:]).astype(np.uint8)
    ends = (*_DEPTHS[1:], None)
    return [
        Mark(geometry, {"depth_from_m": _DEPTHS[value], "depth_to_m": ends[value], "area_m2": geometry.area})
        for value, geometry in regions(flood.ground, classes, flood.wet).items()
    ]


class CutFill(Question, RasterQuestion):
    """What has to be dug and filled to bring an area to a level, or what changed from one terrain to another."""

    area: Area
    level_m: Annotated[Height, Field(description="Level of the finished ground.")] | None = None
    terrain_after: Annotated[str, Field(max_length=63, description="A second terrain to compare with.")] | None = None
    height_error_m: Annotated[
        float, Field(ge=0, le=100, description="Standard error of a height, for the error of the volume.")
    ] = _HEIGHT_ERROR_M

    @model_validator(mode="after")
    def _one_of_both(self) -> CutFill:
        if (self.level_m is None) == (self.terrain_after is None):
            raise ValueError("say either level_m or terrain_after")
        return self

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.area]


def answer_cut_fill(material: Material, asked: CutFill) -> Answer:
    area = material.local(asked.area)
    box = box_round(area, asked.cell_m)
    before = material.ground(box)
    datum = material.vertical_datum
    if asked.terrain_after is not None:
        after = material.ground(box, asked.terrain_after).heights
        if material.vertical_datum != datum:
            raise BadAnalysisError(
                "The two terrains count heights from different datums. 两个地形的高程基准不同。",
                value=material.vertical_datum,
                limit=datum,
                remedy="Heights are never converted here: compare terrains of one datum.",
            )
    else:
        after = np.full(before.heights.shape, asked.level_m)
    within = cells_within(before, area)
    found = volumes_between(before.heights, after, within, asked.cell_m)
    marks = [Mark(area, {"cut_m3": found.above_m3, "fill_m3": found.below_m3, "net_m3": found.net_m3})]
    return Answer(
        {"cut_m3": found.above_m3, "fill_m3": found.below_m3, **_volumes(found)},
        marks,
        asked.cell_m,
        {**material.errors(), **_volume_error(found, asked.height_error_m)},
        _VOLUME_STATEMENT,
        numbers(before, before.heights - after, within, _CUT),
    )


def _volumes(found: Volumes) -> dict[str, float]:
    return {"net_m3": found.net_m3, "area_m2": found.area_m2, "withoutData_m2": found.unknown_m2}


def _volume_error(found: Volumes, height_error_m: float) -> dict[str, float]:
    return {"height_m": height_error_m, "volume_m3": found.error_m3(height_error_m)}


_VOLUME_STATEMENT = LocalText(
    "体积为逐格高差乘面积之和；中误差按每格随机误差与其十分之一的系统误差合成；无数据面积单列，不参与求和。",
    "Volumes are sums of height differences by cell; the standard error joins a chance error in each cell and a tenth of it in all;"
    " area without data is named and enters no sum.",
)


class Stockpile(Question):
    """The volume of what lies in an area, from a point cloud of the inbox."""

    area: Area
    cloud: Annotated[str, Field(min_length=1, max_length=400, description="LAS or LAZ below the inbox folder.")]
    crs: (
        Annotated[str, Field(max_length=200, description="Reference system of the cloud; stands above its header.")]
        | None
    ) = None
    vertical_datum: Annotated[str, Field(max_length=100)] | None = None
    base_m: Annotated[Height, Field(description="Level of the base; else the plane through the rim.")] | None = None
    height_error_m: Annotated[float, Field(ge=0, le=100)] = 0.05

    @property
    def places(self) -> list[shapely.Geometry]:
        return [self.area]


def answer_stockpile(material: Material, asked: Stockpile) -> Answer:
    area = material.local(asked.area)
    points = read_cloud(material, asked.cloud, asked.crs, asked.vertical_datum, box_round(area, 2 * asked.cell_m))
    found, heap = stockpile(points, area, asked.cell_m, asked.base_m)
    values = {
        "volume_m3": found.net_m3,
        "aboveBase_m3": found.above_m3,
        "belowBase_m3": found.below_m3,
        **_volumes(found),
        "points": heap.used,
        "base": "level" if asked.base_m is not None else "plane through the rim",
    }
    errors = {**material.errors(), **_volume_error(found, asked.height_error_m)}
    marks = [Mark(area, {"volume_m3": found.net_m3, "withoutData_m2": found.unknown_m2})]
    return Answer(values, marks, asked.cell_m, errors, _VOLUME_STATEMENT)
