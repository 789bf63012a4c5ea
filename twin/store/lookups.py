"""Indexes that find features by the value of a property, in a layer's table and in its history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2s

import sqlalchemy as sa

from twin.store.tables import LayerTables


@dataclass(frozen=True, slots=True)
class PropertyIndex:
    """The index of one column of one table. It goes when the table goes."""

    table: sa.Table
    column: str

    @property
    def name(self) -> str:
        """Short whatever layer and property are called: PostgreSQL cuts names off at 63 bytes."""
        return f"om_by_{blake2s(f'{self.table.name} {self.column}'.encode(), digest_size=10).hexdigest()}"

    def is_made(self, connection: sa.Connection) -> bool:
        """Whether the database has it."""
        found: sa.Select[tuple[str]]
        if connection.dialect.name == "sqlite":
            found = (
                sa.select(sa.column("name"))
                .select_from(sa.table("sqlite_master"))
                .where(sa.column("name") == self.name)
            )
        else:
            named = (sa.column("schemaname") == self.table.schema, sa.column("indexname") == self.name)
            found = sa.select(sa.column("indexname")).select_from(sa.table("pg_indexes")).where(*named)
        return connection.execute(found).first() is not None

    def make(self, connection: sa.Connection) -> None:
        """Make it, unless another process has done so meanwhile."""
        quoted = connection.dialect.identifier_preparer
        table, column = quoted.format_table(self.table), quoted.quote(self.column)
        connection.exec_driver_sql(f"CREATE INDEX IF NOT EXISTS {quoted.quote(self.name)} ON {table} ({column})")
        if connection.dialect.name == "postgresql":
            # A column nobody has counted is taken to be spread evenly: the planner then reads the table, not the index.
            connection.exec_driver_sql(f"ANALYZE {table} ({column})")


def property_indexes(tables: LayerTables, properties: Sequence[str]) -> list[PropertyIndex]:
    """The indexes of some properties of a layer. Raises UnknownPropertyError if it has no such property."""
    columns = [
        (rows.table, str(rows.column(name).key)) for name in properties for rows in (tables.present, tables.past)
    ]
    return [PropertyIndex(table, column) for table, column in columns]
