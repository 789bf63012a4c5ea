"""The store over any SQL database: reading, life cycle of layers, and the frame of a write.

The adapters (`gpkg`, `postgis`) bring the connection, the dialect, the making of tables and the bulk paths.
"""

from __future__ import annotations

import abc
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import sqlalchemy as sa

from twin.bounds import Bounds
from twin.errors import DuplicateLayerError, UnknownFeatureError, UnknownVersionError
from twin.feature import Feature, FeatureBatch
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.schema import PropertyType, Schema
from twin.store.catalogue import Catalogue, KnownLayer
from twin.store.changes import ChangedBoxes, Changes, read_changed_boxes, read_changed_rows
from twin.store.dialect import Dialect
from twin.store.grid_counts import count_cells, extent_of
from twin.store.history import ever_stood, read_history, read_touched
from twin.store.knowledge import has_slices, holds_in, known_rows, not_holding
from twin.store.lookups import PropertyIndex, property_indexes
from twin.store.port import Author, Changeset, FeatureVersion, GridCount, LayerRecord, LayerSpec, LayerWriter, Touched
from twin.store.statements import LEADING, count_rows, select_rows, selected_schema
from twin.store.tables import ID, VERSION
from twin.store.versions import RevisionAsker, Revisions
from twin.store.watching import Removal, RemovalWatcher
from twin.store.windows import prepare_window, window_shape_of, window_values
from twin.store.writing import SqlLayerWriter
from twin.validity import validity_of

# Statements kept for a layer: clients ask for few sets of columns, and those who try them all shall not fill the memory.
_WINDOWS_KEPT = 64


class SqlStore(abc.ABC):
    """See `twin.store.port.Store`."""

    def __init__(self, engine: sa.Engine, dialect: Dialect) -> None:
        self.engine = engine
        self.dialect = dialect
        self.catalogue = Catalogue(dialect)
        self.watchers: list[RemovalWatcher] = []

    # -- what an adapter brings --------------------------------------------------------------------------------------

    @abc.abstractmethod
    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A connection for one statement: each is a consistent reading of its own, two together need not be."""

    def snapshot(self) -> AbstractContextManager[sa.Connection]:
        """A connection in one consistent reading over all its statements, in which rows can be fetched in parts."""
        return self.reading()

    @abc.abstractmethod
    def writing(self) -> AbstractContextManager[sa.Connection]:
        """A connection in a write transaction: committed at the end of the block, undone by an exception."""

    @abc.abstractmethod
    def make_tables(self, connection: sa.Connection, known: KnownLayer) -> None:
        """The layer's tables; what only helps once rows are in may wait for the writer's `settle`."""

    @abc.abstractmethod
    def drop_tables(self, connection: sa.Connection, known: KnownLayer) -> None: ...

    @abc.abstractmethod
    def writer(self, connection: sa.Connection, known: KnownLayer, *, born: bool) -> SqlLayerWriter:
        """The adapter's writer; `born` says that the layer was created in this transaction."""

    # -- layers ------------------------------------------------------------------------------------------------------

    def close(self) -> None:
        self.engine.dispose()

    def layers(self) -> list[LayerRecord]:
        with self.reading() as connection:
            return self.catalogue.all(connection)

    def layer(self, layer_id: str, *, as_of: int | None = None, interval: Interval | None = None) -> LayerRecord:
        with self._reading_for(as_of, interval) as connection:
            known = self.catalogue.known(connection, layer_id)
            sliced = self.is_sliced(connection, known, interval)
            if as_of is None and not sliced:
                return known.record
            record = known.record
            if sliced or as_of != record.version:
                parts = known_rows(known.tables, as_of=as_of, holds=holds_in(interval, self.dialect), sliced=sliced)
                record = replace(record, bounds=extent_of(connection, parts, self.dialect))
            if as_of is None:
                return record
            count, at = self.catalogue.growth(connection, layer_id, as_of)
            return replace(record, version=as_of, feature_count=count, updated_at=at or record.created_at)

    def revisions(self) -> Revisions | None:
        return None

    def revision_asker(self) -> RevisionAsker | None:
        return None

    def version(self, layer_id: str) -> int:
        with self.reading() as connection:
            return self.catalogue.version(connection, layer_id)

    def count_at(self, layer_id: str, version: int) -> int:
        with self.reading() as connection:
            self.catalogue.known(connection, layer_id)
            return self.catalogue.growth(connection, layer_id, version)[0]

    def version_at(self, layer_id: str, instant: datetime) -> int:
        with self.reading() as connection:
            return self.catalogue.version_at(connection, layer_id, instant)

    def create_layer(self, spec: LayerSpec, author: Author) -> LayerRecord:
        with self.writing() as connection:
            known = self._create(connection, spec)
            self.writer(connection, known, born=True).settle()
        return known.record

    def describe_layer(self, layer_id: str, document: Mapping[str, Any]) -> LayerRecord:
        with self.writing() as connection:
            self.catalogue.describe(connection, layer_id, document)
        return self.layer(layer_id)

    def drop_layer(self, layer_id: str) -> None:
        with self.writing() as connection:
            known = self.catalogue.reread(connection, layer_id, lock=True)
            self._tell_watchers(connection, Removal(layer_id, known.tables, None, layer_goes=True))
            self.drop_tables(connection, known)
            self.catalogue.remove(connection, known)
        self.catalogue.forget(layer_id)

    def index(self, layer_id: str, properties: Sequence[str]) -> None:
        with self.reading() as connection:
            wanted = property_indexes(self.catalogue.known(connection, layer_id).tables, properties)
        self._make_indexes(wanted)

    def follow(self, layer_id: str) -> None:
        """Make `changes_since` quick for a layer, however large, by an index of its rows' versions.

        Raises:
            UnknownLayerError: if there is no such layer.
        """
        with self.reading() as connection:
            current = self.catalogue.known(connection, layer_id).tables.current
        self._make_indexes([PropertyIndex(current, VERSION)])

    def _make_indexes(self, wanted: Sequence[PropertyIndex]) -> None:
        with self.reading() as connection:
            missing = [index for index in wanted if not index.is_made(connection)]
        if missing:
            with self.writing() as connection:
                for index in missing:
                    index.make(connection)

    def _create(self, connection: sa.Connection, spec: LayerSpec) -> KnownLayer:
        layers = self.catalogue.tables.layers
        if connection.execute(sa.select(layers.c.id).where(layers.c.id == spec.id)).first():
            raise DuplicateLayerError(
                f"A layer '{spec.id}' exists already.",
                value=spec.id,
                limit="one layer per id",
                remedy="Choose another id, or send the data to the existing layer.",
            )
        known = self.catalogue.insert(connection, spec)
        self.make_tables(connection, known)
        return known

    # -- writing -----------------------------------------------------------------------------------------------------

    @contextmanager
    def write(self, layer_id: str, author: Author, *, create: LayerSpec | None = None) -> Iterator[LayerWriter]:
        with self.writing() as connection:
            if create is None:
                known = self.catalogue.reread(connection, layer_id, lock=True)
            else:
                known = self._create(connection, create)
            writer = self.writer(connection, known, born=create is not None)
            yield writer
            self._tell_watchers(connection, writer.removal(author))
            writer.finish(author, self.catalogue)

    def _tell_watchers(self, connection: sa.Connection, removal: Removal | None) -> None:
        if removal is not None:
            for watcher in self.watchers:
                watcher.before_removal(connection, removal)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _reading_for(self, as_of: int | None, interval: Interval | None) -> AbstractContextManager[sa.Connection]:
        """A reading of now is one statement over the rows; times are looked up beside them."""
        return self.reading() if as_of is None and interval is None else self.snapshot()

    def select(self, layer_id: str, query: FeatureQuery) -> FeatureBatch:
        with self._reading_for(query.as_of, query.interval) as connection:
            known = self.catalogue.known(connection, layer_id)
            rows = self._rows(connection, known, query)
        return self._batch(rows, selected_schema(known.record.schema, query.properties))

    def _rows(self, connection: sa.Connection, known: KnownLayer, query: FeatureQuery) -> Sequence[Any]:
        """Rows of a query, in the form of `select_rows`; plain windows by statements that are kept."""
        sliced = self.is_sliced(connection, known, query.interval)
        shape = window_shape_of(query, known.record.bounds, sliced=sliced)
        if shape is None:
            return connection.execute(self._statement(connection, known, query)).fetchall()
        statement = known.windows.get(shape)
        if statement is None:
            if len(known.windows) >= _WINDOWS_KEPT:
                known.windows.clear()
            statement = known.windows[shape] = prepare_window(known.tables, shape, self.dialect)
        return statement.rows(connection, **window_values(query, shape, self.dialect))

    def _statement(self, connection: sa.Connection, known: KnownLayer, query: FeatureQuery) -> sa.Select[Any]:
        sliced = self.is_sliced(connection, known, query.interval)
        return select_rows(known.tables, query, self.dialect, known.record.bounds, sliced=sliced)

    def is_sliced(self, connection: sa.Connection, known: KnownLayer, interval: Interval | None) -> bool:
        """Whether earlier slices have to be looked at; asked of the database once for each state of the layer."""
        if interval is None:
            return False
        if known.sliced is None:
            known.sliced = has_slices(connection, known.tables)
        return known.sliced

    def iterate(self, layer_id: str, query: FeatureQuery, rows: int = 10_000) -> Generator[FeatureBatch, None, None]:
        with self.snapshot() as connection:
            known = self.catalogue.known(connection, layer_id)
            schema = selected_schema(known.record.schema, query.properties)
            statement = self._statement(connection, known, query)
            # Closed by whoever stops early, too: a cursor left open holds its rows in the database until the connection goes.
            with connection.execution_options(yield_per=rows).execute(statement) as result:
                for part in result.partitions(rows):
                    yield self._batch(part, schema)

    def get(
        self, layer_id: str, feature_id: str, *, as_of: int | None = None, interval: Interval | None = None
    ) -> Feature:
        batch = self.select(layer_id, FeatureQuery(ids=(feature_id,), as_of=as_of, interval=interval))
        for feature in batch.features():
            return feature
        if as_of is None and interval is None:
            raise unknown_feature(layer_id, feature_id)
        raise UnknownFeatureError(
            f"The layer '{layer_id}' knows no state of a feature '{feature_id}' for that time.",
            value=feature_id,
            limit=("as it stands now" if as_of is None else f"as it stood at version {as_of}")
            + ("" if interval is None else f", holding in {validity_of(interval)}"),
            remedy="Its versions, with the times at which they hold, are listed under …/versions.",
        )

    def count(self, layer_id: str, query: FeatureQuery) -> int:
        with self._reading_for(query.as_of, query.interval) as connection:
            known = self.catalogue.known(connection, layer_id)
            if replace(query, limit=None, after=None, sort=(), properties=None, geometry=True) == FeatureQuery():
                return known.record.feature_count
            sliced = self.is_sliced(connection, known, query.interval)
            statement = count_rows(known.tables, query, self.dialect, known.record.bounds, sliced=sliced)
            return int(connection.execute(statement).scalar_one())

    def heads_not_holding(
        self, layer_id: str, interval: Interval, *, as_of: int | None = None, limit: int
    ) -> list[str]:
        with self.snapshot() as connection:
            tables = self.catalogue.known(connection, layer_id).tables
            holds = holds_in(interval, self.dialect)
            assert holds is not None
            parts = [
                sa.select(part.rows.table.c[ID]).where(*part.known, not_holding(part.rows, holds))
                for part in known_rows(tables, as_of=as_of)
            ]
            return list(connection.execute(sa.union_all(*parts).limit(limit)).scalars())

    def count_grid(
        self,
        layer_id: str,
        bounds: Bounds,
        cell_deg: float,
        *,
        as_of: int | None = None,
        interval: Interval | None = None,
    ) -> list[GridCount]:
        with self._reading_for(as_of, interval) as connection:
            known = self.catalogue.known(connection, layer_id)
            sliced = self.is_sliced(connection, known, interval)
            parts = known_rows(known.tables, as_of=as_of, holds=holds_in(interval, self.dialect), sliced=sliced)
            return count_cells(connection, parts, self.dialect, bounds, cell_deg)

    def history(
        self, layer_id: str, feature_id: str, *, limit: int | None = None, before: int | None = None
    ) -> list[FeatureVersion]:
        with self.snapshot() as connection:
            tables = self.catalogue.known(connection, layer_id).tables
            versions = read_history(
                connection, tables, self.dialect, self.catalogue, feature_id, limit=limit, before=before
            )
            if not versions and not ever_stood(connection, tables, feature_id):
                raise unknown_feature(layer_id, feature_id)
        return versions

    def ever_stood(self, layer_id: str, feature_id: str) -> bool:
        with self.reading() as connection:
            return ever_stood(connection, self.catalogue.known(connection, layer_id).tables, feature_id)

    def changesets(self, layer_id: str, limit: int = 100, *, before: int | None = None) -> list[Changeset]:
        with self.reading() as connection:
            self.catalogue.known(connection, layer_id)
            return self.catalogue.changesets(connection, layer_id, limit, before=before)

    def changeset(self, layer_id: str, version: int) -> Changeset:
        with self.reading() as connection:
            self.catalogue.known(connection, layer_id)
            found = self.catalogue.changesets_of(connection, layer_id, [version])
        if version not in found:
            raise unknown_version(layer_id, version)
        return found[version]

    def touched(self, layer_id: str, version: int, limit: int = 100, *, after: int = 0) -> list[Touched]:
        with self.snapshot() as connection:
            known = self.catalogue.known(connection, layer_id)
            change = self.catalogue.changesets_of(connection, layer_id, [version]).get(version)
            return [] if change is None else read_touched(connection, known.tables, change, limit, after)

    def changes_since(
        self, layer_id: str, version: int, *, most: int, properties: tuple[str, ...] | None = None
    ) -> Changes | None:
        """What has changed since a version of the layer, in one consistent reading; None where it is more than `most` rows.

        Raises:
            UnknownLayerError: if there is no such layer.
        """
        with self.snapshot() as connection:
            known = self.catalogue.known(connection, layer_id)
            changed = read_changed_rows(connection, known.tables, version, most)
            if changed is None:
                return None
            query = FeatureQuery(ids=changed.standing, properties=properties)
            rows = self._batch(self._rows(connection, known, query), selected_schema(known.record.schema, properties))
            return Changes(known.record.version, changed.touched, rows)

    def changed_boxes(self, layer_id: str, version: int, *, most: int) -> ChangedBoxes | None:
        """Where the layer has changed since a version, in one consistent reading; None where that is more than `most` rows.

        Raises:
            UnknownLayerError: if there is no such layer.
        """
        with self.snapshot() as connection:
            known = self.catalogue.known(connection, layer_id)
            boxes = read_changed_boxes(connection, known.tables, self.dialect, version, most)
            return None if boxes is None else ChangedBoxes(known.record.version, boxes)

    def _batch(self, rows: Sequence[Any], schema: Schema) -> FeatureBatch:
        return rows_to_batch(rows, schema, self.dialect)


def rows_to_batch(rows: Sequence[Any], schema: Schema, dialect: Dialect) -> FeatureBatch:
    """Rows of `select_rows` as columns."""
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * (LEADING + 1 + len(schema.properties))
    fids, ids, versions, valid_from, valid_to, geometries = columns[: LEADING + 1]
    dated = any(v is not None for v in valid_from) or any(v is not None for v in valid_to)
    return FeatureBatch(
        schema=schema,
        fids=np.array(fids, dtype=np.int64),
        ids=ids,
        wkb=dialect.decode_geometries(geometries),
        columns={
            p.name: dialect.decode_column(p.type, values)
            for p, values in zip(schema, columns[LEADING + 1 :], strict=True)
        },
        versions=versions,
        valid_from=dialect.decode_column(PropertyType.DATETIME, valid_from) if dated else (),
        valid_to=dialect.decode_column(PropertyType.DATETIME, valid_to) if dated else (),
    )


def unknown_feature(layer_id: str, feature_id: str) -> UnknownFeatureError:
    """The error that says the layer has no such feature."""
    return UnknownFeatureError(
        f"The layer '{layer_id}' has no feature '{feature_id}'.",
        value=feature_id,
        remedy="List the layer's items to see which ids exist.",
    )


def unknown_version(layer_id: str, version: int) -> UnknownVersionError:
    """The error that says no write has made that version."""
    return UnknownVersionError(
        f"The layer '{layer_id}' has no version {version}.",
        value=version,
        limit="a version that a write has made",
        remedy=f"GET /collections/{layer_id}/changes lists them.",
    )
