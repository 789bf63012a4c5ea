"""Statements that are asked again and again, compiled once.

Building and compiling a statement costs SQLAlchemy about what a small answer costs the database. Whatever is asked with every
request is therefore compiled to the driver's own SQL the first time, and run as that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa


class PreparedStatement:
    """One statement with named parameters (`sa.bindparam`), for one engine."""

    def __init__(self, statement: sa.Select[Any]) -> None:
        self._statement = statement
        self._compiled: Any = None

    def rows(self, connection: sa.Connection, **values: Any) -> Sequence[tuple[Any, ...]]:
        """All rows as the driver gives them."""
        if self._compiled is None:
            self._compiled = self._statement.compile(dialect=connection.dialect)
        compiled = self._compiled
        parameters = compiled.construct_params(values)
        if compiled.positional:
            parameters = tuple(parameters[name] for name in compiled.positiontup)
        result = connection.exec_driver_sql(compiled.string, parameters)
        assert result.cursor is not None
        rows: Sequence[tuple[Any, ...]] = result.cursor.fetchall()
        result.close()
        return rows
