"""The production store: PostgreSQL with PostGIS, through SQLAlchemy and GeoAlchemy2.

Any number of processes. Writers of one layer queue on that layer's row; bulk rows go through COPY.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import sqlalchemy as sa

from twin.bounds import Bounds
from twin.errors import BadFeatureError, BadFilterError, OneMapError, StoreBrokenError, StoreBusyError
from twin.schema import GeometryType, PropertyType
from twin.store.asked_versions import AskedRevisions
from twin.store.catalogue import KnownLayer
from twin.store.postgis_dialect import SRID, PostGISDialect
from twin.store.sql import SqlStore
from twin.store.tables import GEOM, ID, SLICE, SUPERSEDED, VERSION, column_name
from twin.store.timeline import Row
from twin.store.versions import RevisionAsker
from twin.store.writing import SqlLayerWriter

_WAIT_S = 30.0
_REST_S = 5.0
_SINGLE_TYPES = {GeometryType.POINT, GeometryType.LINESTRING, GeometryType.POLYGON}
_COPY_TYPES = {
    PropertyType.STRING: "text",
    PropertyType.INTEGER: "int8",
    PropertyType.NUMBER: "float8",
    PropertyType.BOOLEAN: "bool",
    PropertyType.DATE: "date",
    PropertyType.DATETIME: "timestamptz",
}
# Numbers of the advisory lock that keeps two servers from making the first tables at once.
_SETUP_LOCK = 370281


class PostGISStore(SqlStore):
    """Layers as tables of one schema of a PostGIS database.

    Args:
        url: `postgresql://user@host:port/database`.
        db_schema: Schema for all tables; made when absent.
        wait_s: How long a write waits for another one on the same layer.

    Raises:
        StoreBrokenError: if the database cannot be reached or has no PostGIS.
    """

    def __init__(self, url: str, *, db_schema: str = "onemap", wait_s: float = _WAIT_S) -> None:
        self._wait_s = wait_s
        address = sa.make_url(url).set(drivername="postgresql+psycopg")
        # Parallel workers cost more to start than a window takes to read, and take cores from other requests.
        options = f"-c timezone=UTC -c lock_timeout={int(wait_s * 1000)} -c max_parallel_workers_per_gather=0"
        engine = sa.create_engine(
            address,
            pool_size=16,
            max_overflow=32,
            pool_use_lifo=True,  # the connection used last has its statements prepared
            connect_args={"options": options, "cursor_factory": _BinaryCursor},
        )
        _look_after_long_idleness(engine)
        super().__init__(engine, PostGISDialect(db_schema))
        self._reading = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._snapshots = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._schema = db_schema
        self._prepare()
        self._asker = AskedRevisions(self._connection_apart, self._name("om_layers"))

    def close(self) -> None:
        self._asker.close()
        super().close()

    def revision_asker(self) -> RevisionAsker | None:
        return self._asker

    def _connection_apart(self) -> psycopg.Connection:
        """A connection that the pool does not know any more."""
        pooled = self.engine.raw_connection()
        connection = pooled.driver_connection
        assert isinstance(connection, psycopg.Connection)
        pooled.detach()
        connection.autocommit = True
        return connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        # One statement is one consistent reading here: without BEGIN and ROLLBACK round it, it costs a third.
        with _named_errors(self._wait_s), self._reading.connect() as connection:
            yield connection

    @contextmanager
    def snapshot(self) -> Iterator[sa.Connection]:
        with _named_errors(self._wait_s), self._snapshots.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        with _named_errors(self._wait_s, writing=True), self.engine.begin() as connection:
            yield connection

    def make_tables(self, connection: sa.Connection, known: KnownLayer) -> None:
        tables, name = known.tables, self._name(known.record.id)
        tables.current.create(connection)
        tables.history.create(connection)
        # Readers such as QGIS and TiPg look for the type and the SRID in the column's declaration.
        kind = known.record.schema.geometry_type
        declared = kind.value if kind in _SINGLE_TYPES else "Geometry"
        for statement in (
            f"ALTER TABLE {name} ALTER COLUMN {GEOM} TYPE geometry({declared}, {SRID})",
            f"ALTER TABLE {name} ADD CONSTRAINT cgcs2000 CHECK (ST_SRID({GEOM}) = {SRID})",
            *self._history_indexes(known.record.id),
            *self._version_indexes(known.record.id),
        ):
            connection.exec_driver_sql(statement)

    def _history_indexes(self, layer_id: str) -> tuple[str, ...]:
        history = self._name(f"{layer_id}__history")
        return (
            f"CREATE INDEX ON {history} ({ID})",
            f"CREATE INDEX ON {history} ({ID}) WHERE {SLICE} = 1",
            f"CREATE INDEX ON {history} USING gist ({GEOM})",
        )

    def _version_indexes(self, layer_id: str) -> tuple[str, ...]:
        """What one write did is asked by the versions that made and ended rows."""
        history = self._name(f"{layer_id}__history")
        return tuple(f"CREATE INDEX ON {history} ({column})" for column in (VERSION, SUPERSEDED))

    def drop_tables(self, connection: sa.Connection, known: KnownLayer) -> None:
        known.tables.history.drop(connection)
        known.tables.current.drop(connection)

    def writer(self, connection: sa.Connection, known: KnownLayer, *, born: bool) -> SqlLayerWriter:
        return _PostGISWriter(connection, known, self.dialect, born=born)

    def _name(self, table: str) -> str:
        return f'"{self._schema}"."{table}"'

    def _prepare(self) -> None:
        with self.writing() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_SETUP_LOCK})")
            connection.exec_driver_sql("CREATE EXTENSION IF NOT EXISTS postgis")
            connection.exec_driver_sql(f'CREATE SCHEMA IF NOT EXISTS "{self._schema}"')
            self._bring_up_to_date(connection, self.catalogue.prepare(connection))

    def _bring_up_to_date(self, connection: sa.Connection, layer_ids: list[str]) -> None:
        """Give histories that were made before there were slices their column and their indexes."""
        done = connection.exec_driver_sql(
            "SELECT table_name FROM information_schema.columns WHERE table_schema = %(schema)s AND column_name = %(slice)s",
            {"schema": self._schema, "slice": SLICE},
        )
        ready = set(done.scalars())
        indexed = connection.exec_driver_sql(
            "SELECT tablename FROM pg_indexes WHERE schemaname = %(schema)s AND indexdef LIKE %(column)s",
            {"schema": self._schema, "column": f"%({SUPERSEDED})"},
        )
        found = set(indexed.scalars())
        for layer_id in layer_ids:
            if f"{layer_id}__history" not in found:
                for statement in self._version_indexes(layer_id):
                    connection.exec_driver_sql(statement)
            if f"{layer_id}__history" in ready:
                continue
            history = self._name(f"{layer_id}__history")
            connection.exec_driver_sql(f"ALTER TABLE {history} ADD COLUMN {SLICE} bigint NOT NULL DEFAULT 0")
            for statement in self._history_indexes(layer_id)[1:]:
                connection.exec_driver_sql(statement)


class _PostGISWriter(SqlLayerWriter):
    """Streams every batch of new rows through COPY."""

    def insert_rows(self, rows: list[Row], boxes: npt.NDArray[np.float64]) -> None:
        driver = self.connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        schema = self.tables.schema
        columns = [c.name for c in self.tables.current.c]
        assert columns[6:] == [column_name(p) for p in schema]
        target = psycopg.sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
            psycopg.sql.Identifier(str(self.tables.current.schema), self.known.record.id),
            psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, columns)),
        )
        kinds = ["int8", "bytea", "text", "int8", "timestamptz", "timestamptz", *(_COPY_TYPES[p.type] for p in schema)]
        with driver.cursor() as cursor, cursor.copy(target) as copy:
            copy.set_types(kinds)
            for row in rows:
                copy.write_row(row)

    def settle(self) -> None:
        """Indexes over rows that are in already cost a third of what they cost row by row; the planner counts them at once."""
        self.connection.exec_driver_sql(f"CREATE UNIQUE INDEX ON {self._table} ({ID})")
        self.connection.exec_driver_sql(f"CREATE INDEX ON {self._table} USING gist ({GEOM})")
        self.connection.exec_driver_sql(f"ANALYZE {self._table}")

    def note_heights(self) -> None:
        """A column declared with a type takes no heights: from the first one on it is declared without."""
        declared = self.connection.exec_driver_sql(
            "SELECT format_type(atttypid, atttypmod) FROM pg_attribute"
            " WHERE attrelid = %(name)s::regclass AND attname = %(geom)s",
            {"name": self._table, "geom": GEOM},
        ).scalar_one()
        if "(" in declared:
            self.connection.exec_driver_sql(f"ALTER TABLE {self._table} ALTER COLUMN {GEOM} TYPE geometry")

    @property
    def _table(self) -> str:
        return f'"{self.tables.current.schema}"."{self.known.record.id}"'

    def encode_geometries(self, wkb: Sequence[bytes | None], boxes: npt.NDArray[np.float64]) -> Sequence[Any]:
        return [None if body is None else _ewkb(body) for body in wkb]

    def stored_columns(self, t: sa.Table) -> list[sa.ColumnElement[Any]]:
        geometry = sa.func.ST_AsEWKB(t.c[GEOM], "NDR", type_=sa.LargeBinary).label(GEOM)
        return [geometry if c.name == GEOM else c for c in super().stored_columns(t)]

    def exact_bounds(self) -> Bounds | None:
        box = f"SELECT ST_Extent({GEOM}) AS e FROM {self._table}"
        row = self.connection.exec_driver_sql(
            f"SELECT ST_XMin(e), ST_YMin(e), ST_XMax(e), ST_YMax(e) FROM ({box}) AS s"
        ).one()
        return None if row[0] is None else Bounds(*row)


class _BinaryCursor(psycopg.Cursor[Any]):
    """Results travel as binary: a geometry as its bytes, not as twice as many hexadecimal digits."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.format = psycopg.pq.Format.BINARY


def _look_after_long_idleness(engine: sa.Engine) -> None:
    """Ask a pooled connection whether it still lives only when it has rested: a database may restart overnight."""

    @sa.event.listens_for(engine, "checkin")
    def on_checkin(connection: object, record: Any) -> None:
        record.info["rested_since"] = time.monotonic()

    @sa.event.listens_for(engine, "checkout")
    def on_checkout(connection: psycopg.Connection[Any], record: Any, proxy: object) -> None:
        if time.monotonic() - record.info.get("rested_since", math.inf) < _REST_S:
            return
        if "rested_since" in record.info:
            try:
                connection.execute("SELECT 1")
                connection.rollback()
            except psycopg.OperationalError as error:
                raise sa.exc.DisconnectionError from error


def _ewkb(wkb: bytes) -> bytes:
    """ISO WKB (little-endian) as PostGIS's EWKB with the house's SRID; heights become its Z flag."""
    kind = int.from_bytes(wkb[1:5], "little")
    if kind >= 1000 or kind in {4, 5, 6, 7}:
        import shapely

        return bytes(shapely.to_wkb(shapely.set_srid(shapely.from_wkb(wkb), SRID), include_srid=True, byte_order=1))
    return wkb[:1] + (kind | 0x20000000).to_bytes(4, "little") + SRID.to_bytes(4, "little") + wkb[5:]


@contextmanager
def _named_errors(wait_s: float, *, writing: bool = False) -> Iterator[None]:
    """The database's own failures in the words of the house."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _named(error.orig, wait_s, writing=writing) from error
    except psycopg.Error as error:
        raise _named(error, wait_s, writing=writing) from error


def _named(cause: BaseException | None, wait_s: float, *, writing: bool) -> OneMapError:
    if isinstance(cause, psycopg.errors.LockNotAvailable):
        return StoreBusyError(
            "Another write on this layer is still under way.",
            value=f"waited {wait_s:.0f} s",
            limit="one write at a time per layer",
            remedy="Try again in a moment.",
        )
    if isinstance(cause, psycopg.errors.DataError | psycopg.errors.InternalError_):
        if writing:
            return BadFeatureError(
                "The database cannot take a value.",
                value=str(cause).splitlines()[0],
                limit="text without U+0000, whole numbers of 64 bits",
                remedy="Correct the value.",
            )
        return BadFilterError(
            "The database cannot work this filter out.",
            value=str(cause).splitlines()[0],
            remedy="Check the sizes of the numbers and the geometry in the filter.",
        )
    return StoreBrokenError(
        "The database does not answer as it should.",
        value=type(cause).__name__,
        limit="PostgreSQL with PostGIS",
        remedy="Check that it runs, that PostGIS is installed, and the user's rights.",
    )
