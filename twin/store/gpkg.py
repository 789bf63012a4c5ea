"""The embedded store: one GeoPackage file in WAL mode, through Python's own sqlite3.

Any number of readers (threads and processes) beside one writer. A commit is on disk once it returns, so that it survives the
death of the process; `synchronous` FULL also covers a power cut.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import sqlalchemy as sa

from twin.bounds import Bounds
from twin.errors import StoreBrokenError, StoreBusyError
from twin.feature import FeatureBatch
from twin.query import FeatureQuery, Position
from twin.store import gpkg_metadata, gpkg_past
from twin.store.catalogue import KnownLayer, unknown_layer
from twin.store.gpkg_blob import encode_blobs
from twin.store.gpkg_dialect import GeoPackageDialect, rtree_name
from twin.store.gpkg_functions import register_functions
from twin.store.gpkg_window import rows_that_meet
from twin.store.packed_rtree import write_packed_rtree
from twin.store.port import Author
from twin.store.sql import SqlStore
from twin.store.statements import LEADING
from twin.store.tables import ID
from twin.store.timeline import Row
from twin.store.values import instant_text, now
from twin.store.versions import GeoPackageRevisions, Revisions
from twin.store.windows import window_shape_of
from twin.store.writing import SqlLayerWriter

_WAIT_S = 30.0
_WRITES = {"onemap_writes": True}
# Rows read beyond a page's limit, for those that only their boxes bring into the window.
_SPARE_ROWS = 64
_EDGES = ("ST_MinX", "ST_MinY", "ST_MaxX", "ST_MaxY")
# Two steps of single precision at 180 degrees.
_SINGLE_STEP_DEG = 3.1e-5


class GeoPackageStore(SqlStore):
    """Layers in one GeoPackage file.

    Args:
        path: The file; made when absent, with its folder.
        wait_s: How long a write waits for another one before it gives up.
        synchronous: SQLite's setting: NORMAL or FULL.

    Raises:
        StoreBrokenError: if the file is not a GeoPackage or this Python's SQLite lacks the R-tree.
    """

    def __init__(self, path: Path, *, wait_s: float = _WAIT_S, synchronous: str = "NORMAL") -> None:
        self.path = Path(path)
        self._wait_s = wait_s
        self._turn = threading.Lock()
        self._reading_turn = threading.Lock()
        self._of_thread = threading.local()
        self._kept: list[sqlite3.Connection] = []
        self.path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(_engine(self.path, wait_s, synchronous), GeoPackageDialect())
        self._prepare()
        self._revisions = GeoPackageRevisions(self.path)

    def close(self) -> None:
        self._revisions.close()
        for connection in self._kept:
            connection.close()
        self._kept.clear()
        self._of_thread = threading.local()
        super().close()

    def revisions(self) -> Revisions | None:
        return self._revisions.now()

    def version(self, layer_id: str) -> int:
        """Asked at every tile, so past SQLAlchemy: one statement on a connection that the thread keeps."""
        connection = getattr(self._of_thread, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self.path, self._wait_s, isolation_level=None, check_same_thread=False)
            self._of_thread.connection = connection
            self._kept.append(connection)
        with _named_errors(self.path, self._wait_s):
            row = connection.execute("SELECT version FROM om_layers WHERE id = ?", (layer_id,)).fetchone()
        if row is None:
            raise unknown_layer(layer_id)
        return int(row[0])

    def select(self, layer_id: str, query: FeatureQuery) -> FeatureBatch:
        # sqlite3 lets go of the interpreter at every row. Two threads that fetch rows at once hand it to and fro, and both take
        # twice as long as one after the other (measured: 8.1 against 4.6 ms of CPU for a page of 1,000 buildings).
        with self._reading_turn:
            return super().select(layer_id, query)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with _named_errors(self.path, self._wait_s), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        # Writers of this process queue here, in place of SQLite's polling; other processes are waited for by SQLite itself.
        if not self._turn.acquire(timeout=self._wait_s):
            raise _busy(self._wait_s)
        try:
            with (
                _named_errors(self.path, self._wait_s),
                self.engine.connect().execution_options(**_WRITES) as connection,
                connection.begin(),
            ):
                yield connection
        finally:
            self._turn.release()

    def make_tables(self, connection: sa.Connection, known: KnownLayer) -> None:
        layer_id = known.record.id
        known.tables.current.create(connection)
        known.tables.history.create(connection)
        raw = _raw(connection)
        gpkg_past.make_indexes(raw, layer_id)
        gpkg_metadata.register_features(raw, layer_id, known.record.schema.geometry_type)
        gpkg_metadata.make_rtree(raw, layer_id)

    def drop_tables(self, connection: sa.Connection, known: KnownLayer) -> None:
        raw = _raw(connection)
        gpkg_metadata.unregister_features(raw, known.record.id)
        gpkg_metadata.drop_rtree(raw, known.record.id)
        gpkg_metadata.drop_rtree(raw, known.tables.history.name)
        known.tables.history.drop(connection)
        known.tables.current.drop(connection)

    def writer(self, connection: sa.Connection, known: KnownLayer, *, born: bool) -> SqlLayerWriter:
        return _GeoPackageWriter(connection, known, self.dialect, born=born)

    def _rows(self, connection: sa.Connection, known: KnownLayer, query: FeatureQuery) -> Sequence[Any]:
        """As the base class; a window by geometries is read by boxes and judged here, in parts until the page is full."""
        sliced = self.is_sliced(connection, known, query.interval)
        shape = window_shape_of(query, known.record.bounds, sliced=sliced)
        if shape is None or shape.window != "geometries" or not query.geometry:
            return super()._rows(connection, known, query)
        assert query.bounds is not None
        found: list[Any] = []
        part = replace(query, boxes_only=True)
        while True:
            if query.limit is not None:
                part = replace(part, limit=query.limit - len(found) + _SPARE_ROWS)
            rows = super()._rows(connection, known, part)
            found += rows_that_meet(rows, LEADING, query.bounds)
            if part.limit is None or len(rows) < part.limit or len(found) >= (query.limit or 0):
                return found[: query.limit]
            part = replace(part, after=Position((), rows[-1][0]))

    def _prepare(self) -> None:
        with self.writing() as connection:
            raw = _raw(connection)
            has_rtree = raw.execute("SELECT 1 FROM pragma_compile_options WHERE compile_options = 'ENABLE_RTREE'")
            if has_rtree.fetchone() is None:
                raise StoreBrokenError(
                    "This Python's SQLite was built without the R-tree.",
                    value=sqlite3.sqlite_version,
                    limit="ENABLE_RTREE",
                    remedy="Use the system's Python, or a PostGIS store.",
                )
            gpkg_metadata.make_geopackage(raw)
            layer_ids = self.catalogue.prepare(connection)
            for table in self.catalogue.tables.metadata.sorted_tables:
                gpkg_metadata.register_attributes(raw, table.name)
            gpkg_past.bring_up_to_date(raw, layer_ids)
        # GDAL reads the application id off the file's first page, not through the write-ahead log.
        with self.reading() as connection:
            _raw(connection).execute("PRAGMA wal_checkpoint(PASSIVE)")


class _GeoPackageWriter(SqlLayerWriter):
    """Streams rows first and packs the R-tree after them; once settled, triggers keep it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._streamed: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = []

    def insert_rows(self, rows: list[Row], boxes: npt.NDArray[np.float64]) -> None:
        marks = ", ".join("?" * len(rows[0]))
        _raw(self.connection).executemany(f'INSERT INTO "{self.known.record.id}" VALUES ({marks})', rows)
        if self.streaming:
            self._streamed.append((np.array([row[0] for row in rows], dtype=np.int64), boxes))

    def encode_geometries(self, wkb: Sequence[bytes | None], boxes: npt.NDArray[np.float64]) -> Sequence[Any]:
        return encode_blobs(wkb, boxes, gpkg_metadata.SRS_ID)

    def archive(self, condition: sa.ColumnElement[bool]) -> None:
        raw, layer_id = _raw(self.connection), self.known.record.id
        last = gpkg_past.last_row(raw, layer_id)
        super().archive(condition)
        gpkg_past.index_archived(raw, layer_id, last)

    def insert_slices(self, rows: list[Row]) -> None:
        raw, layer_id = _raw(self.connection), self.known.record.id
        last = gpkg_past.last_row(raw, layer_id)
        super().insert_slices(rows)
        gpkg_past.index_rows(raw, layer_id, last)

    def settle(self) -> None:
        raw, layer_id = _raw(self.connection), self.known.record.id
        raw.execute(f'CREATE UNIQUE INDEX "{layer_id}__id" ON "{layer_id}" ("{ID}")')
        if self._streamed:
            ids = np.concatenate([ids for ids, _ in self._streamed])
            boxes = np.concatenate([boxes for _, boxes in self._streamed])
            placed = ~np.isnan(boxes[:, 0])
            if placed.any():
                write_packed_rtree(raw, rtree_name(layer_id), ids[placed], boxes[placed])
        gpkg_metadata.make_rtree_triggers(raw, layer_id)
        self._streamed.clear()

    def finish(self, author: Author, catalogue: Any) -> None:
        super().finish(author, catalogue)
        gpkg_metadata.note_change(_raw(self.connection), self.known.record.id, self.bounds, instant_text(now()))

    def note_heights(self) -> None:
        gpkg_metadata.note_heights(_raw(self.connection), self.known.record.id)

    def exact_bounds(self) -> Bounds | None:
        """The index names the outermost rows in single precision; their own boxes give the exact edges."""
        raw, rtree, table = _raw(self.connection), rtree_name(self.known.record.id), self.known.record.id
        row = raw.execute(f'SELECT min(minx), min(miny), max(maxx), max(maxy) FROM "{rtree}"').fetchone()
        if row is None or row[0] is None:
            return None
        sides = zip(
            ("minx <=", "miny <=", "maxx >=", "maxy >="), ("min", "min", "max", "max"), _EDGES, row, strict=True
        )
        exact = [
            raw.execute(
                f'SELECT {pick}({edge}(geom)) FROM "{table}" WHERE fid IN (SELECT id FROM "{rtree}" WHERE {test} ?)',
                (value + (_SINGLE_STEP_DEG if pick == "min" else -_SINGLE_STEP_DEG),),
            ).fetchone()[0]
            for test, pick, edge, value in sides
        ]
        return Bounds(*exact)


def _engine(path: Path, wait_s: float, synchronous: str) -> sa.Engine:
    engine = sa.create_engine(
        f"sqlite:///{path}",
        connect_args={"timeout": wait_s, "check_same_thread": False, "cached_statements": 256},
        pool_size=16,
        max_overflow=32,
        pool_use_lifo=True,  # the connection used last has its pages and statements at hand
    )

    @sa.event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # BEGIN is ours, see below
        register_functions(connection)
        for pragma in (
            "journal_mode = WAL",
            f"synchronous = {synchronous}",
            "journal_size_limit = 67108864",
            "cache_size = -65536",
            "mmap_size = 1073741824",
            "temp_store = MEMORY",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def on_begin(connection: sa.Connection) -> None:
        # A writer takes its lock at once: a reader that turns writer midway could not wait its turn.
        writes = connection.get_execution_options().get("onemap_writes")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _raw(connection: sa.Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


@contextmanager
def _named_errors(path: Path, wait_s: float) -> Iterator[None]:
    """SQLite's own failures in the words of the house."""
    try:
        yield
    except (sa.exc.OperationalError, sqlite3.OperationalError) as error:
        text = str(getattr(error, "orig", error))
        if "locked" in text or "busy" in text:
            raise _busy(wait_s) from error
        raise _broken(path, text) from error
    except (sa.exc.DatabaseError, sqlite3.DatabaseError) as error:
        raise _broken(path, str(getattr(error, "orig", error))) from error


def _busy(wait_s: float) -> StoreBusyError:
    return StoreBusyError(
        "Another write is still under way.",
        value=f"waited {wait_s:.0f} s",
        limit="one write at a time",
        remedy="Try again in a moment; for many writers use a PostGIS store.",
    )


def _broken(path: Path, text: str) -> StoreBrokenError:
    return StoreBrokenError(
        f"The store file {path.name} cannot be used: {text}.",
        value=text,
        limit="a readable, writable GeoPackage on a disk with room",
        remedy="Check the disk and the file's rights; restore a copy if the file is damaged.",
    )
