"""CSV with coordinates: delimiter, encoding and column types found out, bad rows told apart one by one.

Source: RFC 4180, read generously (other delimiters, any line ends).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from twin.errors import UnreadableFileError
from twin.formats.arrow_columns import NOT_FINITE
from twin.formats.csv_cells import cell_converter, is_not_finite, kind_of_cell
from twin.formats.csv_coordinates import find_coordinates
from twin.formats.identity import NO_ID, id_column_of, id_text
from twin.formats.names import clean_names, list_renames
from twin.formats.port import BATCH_ROWS, Alteration, Rejection, RowBatch, SourceInfo
from twin.formats.row_builder import NO_ZONE, rejection
from twin.formats.source import FileSource, ReadOptions
from twin.formats.text_encoding import detect_encoding
from twin.formats.values import Kind, column_type, names_zone
from twin.formats.wkb import common_type
from twin.schema import GeometryType, Property, PropertyType

_DELIMITERS = ",\t;|"
_CELL_LIMIT = 64 << 20
_SAMPLE_CHARACTERS = 64 << 10


class CsvSource(FileSource):
    """One CSV file."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.path, self.zone = path, options.zone
        self.encoding = detect_encoding(path, options.encoding)
        self.delimiter = _sniff_delimiter(path, self.encoding)
        with self._records() as records:
            self.header = next(records, [])
            first = next((cells for cells in records if len(cells) == len(self.header)), [])
        self.coordinates = find_coordinates(self.header, first, options.lon, options.lat, path.name)
        self.places = [i for i in range(len(self.header)) if i not in self.coordinates.used]
        self.names = clean_names([self.header[i] for i in self.places])
        count, kinds, geometry_type = self._survey()
        self.types = [column_type(kind) for kind in kinds]
        pairs = [(self.header[i], name) for i, name in zip(self.places, self.names, strict=True)]
        id_source, id_name = id_column_of(options.id_property, pairs, path.stem)
        self.id_place = None if id_source is None else self.header.index(id_source)
        super().__init__(
            path,
            SourceInfo(
                format="CSV",
                crs=options.crs,
                file_crs=None,
                geometry_type=geometry_type,
                properties=tuple(Property(n, t) for n, t in zip(self.names, self.types, strict=True)),
                feature_count=count,
                encoding=self.encoding,
                layer=path.stem,
                layers=(path.stem,),
                id_column=id_name,
                renames=list_renames([source for source, _ in pairs], self.names),
            ),
        )

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[RowBatch]:
        good: list[tuple[int, list[str]]] = []
        bad: list[Rejection] = []
        with self._records() as records:
            next(records, None)
            for number, cells in enumerate(records, start=1):
                row = self._fitted(number, cells)
                if isinstance(row, Rejection):
                    bad.append(row)
                elif self.id_place is not None and id_text(row[self.id_place]) is None:
                    bad.append(rejection(number, NO_ID))
                else:
                    good.append((number, row))
                if len(good) >= rows or len(bad) >= rows:
                    yield self._batch(good, bad)
                    good, bad = [], []
        if good or bad:
            yield self._batch(good, bad)

    def _fitted(self, number: int, cells: list[str]) -> list[str] | Rejection:
        """The cells of a row, as many as the header has."""
        width = len(self.header)
        if len(cells) > width and not any(cells[width:]):
            cells = cells[:width]
        if len(cells) != width:
            reason = f"the row has {len(cells)} cells, the header has {width}"
            return rejection(number, reason, self.delimiter.join(cells))
        return cells

    def _batch(self, fitted: list[tuple[int, list[str]]], bad: list[Rejection]) -> RowBatch:
        encoded = self.coordinates.encode([cells for _, cells in fitted])
        good: list[tuple[int, bytes, list[str]]] = []
        for (number, cells), wkb in zip(fitted, encoded, strict=True):
            if isinstance(wkb, bytes):
                good.append((number, wkb, cells))
            else:
                bad.append(rejection(number, str(wkb), wkb.found))
        altered: list[Alteration] = []
        columns: dict[str, Sequence[Any]] = {}
        for place, name, kind in zip(self.places, self.names, self.types, strict=True):
            texts = [cells[place] for _, _, cells in good]
            convert = cell_converter(kind, self.zone)
            columns[name] = [convert(text) for text in texts]
            altered += _alterations(name, kind, texts)
        at = self.id_place
        return RowBatch(
            rows=[number for number, _, _ in good],
            ids=None if at is None else [id_text(cells[at]) for _, _, cells in good],
            wkb=[wkb for _, wkb, _ in good],
            columns=columns,
            rejected=tuple(sorted(bad, key=lambda r: r.row)),
            alterations=tuple(altered),
        )

    def _survey(self) -> tuple[int, list[Kind], GeometryType]:
        """Number of rows, kinds of the columns, and geometry type, by one walk through the file."""
        kinds = [Kind.NOTHING] * len(self.places)
        types: set[GeometryType | None] = set()
        count = 0
        with self._records() as records:
            next(records, None)
            for count, cells in enumerate(records, start=1):  # noqa: B007 the last number is the count
                if len(cells) < len(self.header):
                    continue
                types.add(self.coordinates.claimed_type(cells))
                for i, place in enumerate(self.places):
                    if kinds[i] is not Kind.TEXT:
                        kinds[i] |= kind_of_cell(cells[place])
        known = {kind for kind in types if kind is not None}
        return count, kinds, common_type(known)

    @contextmanager
    def _records(self) -> Iterator[Iterator[list[str]]]:
        """Rows of the file as lists of cells, blank lines left out."""
        csv.field_size_limit(_CELL_LIMIT)
        with self.path.open(encoding=self.encoding, newline="") as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            try:
                yield (cells for cells in reader if cells)
            except (csv.Error, UnicodeError) as error:
                raise UnreadableFileError(
                    "The table cannot be read on from here.",
                    value=f"{self.path.name}, line {reader.line_num}: {error}",
                    remedy='Look for a quotation mark (") that is never closed, or save the table as CSV again.',
                ) from error


def _alterations(name: str, kind: PropertyType, texts: list[str]) -> list[Alteration]:
    if kind in (PropertyType.NUMBER, PropertyType.INTEGER):
        count, reason = sum(map(is_not_finite, texts)), NOT_FINITE
    elif kind is PropertyType.DATETIME:
        count, reason = sum(1 for text in texts if text.strip() and not names_zone(text)), NO_ZONE
    else:
        return []
    return [Alteration(name, reason, count)] if count else []


def _sniff_delimiter(path: Path, encoding: str) -> str:
    with path.open(encoding=encoding, newline="") as file:
        sample = file.read(_SAMPLE_CHARACTERS)
    line = next((line for line in sample.splitlines() if line.strip()), "")
    return max(_DELIMITERS, key=line.count)
