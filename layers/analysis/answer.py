"""An answer as it goes out: a GeoJSON FeatureCollection whose member `answer` says the numbers and all that they rest on."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio.features
import shapely
from rasterio import Affine
from shapely.geometry import mapping, shape

from layers.analysis.raster import Raster
from scenes3d.analysis.ground import Ground
from scenes3d.rays.port import Bools, Floats
from twin.errors import BadAnalysisError
from twin.local_frame import LocalFrame
from twin.text import LocalText

FEATURES_MAX = 100_000


@dataclass(frozen=True, slots=True)
class Mark:
    """One feature of an answer: a geometry in metres of the local frame, and its properties."""

    geometry: shapely.Geometry | None
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What an analysis found.

    Attributes:
        values: The numbers; None stands for what nobody can tell.
        marks: What can be drawn.
        resolution_m: Side of a cell, or step of a line.
        errors: What the numbers are good to, in figures.
        error_statement: The same in a sentence.
        raster: The cells that the answer was summed up from, where it has any.
    """

    values: Mapping[str, Any]
    marks: Sequence[Mark] = ()
    resolution_m: float | None = None
    errors: Mapping[str, Any] = field(default_factory=dict)
    error_statement: LocalText = field(default_factory=LocalText)
    raster: Raster | None = None


def plain(value: Any) -> Any:
    """A value as JSON has it: NaN and infinity become null, arrays lists, numbers rounded to a tenth of a millimetre."""
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return round(value, 4) if math.isfinite(value) else None
    return value


def feature_collection(answer: Mapping[str, Any], marks: Iterable[Mark], frame: LocalFrame) -> dict[str, Any]:
    """The document that goes out.

    Raises:
        BadAnalysisError: if there are more features than anybody can draw.
    """
    found = list(marks)
    if len(found) > FEATURES_MAX:
        raise BadAnalysisError(
            "The answer has too many parts. 结果要素过多。",
            value=f"{len(found):,}",
            limit=f"{FEATURES_MAX:,}",
            remedy="Ask for a smaller area or a coarser resolution.",
        )
    features = [
        {
            "type": "Feature",
            "id": str(number),
            "geometry": None if mark.geometry is None else mapping(to_degrees(mark.geometry, frame)),
            "properties": plain(mark.properties),
        }
        for number, mark in enumerate(found, 1)
    ]
    return {"type": "FeatureCollection", "features": features, "answer": dict(answer)}


def to_degrees(geometry: shapely.Geometry, frame: LocalFrame) -> shapely.Geometry:
    """A geometry of the frame in longitude and latitude, to a tenth of a millimetre."""
    return shapely.transform(geometry, lambda xy: np.round(np.column_stack(frame.to_geodetic(xy[:, 0], xy[:, 1])), 9))


def to_frame(geometry: shapely.Geometry, frame: LocalFrame) -> shapely.Geometry:
    """A geometry in degrees in metres of the frame."""
    return shapely.transform(geometry, lambda xy: np.column_stack(frame.to_local(xy[:, 0], xy[:, 1])))


def regions(ground: Ground, classes: npt.NDArray[np.uint8], asked: Bools) -> dict[int, shapely.Geometry]:
    """The cells of each class as one multipolygon; a node stands for the square round it.

    Args:
        classes: uint8 (rows, columns).
        asked: Cells that take part.
    """
    half = ground.cell_m / 2
    # Row 0 of the lattice is its southernmost, so rows run upwards here.
    way = Affine(ground.cell_m, 0, ground.west - half, 0, ground.cell_m, ground.south - half)
    parts: dict[int, list[shapely.Geometry]] = {}
    for polygon, value in rasterio.features.shapes(classes, mask=asked, connectivity=4, transform=way):
        parts.setdefault(int(value), []).append(shape(polygon))
    return {value: shapely.MultiPolygon(list(_polygons(found))) for value, found in sorted(parts.items())}


def class_marks(
    ground: Ground,
    now: npt.NDArray[np.uint8],
    before: npt.NDArray[np.uint8] | None,
    asked: Bools,
    names: Mapping[int, str],
) -> list[Mark]:
    """Cells of one verdict as one feature; with a state before, those of one pair of verdicts.

    Args:
        now, before: uint8 (rows, columns), keys of `names`, below 16.
    """
    codes = now if before is None else (before * 16 + now).astype(np.uint8)
    marks = []
    for code, geometry in regions(ground, codes, asked).items():
        said = {"verdict": names[code % 16], "area_m2": geometry.area}
        marks.append(Mark(geometry, said if before is None else said | {"verdict_before": names[code // 16]}))
    return marks


def class_areas(
    ground: Ground, now: npt.NDArray[np.uint8], before: npt.NDArray[np.uint8], asked: Bools, names: Mapping[int, str]
) -> dict[str, float]:
    """Square metres that changed, from verdict to verdict: `visible→hidden`."""
    found: dict[str, float] = {}
    for old, word in names.items():
        for new, other in names.items():
            cells = int(((before == old) & (now == new) & asked).sum())
            if old != new and cells:
                found[f"{word}→{other}"] = cells * ground.cell_m**2
    return found


def _polygons(found: Iterable[shapely.Geometry]) -> Iterable[shapely.Polygon]:
    for geometry in found:
        # Cells that meet at a corner make a ring that touches itself there.
        yield from (part for part in shapely.get_parts(shapely.make_valid(geometry)) if part.geom_type == "Polygon")


def points_of(points: Floats, columns: Mapping[str, Sequence[Any]]) -> list[Mark]:
    """One mark for each point, (n, 2 or 3), with its row of the columns."""
    names = list(columns)
    rows = zip(*columns.values(), strict=True)
    places = shapely.points(points[:, :2])
    return [Mark(place, dict(zip(names, row, strict=True))) for place, row in zip(places, rows, strict=True)]
