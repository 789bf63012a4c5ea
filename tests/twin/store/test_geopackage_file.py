"""The embedded store's file in the hands of others: GDAL reads it, GDAL writes it, SQLite checks its R-tree."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from street_lights import CLERK, NORTH, SPEC, with_three_lights
from twin.bounds import Bounds
from twin.errors import StoreBrokenError, StoreBusyError
from twin.feature import Feature
from twin.query import FeatureQuery
from twin.store.gpkg import GeoPackageStore
from twin.store.gpkg_functions import matches_like
from twin.store.packed_rtree import write_packed_rtree


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "twin.gpkg"


def test_ogrinfo_opens_the_file_without_a_warning(path: Path, ogrinfo: str) -> None:
    store = with_three_lights(GeoPackageStore(path))
    done = subprocess.run([ogrinfo, "-ro", "-al", str(path), SPEC.id], capture_output=True, text=True, check=True)
    store.close()
    assert "Warning" not in done.stderr
    assert "Feature Count: 3" in done.stdout
    assert "Geometry: Point" in done.stdout
    assert "Extent: (120.010000, 36.100000) - (120.050000, 36.300000)" in done.stdout
    assert "checked_at (DateTime) = 2024/05/01 08:30:00.123+00" in done.stdout
    assert "北路灯" in done.stdout
    assert 'ID["EPSG",4490]' in done.stdout


def test_only_layers_are_listed_as_feature_tables(path: Path) -> None:
    with_three_lights(GeoPackageStore(path)).close()
    spatial = [name for name, kind in pyogrio.list_layers(path) if kind is not None]
    assert spatial == [SPEC.id]


def test_a_file_with_a_past_looks_to_gdal_like_one_without(path: Path, ogrinfo: str) -> None:
    store = with_three_lights(GeoPackageStore(path))
    with store.write(SPEC.id, CLERK) as writer:
        writer.replace(replace(NORTH, valid_from=datetime(2024, 5, 1, tzinfo=UTC)))
    with store.write(SPEC.id, CLERK) as writer:
        writer.delete("south")
    store.close()
    done = subprocess.run([ogrinfo, "-ro", "-al", str(path)], capture_output=True, text=True, check=True)
    assert "Warning" not in done.stderr
    assert "Feature Count: 2" in done.stdout
    assert "history" not in done.stdout
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT rtreecheck(?)", (f"rtree_{SPEC.id}__history_geom",)).fetchone() == ("ok",)
        assert file.execute(f'SELECT count(*) FROM "rtree_{SPEC.id}__history_geom"').fetchone() == (3,)


def test_a_row_that_gdal_adds_is_found_by_the_index(path: Path) -> None:
    if shutil.which("ogrinfo") is None:
        pytest.skip("gdal-bin is not installed")
    store = with_three_lights(GeoPackageStore(path))
    insert = (
        f'INSERT INTO "{SPEC.id}" (fid, geom, om_id, om_version, name) '
        "VALUES (900, AsGPB(ST_GeomFromText('POINT(119.9 36.2)', 4490)), 'from-gdal', 1, 'GDAL')"
    )
    subprocess.run(["ogrinfo", "-q", str(path), "-sql", insert], capture_output=True, text=True, check=True)
    found = store.select(SPEC.id, FeatureQuery(bounds=Bounds(119.89, 36.19, 119.91, 36.21)))
    store.close()
    assert list(found.ids) == ["from-gdal"]


def test_a_file_that_is_no_geopackage_is_refused_by_name(tmp_path: Path) -> None:
    other = tmp_path / "notes.gpkg"
    other.write_bytes(b"this is not a database, and quite long enough to be one " * 40)
    with pytest.raises(StoreBrokenError, match=r"notes\.gpkg"):
        GeoPackageStore(other)


def test_a_second_writer_is_told_to_wait(path: Path) -> None:
    first, second = GeoPackageStore(path), GeoPackageStore(path, wait_s=0.05)
    with_three_lights(first)

    def write_beside() -> None:
        with first.write(SPEC.id, CLERK) as writer:
            writer.insert(Feature(None, None, {}))
            with second.write(SPEC.id, CLERK):
                pass

    with pytest.raises(StoreBusyError, match="under way"):
        write_beside()
    assert second.version(SPEC.id) == 1, "the interrupted write is undone, readers were never held back"
    first.close()
    second.close()


def test_the_file_declares_heights_only_when_there_are_some(path: Path) -> None:
    store = with_three_lights(GeoPackageStore(path))

    def z() -> int:
        with sqlite3.connect(path) as connection:
            return int(connection.execute("SELECT z FROM gpkg_geometry_columns").fetchone()[0])

    assert z() == 0
    with store.write(SPEC.id, CLERK) as writer:
        writer.insert(Feature("high", shapely.Point(120, 36, 12), {}))
    store.close()
    assert z() == 2
    assert NORTH.id == "north"


# Coordinates as data has them: to a ten-millionth of a degree.
DEGREES = st.integers(-1_800_000_000, 1_800_000_000).map(lambda n: n / 1e7)
BOXES = hnp.arrays(np.float64, st.tuples(st.integers(1, 400), st.just(4)), elements=DEGREES).map(
    lambda a: np.column_stack([np.minimum(a[:, :2], a[:, 2:]), np.maximum(a[:, :2], a[:, 2:])])
)


@settings(max_examples=40, deadline=None)
@given(boxes=BOXES, probe=st.tuples(*[DEGREES] * 4))
def test_a_packed_tree_is_one_that_sqlite_could_have_made(boxes: np.ndarray, probe: tuple[float, ...]) -> None:
    connection = sqlite3.connect(":memory:")
    for name in ("packed", "grown"):
        connection.execute(f"CREATE VIRTUAL TABLE {name} USING rtree(id, minx, maxx, miny, maxy)")
    ids = np.arange(10, 10 + len(boxes), dtype=np.int64)
    write_packed_rtree(connection, "packed", ids, boxes)
    connection.executemany(
        "INSERT INTO grown VALUES (?, ?, ?, ?, ?)",
        [(int(i), b[0], b[2], b[1], b[3]) for i, b in zip(ids, boxes, strict=True)],
    )
    assert connection.execute("SELECT rtreecheck('packed')").fetchone() == ("ok",)
    window = (max(probe[0], probe[2]), min(probe[0], probe[2]), max(probe[1], probe[3]), min(probe[1], probe[3]))
    question = "SELECT id FROM {} WHERE minx <= ? AND maxx >= ? AND miny <= ? AND maxy >= ? ORDER BY id"
    packed, grown = (set(connection.execute(question.format(t), window)) for t in ("packed", "grown"))
    # SQLite rounds outward more generously than needed; nothing true may be missing.
    true = {
        (int(i),)
        for i, b in zip(ids, boxes, strict=True)
        if b[0] <= window[0] and b[2] >= window[1] and b[1] <= window[2] and b[3] >= window[3]
    }
    assert true <= packed <= grown
    connection.execute("INSERT INTO packed VALUES (1, 0, 1, 0, 1)")
    connection.execute("DELETE FROM packed WHERE id = 10")
    assert connection.execute("SELECT rtreecheck('packed')").fetchone() == ("ok",)
    connection.close()


@pytest.mark.parametrize(
    ("text", "pattern", "matches"),
    [
        ("路灯", "路%", True),
        ("路灯", "路", False),
        ("abcabc", "%abc", True),
        ("ab", "abab%", False),
        ("aXc", "a_c", True),
        ("50%", r"50\%", True),
        ("505", r"50\%", False),
        ("a\nb", "a%b", True),
        ("aa", "a%a%a", False),
        ("", "%", True),
        ("a" * 5000, "%a" * 60 + "%b", False),
    ],
)
def test_like_patterns(text: str, pattern: str, matches: bool) -> None:
    assert matches_like(text, pattern) is matches
