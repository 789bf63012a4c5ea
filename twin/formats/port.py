"""What a file reader gives: a description of the file, then its rows in columnar batches.

How to read one::

    with open_source(path, crs="EPSG:4549") as source:      # twin.formats.reading
        source.info.properties                              # typed, names already cleaned
        for batch in source.batches():                      # may be called again: every call starts from the top
            batch.wkb, batch.columns["name"], batch.rejected

Rules that hold for every reader

* Geometries come as WKB in the file's own CRS, x (lon, easting) before y, exactly as the file has them: nothing is converted,
  repaired or judged here (`twin.crs` and `twin.geometry` do that), Z is kept where there is one. So a WKB may turn out to be invalid,
  or not readable at all; whoever parses it must take rows one by one when a batch fails.
* Values are Python values of the property's type: str, int within 64 bits, finite float, bool, date, aware datetime in UTC; None is unknown.
* A bad row is a `Rejection` in the batch in whose stretch of the file it lies, and never stops the rows after it.
  A file that is broken as a whole (truncated, not of its format) raises, also in the middle of `batches()`: then nothing must be kept.
* Memory is bounded by the batch, not by the file (TopoJSON is the exception: its arcs are shared and held whole).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from twin.errors import MissingCRSError
from twin.schema import GeometryType, Property, Schema

BATCH_ROWS = 32_768


@dataclass(frozen=True, slots=True)
class Rename:
    """A column whose name in the file could not be kept."""

    original: str
    name: str


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What is known of a file before its rows are read.

    Attributes:
        format: Name of the format: "GeoJSON", "GeoPackage", "CSV", …
        crs: CRS of the coordinates as text that `twin.crs.parse_crs` takes ("EPSG:4326", "OGC:CRS84", WKT or PROJJSON):
            what the caller declared, or else what the file declares; None when neither says.
        file_crs: What the file itself declares, whatever the caller said.
        geometry_type: The narrowest type that takes every geometry of the file (single and multi mixed give the multi type,
            anything else mixed gives GEOMETRY).
        properties: Name and type of each column; names are trimmed, unique without regard to case, at most 60 bytes of UTF-8.
        feature_count: Rows in the file, bad ones included; None where only reading tells.
        encoding: Of the text in the file.
        layer: Name of the layer inside the file, or the file's stem.
        layers: All layers inside the file.
        id_column: Where the ids of the rows come from: a property, "id" for a GeoJSON id member, None where the file gives no ids.
        renames: Columns whose names had to change.
        dropped: Columns left out, with the reason (binary values).
        notes: Sentences a person should read (declared encoding is wrong, times without a zone, …).
    """

    format: str
    crs: str | None
    file_crs: str | None
    geometry_type: GeometryType
    properties: tuple[Property, ...]
    feature_count: int | None
    encoding: str = "UTF-8"
    layer: str = ""
    layers: tuple[str, ...] = ()
    id_column: str | None = None
    renames: tuple[Rename, ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def schema(self) -> Schema:
        return Schema(self.geometry_type, self.properties)

    def require_crs(self) -> str:
        """The CRS of the coordinates.

        Raises:
            MissingCRSError: if neither the file nor the caller says.
        """
        if self.crs is None:
            raise MissingCRSError(
                f"This {self.format} file does not say in which coordinate system it is.",
                value=self.layer,
                limit="a CRS in the file, or one declared by the caller",
                remedy='Declare it, for example --crs EPSG:4490, or "crs" in the manifest.',
            )
        return self.crs


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that cannot be taken.

    Attributes:
        row: Its number in the file; the first feature is 1 (a CSV header does not count).
        reason: What is wrong, in one sentence that ends without the value.
        value: What was found, as text cut to a readable length.
    """

    row: int
    reason: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Alteration:
    """Values that were changed on the way in, counted.

    Attributes:
        property: Column concerned.
        reason: What was done to them ("not a finite number, read as unknown").
        count: To how many values of this batch.
    """

    property: str
    reason: str
    count: int


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Good rows of one stretch of the file as columns of equal length n, and the bad ones of the same stretch.

    Attributes:
        rows: n row numbers in the file; the first feature is 1.
        ids: n public ids; None for the whole batch (or for single rows) where the file gives none.
        wkb: n geometries as WKB in the file's CRS; None for a row without a place.
        columns: One sequence of n values per property, keyed and ordered as `SourceInfo.properties`.
        rejected: Bad rows.
        alterations: Values that were changed.
    """

    rows: Sequence[int]
    ids: Sequence[str | None] | None
    wkb: Sequence[bytes | None]
    columns: dict[str, Sequence[Any]]
    rejected: tuple[Rejection, ...] = ()
    alterations: tuple[Alteration, ...] = ()

    def __len__(self) -> int:
        return len(self.wkb)


class FeatureSource(Protocol):
    """An opened file (or one layer of it). Close it, or use it in a `with` block: an unpacked archive goes away then."""

    @property
    def info(self) -> SourceInfo: ...

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[RowBatch]:
        """The rows from the top, at most `rows` in a batch (fewer when rows are fat).

        Raises:
            UnreadableFileError: if the file turns out to be broken as a whole.
        """

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...
