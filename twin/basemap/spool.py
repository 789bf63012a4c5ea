"""Rows of one layer set aside in an Arrow file while the extract is read, and read back in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import shapely

from twin.errors import UnreadableFileError
from twin.formats.port import BATCH_ROWS, Rejection, RowBatch, SourceInfo
from twin.formats.source import FileSource
from twin.schema import PropertyType, Schema

_FLUSH_ROWS = 16_384
_FLUSH_BYTES = 32 << 20
_ARROW = {
    PropertyType.STRING: pa.string(),
    PropertyType.INTEGER: pa.int64(),
    PropertyType.NUMBER: pa.float64(),
    PropertyType.BOOLEAN: pa.bool_(),
    PropertyType.DATE: pa.date32(),
    PropertyType.DATETIME: pa.timestamp("us", "UTC"),
}


class SpoolWriter:
    """Takes rows one by one; memory holds at most one batch of them."""

    def __init__(self, path: Path, schema: Schema) -> None:
        self.path, self.count, self.rejected = path, 0, list[Rejection]()
        fields = [("_id", pa.string()), ("_wkb", pa.binary()), *((p.name, _ARROW[p.type]) for p in schema)]
        self._schema = pa.schema(fields)
        self._names = schema.names
        self._writer = pa.ipc.new_stream(str(path), self._schema)
        self._rows: list[tuple[str, bytes, Mapping[str, Any]]] = []
        self._weight = 0

    def add(self, id_: str, wkb: bytes, properties: Mapping[str, str | float | bool | date | datetime | None]) -> None:
        self.count += 1
        self._rows.append((id_, wkb, properties))
        self._weight += len(wkb)
        if len(self._rows) >= _FLUSH_ROWS or self._weight > _FLUSH_BYTES:
            self._flush()

    def reject(self, reason: str, value: str) -> None:
        """Note an object that cannot become a row; it takes a row number like any other."""
        self.count += 1
        self.rejected.append(Rejection(self.count, reason, value))

    def close(self) -> None:
        self._flush()
        self._writer.close()

    def _flush(self) -> None:
        if not self._rows:
            return
        columns = [[properties.get(name) for _, _, properties in self._rows] for name in self._names]
        wkb = single_parts([wkb for _, wkb, _ in self._rows])
        arrays = [[id_ for id_, _, _ in self._rows], wkb, *columns]
        kinds = self._schema.types
        batch = [pa.array(values, kind) for values, kind in zip(arrays, kinds, strict=True)]
        self._writer.write_batch(pa.record_batch(batch, schema=self._schema))
        self._rows, self._weight = [], 0


def single_parts(wkb: list[bytes]) -> list[bytes]:
    """Multi geometries of one part as single ones: smaller, and what a reader expects of a building."""
    geometries = shapely.from_wkb(np.array(wkb, dtype=object))
    alone = (shapely.get_type_id(geometries) >= 4) & (shapely.get_num_geometries(geometries) == 1)
    if not alone.any():
        return wkb
    geometries[alone] = shapely.get_geometry(geometries[alone], 0)
    return list(shapely.to_wkb(geometries, flavor="iso"))


class SpoolSource(FileSource):
    """One spooled layer. `release` is called once, when it is closed."""

    def __init__(self, spool: SpoolWriter, info: SourceInfo, release: Callable[[], None]) -> None:
        super().__init__(spool.path, info)
        self._rejected = tuple(spool.rejected)
        self.cleanup.callback(release)

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[RowBatch]:
        numbers = iter(_other_numbers(self._rejected))
        try:
            with pa.memory_map(str(self.path)) as file, pa.ipc.open_stream(file) as reader:
                for record in reader:
                    for start in range(0, record.num_rows, rows):
                        yield self._row_batch(record.slice(start, rows), numbers)
        except (OSError, pa.ArrowException) as error:
            raise UnreadableFileError(
                "The layer was closed, or its temporary file is gone.",
                value=self.path.name,
                remedy="Open the extract again.",
            ) from error
        if self._rejected:
            empty: dict[str, Any] = {p.name: [] for p in self.info.properties}
            yield RowBatch([], None, [], empty, self._rejected)

    def _row_batch(self, record: pa.RecordBatch, numbers: Iterator[int]) -> RowBatch:
        return RowBatch(
            rows=[next(numbers) for _ in range(record.num_rows)],
            ids=record.column("_id").to_pylist(),
            wkb=record.column("_wkb").to_pylist(),
            columns={p.name: record.column(p.name).to_pylist() for p in self.info.properties},
        )


def _other_numbers(rejected: tuple[Rejection, ...]) -> Iterator[int]:
    """1, 2, 3 … without the numbers that rejected rows have."""
    taken = {rejection.row for rejection in rejected}
    number = 0
    while True:
        number += 1
        if number not in taken:
            yield number
