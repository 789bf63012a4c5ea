"""The tables of links, described once for both databases.

`om_relations` holds every state of every link: a state is born at one version of the link table and superseded at another,
as rows of layers are. `om_relation_changes` says who moved the version, when and why. `om_relation_state` is one row with the
counters: whoever writes links locks it, so that what was checked still holds when it is written. `om_relation_types` keeps
the types that a city has added.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from twin.store.tables import WHOLE, ColumnTypes


@dataclass(frozen=True)
class RelationTables:
    links: sa.Table
    changes: sa.Table
    state: sa.Table
    types: sa.Table
    metadata: sa.MetaData


def relation_tables(types: ColumnTypes, db_schema: str | None) -> RelationTables:
    """The four tables with their indexes; `types` spells text so that both databases sort it alike."""
    metadata = sa.MetaData(schema=db_schema)
    text = types.text
    links = sa.Table(
        "om_relations",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("id", WHOLE, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("from_layer", text, nullable=False),
        sa.Column("from_id", text, nullable=False),
        sa.Column("to_layer", text, nullable=False),
        sa.Column("to_id", text, nullable=False),
        sa.Column("valid_from", text),
        sa.Column("valid_to", text),
        sa.Column("known_by", text, nullable=False),
        sa.Column("confidence", sa.Double),
        sa.Column("properties", text),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("superseded", WHOLE),
    )
    changes = sa.Table(
        "om_relation_changes",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("version", WHOLE, nullable=False, unique=True),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("added", WHOLE, nullable=False),
        sa.Column("ended", WHOLE, nullable=False),
    )
    state = sa.Table(
        "om_relation_state",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("next_row", WHOLE, nullable=False),
        sa.Column("next_id", WHOLE, nullable=False),
    )
    added_types = sa.Table(
        "om_relation_types",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("document", sa.Text, nullable=False),
    )
    _index(links)
    return RelationTables(links, changes, state, added_types, metadata)


def _index(links: sa.Table) -> None:
    """From either end, by link id, and the database's own word that a standing link is there once."""
    c = links.c
    sa.Index("om_relations_from", c.from_id, c.from_layer)
    sa.Index("om_relations_to", c.to_id, c.to_layer)
    sa.Index("om_relations_link", c.id)
    standing = c.superseded.is_(None)
    start = sa.func.coalesce(c.valid_from, sa.literal_column("''"))
    sa.Index(
        "om_relations_once",
        *(c.from_id, c.to_id, c.type, c.from_layer, c.to_layer, start),
        unique=True,
        sqlite_where=standing,
        postgresql_where=standing,
    )
