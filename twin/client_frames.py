"""Features from the wire as a GeoDataFrame: one typed column per property, the index is the feature's id."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import geopandas
import orjson
import pandas as pd
import pyarrow.parquet as pq
import shapely

from twin.crs import CGCS2000, from_cgcs2000, parse_crs
from twin.schema import Property, PropertyType, Schema

_DTYPES = {
    PropertyType.STRING: "str",
    PropertyType.INTEGER: "Int64",
    PropertyType.NUMBER: "float64",
    PropertyType.BOOLEAN: "boolean",
    PropertyType.DATE: "datetime64[s]",
    PropertyType.DATETIME: "datetime64[ms, UTC]",
}


def frame_of_features(
    features: Sequence[Mapping[str, Any]], schema: Schema, names: Sequence[str] | None
) -> geopandas.GeoDataFrame:
    """GeoJSON features in CRS84 as a frame in EPSG:4490 (the same numbers)."""
    geometries = shapely.from_geojson(
        [None if f.get("geometry") is None else orjson.dumps(f["geometry"]) for f in features]
    )
    values = {
        prop.name: [(f.get("properties") or {}).get(prop.name) for f in features] for prop in wanted(schema, names)
    }
    return _frame([f.get("id") for f in features], geometries, values, schema)


def frame_of_parquet(content: bytes, schema: Schema, names: Sequence[str] | None) -> geopandas.GeoDataFrame:
    """GeoParquet in CRS84 or EPSG:4490, its first column the ids, as a frame in EPSG:4490."""
    file = pq.ParquetFile(io.BytesIO(content))
    geo, table = json.loads(file.metadata.metadata[b"geo"]), file.read()
    geometries = shapely.from_wkb(table.column(geo["primary_column"]).to_numpy())
    values = {prop.name: table.column(prop.name).to_pandas() for prop in wanted(schema, names)}
    return _frame(table.column(0).to_pylist(), geometries, values, schema)


def wanted(schema: Schema, names: Sequence[str] | None) -> list[Property]:
    """The properties asked for, in that order. Raises UnknownPropertyError for a name the layer does not have."""
    return list(schema) if names is None else [schema.property(name) for name in names]


def reprojected(frame: geopandas.GeoDataFrame, crs: str) -> geopandas.GeoDataFrame:
    """The frame in another CRS, east or longitude first.

    Raises:
        UnknownCRSError: if there is no such CRS.
        BallparkTransformError: if only a guess leads there.
    """
    target = parse_crs(crs)
    moved = from_cgcs2000(frame.geometry.to_numpy(), target)
    return frame.set_geometry(geopandas.GeoSeries(moved, index=frame.index, crs=target))


def _frame(ids: Sequence[Any], geometries: Any, values: Mapping[str, Any], schema: Schema) -> geopandas.GeoDataFrame:
    index = pd.Index(pd.array([str(id_) for id_ in ids], dtype="str"), name="id")
    columns = {name: _typed(column, schema.property(name).type, index) for name, column in values.items()}
    geometry_name = "geometry" if "geometry" not in columns else "geom"
    frame = pd.DataFrame(columns, index=index)
    frame[geometry_name] = geopandas.GeoSeries(geometries, index=index, crs=CGCS2000)
    return geopandas.GeoDataFrame(frame, geometry=geometry_name, crs=CGCS2000)


def _typed(values: Any, kind: PropertyType, index: pd.Index) -> pd.Series:
    column = values.array if isinstance(values, pd.Series) else values
    if kind is PropertyType.DATE:
        return (
            pd.Series(pd.to_datetime(pd.Series(column, dtype="object"), format="ISO8601"))
            .astype(_DTYPES[kind])
            .set_axis(index)
        )
    if kind is PropertyType.DATETIME:
        instants = pd.to_datetime(pd.Series(column), format="ISO8601", utc=True)
        return instants.astype(_DTYPES[kind]).set_axis(index)
    return pd.Series(column, index=index, dtype=_DTYPES[kind])
