"""The tables of the store, described once for both databases.

One typed table per layer, named by the layer's id, so that psql, QGIS and any other GIS reads it as it is:

    fid, geom, om_id, om_version, om_valid_from, om_valid_to, <one column per property>

Its past lies beside it in `<id>__history`, with `om_superseded` (the version that replaced or deleted the row) and `om_slice`
(1 for an earlier slice of the feature's validity; it stands until something ends it, `om_superseded` is `STANDING` till then).
`om_layers` holds one row a layer, `om_changesets` one row a committed write. A property whose name a system column has taken
gets an underscore behind it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name
from sqlalchemy.types import TypeEngine, UserDefinedType

from twin.schema import Property, PropertyType, Schema

FID, GEOM, ID, VERSION = "fid", "geom", "om_id", "om_version"
VALID_FROM, VALID_TO, SUPERSEDED = "om_valid_from", "om_valid_to", "om_superseded"
HISTORY_ID, SLICE = "om_history_id", "om_slice"
SYSTEM_COLUMNS = (FID, GEOM, ID, VERSION, VALID_FROM, VALID_TO)
_TAKEN = {*SYSTEM_COLUMNS, SUPERSEDED, HISTORY_ID, SLICE}
# `om_superseded` of a past slice that nothing has ended: later than any version.
STANDING = 2**63 - 1


# GeoPackage knows INTEGER only; SQLite's is 64 bits wide.
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


class ColumnType(UserDefinedType):  # type: ignore[type-arg]
    """A column type known by its SQL name alone: values pass to and from the driver untouched."""

    cache_ok = True

    def __init__(self, sql: str) -> None:
        self.sql = sql

    def get_col_spec(self, **_: object) -> str:
        return self.sql


@dataclass(frozen=True)
class ColumnTypes:
    """How one database spells the column types."""

    geometry: TypeEngine  # type: ignore[type-arg]
    text: ColumnType
    instant: ColumnType
    properties: dict[PropertyType, ColumnType]


@dataclass(frozen=True, slots=True)
class LayerRows:
    """One of a layer's two tables, and which column holds which property.

    Attributes:
        key: Column of the row numbers that the spatial index names.
    """

    table: sa.Table
    key: str
    schema: Schema

    def column(self, name: str) -> sa.ColumnElement[object]:
        """The column of property `name`. Raises UnknownPropertyError."""
        return self.table.c[column_name(self.schema.property(name))]


@dataclass(frozen=True)
class LayerTables:
    """The tables of one layer: its features as they stand, and everything they were before."""

    current: sa.Table
    history: sa.Table
    schema: Schema

    @cached_property
    def present(self) -> LayerRows:
        """The current table's rows."""
        return LayerRows(self.current, FID, self.schema)

    @cached_property
    def past(self) -> LayerRows:
        """The history table's rows."""
        return LayerRows(self.history, HISTORY_ID, self.schema)


def column_name(prop: Property) -> str:
    """Where a property is kept: its own name, unless a system column has it."""
    return f"{prop.name}_" if prop.name.lower().rstrip("_") in _TAKEN else prop.name


def layer_tables(layer_id: str, schema: Schema, types: ColumnTypes, db_schema: str | None) -> LayerTables:
    """Table objects for a layer; made for every layer anew, none is shared."""
    metadata = sa.MetaData(schema=db_schema)
    current = sa.Table(
        _quoted(layer_id),
        metadata,
        sa.Column(FID, WHOLE, primary_key=True, autoincrement=False),
        sa.Column(GEOM, types.geometry),
        sa.Column(ID, types.text, nullable=False),
        sa.Column(VERSION, WHOLE, nullable=False),
        sa.Column(VALID_FROM, types.instant),
        sa.Column(VALID_TO, types.instant),
        *_property_columns(schema, types),
    )
    history = sa.Table(
        _quoted(f"{layer_id}__history"),
        metadata,
        sa.Column(HISTORY_ID, WHOLE, primary_key=True),
        sa.Column(FID, WHOLE, nullable=False),
        sa.Column(GEOM, types.geometry),
        sa.Column(ID, types.text, nullable=False),
        sa.Column(VERSION, WHOLE, nullable=False),
        sa.Column(VALID_FROM, types.instant),
        sa.Column(VALID_TO, types.instant),
        *_property_columns(schema, types),
        sa.Column(SUPERSEDED, WHOLE, nullable=False),
        sa.Column(SLICE, WHOLE, nullable=False, server_default="0"),
    )
    return LayerTables(current, history, schema)


def _quoted(name: str) -> str:
    """A name given from outside, in quotes always: each database has words of its own that SQLAlchemy does not know."""
    return quoted_name(name, quote=True)


def _property_columns(schema: Schema, types: ColumnTypes) -> list[sa.Column[object]]:
    return [sa.Column(_quoted(column_name(p)), types.properties[p.type]) for p in schema]


@dataclass(frozen=True)
class CatalogueTables:
    layers: sa.Table
    changesets: sa.Table
    retired: sa.Table
    metadata: sa.MetaData


@lru_cache(maxsize=4)
def catalogue_tables(db_schema: str | None) -> CatalogueTables:
    """The three tables about layers.

    `om_layers.revision` moves with every change of data or manifest, `version` with data alone. `om_retired` remembers the
    last numbers of dropped layers, so that a new layer of the same id never shows an old one's cached tiles.
    """
    metadata = sa.MetaData(schema=db_schema)
    layers = sa.Table(
        "om_layers",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("schema", sa.Text, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("next_fid", WHOLE, nullable=False),
        sa.Column("feature_count", WHOLE, nullable=False),
        sa.Column("west", sa.Double),
        sa.Column("south", sa.Double),
        sa.Column("east", sa.Double),
        sa.Column("north", sa.Double),
        sa.Column("created_at", sa.Text, nullable=False),
        sa.Column("updated_at", sa.Text, nullable=False),
    )
    changesets = sa.Table(
        "om_changesets",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("layer_id", sa.Text, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("at", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("inserted", WHOLE, nullable=False),
        sa.Column("updated", WHOLE, nullable=False),
        sa.Column("deleted", WHOLE, nullable=False),
        sa.UniqueConstraint("layer_id", "version"),
        sa.Index("om_changesets_at", "layer_id", "at", "version"),
    )
    retired = sa.Table(
        "om_retired",
        metadata,
        sa.Column("fid", WHOLE, primary_key=True),
        sa.Column("id", sa.Text, nullable=False, unique=True),
        sa.Column("revision", WHOLE, nullable=False),
        sa.Column("version", WHOLE, nullable=False),
        sa.Column("next_fid", WHOLE, nullable=False),
    )
    return CatalogueTables(layers, changesets, retired, metadata)
