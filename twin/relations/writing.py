"""One open write on the link table: what stands is read under lock, rows go in, states end, and the version moves once.

Locks are taken in one order, so that no two writers wait for each other: the layers of the ends (shared, by name), then the
row of counters. Whoever writes a layer holds that layer alone before it asks for the counters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from twin.relations.ends import chunks
from twin.relations.link import Link, NewLink
from twin.relations.port import LinkQuery
from twin.relations.statements import Row, link_row, row_to_link, select_links
from twin.relations.tables import RelationTables
from twin.store.catalogue import Catalogue
from twin.store.port import Author
from twin.store.values import instant_text, now

_COPY_TYPES = ("int8", "int8", *("text",) * 8, "float8", "text", "int8", "int8")


class LinkTransaction:
    """Made with the locks taken; `finish` before the transaction commits."""

    def __init__(
        self, connection: sa.Connection, tables: RelationTables, catalogue: Catalogue, layers: Iterable[str] = ()
    ) -> None:
        self.connection = connection
        self.tables = tables
        _hold_layers(connection, catalogue, layers)
        state = connection.execute(sa.select(tables.state).with_for_update()).one()
        self.version: int = state.version + 1
        self._next_row: int = state.next_row
        self._next_id: int = state.next_id
        self.added = self.ended = 0

    def standing(self, *clauses: sa.ColumnElement[bool]) -> list[Link]:
        """The links that stand now and meet the clauses."""
        statement = select_links(self.tables, LinkQuery()).where(*clauses)
        return [row_to_link(row) for row in self.connection.execute(statement)]

    def standing_at(
        self,
        layer: sa.ColumnElement[str],
        name: str,
        column: sa.ColumnElement[str],
        ids: Collection[str],
        *clauses: sa.ColumnElement[bool],
    ) -> list[Link]:
        """The links that stand now at these features of one layer, by the columns of one end, and meet the clauses."""
        return [link for chunk in chunks(ids) for link in self.standing(column.in_(chunk), layer == name, *clauses)]

    def add(self, links: Sequence[NewLink]) -> list[int]:
        """Rows for links that were checked; gives their ids."""
        first_row, first_id = self._next_row, self._next_id
        rows = [link_row(link, first_row + i, first_id + i, self.version) for i, link in enumerate(links)]
        self._insert(rows)
        self._next_row += len(rows)
        self._next_id += len(rows)
        self.added += len(rows)
        return list(range(first_id, self._next_id))

    def restate(self, link: Link, state: NewLink) -> None:
        """Another state of a standing link: the same id, a new row."""
        self._supersede([link.id])
        self._insert([link_row(state, self._next_row, link.id, self.version)])
        self._next_row += 1
        self.added += 1
        self.ended += 1

    def end(self, ids: Collection[int]) -> None:
        """End standing links; their last state stays readable."""
        self._supersede(ids)
        self.ended += len(ids)

    def finish(self, author: Author) -> int:
        """Record who and why if anything changed; gives the version of the link table."""
        if not (self.added or self.ended):
            return self.version - 1
        t = self.tables
        # A clock that was set back must not hide this write behind an earlier one from those who ask for an instant.
        last = self.connection.execute(sa.select(sa.func.max(t.changes.c.at))).scalar_one()
        self.connection.execute(
            sa.insert(t.changes).values(
                version=self.version,
                at=max(instant_text(now()), last or ""),
                author=author.name,
                reason=author.reason,
                added=self.added,
                ended=self.ended,
            )
        )
        self.connection.execute(
            sa.update(t.state).values(version=self.version, next_row=self._next_row, next_id=self._next_id)
        )
        return self.version

    def _supersede(self, ids: Collection[int]) -> None:
        c = self.tables.links.c
        wanted = sorted(ids)
        for start in range(0, len(wanted), 900):
            self.connection.execute(
                sa.update(self.tables.links)
                .where(c.id.in_(wanted[start : start + 900]), c.superseded.is_(None))
                .values(superseded=self.version)
            )

    def _insert(self, rows: list[Row]) -> None:
        if not rows:
            return
        table = self.tables.links
        names = [column.name for column in table.c]
        driver: Any = self.connection.connection.driver_connection
        if self.connection.dialect.name == "postgresql":
            from psycopg import sql  # the driver of the other store need not be loaded

            target = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
                sql.Identifier(str(table.schema), table.name), sql.SQL(", ").join(map(sql.Identifier, names))
            )
            with driver.cursor() as cursor, cursor.copy(target) as copy:
                copy.set_types(_COPY_TYPES)
                for row in rows:
                    copy.write_row(row)
            return
        driver.executemany(str(table.insert().compile(dialect=self.connection.dialect)), rows)


def _hold_layers(connection: sa.Connection, catalogue: Catalogue, layers: Iterable[str]) -> None:
    """Keep writers of these layers away until the transaction ends: an end that was seen standing shall stay."""
    wanted = sorted(set(layers))
    if wanted:
        ids = catalogue.tables.layers.c.id
        connection.execute(sa.select(ids).where(ids.in_(wanted)).order_by(ids).with_for_update(read=True))
