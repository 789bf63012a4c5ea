"""Files that GDAL reads for us through Arrow: GeoPackage, FlatGeobuf and (by way of `shapefile.py`) Shapefile."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from twin.errors import UnreadableFileError
from twin.formats.arrow_columns import ArrowColumn, column_values, property_type
from twin.formats.identity import id_column_of, id_texts, reject_without_id, select_rows
from twin.formats.names import clean_names, list_renames
from twin.formats.port import BATCH_ROWS, Alteration, Rejection, RowBatch, SourceInfo
from twin.formats.source import FileSource, ReadOptions, fitting_rows
from twin.formats.values import names_zone, parse_datetime
from twin.formats.wkb import common_type, types_in
from twin.schema import GeometryType, Property, PropertyType

_BROKEN = (DataSourceError, DataLayerError, pa.ArrowException, OSError, RuntimeError, ValueError)
_NO_ZONE = "time without a zone, read in the zone given for the file"


@dataclass(frozen=True, slots=True)
class GdalFile:
    """How to open one file with GDAL.

    Attributes:
        format: Name of the format, for people.
        encoding: Of the attribute text; None leaves it to GDAL (formats that are UTF-8 by definition).
        trusts_type: Whether the declared geometry type is the type of every geometry.
        bad_rows: Rows (the first is 1) whose text cannot be read, with the reason.
        notes: For the description.
        checks_count: Whether fewer rows than the header says mean a file that is cut off. (A GeoPackage's stored count may be stale.)
        numbers_by_fid: Whether row numbers follow from the feature ids, as in a shapefile, which may hold deleted rows.
    """

    format: str
    encoding: str | None = None
    trusts_type: bool = True
    bad_rows: dict[int, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    checks_count: bool = False
    numbers_by_fid: bool = False


class GdalSource(FileSource):
    """One layer of a file that GDAL reads."""

    def __init__(self, path: Path, options: ReadOptions, file: GdalFile) -> None:
        self.file, self.zone = file, options.zone
        self.layers = _spatial_layers(path, file)
        self.layer = choose_layer(options.layer, self.layers, path, file.format)
        with _reading(path, file):
            meta = pyogrio.read_info(path, layer=self.layer, encoding=file.encoding, force_feature_count=True)
        with self._open(path, 1) as (info, reader):
            self.fid = str(info["fid_column"] or "")
            self.geometry = str(info["geometry_name"] or "wkb_geometry")
            self.columns, dropped = self._columns(
                reader.schema, dict(zip(meta["fields"], meta["ogr_types"], strict=True))
            )
        pairs = [*((c.source, c.name) for c in self.columns), (self.fid, self.fid)]
        self.id_source, id_name = id_column_of(options.id_property, pairs, self.layer)
        self.count = int(meta["features"])
        super().__init__(path, self._describe(path, meta, options, id_name, dropped))

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[RowBatch]:
        first = 1
        size = fitting_rows(rows, 3 * self.path.stat().st_size / max(self.count, 1))
        with _reading(self.path, self.file), self._open(self.path, size) as (_, reader):
            for record in reader:
                if record.num_rows:
                    yield self._row_batch(record, first)
                    first += record.num_rows
        if self.file.checks_count and first - 1 != self.count:
            raise UnreadableFileError(
                f"This {self.file.format} file ends before its last row.",
                value=f"{first - 1} rows of {self.count}",
                remedy="It is cut off or damaged; write and send it again.",
            )

    @contextmanager
    def _open(self, path: Path, rows: int) -> Iterator[tuple[dict[str, Any], pa.RecordBatchReader]]:
        with (
            _reading(path, self.file),
            pyogrio.open_arrow(
                path,
                layer=self.layer,
                encoding=self.file.encoding,
                return_fids=True,
                batch_size=rows,
                datetime_as_string=True,
            ) as (info, stream),
        ):
            yield info, pa.RecordBatchReader.from_stream(stream)

    def _columns(
        self, schema: pa.Schema, ogr_types: dict[str, str]
    ) -> tuple[list[ArrowColumn], tuple[tuple[str, str], ...]]:
        taken, dropped = [], []
        for column in schema:
            if column.name in (self.fid, self.geometry):
                continue
            kind = property_type(column.type)
            if ogr_types.get(column.name) == "OFTDateTime":
                kind = PropertyType.DATETIME
            if kind is None:
                dropped.append((column.name, "bytes, which no property can hold"))
            else:
                taken.append((column.name, kind))
        names = clean_names([name for name, _ in taken])
        columns = [
            ArrowColumn(source, name, kind, self.zone) for (source, kind), name in zip(taken, names, strict=True)
        ]
        return columns, tuple(dropped)

    def _describe(
        self, path: Path, meta: dict[str, Any], options: ReadOptions, id_name: str | None, dropped: Any
    ) -> SourceInfo:
        crs = None if meta["crs"] is None else str(meta["crs"])
        return SourceInfo(
            format=self.file.format,
            crs=options.crs or crs,
            file_crs=crs,
            geometry_type=self._geometry_type(path, str(meta["geometry_type"])),
            properties=tuple(Property(c.name, c.type) for c in self.columns),
            feature_count=self.count,
            encoding=self.file.encoding or "UTF-8",
            layer=self.layer,
            layers=self.layers,
            id_column=id_name,
            renames=list_renames([c.source for c in self.columns], [c.name for c in self.columns]),
            dropped=dropped,
            notes=self.file.notes,
        )

    def _geometry_type(self, path: Path, declared: str) -> GeometryType:
        name = (
            declared.rsplit(" ", maxsplit=1)[-1]
            if declared.startswith(("2.5D", "3D", "Measured"))
            else declared.split(" ", maxsplit=1)[0]
        )
        if self.file.trusts_type and name in {t.value for t in GeometryType} - {"Geometry", "GeometryCollection"}:
            return GeometryType(name)
        found: set[GeometryType] = set()
        with (
            _reading(path, self.file),
            pyogrio.open_arrow(path, layer=self.layer, columns=[], encoding=self.file.encoding) as (_, stream),
        ):
            for record in pa.RecordBatchReader.from_stream(stream):
                found |= types_in(record.column(record.num_columns - 1))
        return common_type(found)

    def _row_batch(self, record: pa.RecordBatch, first: int) -> RowBatch:
        altered: list[Alteration] = []
        columns = {c.name: self._values(record.column(c.source), c, altered) for c in self.columns}
        wkb = record.column(self.geometry).to_pylist()
        ids = None if self.id_source is None else id_texts(record.column(self.id_source).to_pylist())
        rows: Sequence[int] = range(first, first + record.num_rows)
        if self.file.numbers_by_fid:
            rows = [fid + 1 for fid in record.column(self.fid).to_pylist()]
        batch = RowBatch(rows, ids, wkb, columns, (), tuple(altered))
        batch = _without(batch, self.file.bad_rows)
        return batch if ids is None else reject_without_id(batch)

    def _values(self, array: pa.Array, column: ArrowColumn, altered: list[Alteration]) -> Any:
        if column.type is not PropertyType.DATETIME or not pa.types.is_string(array.type):
            return column_values(array, column, altered)
        texts = array.to_pylist()
        unzoned = sum(1 for text in texts if text and not names_zone(text))
        if unzoned:
            altered.append(Alteration(column.name, _NO_ZONE, unzoned))
        return [None if not text else parse_datetime(text, self.zone) for text in texts]


def _without(batch: RowBatch, bad_rows: dict[int, str]) -> RowBatch:
    bad = [Rejection(row, bad_rows[row]) for row in batch.rows if row in bad_rows] if bad_rows else []
    return select_rows(batch, [row not in bad_rows for row in batch.rows], bad) if bad else batch


def _spatial_layers(path: Path, file: GdalFile) -> tuple[str, ...]:
    with _reading(path, file):
        return tuple(str(name) for name, kind in pyogrio.list_layers(path) if kind is not None)


def choose_layer(wanted: str | None, layers: Collection[str], path: Path, format_name: str) -> str:
    """The layer to read: the one that was asked for, or the only one.

    Raises:
        UnreadableFileError: if there is none, several and none was named, or none of that name.
    """
    names = list(layers)
    if wanted in names:
        assert wanted is not None
        return wanted
    if wanted is None and len(names) == 1:
        return names[0]
    if not names:
        problem, remedy = f"This {format_name} file holds no layer with geometry.", "Send a file with features."
    elif wanted is None:
        problem, remedy = f"This {format_name} file holds {len(names)} layers.", "Say which one: --layer-in-file NAME."
    else:
        problem, remedy = f"This {format_name} file has no layer '{wanted}'.", "Name one of its layers."
    raise UnreadableFileError(
        problem, value=wanted or path.name, limit="one of: " + ", ".join(names[:40]), remedy=remedy
    )


@contextmanager
def _reading(path: Path, file: GdalFile) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise UnreadableFileError(
            f"This {file.format} file is damaged or cut off.",
            value=f"{path.name}: {error}",
            remedy="Write it again with a current program and send it again.",
        ) from error
