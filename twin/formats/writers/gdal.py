"""FlatGeobuf, GeoPackage and Shapefile, written by GDAL from a stream of Arrow batches."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyogrio
import shapely

from twin.errors import GeometryTypeError
from twin.feature import FeatureBatch
from twin.formats.archive import pack
from twin.formats.names import cut_utf8
from twin.formats.writers.content import Content, arrow_batch, arrow_schema, column, iter_geometries
from twin.schema import GeometryType, PropertyType

_MULTI = {1: shapely.multilinestrings, 0: shapely.multipoints, 3: shapely.multipolygons}
_SINGLE_ID = {GeometryType.MULTIPOINT: 0, GeometryType.MULTILINESTRING: 1, GeometryType.MULTIPOLYGON: 3}
_DBF_NAME_BYTES = 10
_DBF_TEXT_BYTES = 254
_DBF_NUMBER_END = 1e15


def write_flatgeobuf(content: Content, path: Path) -> int:
    """One FlatGeobuf file with a spatial index. Dates become midnight: the format knows only date-times."""
    return _write(content, path, "FlatGeobuf", {"SPATIAL_INDEX": "YES"})


def write_geopackage(content: Content, path: Path) -> int:
    """One GeoPackage with one layer."""
    options = {
        "FID": content.free_name("fid", "ogc_fid"),
        "GEOMETRY_NAME": content.free_name("geom", "geometry", "the_geom"),
    }
    return _write(content, path, "GPKG", options)


def write_shapefile_zip(content: Content, path: Path) -> int:
    """A zip with the files of one shapefile, text in UTF-8. Names are cut to 10 bytes, texts to 254, as the format demands;
    numbers of 1e15 and more, which its columns would garble, become unknown.

    Raises:
        GeometryTypeError: if the layer mixes geometry types.
    """
    if content.schema.geometry_type in (GeometryType.GEOMETRY, GeometryType.GEOMETRYCOLLECTION):
        raise GeometryTypeError(
            "A shapefile holds one kind of geometry.",
            value=content.schema.geometry_type.value,
            limit="points, lines or polygons",
            remedy="Export to GeoPackage, or filter by geometry type first.",
        )
    with tempfile.TemporaryDirectory(prefix="onemap-shapefile-") as folder:
        count = _write(content, Path(folder) / f"{content.layer}.shp", "ESRI Shapefile", {"ENCODING": "UTF-8"})
        pack(list(Path(folder).iterdir()), path)
    return count


def _write(content: Content, path: Path, driver: str, layer_options: dict[str, str]) -> int:
    geometry_name = content.free_name("geometry", "geom", "wkb_geometry")
    dbf = driver == "ESRI Shapefile"
    schema = arrow_schema(content, geometry_name)
    if dbf:
        schema = _dbf_schema(schema)
    stream = iter_geometries(content)
    first = next(stream, None)
    space = first is not None and bool(shapely.has_z(first[1]).any())
    counted = [0]

    def records() -> Iterator[pa.RecordBatch]:
        for batch, geometries in chain([first] if first else [], stream):
            counted[0] += len(batch)
            wkb = list(shapely.to_wkb(_uniform(geometries, content.schema.geometry_type, space), flavor="iso"))
            ready = _dbf_batch(batch, content) if dbf else batch
            yield arrow_batch(ready, content, schema, wkb)

    pyogrio.write_arrow(
        pa.RecordBatchReader.from_batches(schema, records()),
        path,
        layer=content.layer,
        driver=driver,
        geometry_name=geometry_name,
        geometry_type=_gdal_type(content.schema.geometry_type, space),
        crs=content.crs_for_gdal,
        layer_options=layer_options,
    )
    return counted[0]


def _gdal_type(kind: GeometryType, space: bool) -> str:
    name = "Unknown" if kind is GeometryType.GEOMETRY else kind.value
    return f"{name} Z" if space and name != "Unknown" else name


def _uniform(geometries: npt.NDArray[np.object_], kind: GeometryType, space: bool) -> npt.NDArray[np.object_]:
    """All geometries of one dimension, and multi where the layer is multi: a typed file takes no other."""
    if kind is not GeometryType.GEOMETRY and (shapely.has_z(geometries) != space).any():
        geometries = shapely.force_3d(geometries) if space else shapely.force_2d(geometries)
    single = _SINGLE_ID.get(kind)
    if single is None:
        return geometries
    alone = np.flatnonzero(shapely.get_type_id(geometries) == single)
    if len(alone):
        geometries = geometries.copy()
        geometries[alone] = _MULTI[single](geometries[alone], indices=np.arange(len(alone)))
    return geometries


def _dbf_schema(schema: pa.Schema) -> pa.Schema:
    """Names of at most ten bytes, unique; times as text, which is all dBASE has for them."""
    taken: set[str] = set()
    fields = []
    for field in schema:
        name = field.name if pa.types.is_binary(field.type) else _dbf_name(field.name, taken)
        taken.add(name.casefold())
        fields.append(pa.field(name, pa.string() if pa.types.is_timestamp(field.type) else field.type))
    return pa.schema(fields)


def _dbf_name(original: str, taken: set[str]) -> str:
    name, number = cut_utf8(original, _DBF_NAME_BYTES), 1
    while name.casefold() in taken or not name:
        number += 1
        name = f"{cut_utf8(original, _DBF_NAME_BYTES - 1 - len(str(number)))}_{number}"
    return name


def _dbf_batch(batch: FeatureBatch, content: Content) -> FeatureBatch:
    columns: dict[str, Any] = {}
    for p in content.schema:
        values = column(batch, p.name)
        if p.type is PropertyType.STRING:
            values = [None if v is None else cut_utf8(v, _DBF_TEXT_BYTES) for v in values]
        elif p.type is PropertyType.NUMBER:
            values = [None if v is None or abs(v) >= _DBF_NUMBER_END else v for v in values]
        elif p.type is PropertyType.DATETIME:
            values = [None if v is None else v.isoformat().replace("+00:00", "Z") for v in values]
        columns[p.name] = values
    return replace(batch, columns=columns)
