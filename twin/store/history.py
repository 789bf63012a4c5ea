"""The states of one feature through time, from its row, its history rows and the changesets that made them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import shapely
import sqlalchemy as sa

from twin.feature import Feature
from twin.schema import PropertyType
from twin.store.catalogue import Catalogue
from twin.store.dialect import Dialect
from twin.store.port import FeatureVersion
from twin.store.tables import GEOM, ID, SUPERSEDED, VALID_FROM, VALID_TO, VERSION, LayerTables, column_name


def read_history(
    connection: sa.Connection, tables: LayerTables, dialect: Dialect, catalogue: Catalogue, feature_id: str
) -> list[FeatureVersion]:
    """Every state, newest first; empty if the feature never was."""
    at = {c.version: c.at for c in catalogue.changesets(connection, tables.current.name, None)}
    versions: list[FeatureVersion] = []
    for table in (tables.current, tables.history):
        superseded = table.c[SUPERSEDED] if table is tables.history else sa.null().label(SUPERSEDED)
        statement = sa.select(
            table.c[VERSION],
            table.c[VALID_FROM],
            table.c[VALID_TO],
            superseded,
            dialect.wkb(table.c[GEOM]).label(GEOM),
            *(table.c[column_name(p)] for p in tables.schema),
        ).where(table.c[ID] == feature_id)
        versions += [_state(row, feature_id, tables, dialect, at) for row in connection.execute(statement)]
    return sorted(versions, key=lambda v: v.feature.version, reverse=True)


def _state(row: Any, feature_id: str, tables: LayerTables, dialect: Dialect, at: dict[int, datetime]) -> FeatureVersion:
    version, valid_from, valid_to, superseded, geometry, *values = row
    (wkb,) = dialect.decode_geometries([geometry])
    decoded = {
        p.name: dialect.decode_column(p.type, [value])[0] for p, value in zip(tables.schema, values, strict=True)
    }
    return FeatureVersion(
        feature=Feature(
            id=feature_id,
            geometry=None if wkb is None else shapely.from_wkb(wkb),
            properties=decoded,
            version=version,
            valid_from=dialect.decode_column(PropertyType.DATETIME, [valid_from])[0],
            valid_to=dialect.decode_column(PropertyType.DATETIME, [valid_to])[0],
        ),
        recorded_at=at[version],
        superseded_at=None if superseded is None else at[superseded],
    )
