"""GeoParquet: WKB and columns handed through as they lie in the file.

Source: GeoParquet 1.1.0 (OGC 24-013 draft): file metadata "geo", version, primary_column, column metadata.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from twin.errors import UnreadableFileError
from twin.formats.arrow_columns import ArrowColumn, column_values, property_type
from twin.formats.identity import id_column_of, id_texts, reject_without_id
from twin.formats.names import clean_names, list_renames
from twin.formats.port import BATCH_ROWS, Alteration, RowBatch, SourceInfo
from twin.formats.source import FileSource, ReadOptions, fitting_rows
from twin.formats.wkb import common_type, types_in
from twin.schema import GeometryType, Property, PropertyType

DEFAULT_CRS = "OGC:CRS84"
_PROJJSON = "https://proj.org/schemas/v0.7/projjson.schema.json"
_BROKEN = (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError)


class GeoParquetSource(FileSource):
    """One GeoParquet file."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        try:
            with pq.ParquetFile(path) as file:
                geo = _geo_metadata(path, file)
                self.geometry = str(geo["primary_column"])
                self.columns, dropped = _columns(file.schema_arrow, geo, options)
                self.row_bytes = _row_bytes(file)
                info = _describe(path, file, geo, self.columns, options)
        except _BROKEN as error:
            raise _broken(path, error) from error
        pairs = [(c.source, c.name) for c in self.columns]
        self.id_source, id_name = id_column_of(options.id_property, pairs, info.layer)
        renames = list_renames([c.source for c in self.columns], [c.name for c in self.columns])
        super().__init__(path, replace(info, id_column=id_name, renames=renames, dropped=dropped))

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[RowBatch]:
        wanted = [self.geometry, *(c.source for c in self.columns)]
        first = 1
        try:
            with pq.ParquetFile(self.path, pre_buffer=False) as file:
                for record in file.iter_batches(
                    batch_size=fitting_rows(rows, self.row_bytes), columns=wanted, use_threads=False
                ):
                    yield self._row_batch(record, first)
                    first += record.num_rows
        except _BROKEN as error:
            raise _broken(self.path, error) from error

    def _row_batch(self, record: pa.RecordBatch, first: int) -> RowBatch:
        altered: list[Alteration] = []
        columns = {c.name: column_values(record.column(c.source), c, altered) for c in self.columns}
        wkb = record.column(self.geometry).to_pylist()
        ids = None if self.id_source is None else id_texts(record.column(self.id_source).to_pylist())
        batch = RowBatch(range(first, first + record.num_rows), ids, wkb, columns, (), tuple(altered))
        return batch if ids is None else reject_without_id(batch)


def _geo_metadata(path: Path, file: pq.ParquetFile) -> dict[str, Any]:
    try:
        geo = json.loads((file.metadata.metadata or {})[b"geo"])
        column = geo["columns"][geo["primary_column"]]
        encoding = column["encoding"]
        file.schema_arrow.field(geo["primary_column"])
    except (KeyError, TypeError, ValueError) as error:
        raise UnreadableFileError(
            "This Parquet file has no GeoParquet description of its geometry.",
            value=path.name,
            limit="GeoParquet 1.0 or 1.1 with a primary geometry column",
            remedy="Write it with geopandas, GDAL or DuckDB as GeoParquet.",
        ) from error
    if str(encoding).upper() != "WKB":
        raise UnreadableFileError(
            "The geometry of this GeoParquet file is not in WKB.",
            value=encoding,
            limit="WKB",
            remedy="Write it with WKB encoding.",
        )
    return dict(geo)


def _columns(
    schema: pa.Schema, geo: dict[str, Any], options: ReadOptions
) -> tuple[list[ArrowColumn], tuple[tuple[str, str], ...]]:
    described = set(geo["columns"])
    for column in geo["columns"].values():
        covering = ((column.get("covering") or {}).get("bbox") or {}).values()
        described |= {str(place[0]) for place in covering if place}
    dropped = []
    taken: list[tuple[str, PropertyType]] = []
    for field in schema:
        if field.name in described or (field.metadata or {}).get(b"ARROW:extension:name", b"").startswith(b"geoarrow."):
            continue
        kind = property_type(field.type)
        if kind is None:
            dropped.append((field.name, "bytes, which no property can hold"))
        else:
            taken.append((field.name, kind))
    names = clean_names([name for name, _ in taken])
    columns = [ArrowColumn(source, name, kind, options.zone) for (source, kind), name in zip(taken, names, strict=True)]
    return columns, tuple(dropped)


def _describe(
    path: Path, file: pq.ParquetFile, geo: dict[str, Any], columns: Sequence[ArrowColumn], options: ReadOptions
) -> SourceInfo:
    column = geo["columns"][geo["primary_column"]]
    crs = column.get("crs", DEFAULT_CRS)
    file_crs = crs_text(crs)
    return SourceInfo(
        format="GeoParquet",
        crs=options.crs or file_crs,
        file_crs=file_crs,
        geometry_type=_geometry_type(file, geo),
        properties=tuple(Property(c.name, c.type) for c in columns),
        feature_count=file.metadata.num_rows,
        layer=path.stem,
        layers=(path.stem,),
    )


def crs_text(crs: Any) -> str | None:
    """A PROJJSON CRS as "EPSG:4326" where it says its code, else as JSON text; None where it is null (unknown)."""
    if crs is None or isinstance(crs, str):
        return crs
    code = crs.get("id") or {}
    if code.get("authority") and code.get("code") is not None:
        return f"{code['authority']}:{code['code']}"
    return json.dumps({"$schema": _PROJJSON, **crs})


def _geometry_type(file: pq.ParquetFile, geo: dict[str, Any]) -> GeometryType:
    names = {str(name).split(" ")[0] for name in geo["columns"][geo["primary_column"]].get("geometry_types") or ()}
    if names and names <= {t.value for t in GeometryType}:
        return common_type(GeometryType(name) for name in names)
    found: set[GeometryType] = set()
    for record in file.iter_batches(columns=[geo["primary_column"]], use_threads=False):
        found |= types_in(record.column(0))
    return common_type(found)


def _row_bytes(file: pq.ParquetFile) -> float:
    groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
    total: int = sum(g.total_byte_size for g in groups)
    return total / max(int(file.metadata.num_rows), 1)


def _broken(path: Path, error: Exception) -> UnreadableFileError:
    return UnreadableFileError(
        "This Parquet file is damaged or cut off.", value=f"{path.name}: {error}", remedy="Write and send it again."
    )
