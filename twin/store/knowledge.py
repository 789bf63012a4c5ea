"""Which rows are read at all: what the store knew at a version (system time), and of that what held at a time (valid time).

A feature's head stands in the current table; what it was before, and the earlier slices of its validity, in the history. A
reading of now without a time asks the current table alone, so that the past costs nothing where nobody asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from twin.interval import Interval
from twin.schema import PropertyType
from twin.store.dialect import Dialect
from twin.store.tables import ID, SLICE, STANDING, SUPERSEDED, VALID_FROM, VALID_TO, VERSION, LayerRows, LayerTables

# Written out, so that both databases see that their index of slices answers.
IS_SLICE: sa.ColumnElement[int] = sa.literal_column("1")
IS_HEAD: sa.ColumnElement[int] = sa.literal_column("0")
Conditions = tuple[sa.ColumnElement[bool], ...]


@dataclass(frozen=True, slots=True)
class KnownRows:
    """Rows of one table, and the conditions under which they are part of the answer."""

    rows: LayerRows
    known: Conditions


@dataclass(frozen=True, slots=True)
class Holds:
    """A valid time as the statement takes it: values of the database, or parameters; None for an open end.

    Attributes:
        instant: Whether both ends are the same instant.
    """

    since: Any
    until: Any
    instant: bool


def holds_in(interval: Interval | None, dialect: Dialect) -> Holds | None:
    """An interval as values of the database; None where there is none."""
    if interval is None:
        return None
    since, until = (dialect.bind(PropertyType.DATETIME, end) for end in (interval.start, interval.end))
    return Holds(since, until, instant=since is not None and since == until)


def known_rows(
    tables: LayerTables, *, as_of: Any = None, holds: Holds | None = None, sliced: bool = True
) -> list[KnownRows]:
    """Where to read from. Together the parts hold each feature at most once.

    Args:
        as_of: Version of the layer (or the statement's parameter for it); None for now.
        holds: Only what holds then; of several slices of a feature the newest.
        sliced: Whether the layer has earlier slices at all.
    """
    present, past = tables.present, tables.past
    parts = [KnownRows(present, _standing(present.table, as_of))]
    if as_of is not None or (holds is not None and sliced):
        parts.append(KnownRows(past, (*_standing(past.table, as_of), *_of_kind(past.table, as_of, holds))))
    if holds is None:
        return parts
    return [KnownRows(p.rows, (*p.known, *_holding(tables, p.rows, as_of, holds))) for p in parts]


def not_holding(rows: LayerRows, holds: Holds) -> sa.ColumnElement[bool]:
    """Rows whose validity does not meet the time: the contrary of what `known_rows` keeps, written out for unknown ends."""
    t, over = rows.table, []
    if holds.since is not None:
        begun_before = sa.or_(t.c[VALID_FROM].is_(None), t.c[VALID_FROM] < holds.since)
        over.append(sa.and_(t.c[VALID_TO] <= holds.since, begun_before))
    if holds.until is not None:
        over.append(t.c[VALID_FROM] > holds.until)
    return sa.or_(*over)


def has_slices(connection: sa.Connection, tables: LayerTables) -> bool:
    """Whether any feature of the layer has, or ever had, an earlier slice of its validity."""
    slices = tables.history.c[SLICE] == IS_SLICE
    return (
        connection.execute(sa.select(IS_SLICE).select_from(tables.history).where(slices).limit(1)).first() is not None
    )


def _standing(t: sa.FromClause, as_of: Any) -> Conditions:
    """Rows of a table that stand at a version, heads and slices alike."""
    ends = t.c.get(SUPERSEDED)
    if as_of is None:
        return () if ends is None else (ends == STANDING,)
    return (t.c[VERSION] <= as_of,) if ends is None else (t.c[VERSION] <= as_of, ends > as_of)


def _of_kind(past: sa.Table, as_of: Any, holds: Holds | None) -> Conditions:
    """Which history rows count: former heads where no time is asked for, slices where now is read, else both."""
    if holds is None:
        return (past.c[SLICE] == IS_HEAD,)
    return (past.c[SLICE] == IS_SLICE,) if as_of is None else ()


def _holding(tables: LayerTables, rows: LayerRows, as_of: Any, holds: Holds) -> list[sa.ColumnElement[bool]]:
    """Rows whose validity meets the time and that no newer slice puts in the shade."""
    t, since, until = rows.table, holds.since, holds.until
    clauses: list[sa.ColumnElement[bool]] = []
    if since is not None:
        # [from, to) reaches behind `since`, or begins in the interval (which an instant, from = to, does too).
        clauses.append(sa.or_(t.c[VALID_TO].is_(None), t.c[VALID_TO] > since, t.c[VALID_FROM] >= since))
    if until is not None:
        clauses.append(sa.or_(t.c[VALID_FROM].is_(None), t.c[VALID_FROM] <= until))
    if rows is tables.past and not holds.instant:
        clauses += [~_newer(t, other.table, as_of, until) for other in (tables.present, tables.past)]
    return clauses


def _newer(t: sa.Table, other: sa.Table, as_of: Any, until: Any) -> sa.Exists:
    """Whether a later slice of the same feature begins by `until`. Slices never overlap: it then meets the interval too."""
    newer = other.alias("newer")
    begins = newer.c[VALID_FROM]
    clauses = [newer.c[ID] == t.c[ID], *_standing(newer, as_of), begins.is_not(None)]
    clauses.append(sa.or_(t.c[VALID_FROM].is_(None), begins > t.c[VALID_FROM]))
    if until is not None:
        clauses.append(begins <= until)
    return sa.exists(sa.select(sa.literal_column("1")).select_from(newer).where(*clauses))
