"""The book of releases beside a store: written once, never changed; and the watch that no pinned layer goes."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Protocol

import sqlalchemy as sa

from twin.basemap.release import Release
from twin.basemap.release_tables import ReleaseTables, release_tables
from twin.errors import (
    DuplicateReleaseError,
    PinnedLayerError,
    ReleaseBlockedError,
    UnknownLayerError,
    UnknownReleaseError,
)
from twin.store.catalogue import Catalogue
from twin.store.gpkg_metadata import register_attributes
from twin.store.port import LayerRecord, Store
from twin.store.sql import SqlStore
from twin.store.values import instant_text
from twin.store.watching import Removal

# Number of the advisory lock that keeps two servers from making the tables, or two releases, at once.
_LOCK = 370283


class ReleaseBook(Protocol):
    """Keeps releases."""

    def releases(self) -> list[Release]:
        """All releases, newest first."""

    def release(self, name: str) -> Release:
        """Raises UnknownReleaseError if there is none of that name."""

    def current(self) -> Release | None:
        """The newest release; None before the first."""

    def written_sha256(self, name: str) -> str:
        """The checksum that was written down with a release. Raises UnknownReleaseError."""

    def report(self, name: str) -> dict[str, Any]:
        """What a release changed, as it was found when it was made. Raises UnknownReleaseError."""

    def add(self, release: Release, report: Mapping[str, Any], checked: Sequence[LayerRecord] = ()) -> None:
        """Write a release down.

        Args:
            checked: The layers as they were checked; the release is refused if one of them is not the same any more. They are
                held from the comparison to the end of the write, so that none is edited or dropped in between.

        Raises:
            DuplicateReleaseError: if the name is taken, or another release came in between.
            ReleaseBlockedError: if a layer was edited, dropped or made anew since it was checked.
        """

    def version_of(self, name: str, layer_id: str) -> int:
        """The version of a layer that a release pins.

        Raises:
            UnknownReleaseError: if there is no such release, or it does not hold the layer.
        """

    def add_check(self, document: Mapping[str, Any], author: str) -> None:
        """Keep the summary of a check."""

    def last_check(self) -> dict[str, Any] | None:
        """The summary of the last check, with its author; None before the first."""


@dataclass(frozen=True)
class SqlReleaseBook:
    """See `ReleaseBook`."""

    store: SqlStore
    tables: ReleaseTables

    def releases(self) -> list[Release]:
        t = self.tables.releases
        with self.store.reading() as connection:
            rows = connection.execute(sa.select(t.c.document).order_by(t.c.fid.desc())).scalars().all()
        return [Release.from_dict(json.loads(row)) for row in rows]

    def release(self, name: str) -> Release:
        return Release.from_dict(json.loads(self._column(name, "document")))

    def current(self) -> Release | None:
        t = self.tables.releases
        with self.store.reading() as connection:
            row = connection.execute(sa.select(t.c.document).order_by(t.c.fid.desc()).limit(1)).scalar()
        return None if row is None else Release.from_dict(json.loads(row))

    def written_sha256(self, name: str) -> str:
        return self._column(name, "sha256")

    def report(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self._column(name, "report")))

    def add(self, release: Release, report: Mapping[str, Any], checked: Sequence[LayerRecord] = ()) -> None:
        t = self.tables
        with self.store.writing() as connection:
            _lock(connection)
            _hold(connection, self.store.catalogue, checked)
            newest = connection.execute(
                sa.select(t.releases.c.name).order_by(t.releases.c.fid.desc()).limit(1)
            ).scalar()
            taken = connection.execute(sa.select(t.releases.c.fid).where(t.releases.c.name == release.name)).first()
            if taken is not None or newest != release.previous:
                raise _duplicate(release.name, newest, taken=taken is not None)
            document, changes = (json.dumps(value, ensure_ascii=False) for value in (release.to_dict(), dict(report)))
            connection.execute(
                sa.insert(t.releases).values(
                    name=release.name,
                    at=instant_text(release.at),
                    sha256=release.sha256,
                    document=document,
                    report=changes,
                )
            )
            pins = [
                {"release": release.name, "layer_id": layer.id, "version": layer.version, "sha256": layer.sha256}
                for layer in release.layers
            ]
            if pins:
                connection.execute(sa.insert(t.layers), pins)

    def version_of(self, name: str, layer_id: str) -> int:
        t = self.tables.layers
        statement = sa.select(t.c.version).where(t.c.release == name, t.c.layer_id == layer_id)
        with self.store.reading() as connection:
            version = connection.execute(statement).scalar()
        if version is not None:
            return int(version)
        self._column(name, "name")
        raise UnknownReleaseError(
            f"The release '{name}' does not hold the layer '{layer_id}'.",
            value=layer_id,
            limit=", ".join(layer.id for layer in self.release(name).layers),
            remedy="GET /basemap/releases/{name} lists its layers.",
        )

    def add_check(self, document: Mapping[str, Any], author: str) -> None:
        text = json.dumps(dict(document), ensure_ascii=False)
        with self.store.writing() as connection:
            values = {"at": document["at"], "author": author, "document": text}
            connection.execute(sa.insert(self.tables.checks).values(values))

    def last_check(self) -> dict[str, Any] | None:
        t = self.tables.checks
        with self.store.reading() as connection:
            row = connection.execute(sa.select(t.c.document, t.c.author).order_by(t.c.fid.desc()).limit(1)).first()
        return None if row is None else {**json.loads(row.document), "author": row.author}

    def _column(self, name: str, column: str) -> str:
        t = self.tables.releases
        with self.store.reading() as connection:
            value = connection.execute(sa.select(t.c[column]).where(t.c.name == name)).scalar()
        if value is None:
            raise UnknownReleaseError(
                f"There is no release '{name}'.", value=name, remedy="GET /basemap/releases lists the releases."
            )
        return str(value)


@dataclass(frozen=True)
class PinWatcher:
    """Refuses the end of a layer that a release pins: old releases stay readable."""

    tables: ReleaseTables

    def before_removal(self, connection: sa.Connection, removal: Removal) -> None:
        """Look into the book in the same transaction.

        Raises:
            PinnedLayerError: if the layer is to go and a release holds it.
        """
        t = self.tables.layers
        if not removal.layer_goes or not sa.inspect(connection).has_table(t.name, schema=t.schema):
            return
        statement = sa.select(t.c.release).where(t.c.layer_id == removal.layer_id).order_by(t.c.fid)
        names = connection.execute(statement).scalars().all()
        if names:
            raise PinnedLayerError(
                f"The layer '{removal.layer_id}' is part of {len(names)} release{'' if len(names) == 1 else 's'}"
                " of the base map, which stay readable.",
                value=", ".join(names),
                limit="a layer that a release pins cannot be removed",
                remedy="Delete its features instead, or send a delivery that replaces them; the releases keep the old state.",
            )


def watch_pins(store: Store) -> None:
    """From now on the store refuses to drop a layer that a release pins. Reads and makes nothing."""
    if isinstance(store, SqlStore) and not any(isinstance(watcher, PinWatcher) for watcher in store.watchers):
        store.watchers.append(PinWatcher(release_tables(store.dialect.db_schema)))


def open_releases(store: Store) -> SqlReleaseBook:
    """The releases of a store over SQL; their tables are made when they are missing, and pinned layers watched.

    Raises:
        StoreBusyError: if the tables are missing and somebody else is writing for too long.
    """
    assert isinstance(store, SqlStore)
    tables = release_tables(store.dialect.db_schema)
    with store.reading() as connection:
        names = set(sa.inspect(connection).get_table_names(schema=store.dialect.db_schema))
    if not {table.name for table in tables.metadata.sorted_tables} <= names:
        _make_tables(store, tables)
    watch_pins(store)
    return SqlReleaseBook(store, tables)


def _make_tables(store: SqlStore, tables: ReleaseTables) -> None:
    with store.writing() as connection:
        _lock(connection)
        tables.metadata.create_all(connection)
        driver = connection.connection.driver_connection
        if isinstance(driver, sqlite3.Connection):
            for table in tables.metadata.sorted_tables:
                register_attributes(driver, table.name)


def _lock(connection: sa.Connection) -> None:
    """One at a time; SQLite's writers are that already."""
    if connection.dialect.name == "postgresql":
        with closing(connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")):
            pass


def _hold(connection: sa.Connection, catalogue: Catalogue, checked: Sequence[LayerRecord]) -> None:
    """Keep writers of the layers out until the transaction ends. What was checked shall be what is pinned."""
    moved = []
    for record in sorted(checked, key=lambda record: record.id):
        try:
            now = catalogue.reread(connection, record.id, lock=True).record
        except UnknownLayerError:
            moved.append(record.id)
            continue
        if (now.created_at, now.version) != (record.created_at, record.version):
            moved.append(record.id)
    if moved:
        raise ReleaseBlockedError(
            "Layers were edited, dropped or made anew while they were checked.",
            value=", ".join(moved),
            limit="no edits between the check and the release",
            remedy="Release again when the edits are done.",
        )


def _duplicate(name: str, newest: str | None, *, taken: bool) -> DuplicateReleaseError:
    if taken:
        return DuplicateReleaseError(
            f"There is a release '{name}' already, and releases never change.",
            value=name,
            limit="one release for each name",
            remedy="Choose another name.",
        )
    return DuplicateReleaseError(
        f"The release '{newest}' was made meanwhile.",
        value=name,
        limit="one release after the other",
        remedy="Look at it first; then make yours again, so that its report tells the changes since that one.",
    )
