"""The half of an open write that keeps the past: former states and earlier slices of validity, in the layer's history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from twin.schema import PropertyType
from twin.store.dialect import Dialect
from twin.store.knowledge import IS_SLICE
from twin.store.tables import HISTORY_ID, ID, SLICE, STANDING, SUPERSEDED, VERSION, LayerTables
from twin.store.timeline import Row, overlapping, same_slice
from twin.validity import Validity

_FID, _GEOM, _ID, _VERSION, _VALID_FROM, _VALID_TO = range(6)
# Ids asked for in one statement: below SQLite's limit of bound variables on old builds.
IDS_AT_ONCE = 900


class PastWriter:
    """Writes history rows at one version of one layer; rows are tuples in the order of the current table's columns."""

    def __init__(self, connection: sa.Connection, tables: LayerTables, dialect: Dialect, version: int) -> None:
        self.connection = connection
        self.tables = tables
        self.dialect = dialect
        self.version = version

    def archive(self, condition: sa.ColumnElement[bool]) -> None:
        """Copy rows that are about to go or change to the history. What this write itself has made leaves no trace there."""
        t, h = self.tables.current, self.tables.history
        names = [c.name for c in t.c]
        source = sa.select(*t.c, sa.literal(self.version)).where(condition, t.c[VERSION] < self.version)
        self.connection.execute(sa.insert(h).from_select([*names, SUPERSEDED], source))

    def stored_columns(self, t: sa.Table) -> list[sa.ColumnElement[Any]]:
        """The columns of the current table, here or in the history, geometry in the form that `encode_geometries` gives."""
        return [t.c[c.name] for c in self.tables.current.c]

    def record_earlier(self, pairs: list[tuple[Row, Row]], *, always: bool) -> int:
        """Slices before the heads: new ones, or others in the place of those with the same validity."""
        kept: list[Row] = []
        over: list[int] = []
        slices = self.standing_slices([new[_ID] for _, new in pairs])
        for old, new in pairs:
            known = slices.get(new[_ID], [])
            row = (old[_FID], *new[1:])
            same = same_slice(
                self.decoded_validity(row), [self.decoded_validity(slice_) for _, slice_ in known], new[_ID]
            )
            if same is not None and not always and not is_changed(known[same][1], row):
                continue
            over += [] if same is None else [known[same][0]]
            kept.append(row)
        if over:
            self.end_slices(self.tables.history.c[HISTORY_ID].in_(over))
        self.keep_slices(kept)
        return len(kept)

    def make_room(self, head: Row, new: Row) -> None:
        """Fit the earlier slices of a feature to another validity of its head: the one that ended at the head ends there again.

        Raises:
            OverlappingValidityError: if an earlier slice would be overlapped, or would lie behind the head.
        """
        wanted = self.decoded_validity(new)
        for number, row in self.standing_slices([new[_ID]]).get(new[_ID], []):
            known = self.decoded_validity(row)
            if not wanted.begins_after(known):
                raise overlapping(new[_ID], wanted, known)
            if row[_VALID_TO] is not None and row[_VALID_TO] == head[_VALID_FROM]:
                self.end_slices(self.tables.history.c[HISTORY_ID] == number)
                self.keep_slices(
                    [(*row[:_VERSION], self.version, row[_VALID_FROM], new[_VALID_FROM], *row[_VALID_TO + 1 :])]
                )
            elif known.overlaps(wanted):
                raise overlapping(new[_ID], wanted, known)

    def standing_slices(self, ids: Sequence[str]) -> dict[str, list[tuple[int, Row]]]:
        """Earlier slices of features as they are known now: number in the history, and the row as `_existing` gives it."""
        h = self.tables.history
        found: dict[str, list[tuple[int, Row]]] = {}
        for start in range(0, len(ids), IDS_AT_ONCE):
            statement = sa.select(h.c[HISTORY_ID], *self.stored_columns(h)).where(
                h.c[ID].in_(ids[start : start + IDS_AT_ONCE]), h.c[SLICE] == IS_SLICE, h.c[SUPERSEDED] == STANDING
            )
            for number, *row in self.connection.execute(statement):
                found.setdefault(row[_ID], []).append((number, tuple(row)))
        return found

    def state_at(self, feature_id: str, version: int) -> tuple[Row | None, list[Row]]:
        """Head and earlier slices of a feature as they stood at a version; None for the head where it did not exist."""
        t, h = self.tables.current, self.tables.history
        present = sa.select(*self.stored_columns(t)).where(t.c[ID] == feature_id, t.c[VERSION] <= version)
        standing = self.connection.execute(present).first()
        head: Row | None = None if standing is None else tuple(standing)
        then = (h.c[ID] == feature_id, h.c[VERSION] <= version, h.c[SUPERSEDED] > version)
        slices: list[Row] = []
        for is_slice, *row in self.connection.execute(sa.select(h.c[SLICE], *self.stored_columns(h)).where(*then)):
            if is_slice:
                slices.append(tuple(row))
            else:
                head = tuple(row)
        return head, slices

    def keep_slices(self, slices: list[Row]) -> None:
        """Put slices of validity that are not the newest into the history, where they stand until something ends them."""
        if slices:
            self.insert_slices([(*row, STANDING, 1) for row in slices])

    def insert_slices(self, rows: list[Row]) -> None:
        """Add rows to the history: the current table's columns, then `SUPERSEDED` and `SLICE`."""
        h = self.tables.history
        names = [*(c.name for c in self.tables.current.c), SUPERSEDED, SLICE]
        self.connection.execute(sa.insert(h), [dict(zip(names, row, strict=True)) for row in rows])

    def end_slices(self, condition: sa.ColumnElement[bool]) -> None:
        """Let go of earlier slices: they are no longer known from this version on."""
        h = self.tables.history
        standing = (h.c[SLICE] == IS_SLICE, h.c[SUPERSEDED] == STANDING, condition)
        self.connection.execute(sa.update(h).where(*standing).values({SUPERSEDED: self.version}))

    def decoded_validity(self, row: Row) -> Validity:
        """Of a row, as instants."""
        ends = self.dialect.decode_column(PropertyType.DATETIME, [row[_VALID_FROM], row[_VALID_TO]])
        return Validity(ends[0], ends[1])


def validity(row: Row) -> Validity:
    """Of a row as the database keeps it: its instants are ordered, be they text or not."""
    return Validity(row[_VALID_FROM], row[_VALID_TO])


def is_changed(old: Row, new: Row) -> bool:
    """Whether anything but the row number and the version changed."""
    return old[_GEOM] != new[_GEOM] or old[_VERSION + 1 :] != new[_VERSION + 1 :]
