"""Links beside a store: their tables made when they are missing, and the store's removals watched from then on."""

from __future__ import annotations

import sqlite3

import sqlalchemy as sa

from twin.relations.sql import SqlRelations
from twin.relations.watch import LinkWatcher, MaySee
from twin.store.gpkg_metadata import register_attributes
from twin.store.port import Author, Store
from twin.store.sql import SqlStore

# Number of the advisory lock that keeps two servers from making the tables at once.
_SETUP_LOCK = 370282


def open_relations(store: Store, may_see: MaySee | None = None) -> SqlRelations:
    """The links of a store; opening it again gives a second view of the same links, watched once.

    Args:
        store: A store over SQL, whichever database.
        may_see: Whether an author may know of a layer; everybody of every layer where None.

    Raises:
        StoreBusyError: if the tables are missing and somebody else is writing for too long.
    """
    assert isinstance(store, SqlStore)
    relations = SqlRelations(store, may_see or _sees_all)
    _make_tables(store, relations)
    store.watchers[:] = [watcher for watcher in store.watchers if not isinstance(watcher, LinkWatcher)]
    store.watchers.append(relations.watcher)
    return relations


def _sees_all(author: Author | None, layer: str) -> bool:
    return True


def _make_tables(store: SqlStore, relations: SqlRelations) -> None:
    tables = relations.tables
    with store.reading() as connection:
        names = set(sa.inspect(connection).get_table_names(schema=store.dialect.db_schema))
    if {table.name for table in tables.metadata.sorted_tables} <= names:
        return
    with store.writing() as connection:
        driver = connection.connection.driver_connection
        if not isinstance(driver, sqlite3.Connection):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SETUP_LOCK})")
        tables.metadata.create_all(connection)
        if connection.execute(sa.select(tables.state.c.fid)).first() is None:
            connection.execute(sa.insert(tables.state).values(fid=1, version=0, next_row=1, next_id=1))
        if isinstance(driver, sqlite3.Connection):
            for table in tables.metadata.sorted_tables:
                register_attributes(driver, table.name)
