"""Layers laid out in metres for a check: whole, or window by window so that memory stays bounded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from twin.bounds import Bounds
from twin.crs import CGCS2000, CRS, from_cgcs2000, parse_crs, transform_points
from twin.query import FeatureQuery
from twin.store.port import LayerRecord, Store
from twin.topology.rules import Where

Geometries = npt.NDArray[np.object_]
_DEGREE_M = 110_000.0  # a degree of latitude is nowhere shorter
_POLYGON, _MULTIPOLYGON, _COLLECTION = 3, 6, 7


@dataclass(frozen=True)
class Sheet:
    """Features of one layer in metres.

    Attributes:
        layer: Id of the layer.
        ids: n ids of features, in order of arrival.
        geometries: Object (n,), in the metres of the check's plane; None where a feature has no place.
        columns: The properties that the checks ask for, by name; those the layer lacks are not there.
        digests: int64 (n,). Equal where all properties are equal; zeros where nobody asked.
    """

    layer: str
    ids: Sequence[str]
    geometries: Geometries
    columns: Mapping[str, Sequence[Any]]
    digests: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def sound(self) -> Geometries:
        """The geometries as overlays take them: invalid ones mended, collections cut to what is of their highest dimension.

        Empty for None.
        """
        geometries = np.where(shapely.is_missing(self.geometries), shapely.GeometryCollection(), self.geometries)
        bad = ~shapely.is_valid(geometries)
        if bad.any():
            geometries[bad] = shapely.make_valid(geometries[bad])
        collections = np.flatnonzero(shapely.get_type_id(geometries) == _COLLECTION)
        for row in collections[~shapely.is_empty(geometries[collections])]:
            geometries[row] = _of_one_dimension(geometries[row])
        return np.asarray(geometries, dtype=object)

    @cached_property
    def areal(self) -> npt.NDArray[np.int64]:
        """Rows that hold polygons."""
        return np.flatnonzero(shapely.get_dimensions(self.sound) == 2)

    def named(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Ids of rows."""
        return [self.ids[row] for row in rows.tolist()]

    def where(self, condition: Where) -> Sheet:
        """The rows whose properties have one of the values asked for."""
        if not condition:
            return self
        keep = np.ones(len(self), dtype=bool)
        for name, values in condition.items():
            keep &= self.has(name, values)
        rows = np.flatnonzero(keep)
        return Sheet(
            self.layer,
            self.named(rows),
            self.geometries[rows],
            {name: [column[row] for row in rows.tolist()] for name, column in self.columns.items()},
            self.digests[rows],
        )

    def has(self, name: str, values: Sequence[Any]) -> npt.NDArray[np.bool_]:
        """Which rows have one of the values in a property; none where the layer lacks it."""
        column = self.columns.get(name)
        if column is None:
            return np.zeros(len(self), dtype=bool)
        return np.fromiter((value in values for value in column), dtype=bool, count=len(self))


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a layer: what lies in `core` is judged, and what lies within `halo` of it is read along.

    Attributes:
        core: Half-open box in degrees (its west and south edges belong to it); None: everywhere.
    """

    core: Bounds | None
    halo: Bounds | None

    def owns(self, lons: npt.NDArray[np.float64], lats: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        """Which places, (n,) degrees, are this window's to report: each place is exactly one window's."""
        if self.core is None:
            return np.ones(len(lons), dtype=bool)
        inside = (
            (lons >= self.core.west) & (lons < self.core.east) & (lats >= self.core.south) & (lats < self.core.north)
        )
        return np.asarray(inside, dtype=bool)


def windows_of(record: LayerRecord, rows: int, reach_m: float) -> list[Window]:
    """Windows that hold some `rows` features each on average; one for everything where the layer is smaller.

    The outermost reach to the edges of the world, so that no place is nobody's.
    """
    if record.bounds is None or record.feature_count <= rows:
        return [Window(None, None)]
    side = math.ceil(math.sqrt(record.feature_count / rows))
    box = record.bounds
    lons = [-181.0, *np.linspace(box.west, box.east, side + 1)[1:-1].tolist(), 181.0]
    lats = [-91.0, *np.linspace(box.south, box.north, side + 1)[1:-1].tolist(), 91.0]
    lat_deg = reach_m / _DEGREE_M
    lon_deg = lat_deg / max(0.01, math.cos(math.radians(min(89.0, max(abs(box.south), abs(box.north))))))
    return [
        Window(
            Bounds(west, south, east, north),
            Bounds(west - lon_deg, south - lat_deg, east + lon_deg, north + lat_deg),
        )
        for south, north in pairwise(lats)
        for west, east in pairwise(lons)
    ]


def read_sheet(
    store: Store,
    record: LayerRecord,
    plane: CRS,
    *,
    properties: Sequence[str] = (),
    where: Where | None = None,
    bounds: Bounds | None = None,
    digests: bool = False,
) -> Sheet:
    """Features of a layer in metres.

    Args:
        plane: The system to measure in; its unit must be metres.
        properties: Those to keep; names the layer lacks are left out.
        where: Only features whose properties have one of these values.
        bounds: Only what the index finds in this box, degrees.
        digests: Whether to keep a digest of all properties of each row.
    """
    kept = tuple(name for name in dict.fromkeys((*properties, *(where or ()))) if name in record.schema)
    query = FeatureQuery(bounds=bounds, boxes_only=True, properties=None if digests else kept)
    ids: list[str] = []
    geometries: list[Geometries] = []
    columns: dict[str, list[Any]] = {name: [] for name in kept}
    hashes: list[int] = []
    for batch in store.iterate(record.id, query):
        ids += [str(id_) for id_ in batch.ids]
        geometries.append(from_cgcs2000(batch.geometries, plane))
        for name in kept:
            columns[name] += batch.columns[name]
        if digests:
            hashes += map(hash, zip(*batch.columns.values(), strict=True)) if batch.columns else [0] * len(batch)
    return Sheet(
        record.id,
        ids,
        np.concatenate(geometries) if geometries else np.empty(0, dtype=object),
        columns,
        np.array(hashes if digests else [0] * len(ids), dtype=np.int64),
    ).where(where or {})


def plane_of(bounds: Bounds | None, preferred: CRS) -> CRS:
    """The system to measure a box of degrees in: the city's own where it reaches, else the UTM zone of the box's middle."""
    if bounds is None:
        return preferred
    lon, lat = (bounds.west + bounds.east) / 2, (bounds.south + bounds.north) / 2
    area = preferred.area_of_use
    if area is None or (area.west - 1 <= lon <= area.east + 1 and area.south - 1 <= lat <= area.north + 1):
        return preferred
    zone = min(60, int((lon + 180) // 6) + 1)
    return parse_crs(f"EPSG:{(32600 if lat >= 0 else 32700) + zone}")


def lon_lat(points: npt.NDArray[np.float64], plane: CRS) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Longitudes and latitudes (n,), (n,) of points float64 (n, 2) in metres."""
    return transform_points(points[:, 0], points[:, 1], plane, parse_crs(CGCS2000))


def polygons_of(geometries: Geometries) -> tuple[Geometries, npt.NDArray[np.int64]]:
    """The single polygons in geometries of any kind, and the row that each came from."""
    parts, rows = geometries, np.arange(len(geometries))
    for _ in range(2):  # collections of multi polygons
        parts, index = shapely.get_parts(parts, return_index=True)
        rows = rows[index]
    single = shapely.get_type_id(parts) == _POLYGON
    return parts[single], rows[single]


def areas_only(shapes: Geometries) -> Geometries:
    """The polygons of each geometry; points and lines where shapes merely touch are left out."""
    mixed = np.flatnonzero(~np.isin(shapely.get_type_id(shapes), (_POLYGON, _MULTIPOLYGON)))
    if len(mixed) == 0:
        return shapes
    cleaned = shapes.copy()
    parts, rows = polygons_of(shapes[mixed])
    for i, row in enumerate(mixed):
        cleaned[row] = shapely.multipolygons(parts[rows == i])
    return cleaned


def _of_one_dimension(collection: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a collection, or its lines where it has none, or its points, united."""
    parts = shapely.get_parts(collection)
    return shapely.union_all(parts[shapely.get_dimensions(parts) == shapely.get_dimensions(parts).max()])


def chunks(count: int, size: int = 50_000) -> Iterator[slice]:
    """Slices of at most `size` that cover `count` rows."""
    for start in range(0, count, size):
        yield slice(start, start + size)
