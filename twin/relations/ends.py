"""Which features stand, asked in the transaction that needs to know: the ends that links are tied to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import islice

import sqlalchemy as sa

from twin.errors import UnknownLayerError
from twin.store.catalogue import KnownLayer
from twin.store.sql import SqlStore
from twin.store.tables import ID

# Ids asked for in one statement: below SQLite's limit of bound variables on old builds.
IDS_AT_ONCE = 900
# From this share of a layer on, reading all its ids is cheaper than asking for some.
_WHOLE_SHARE = 0.2


def known_layer(store: SqlStore, connection: sa.Connection, layer: str) -> KnownLayer | None:
    """The layer as it now is; None when there is none of that id."""
    try:
        return store.catalogue.known(connection, layer)
    except UnknownLayerError:
        return None


def standing_ids(connection: sa.Connection, known: KnownLayer, ids: Collection[str]) -> set[str]:
    """Those of `ids` that are features of the layer now."""
    column = known.tables.current.c[ID]
    if len(ids) > max(IDS_AT_ONCE, _WHOLE_SHARE * known.record.feature_count):
        return set(connection.execute(sa.select(column)).scalars()).intersection(ids)
    return _among(connection, column, ids)


def past_ids(connection: sa.Connection, known: KnownLayer, ids: Collection[str]) -> set[str]:
    """Those of `ids` that once were features of the layer, in a state that was replaced or deleted."""
    return _among(connection, known.tables.history.c[ID], ids)


def chunks(ids: Collection[str]) -> Iterator[Sequence[str]]:
    """The ids in portions that one statement takes, each id once, in a fixed order."""
    waiting = iter(sorted(set(ids)))
    while chunk := list(islice(waiting, IDS_AT_ONCE)):
        yield chunk


def _among(connection: sa.Connection, column: sa.ColumnElement[str], ids: Collection[str]) -> set[str]:
    found: set[str] = set()
    for chunk in chunks(ids):
        found.update(connection.execute(sa.select(column).where(column.in_(chunk)).distinct()).scalars())
    return found
