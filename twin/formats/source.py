"""What all readers share: the description, and the clean-up when they are closed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from types import TracebackType
from typing import Self

from twin.formats.port import BATCH_ROWS, RowBatch, SourceInfo

BATCH_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the caller knows better than the file.

    Attributes:
        crs: CRS of the coordinates; overrides the file's.
        encoding: Text encoding; overrides detection.
        layer: Layer inside the file (GeoPackage, TopoJSON) or member of an archive.
        lon, lat: Columns with the coordinates (CSV).
        id_property: Column whose value is the feature id.
        zone: Time zone of times that name none.
    """

    crs: str | None = None
    encoding: str | None = None
    layer: str | None = None
    lon: str | None = None
    lat: str | None = None
    id_property: str | None = None
    zone: tzinfo = UTC


class FileSource(ABC):
    """An opened file. `cleanup` is emptied by `close`: temporary folders are registered there."""

    def __init__(self, path: Path, info: SourceInfo) -> None:
        self.path = path
        self.cleanup = ExitStack()
        self._info = info

    @property
    def info(self) -> SourceInfo:
        return self._info

    @abstractmethod
    def batches(self, rows: int = BATCH_ROWS) -> Iterator[RowBatch]: ...

    def close(self) -> None:
        self.cleanup.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self.close()


def fitting_rows(rows: int, row_bytes: float) -> int:
    """How many rows a batch may have so that it stays near 64 MiB: `rows`, or fewer when rows are fat."""
    return max(1, min(rows, int(BATCH_BYTES / max(row_bytes, 1.0))))
