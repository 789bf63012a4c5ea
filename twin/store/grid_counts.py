"""How many features lie where: counts per cell of a lon/lat grid, and the box of all, from the boxes alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from twin.bounds import Bounds
from twin.store.dialect import Dialect
from twin.store.knowledge import KnownRows
from twin.store.port import GridCount


def count_cells(
    connection: sa.Connection, parts: Sequence[KnownRows], dialect: Dialect, bounds: Bounds, cell_deg: float
) -> list[GridCount]:
    """Features per cell, by the middle of their box, for the cells that `bounds` touches and that hold any."""
    first_column, first_row = int((bounds.west + 180) // cell_deg), int((bounds.south + 90) // cell_deg)
    last_column, last_row = int((bounds.east + 180) // cell_deg), int((bounds.north + 90) // cell_deg)
    whole = Bounds(
        first_column * cell_deg - 180,
        first_row * cell_deg - 90,
        (last_column + 1) * cell_deg - 180,
        (last_row + 1) * cell_deg - 90,
    )
    rows = connection.execute(_statement(parts, dialect, whole, cell_deg))
    cells = (GridCount(int(column), int(row), int(count)) for column, row, count in rows)
    return sorted(
        (c for c in cells if first_column <= c.column <= last_column and first_row <= c.row <= last_row),
        key=lambda c: (c.row, c.column),
    )


def _statement(parts: Sequence[KnownRows], dialect: Dialect, whole: Bounds, cell_deg: float) -> sa.Select[Any]:
    found = [dialect.boxes(part.rows, whole, part.known) for part in parts]
    boxes = (found[0] if len(found) == 1 else sa.union_all(*found)).subquery().c
    column = dialect.whole(((boxes.minx + boxes.maxx) / 2 + 180) / cell_deg).label("c")
    row = dialect.whole(((boxes.miny + boxes.maxy) / 2 + 90) / cell_deg).label("r")
    return sa.select(column, row, sa.func.count()).group_by(column, row)


def extent_of(connection: sa.Connection, parts: Sequence[KnownRows], dialect: Dialect) -> Bounds | None:
    """The box of all rows, as exact as the index (single precision, rounded outward); None where none has a place."""
    world = Bounds(-180.0, -90.0, 180.0, 90.0)
    boxes = sa.union_all(*(dialect.boxes(part.rows, world, part.known) for part in parts)).subquery().c
    low, high = sa.func.min, sa.func.max
    edges = connection.execute(sa.select(low(boxes.minx), low(boxes.miny), high(boxes.maxx), high(boxes.maxy))).one()
    return None if edges[0] is None else Bounds(*edges)
