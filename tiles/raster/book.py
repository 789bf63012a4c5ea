"""The book of rasters beside a store: which images there are, and which of them show at a moment."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from threading import Lock

import sqlalchemy as sa

from tiles.raster.record import RasterRecord, read_record
from twin.errors import BadManifestError, DuplicateRasterError, UnknownRasterError
from twin.store.gpkg_metadata import register_attributes
from twin.store.sql import SqlStore
from twin.store.tables import WHOLE

# Number of the advisory lock that keeps two servers from making the table at once.
_LOCK = 370284
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
TABLE = "om_raster_images"


@dataclass(frozen=True, slots=True)
class Shown:
    """Which images of a raster are meant.

    Attributes:
        until: Only those that show this day or an earlier one; an image without a day counts as the oldest.
        since: Only those that show this day or a later one.
        known_at: Only those that had come by then.
    """

    until: date | None = None
    since: date | None = None
    known_at: datetime | None = None

    def holds(self, record: RasterRecord) -> bool:
        day = record.day or date.min
        return (
            (self.until is None or day <= self.until)
            and (self.since is None or day >= self.since)
            and (self.known_at is None or record.registered_at <= self.known_at)
        )


ALL = Shown()


@dataclass
class RasterBook:
    """The images of a store over SQL. Thread-safe; sees what other processes write.

    Attributes:
        store: Holds the table `om_raster_images`; it is made with the first image.
        folder: Where the COGs are: `<folder>/<raster>/<image>.tif`.
    """

    store: SqlStore
    folder: Path
    _lock: Lock = field(default_factory=Lock, repr=False)
    _seen: object = field(default=None, repr=False)
    _kept: dict[str, tuple[RasterRecord, ...]] = field(default_factory=dict, repr=False)

    def ids(self) -> list[str]:
        """Ids of all rasters, in order."""
        return sorted(self._all())

    def images(self, raster_id: str, shown: Shown = ALL) -> tuple[RasterRecord, ...]:
        """The images of a raster, newest first; none may be left by `shown`.

        Raises:
            UnknownRasterError: if there is no raster of that id.
        """
        records = self._all().get(raster_id)
        if records is None:
            raise unknown_raster(raster_id)
        return records if shown is ALL else tuple(record for record in records if shown.holds(record))

    def dataset(self, raster_id: str, shown: Shown = ALL) -> RasterRecord:
        """The newest image of a raster.

        Raises:
            UnknownRasterError: if there is no such raster, or it had no image then.
        """
        records = self.images(raster_id, shown)
        if not records:
            raise UnknownRasterError(
                f"影像“{raster_id}”在该时间没有数据。The raster '{raster_id}' has no image of that time.",
                value=raster_id,
                limit="the days of its images",
                remedy=f"GET /rasters/{raster_id} lists them.",
            )
        return records[0]

    def place_of(self, raster_id: str, name: str) -> Path:
        """Where the file of an image belongs. Raises BadManifestError if either is no name."""
        for text in (raster_id, name):
            if not _NAME.fullmatch(text):
                raise BadManifestError(
                    "This cannot be the id of a raster or an image. 影像标识无效。",
                    value=text,
                    limit="small letters, digits and hyphens, 63 at most",
                    remedy="Write for instance ortho or 2024-05-01.",
                )
        return self.folder / raster_id / f"{name}.tif"

    def require_free(self, raster_id: str, name: str) -> None:
        """Raises DuplicateRasterError if the raster has an image of that name."""
        if any(record.name == name for record in self._all().get(raster_id, ())):
            raise _duplicate(raster_id, name)

    def add(self, record: RasterRecord, put: Callable[[], object]) -> None:
        """Write an image down; `put` moves its file to its place, after the name is known to be free and before the commit.

        Raises:
            DuplicateRasterError: if the raster has an image of that name.
        """
        table = _table(self.store)
        document = json.dumps(record.to_document(), ensure_ascii=False, allow_nan=False)
        with self.store.writing() as connection:
            _make_table(connection, table)
            taken = sa.select(table.c.fid).where(table.c.raster == record.raster_id, table.c.name == record.name)
            if connection.execute(taken).first() is not None:
                raise _duplicate(record.raster_id, record.name)
            put()
            connection.execute(sa.insert(table).values(raster=record.raster_id, name=record.name, document=document))
        self._forget()

    def remove(self, raster_id: str, name: str | None = None) -> tuple[RasterRecord, ...]:
        """Strike out one image, or the whole raster, and delete the files afterwards: a row never points at nothing.

        Raises:
            UnknownRasterError: if there is none.
        """
        gone = tuple(r for r in self.images(raster_id) if name is None or r.name == name)
        if not gone:
            raise unknown_raster(f"{raster_id}/{name}")
        table = _table(self.store)
        with self.store.writing() as connection:
            for record in gone:
                connection.execute(sa.delete(table).where(table.c.raster == raster_id, table.c.name == record.name))
        self._forget()
        for record in gone:
            record.path.unlink(missing_ok=True)
        return gone

    def _all(self) -> dict[str, tuple[RasterRecord, ...]]:
        # The very same object while nothing has been committed to the store by anybody.
        now = self.store.revisions()
        with self._lock:
            if now is not None and now is self._seen:
                return self._kept
        found = self._read()
        with self._lock:
            self._seen, self._kept = now, found
        return found

    def _forget(self) -> None:
        with self._lock:
            self._seen = None

    def _read(self) -> dict[str, tuple[RasterRecord, ...]]:
        table = _table(self.store)
        with self.store.reading() as connection:
            if not sa.inspect(connection).has_table(table.name, schema=table.schema):
                return {}
            rows = connection.execute(sa.select(table).order_by(table.c.fid)).all()
        found: dict[str, list[RasterRecord]] = {}
        for row in rows:
            record = read_record(row.raster, row.name, self.place_of(row.raster, row.name), json.loads(row.document))
            found.setdefault(row.raster, []).append(record)
        return {key: tuple(sorted(records, key=_age, reverse=True)) for key, records in found.items()}


def unknown_raster(raster_id: str) -> UnknownRasterError:
    """The refusal of an id, the same whether there is no such raster or the reader may not know of it."""
    return UnknownRasterError(
        f"没有影像“{raster_id}”。There is no raster '{raster_id}'.",
        value=raster_id,
        remedy="GET /rasters lists the rasters.",
    )


def _age(record: RasterRecord) -> tuple[date, datetime]:
    return record.day or date.min, record.registered_at


def _duplicate(raster_id: str, name: str) -> DuplicateRasterError:
    return DuplicateRasterError(
        f"影像“{raster_id}”已有“{name}”。The raster '{raster_id}' has an image '{name}' already.",
        value=f"{raster_id}/{name}",
        limit="one image for each name",
        remedy=f"Choose another --image, or remove it first: onemap rasters remove {raster_id} --image {name}",
    )


def _table(store: SqlStore) -> sa.Table:
    return sa.Table(
        TABLE,
        sa.MetaData(schema=store.dialect.db_schema),
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("raster", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.UniqueConstraint("raster", "name"),
    )


def _make_table(connection: sa.Connection, table: sa.Table) -> None:
    if connection.dialect.name == "postgresql":
        with closing(connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")):
            pass
    if sa.inspect(connection).has_table(table.name, schema=table.schema):
        return
    table.create(connection)
    driver = connection.connection.driver_connection
    if isinstance(driver, sqlite3.Connection):
        register_attributes(driver, table.name)
