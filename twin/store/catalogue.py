"""Rows about layers, and the layers' tables, remembered until a row's revision moves."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from twin.bounds import Bounds
from twin.errors import UnknownLayerError
from twin.schema import Schema
from twin.store.dialect import Dialect
from twin.store.port import Author, Changeset, LayerRecord, LayerSpec
from twin.store.prepared import PreparedStatement
from twin.store.tables import LayerTables, catalogue_tables, layer_tables
from twin.store.values import instant_text, now, parse_instant
from twin.store.windows import WindowShape


@dataclass
class KnownLayer:
    """A layer as last read: its record, its tables, the counters behind them, and the statements of its plain windows.

    Attributes:
        sliced: Whether features have earlier slices of validity; None while nobody has asked.
    """

    record: LayerRecord
    tables: LayerTables
    revision: int
    next_fid: int
    windows: dict[WindowShape, PreparedStatement] = field(default_factory=dict, compare=False)
    sliced: bool | None = field(default=None, compare=False)


class Catalogue:
    """Reads and writes `om_layers`, `om_changesets` and `om_retired` on a connection it is handed."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self.tables = catalogue_tables(dialect.db_schema)
        self._known: dict[str, KnownLayer] = {}
        layers, changes = self.tables.layers.c, self.tables.changesets.c
        self._numbers = PreparedStatement(
            sa.select(layers.revision, layers.version).where(layers.id == sa.bindparam("layer_id"))
        )
        self._last_version = PreparedStatement(
            sa.select(changes.version)
            .where(changes.layer_id == sa.bindparam("layer_id"), changes.at <= sa.bindparam("instant"))
            .order_by(changes.at.desc(), changes.version.desc())
            .limit(sa.literal_column("1"))
        )

    def all(self, connection: sa.Connection) -> list[LayerRecord]:
        rows = connection.execute(sa.select(self.tables.layers).order_by(self.tables.layers.c.id))
        return [self._remember(row).record for row in rows.mappings()]

    def version(self, connection: sa.Connection, layer_id: str) -> int:
        return self._current(connection, layer_id)[1]

    def version_at(self, connection: sa.Connection, layer_id: str, instant: datetime) -> int:
        """The last version that had been committed by then; 0 when there was none. Raises UnknownLayerError."""
        rows = self._last_version.rows(connection, layer_id=layer_id, instant=instant_text(instant))
        if rows:
            return int(rows[0][0])
        self._current(connection, layer_id)
        return 0

    def known(self, connection: sa.Connection, layer_id: str) -> KnownLayer:
        """The layer now, read anew only when its revision has moved. Raises UnknownLayerError."""
        revision, _ = self._current(connection, layer_id)
        known = self._known.get(layer_id)
        if known is not None and known.revision == revision:
            return known
        return self.reread(connection, layer_id)

    def _current(self, connection: sa.Connection, layer_id: str) -> tuple[int, int]:
        """Revision and version as they stand."""
        rows = self._numbers.rows(connection, layer_id=layer_id)
        if not rows:
            self._known.pop(layer_id, None)
            raise unknown_layer(layer_id)
        return rows[0][0], rows[0][1]

    def reread(self, connection: sa.Connection, layer_id: str, *, lock: bool = False) -> KnownLayer:
        """The layer from its row, past the memory; `lock` holds other writers of it back until the transaction ends."""
        statement = sa.select(self.tables.layers).where(self.tables.layers.c.id == layer_id)
        row = connection.execute(statement.with_for_update() if lock else statement).mappings().first()
        if row is None:
            raise unknown_layer(layer_id)
        # What an open transaction reads may yet be undone: only committed states are remembered.
        return self._known_from(row) if lock else self._remember(row)

    def insert(self, connection: sa.Connection, spec: LayerSpec) -> KnownLayer:
        """A new row; numbers go on from those of a dropped layer of the same id."""
        retired = self.tables.retired
        past = connection.execute(sa.select(retired).where(retired.c.id == spec.id)).mappings().first()
        stamp = instant_text(now())
        row = {
            "id": spec.id,
            "schema": json.dumps(spec.schema.to_dict(), ensure_ascii=False),
            "document": json.dumps(dict(spec.document), ensure_ascii=False),
            "revision": past["revision"] + 1 if past else 1,
            "version": past["version"] + 1 if past else 0,
            "next_fid": past["next_fid"] if past else 1,
            "feature_count": 0,
            "west": None,
            "south": None,
            "east": None,
            "north": None,
            "created_at": stamp,
            "updated_at": stamp,
        }
        connection.execute(sa.insert(self.tables.layers).values(row))
        return self._known_from(row)

    def describe(self, connection: sa.Connection, layer_id: str, document: Mapping[str, Any]) -> None:
        """Put another document in place. The layer's clock stands still rather than falling behind its last write."""
        layers, stamp = self.tables.layers, instant_text(now())
        changed = connection.execute(
            sa.update(layers)
            .where(layers.c.id == layer_id)
            .values(
                document=json.dumps(dict(document), ensure_ascii=False),
                revision=layers.c.revision + 1,
                updated_at=sa.case((layers.c.updated_at > stamp, layers.c.updated_at), else_=stamp),
            )
        )
        if changed.rowcount == 0:
            raise unknown_layer(layer_id)

    def remove(self, connection: sa.Connection, known: KnownLayer) -> None:
        """Take the layer's rows away and keep its numbers."""
        layer_id = known.record.id
        t = self.tables
        connection.execute(sa.delete(t.retired).where(t.retired.c.id == layer_id))
        connection.execute(
            sa.insert(t.retired).values(
                id=layer_id, revision=known.revision, version=known.record.version, next_fid=known.next_fid
            )
        )
        connection.execute(sa.delete(t.changesets).where(t.changesets.c.layer_id == layer_id))
        connection.execute(sa.delete(t.layers).where(t.layers.c.id == layer_id))

    def forget(self, layer_id: str) -> None:
        self._known.pop(layer_id, None)

    def prepare(self, connection: sa.Connection) -> list[str]:
        """Make what is missing of the catalogue's tables and their indexes; ids of the layers there are."""
        self.tables.metadata.create_all(connection)
        for table in self.tables.metadata.sorted_tables:
            for index in table.indexes:
                connection.execute(sa.schema.CreateIndex(index, if_not_exists=True))
        return list(connection.execute(sa.select(self.tables.layers.c.id)).scalars())

    def commit_version(
        self, connection: sa.Connection, known: KnownLayer, change: Changeset, bounds: Bounds | None, next_fid: int
    ) -> None:
        """Record a changeset and move the layer's numbers along."""
        t = self.tables
        connection.execute(
            sa.insert(t.changesets).values(
                layer_id=change.layer_id,
                version=change.version,
                at=instant_text(change.at),
                author=change.author.name,
                reason=change.author.reason,
                inserted=change.inserted,
                updated=change.updated,
                deleted=change.deleted,
            )
        )
        west, south, east, north = bounds.as_tuple() if bounds else (None, None, None, None)
        connection.execute(
            sa.update(t.layers)
            .where(t.layers.c.id == change.layer_id)
            .values(
                revision=known.revision + 1,
                version=change.version,
                next_fid=next_fid,
                feature_count=known.record.feature_count + change.inserted - change.deleted,
                west=west,
                south=south,
                east=east,
                north=north,
                updated_at=instant_text(change.at),
            )
        )

    def changesets(
        self, connection: sa.Connection, layer_id: str, limit: int | None, *, before: int | None = None
    ) -> list[Changeset]:
        """The last writes, newest first."""
        c = self.tables.changesets.c
        chosen = (c.layer_id == layer_id,) if before is None else (c.layer_id == layer_id, c.version < before)
        rows = connection.execute(
            sa.select(self.tables.changesets).where(*chosen).order_by(c.version.desc()).limit(limit)
        )
        return [_changeset(row) for row in rows]

    def changesets_of(
        self, connection: sa.Connection, layer_id: str, versions: Collection[int]
    ) -> dict[int, Changeset]:
        """The writes that made some versions."""
        c = self.tables.changesets.c
        found: dict[int, Changeset] = {}
        wanted = sorted(versions)
        for start in range(0, len(wanted), 500):
            chosen = (c.layer_id == layer_id, c.version.in_(wanted[start : start + 500]))
            found |= {row.version: _changeset(row) for row in connection.execute(sa.select(*c).where(*chosen))}
        return found

    def growth(self, connection: sa.Connection, layer_id: str, version: int) -> tuple[int, datetime | None]:
        """How many features the layer had at a version, and when that was written; None before the first write."""
        c = self.tables.changesets.c
        total = sa.func.coalesce(sa.func.sum(c.inserted - c.deleted), 0, type_=sa.BigInteger)
        row = connection.execute(
            sa.select(total, sa.func.max(c.at)).where(c.layer_id == layer_id, c.version <= version)
        ).one()
        return int(row[0]), None if row[1] is None else parse_instant(row[1])

    def _remember(self, row: Mapping[Any, Any]) -> KnownLayer:
        known = self._known.get(row["id"])
        if known is None or known.revision != row["revision"]:
            known = self._known_from(row)
            self._known[row["id"]] = known
        return known

    def _known_from(self, row: Mapping[Any, Any]) -> KnownLayer:
        schema = Schema.from_dict(json.loads(row["schema"]))
        return KnownLayer(
            record=LayerRecord(
                id=row["id"],
                schema=schema,
                document=json.loads(row["document"]),
                version=row["version"],
                feature_count=row["feature_count"],
                bounds=None if row["west"] is None else Bounds(row["west"], row["south"], row["east"], row["north"]),
                created_at=parse_instant(row["created_at"]),
                updated_at=parse_instant(row["updated_at"]),
            ),
            tables=layer_tables(row["id"], schema, self._dialect.types, self._dialect.db_schema),
            revision=row["revision"],
            next_fid=row["next_fid"],
        )


def _changeset(row: Any) -> Changeset:
    return Changeset(
        layer_id=row.layer_id,
        version=row.version,
        at=parse_instant(row.at),
        author=Author(row.author, row.reason),
        inserted=row.inserted,
        updated=row.updated,
        deleted=row.deleted,
    )


def unknown_layer(layer_id: str) -> UnknownLayerError:
    """The error that says there is no such layer."""
    return UnknownLayerError(
        f"There is no layer '{layer_id}'.", value=layer_id, remedy="GET /layers lists the layers that exist."
    )
