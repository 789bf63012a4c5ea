"""The tables that make a SQLite file a GeoPackage, and what they say of a layer.

Source: OGC 12-128r18: 1.1.2.1.2 (application id), 2.1 (features), F.3 (R-tree), annex D (definitions).
"""

from __future__ import annotations

import sqlite3

from twin.bounds import Bounds
from twin.crs import CGCS2000, parse_crs
from twin.schema import GeometryType
from twin.store.gpkg_dialect import rtree_name
from twin.store.tables import FID, GEOM

SRS_ID = 4490
_APPLICATION_ID = 0x47504B47  # "GPKG"
_VERSION = 10300  # 1.3.0

_TABLES = (
    """CREATE TABLE IF NOT EXISTS gpkg_spatial_ref_sys (
        srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
        organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT)""",
    """CREATE TABLE IF NOT EXISTS gpkg_contents (
        table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
        last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
        min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
        CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))""",
    """CREATE TABLE IF NOT EXISTS gpkg_geometry_columns (
        table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
        z TINYINT NOT NULL, m TINYINT NOT NULL,
        CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
        CONSTRAINT uk_gc_table_name UNIQUE (table_name),
        CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
        CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))""",
    """CREATE TABLE IF NOT EXISTS gpkg_extensions (
        table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
        CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))""",
)


def make_geopackage(connection: sqlite3.Connection) -> None:
    """Turn an empty SQLite file into a GeoPackage; does nothing to one that already is."""
    connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    for statement in _TABLES:
        connection.execute(statement)
    wgs84, cgcs2000 = (parse_crs(code).to_wkt("WKT1_GDAL") for code in ("EPSG:4326", CGCS2000))
    rows = [
        ("Undefined cartesian SRS", -1, "NONE", -1, "undefined", "undefined cartesian coordinate reference system"),
        ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinate reference system"),
        ("WGS 84 geodetic", 4326, "EPSG", 4326, wgs84, "longitude/latitude in degrees"),
        ("China Geodetic Coordinate System 2000", SRS_ID, "EPSG", 4490, cgcs2000, "longitude/latitude in degrees"),
    ]
    connection.executemany("INSERT OR IGNORE INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)", rows)


def register_attributes(connection: sqlite3.Connection, table: str) -> None:
    """List a table without geometry; readers then show only what is listed."""
    connection.execute(
        "INSERT OR IGNORE INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, 'attributes', ?)",
        (table, table),
    )


def register_features(connection: sqlite3.Connection, layer_id: str, geometry_type: GeometryType) -> None:
    """List a feature table with its geometry column."""
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, 'features', ?, ?)",
        (layer_id, layer_id, SRS_ID),
    )
    # A multi layer takes single forms too, which the standard's multi types do not: it is listed as GEOMETRY.
    single = geometry_type in {GeometryType.POINT, GeometryType.LINESTRING, GeometryType.POLYGON}
    connection.execute(
        "INSERT INTO gpkg_geometry_columns VALUES (?, ?, ?, ?, 0, 0)",
        (layer_id, GEOM, geometry_type.upper() if single else "GEOMETRY", SRS_ID),
    )
    connection.execute(
        "INSERT INTO gpkg_extensions VALUES (?, ?, 'gpkg_rtree_index', ?, 'write-only')",
        (layer_id, GEOM, "http://www.geopackage.org/spec120/#extension_rtree"),
    )


def note_heights(connection: sqlite3.Connection, layer_id: str) -> None:
    """Say that geometries of the layer may carry heights (z = 2: optional)."""
    connection.execute("UPDATE gpkg_geometry_columns SET z = 2 WHERE table_name = ?", (layer_id,))


def unregister_features(connection: sqlite3.Connection, layer_id: str) -> None:
    """Take a feature table out of the metadata tables; the table itself stays."""
    for table in ("gpkg_extensions", "gpkg_geometry_columns", "gpkg_contents"):
        connection.execute(f"DELETE FROM {table} WHERE table_name = ?", (layer_id,))


def note_change(connection: sqlite3.Connection, layer_id: str, bounds: Bounds | None, at: str) -> None:
    """Keep a layer's box and date of change in the contents table true."""
    edges = bounds.as_tuple() if bounds else (None, None, None, None)
    connection.execute(
        "UPDATE gpkg_contents SET last_change = ?, min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
        (at, *edges, layer_id),
    )


def make_rtree(connection: sqlite3.Connection, layer_id: str) -> None:
    """The layer's R-tree, empty, without its triggers."""
    connection.execute(f'CREATE VIRTUAL TABLE "{rtree_name(layer_id)}" USING rtree(id, minx, maxx, miny, maxy)')


def make_rtree_triggers(connection: sqlite3.Connection, layer_id: str) -> None:
    """The triggers that keep the R-tree beside the table, whoever writes (this program, QGIS, GDAL)."""
    for statement in _rtree_triggers(layer_id):
        connection.execute(statement)


def drop_rtree(connection: sqlite3.Connection, layer_id: str) -> None:
    """Remove a layer's spatial index."""
    connection.execute(f'DROP TABLE IF EXISTS "{rtree_name(layer_id)}"')


def _rtree_triggers(t: str) -> list[str]:
    r, c, i = rtree_name(t), GEOM, FID
    box = f'NEW."{i}", ST_MinX(NEW."{c}"), ST_MaxX(NEW."{c}"), ST_MinY(NEW."{c}"), ST_MaxY(NEW."{c}")'
    new_known = f'(NEW."{c}" NOTNULL AND NOT ST_IsEmpty(NEW."{c}"))'
    new_unknown = f'(NEW."{c}" ISNULL OR ST_IsEmpty(NEW."{c}"))'
    forget, remember = f'DELETE FROM "{r}" WHERE id', f'INSERT OR REPLACE INTO "{r}" VALUES ({box})'
    moved, same = f'OLD."{i}" != NEW."{i}"', f'OLD."{i}" = NEW."{i}"'
    triggers = (
        ("insert", "AFTER INSERT", new_known, remember),
        ("update1", f'AFTER UPDATE OF "{c}"', f"{same} AND {new_known}", remember),
        ("update2", f'AFTER UPDATE OF "{c}"', f"{same} AND {new_unknown}", f'{forget} = OLD."{i}"'),
        ("update3", "AFTER UPDATE", f"{moved} AND {new_known}", f'{forget} = OLD."{i}"; {remember}'),
        ("update4", "AFTER UPDATE", f"{moved} AND {new_unknown}", f'{forget} IN (OLD."{i}", NEW."{i}")'),
        ("delete", "AFTER DELETE", f'OLD."{c}" NOT NULL', f'{forget} = OLD."{i}"'),
    )
    return [
        f'CREATE TRIGGER "{r}_{name}" {event} ON "{t}" WHEN {condition} BEGIN {action}; END'
        for name, event, condition, action in triggers
    ]
