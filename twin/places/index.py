"""The place index over any SQL store: what both adapters have in common. See `twin.places.port.PlaceIndex`."""

from __future__ import annotations

import abc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from twin.places.asking import take_apart
from twin.places.candidates import Candidate, Reach, State
from twin.places.expressions import Expression
from twin.places.following import Follower
from twin.places.gathering import Gathering
from twin.places.port import IndexStatus, Place, PlaceQuery
from twin.places.ranking import Ranking
from twin.places.tables import PlaceTables, place_tables
from twin.places.writing import TermWriter
from twin.store.sql import SqlStore

# Candidates that must answer before the index stops forgiving errors: the page asked for, and a few to choose from.
_SPARE = 3
CANDIDATE_COLUMNS = ("fid", "layer", "zh", "en", "address", "aliases", "kind", "value", "forms")
EDGES = ("west", "south", "east", "north")
STATE_COLUMNS = ("place", "layer", "feature", "version", "superseded", "slice", "valid_from", "valid_to", "lon", "lat")


class SqlPlaceIndex(TermWriter, abc.ABC):
    """See `twin.places.port.PlaceIndex`."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.tables: PlaceTables = place_tables(store.dialect.db_schema)
        self._prepare()
        self._follower = Follower(store, self.tables, self, self.alone)

    # -- what an adapter brings --------------------------------------------------------------------------------------

    @abc.abstractmethod
    def make_tables(self, connection: sa.Connection) -> None:
        """The tables and the full-text index; does nothing to those that are there."""

    @abc.abstractmethod
    def is_made(self, connection: sa.Connection) -> bool:
        """Whether they are there."""

    @abc.abstractmethod
    def alone(self, connection: sa.Connection) -> None:
        """Hold other indexing processes back until the transaction ends."""

    def searching(self) -> AbstractContextManager[sa.Connection]:
        """A connection for the questions of one search."""
        return self.store.reading()

    @abc.abstractmethod
    def matching(
        self, connection: sa.Connection, expression: Expression, reach: Reach, limit: int
    ) -> Sequence[Sequence[Any]]:
        """Rows of `CANDIDATE_COLUMNS` and `EDGES` for the places that answer."""

    def similar(self, connection: sa.Connection, text: str, reach: Reach, limit: int) -> Sequence[Sequence[Any]]:
        """The same for forms that look like `text`, where the database can tell."""
        return []

    # -- the port ----------------------------------------------------------------------------------------------------

    def refresh(self, wait_s: float = 1.0, *, behind_s: float | None = None) -> IndexStatus:
        return self._follower.refresh(wait_s, behind_s)

    def search(self, query: PlaceQuery) -> list[Place]:
        typed = take_apart(query.text)
        followed = {f.number: f for f in self._follower.overview() if f.number is not None and f.id in query.layers}
        if not followed or query.limit < 1:
            return []
        with self._reader() as reader:
            ranking = Ranking(query, typed, {number: f.id for number, f in followed.items()}, reader)
            for part in query.bounds.parts():
                gathering = Gathering(
                    reader=reader,
                    typed=typed,
                    reach=Reach(tuple(sorted(followed)), part),
                    near=query.near,
                    kinds=query.kinds,
                    wanted=query.limit * _SPARE if ranking.is_dated else query.limit,
                )
                ranking.take(gathering.judged())
            return ranking.places()

    def status(self) -> IndexStatus:
        with self.store.reading() as connection:
            count = connection.execute(sa.select(sa.func.count()).select_from(self.tables.places)).scalar_one()
        return replace(self._follower.status(), names=int(count))

    def close(self) -> None:
        self._follower.close()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        with self.store.reading() as connection:
            made = self.is_made(connection)
        if not made:
            with self.store.writing() as connection:
                self.make_tables(connection)

    @contextmanager
    def _reader(self) -> Iterator[_Reader]:
        with self.searching() as connection:
            yield _Reader(self, connection)


class _Reader:
    """One reading of the index; see `twin.places.candidates.CandidateReader`."""

    def __init__(self, index: SqlPlaceIndex, connection: sa.Connection) -> None:
        self._index, self._connection = index, connection

    def matching(self, expression: Expression, reach: Reach, limit: int) -> list[Candidate]:
        return [Candidate(*row) for row in self._index.matching(self._connection, expression, reach, limit)]

    def similar(self, text: str, reach: Reach, limit: int) -> list[Candidate]:
        return [Candidate(*row) for row in self._index.similar(self._connection, text, reach, limit)]

    def states(self, places: Sequence[int]) -> Mapping[int, list[State]]:
        s = self._index.tables.states
        found: dict[int, list[State]] = {}
        statement = _state_columns(s).where(s.c.place.in_(places)).order_by(s.c.fid)
        for row in self._connection.execute(statement) if places else ():
            found.setdefault(row[0], []).append(State(*row))
        return found

    def named(self, layer: int, features: Sequence[str]) -> list[tuple[Candidate, State]]:
        s, p = self._index.tables.states, self._index.tables.places
        columns = [p.c[name] for name in (*CANDIDATE_COLUMNS, *EDGES)]
        statement = (
            _state_columns(s)
            .add_columns(*columns)
            .join(p, p.c.fid == s.c.place)
            .where(s.c.layer == layer, s.c.feature.in_(features), s.c.superseded.is_(None), s.c.slice == 0)
        )
        split = len(STATE_COLUMNS) + len(EDGES)
        rows = self._connection.execute(statement).fetchall() if features else []
        return [(Candidate(*row[split:]), State(*row[:split])) for row in rows]


def _state_columns(s: sa.Table) -> sa.Select[Any]:
    return sa.select(*(s.c[name] for name in (*STATE_COLUMNS, *EDGES)))
