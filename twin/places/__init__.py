"""Places: names, addresses and points of interest found by what people type, and what lies at a point.

Start with `open_place_index` (search) and `places_at` (reverse lookup); `port.py` is the page to read first.
"""

from __future__ import annotations

from twin.places.port import PlaceIndex
from twin.store.port import Store


def open_place_index(store: Store) -> PlaceIndex:
    """The index that lives beside the layers of `store`: SQLite FTS5 in a GeoPackage, full text in PostgreSQL.

    Raises:
        StoreBrokenError: if the store's database has no full-text search.
        TypeError: if the store is of a kind that no index is made for.
    """
    from twin.store.gpkg import GeoPackageStore
    from twin.store.sql import SqlStore

    if isinstance(store, GeoPackageStore):
        from twin.places.fts5 import Fts5PlaceIndex

        return Fts5PlaceIndex(store)
    if isinstance(store, SqlStore):
        from twin.places.postgres import PostgresPlaceIndex

        return PostgresPlaceIndex(store)
    raise TypeError(f"no place index is made for {type(store).__name__}")
