"""The place index in PostgreSQL: a tsvector of the very terms that FTS5 gets in a GeoPackage, under a GIN index.

Terms go in as lexemes, without a parser or a dictionary (`array_to_tsvector`), and are asked for as lexemes. Where the extension
pg_trgm can be had, it adds Latin names that look alike and that the terms did not find; nothing depends on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from twin.places.candidates import Reach
from twin.places.expressions import All, Expression, Term
from twin.places.index import CANDIDATE_COLUMNS, EDGES, SqlPlaceIndex
from twin.store.sql import SqlStore

# Number of the advisory lock that lets one process index at a time.
_LOCK = 370282
_COLUMNS = ", ".join((*CANDIDATE_COLUMNS, *EDGES))
# `layer + 0`: no index of layers shall tempt the planner to walk through all names of a layer.
_WITHIN = "layer + 0 = ANY(%(layers)s) AND west <= %(east)s AND east >= %(west)s AND south <= %(north)s AND north >= %(south)s"


class PostgresPlaceIndex(SqlPlaceIndex):
    """See `twin.places.port.PlaceIndex`.

    Args:
        store: A PostGIS store.
        trigrams: Whether pg_trgm is used where the database has it or lets us have it.
    """

    def __init__(self, store: SqlStore, *, trigrams: bool = True) -> None:
        self._schema = store.dialect.db_schema
        self._wants_trigrams = trigrams
        self.has_trigrams = False
        super().__init__(store)

    def is_made(self, connection: sa.Connection) -> bool:
        names = sa.inspect(connection)
        made = names.has_table("om_places", schema=self._schema)
        if made and self._wants_trigrams:
            found = "SELECT 1 FROM pg_indexes WHERE schemaname = %(schema)s AND indexname = 'om_places_alike'"
            self.has_trigrams = connection.exec_driver_sql(found, {"schema": self._schema}).first() is not None
        return made

    def make_tables(self, connection: sa.Connection) -> None:
        self.alone(connection)
        self.tables.metadata.create_all(connection)
        for statement in (
            f"ALTER TABLE {self._places} ADD COLUMN IF NOT EXISTS terms tsvector",
            f"CREATE INDEX IF NOT EXISTS om_places_terms ON {self._places} USING gin (terms)",
        ):
            connection.exec_driver_sql(statement)
        if self._wants_trigrams:
            self.has_trigrams = self._make_trigrams(connection)

    def alone(self, connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")

    @contextmanager
    def searching(self) -> Iterator[sa.Connection]:
        # How many names a question meets is not known before; walking the whole table for the first 150 is never the better way.
        with self.store.snapshot() as connection:
            connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            yield connection

    def matching(
        self, connection: sa.Connection, expression: Expression, reach: Reach, limit: int
    ) -> Sequence[Sequence[Any]]:
        statement = (
            f"SELECT {_COLUMNS} FROM {self._places}"
            f" WHERE terms @@ %(asked)s::text::tsquery AND {_WITHIN} LIMIT %(limit)s"
        )
        return self._rows(connection, statement, reach, asked=as_tsquery(expression), limit=limit)

    def similar(self, connection: sa.Connection, text: str, reach: Reach, limit: int) -> Sequence[Sequence[Any]]:
        if not self.has_trigrams:
            return []
        statement = (
            f"SELECT {_COLUMNS} FROM {self._places}"
            f" WHERE forms %%> %(text)s AND {_WITHIN} ORDER BY forms <->> %(text)s LIMIT %(limit)s"
        )
        return self._rows(connection, statement, reach, text=text, limit=limit)

    def write_terms(self, connection: sa.Connection, terms: Mapping[int, set[str]]) -> None:
        if not terms:
            return
        statement = f"UPDATE {self._places} SET terms = array_to_tsvector(%(terms)s::text[]) WHERE fid = %(fid)s"
        rows = [{"fid": fid, "terms": sorted(words)} for fid, words in terms.items()]
        connection.exec_driver_sql(statement, rows)

    def remove_terms(self, connection: sa.Connection, places: Sequence[int]) -> None:
        """They go with the row that they stand in."""

    def settle(self, connection: sa.Connection) -> None:
        """Move waiting entries into the index, and let the planner know the table."""
        connection.exec_driver_sql("SELECT gin_clean_pending_list(%(name)s::regclass)", {"name": self._index})
        connection.exec_driver_sql(f"ANALYZE {self._places}")

    @property
    def _places(self) -> str:
        return f'"{self._schema}"."om_places"'

    @property
    def _index(self) -> str:
        return f'"{self._schema}"."om_places_terms"'

    def _rows(self, connection: sa.Connection, statement: str, reach: Reach, **values: Any) -> Sequence[Sequence[Any]]:
        west, south, east, north = reach.bounds.as_tuple()
        box = {"west": west, "south": south, "east": east, "north": north, "layers": list(reach.layers)}
        return connection.exec_driver_sql(statement, {**box, **values}).fetchall()

    def _make_trigrams(self, connection: sa.Connection) -> bool:
        """pg_trgm and its index; False where the database does not have the extension or does not let us make it."""
        available = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
        if connection.exec_driver_sql(available).first() is None:
            return False
        try:
            with connection.begin_nested():
                connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                connection.exec_driver_sql(
                    f"CREATE INDEX IF NOT EXISTS om_places_alike ON {self._places} USING gin (forms gin_trgm_ops)"
                )
        except sa.exc.ProgrammingError:
            return False
        return True


def as_tsquery(expression: Expression) -> str:
    """An expression in the words of tsquery. Every lexeme is quoted: what was typed is never read as an operator."""
    if isinstance(expression, Term):
        quoted = "'" + expression.text.replace("\\", "\\\\").replace("'", "''") + "'"
        return f"{quoted}:*" if expression.prefix else quoted
    operator = " & " if isinstance(expression, All) else " | "
    return "(" + operator.join(as_tsquery(part) for part in expression.parts) + ")"
