"""The tables of the index, the same in both databases; the full text stands beside them in each database's own way.

om_place_layers    how far each layer is indexed, and who is at it
om_places          a place: one feature under one name, or all lines of one name; its forms and the box of all its states
om_place_states    the states of its features: layer versions and valid time between which they stood under that name
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from twin.store.tables import WHOLE, ColumnType

# Text by code point: both databases then find and sort alike.
_TEXT = sa.Text().with_variant(ColumnType('text COLLATE "C"'), "postgresql")


@dataclass(frozen=True)
class PlaceTables:
    layers: sa.Table
    places: sa.Table
    states: sa.Table
    metadata: sa.MetaData


@lru_cache(maxsize=4)
def place_tables(db_schema: str | None) -> PlaceTables:
    """The three tables.

    `om_place_layers.number` is what the other two name a layer by: a layer that is indexed anew gets another number (`filling`),
    and its old rows serve until the new ones are complete. `version` is NULL before the first indexing has ended.
    `om_place_states.superseded` is NULL while the state stands; `slice` is 1 for an earlier slice of a feature's validity.
    """
    metadata = sa.MetaData(schema=db_schema)
    layers = sa.Table(
        "om_place_layers",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("number", WHOLE, nullable=False),
        sa.Column("filling", WHOLE),
        sa.Column("birth", sa.Text, nullable=False),
        sa.Column("version", WHOLE),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("worker", sa.Text, nullable=False, server_default=""),
        sa.Column("busy_until", sa.Double, nullable=False, server_default="0"),
    )
    places = sa.Table(
        "om_places",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True, autoincrement=False),
        sa.Column("layer", WHOLE, nullable=False),
        sa.Column("key", _TEXT, nullable=False),
        sa.Column("zh", _TEXT, nullable=False),
        sa.Column("en", _TEXT, nullable=False),
        sa.Column("address", _TEXT, nullable=False),
        sa.Column("aliases", _TEXT, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("value", _TEXT, nullable=False),
        sa.Column("forms", _TEXT, nullable=False),
        sa.Column("west", sa.Double, nullable=False),
        sa.Column("south", sa.Double, nullable=False),
        sa.Column("east", sa.Double, nullable=False),
        sa.Column("north", sa.Double, nullable=False),
        sa.Index("om_places_key", "layer", "key", unique=True),
    )
    states = sa.Table(
        "om_place_states",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("place", WHOLE, nullable=False),
        sa.Column("layer", WHOLE, nullable=False),
        sa.Column("feature", _TEXT, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("superseded", WHOLE),
        sa.Column("slice", sa.SmallInteger, nullable=False),
        sa.Column("valid_from", sa.Text),
        sa.Column("valid_to", sa.Text),
        sa.Column("lon", sa.Double, nullable=False),
        sa.Column("lat", sa.Double, nullable=False),
        sa.Column("west", sa.Double, nullable=False),
        sa.Column("south", sa.Double, nullable=False),
        sa.Column("east", sa.Double, nullable=False),
        sa.Column("north", sa.Double, nullable=False),
        sa.Index("om_place_states_place", "place"),
        sa.Index("om_place_states_feature", "layer", "feature"),
    )
    return PlaceTables(layers, places, states, metadata)
