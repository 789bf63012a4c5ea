"""The place index in a GeoPackage: SQLite's FTS5 over terms that are made here.

The tokenizer is `ascii`: terms hold letters, digits and characters beyond ASCII only, so that each is one token as it stands;
neither `unicode61` (which knows no Chinese words) nor `trigram` (which finds nothing shorter than three characters) has a say.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from twin.errors import StoreBrokenError
from twin.places.candidates import Reach
from twin.places.expressions import All, Expression, Term
from twin.places.index import CANDIDATE_COLUMNS, EDGES, SqlPlaceIndex
from twin.store import gpkg_metadata

_COLUMNS = ", ".join(f"p.{name}" for name in (*CANDIDATE_COLUMNS, *EDGES))


class Fts5PlaceIndex(SqlPlaceIndex):
    """See `twin.places.port.PlaceIndex`.

    Raises:
        StoreBrokenError: if this Python's SQLite was built without FTS5.
    """

    def is_made(self, connection: sa.Connection) -> bool:
        raw = _raw(connection)
        compiled = raw.execute("SELECT 1 FROM pragma_compile_options WHERE compile_options = 'ENABLE_FTS5'")
        if compiled.fetchone() is None:
            raise StoreBrokenError(
                "This Python's SQLite was built without full-text search.",
                value=sqlite3.sqlite_version,
                limit="ENABLE_FTS5",
                remedy="Use the system's Python, or a PostGIS store; everything but the search over names works without it.",
            )
        return raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'om_place_terms'").fetchone() is not None

    def make_tables(self, connection: sa.Connection) -> None:
        raw = _raw(connection)
        self.tables.metadata.create_all(connection)
        raw.execute(
            "CREATE VIRTUAL TABLE IF NOT EXISTS om_place_terms USING fts5("
            "terms, tokenize = 'ascii', detail = 'none', columnsize = 0, prefix = '3 4')"
        )
        for table in self.tables.metadata.sorted_tables:
            gpkg_metadata.register_attributes(raw, table.name)

    def alone(self, connection: sa.Connection) -> None:
        """The file has one writer at a time anyway."""

    def matching(
        self, connection: sa.Connection, expression: Expression, reach: Reach, limit: int
    ) -> Sequence[Sequence[Any]]:
        marks = ", ".join("?" * len(reach.layers))
        # CROSS JOIN: terms first, then their rows, and no further than the limit.
        statement = (
            f"SELECT {_COLUMNS} FROM om_place_terms CROSS JOIN om_places p ON p.fid = om_place_terms.rowid"
            f" WHERE om_place_terms MATCH ? AND p.layer IN ({marks})"
            " AND p.west <= ? AND p.east >= ? AND p.south <= ? AND p.north >= ? LIMIT ?"
        )
        west, south, east, north = reach.bounds.as_tuple()
        values = (as_match(expression), *reach.layers, east, west, north, south, limit)
        return _raw(connection).execute(statement, values).fetchall()

    def write_terms(self, connection: sa.Connection, terms: Mapping[int, set[str]]) -> None:
        self.remove_terms(connection, list(terms))
        rows = [(fid, " ".join(sorted(words))) for fid, words in terms.items()]
        _raw(connection).executemany("INSERT INTO om_place_terms (rowid, terms) VALUES (?, ?)", rows)

    def remove_terms(self, connection: sa.Connection, places: Sequence[int]) -> None:
        _raw(connection).executemany("DELETE FROM om_place_terms WHERE rowid = ?", [(place,) for place in places])

    def settle(self, connection: sa.Connection) -> None:
        """Bring the parts in which terms came in together."""
        _raw(connection).execute("INSERT INTO om_place_terms (om_place_terms, rank) VALUES ('merge', 500)")


def as_match(expression: Expression) -> str:
    """An expression in the words of FTS5. Every term is quoted: what was typed is never read as an operator."""
    if isinstance(expression, Term):
        quoted = '"' + expression.text.replace('"', '""') + '"'
        return f"{quoted} *" if expression.prefix else quoted
    operator = " AND " if isinstance(expression, All) else " OR "
    return "(" + operator.join(as_match(part) for part in expression.parts) + ")"


def _raw(connection: sa.Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver
