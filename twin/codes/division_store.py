"""The division list beside a store's layers: one table of divisions with their dates, one of editions, in either database.

The shipped editions are put in when the list is opened for the first time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

import sqlalchemy as sa

from twin.codes.division_editions import Edition, EditionHead, Succession, shipped_editions, succeed
from twin.codes.divisions import Division, parse_division_code
from twin.errors import EditionConflictError
from twin.store.gpkg_metadata import register_attributes
from twin.store.port import Author, Store
from twin.store.sql import SqlStore
from twin.store.tables import WHOLE, ColumnTypes
from twin.store.values import instant_text, now
from twin.text import LocalText

# Number of the advisory lock that keeps two servers from making the tables, or two editions from coming in, at once.
_LOCK = 370284
_PART = 500


@dataclass(frozen=True, slots=True)
class RecordedEdition:
    """An edition as it was taken: how many divisions it began and ended, when, and by whom."""

    head: EditionHead
    begun: int
    ended: int
    recorded_at: str
    author: str


class Divisions(Protocol):
    """The port: what is known of divisions at which time."""

    def at(self, codes: Iterable[str], day: date) -> dict[str, Division]:
        """Those of `codes` that are known on that day."""

    def children(self, code: str, day: date) -> list[Division]:
        """The divisions one level below, in order of their codes."""

    def history(self, code: str) -> list[Division]:
        """Every state of a division, the latest first."""

    def editions(self) -> list[RecordedEdition]:
        """All editions, the latest first."""

    def add(self, edition: Edition, author: Author) -> RecordedEdition:
        """Take a new edition in, in one transaction.

        Raises:
            EditionConflictError: if there is one of that name, or a division would hold twice at a time.
        """


def open_divisions(store: Store) -> Divisions:
    """The division list of a store; its tables are made where they are missing.

    Raises:
        StoreBusyError: if they are missing and somebody else is writing for too long.
    """
    assert isinstance(store, SqlStore)
    divisions = SqlDivisions(store)
    divisions.prepare()
    return divisions


class SqlDivisions:
    """See `Divisions`. Made by `open_divisions`."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._divisions, self._editions = _tables(store.dialect.types, store.dialect.db_schema)

    def prepare(self) -> None:
        """Make the tables with the shipped editions, unless they are there."""
        tables = (self._divisions, self._editions)
        with self._store.reading() as connection:
            names = set(sa.inspect(connection).get_table_names(schema=self._store.dialect.db_schema))
        if {table.name for table in tables} <= names:
            return
        with self._store.writing() as connection:
            _lock(connection)
            self._divisions.metadata.create_all(connection)
            driver = connection.connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                for table in tables:
                    register_attributes(driver, table.name)
            if connection.execute(sa.select(self._editions.c.fid)).first() is None:
                for edition in shipped_editions():
                    self._add(connection, edition, Author("One Map", "shipped"))

    def at(self, codes: Iterable[str], day: date) -> dict[str, Division]:
        wanted = sorted(set(codes))
        with self._store.reading() as connection:
            return {d.code: d for d in self._select(connection, self._divisions.c.code.in_(wanted), self._holding(day))}

    def children(self, code: str, day: date) -> list[Division]:
        with self._store.reading() as connection:
            return self._select(connection, self._divisions.c.parent == code, self._holding(day))

    def history(self, code: str) -> list[Division]:
        with self._store.reading() as connection:
            return self._select(connection, self._divisions.c.code == code)[::-1]

    def editions(self) -> list[RecordedEdition]:
        e = self._editions.c
        with self._store.reading() as connection:
            rows = connection.execute(sa.select(self._editions).order_by(e.valid_from.desc(), e.fid.desc())).all()
        return [
            RecordedEdition(
                EditionHead(row.id, _day(row.valid_from), _end(row.valid_to), row.source),
                row.begun,
                row.ended,
                row.recorded_at,
                row.author,
            )
            for row in rows
        ]

    def add(self, edition: Edition, author: Author) -> RecordedEdition:
        with self._store.writing() as connection:
            _lock(connection)
            return self._add(connection, edition, author)

    def _add(self, connection: sa.Connection, edition: Edition, author: Author) -> RecordedEdition:
        head = edition.head
        if connection.execute(sa.select(self._editions.c.fid).where(self._editions.c.id == head.id)).first():
            raise EditionConflictError(
                f"There is an edition '{head.id}' already.",
                value=head.id,
                limit="one edition of each name",
                remedy="Choose another name; what was recorded is never replaced.",
            )
        change = succeed(self._standing(connection, edition), edition)
        self._write(connection, change)
        recorded = RecordedEdition(head, len(change.begun), len(change.ended), instant_text(now()), author.name)
        connection.execute(
            sa.insert(self._editions).values(
                id=head.id,
                valid_from=head.valid_from.isoformat(),
                valid_to=None if head.valid_to is None else head.valid_to.isoformat(),
                source=head.source,
                begun=recorded.begun,
                ended=recorded.ended,
                recorded_at=recorded.recorded_at,
                author=author.name,
            )
        )
        return recorded

    def _standing(self, connection: sa.Connection, edition: Edition) -> list[Division]:
        """Every state of the edition's divisions and of those beside them."""
        d = self._divisions.c
        parents = sorted({parse_division_code(division.code).parent or "" for division in edition.divisions})
        found = []
        for start in range(0, len(parents), _PART):
            found += self._select(connection, sa.func.coalesce(d.parent, "").in_(parents[start : start + _PART]))
        return found

    def _write(self, connection: sa.Connection, change: Succession) -> None:
        d = self._divisions.c
        ending = (
            sa.update(self._divisions)
            .where(d.code == sa.bindparam("at_code"), d.valid_from == sa.bindparam("at_from"))
            .values(valid_to=sa.bindparam("ends"))
        )
        rows = [
            {"at_code": old.code, "at_from": old.valid_from.isoformat(), "ends": old.valid_to.isoformat()}
            for old in change.ended
            if old.valid_to is not None
        ]
        if rows:
            connection.execute(ending, rows)
        connection.execute(sa.insert(self._divisions), [_row(division) for division in change.begun])

    def _select(self, connection: sa.Connection, *conditions: sa.ColumnElement[bool]) -> list[Division]:
        d = self._divisions.c
        rows = connection.execute(sa.select(self._divisions).where(*conditions).order_by(d.code, d.valid_from))
        return [
            Division(
                row.code,
                LocalText(row.name_zh, row.name_en),
                row.pinyin,
                _day(row.valid_from),
                _end(row.valid_to),
                row.edition,
            )
            for row in rows
        ]

    def _holding(self, day: date) -> sa.ColumnElement[bool]:
        d, text = self._divisions.c, day.isoformat()
        return sa.and_(d.valid_from <= text, sa.or_(d.valid_to.is_(None), d.valid_to > text))


def _tables(types: ColumnTypes, db_schema: str | None) -> tuple[sa.Table, sa.Table]:
    metadata = sa.MetaData(schema=db_schema)
    text = types.text
    divisions = sa.Table(
        "om_divisions",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("code", text, nullable=False),
        sa.Column("parent", text, index=True),
        sa.Column("name_zh", sa.Text, nullable=False),
        sa.Column("name_en", sa.Text, nullable=False),
        sa.Column("pinyin", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("statistical", sa.Integer, nullable=False),
        sa.Column("valid_from", text, nullable=False),
        sa.Column("valid_to", text),
        sa.Column("edition", sa.Text, nullable=False),
        sa.UniqueConstraint("code", "valid_from"),
    )
    editions = sa.Table(
        "om_division_editions",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("id", text, nullable=False, unique=True),
        sa.Column("valid_from", text, nullable=False),
        sa.Column("valid_to", text),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("begun", WHOLE, nullable=False),
        sa.Column("ended", WHOLE, nullable=False),
        sa.Column("recorded_at", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
    )
    return divisions, editions


def _row(division: Division) -> dict[str, Any]:
    known = parse_division_code(division.code)
    return {
        "code": division.code,
        "parent": known.parent,
        "name_zh": division.name.zh,
        "name_en": division.name.en,
        "pinyin": division.pinyin,
        "level": known.level,
        "statistical": int(known.statistical),
        "valid_from": division.valid_from.isoformat(),
        "valid_to": None if division.valid_to is None else division.valid_to.isoformat(),
        "edition": division.edition,
    }


def _lock(connection: sa.Connection) -> None:
    if not isinstance(connection.connection.driver_connection, sqlite3.Connection):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _end(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)
