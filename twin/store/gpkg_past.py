"""Indexes of a layer's history in the GeoPackage, and older files brought up to date.

The history has an R-tree of its own, so that a window into the past costs what a window into the present does. It is not listed
in the GeoPackage's tables of contents, as the history itself is not: other programs see the layer as it stands.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from twin.store.gpkg_dialect import rtree_name
from twin.store.gpkg_metadata import make_rtree
from twin.store.tables import FID, GEOM, HISTORY_ID, ID, SLICE, SUPERSEDED, VERSION


def make_indexes(connection: sqlite3.Connection, layer_id: str) -> None:
    """Indexes of an empty history: by id, by id among the slices, by the versions that made and ended rows, by place."""
    connection.execute(f'CREATE INDEX "{layer_id}__history_id" ON "{layer_id}__history" ("{ID}")')
    _index_slices(connection, layer_id)
    _index_versions(connection, layer_id)
    make_rtree(connection, f"{layer_id}__history")


def bring_up_to_date(connection: sqlite3.Connection, layer_ids: Sequence[str]) -> None:
    """Give histories that were made before there was an `as_of` their column of slices and their indexes."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for layer_id in layer_ids:
        history = f"{layer_id}__history"
        rtree = rtree_name(history)
        _index_versions(connection, layer_id)
        if rtree in tables:
            continue
        connection.execute(f'ALTER TABLE "{history}" ADD COLUMN {SLICE} INTEGER NOT NULL DEFAULT 0')
        _index_slices(connection, layer_id)
        make_rtree(connection, history)
        index_rows(connection, layer_id, 0)


def last_row(connection: sqlite3.Connection, layer_id: str) -> int:
    """Number of the newest history row, 0 where there is none."""
    (number,) = connection.execute(f'SELECT max({HISTORY_ID}) FROM "{layer_id}__history"').fetchone()
    return number or 0


def index_archived(connection: sqlite3.Connection, layer_id: str, behind: int) -> None:
    """Index the history rows behind a number, which have just been copied and still stand: by the boxes that index has."""
    present, past = rtree_name(layer_id), rtree_name(f"{layer_id}__history")
    connection.execute(
        f'INSERT INTO "{past}" SELECT h.{HISTORY_ID}, r.minx, r.maxx, r.miny, r.maxy'
        f' FROM "{layer_id}__history" h JOIN "{present}" r ON r.id = h.{FID} WHERE h.{HISTORY_ID} > ?',
        (behind,),
    )


def index_rows(connection: sqlite3.Connection, layer_id: str, behind: int) -> None:
    """Index the history rows behind a number by the geometries they hold."""
    history = f"{layer_id}__history"
    edges = ", ".join(f'{edge}("{GEOM}")' for edge in ("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY"))
    placed = f'"{GEOM}" NOTNULL AND NOT ST_IsEmpty("{GEOM}") AND {HISTORY_ID} > ?'
    source = f'SELECT {HISTORY_ID}, {edges} FROM "{history}" WHERE {placed}'
    connection.execute(f'INSERT INTO "{rtree_name(history)}" {source}', (behind,))


def _index_slices(connection: sqlite3.Connection, layer_id: str) -> None:
    connection.execute(f'CREATE INDEX "{layer_id}__history_slices" ON "{layer_id}__history" ("{ID}") WHERE {SLICE} = 1')


def _index_versions(connection: sqlite3.Connection, layer_id: str) -> None:
    for column in (VERSION, SUPERSEDED):
        connection.execute(
            f'CREATE INDEX IF NOT EXISTS "{layer_id}__history_{column}" ON "{layer_id}__history" ("{column}")'
        )
