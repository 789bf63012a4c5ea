"""The Python client against a real server."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pytest

import twin
from server_process import ServerProcess
from twin.client import Town
from twin.client_view import camera
from twin.errors import (
    BadBoundsError,
    BadFilterError,
    BadManifestError,
    DuplicateLayerError,
    NotFound,
    Unavailable,
    UnknownLayerError,
    UnknownPropertyError,
)

MANIFEST: dict[str, Any] = {
    "id": "lamps",
    "title": {"zh": "路灯", "en": "Lamps"},
    "department": "works",
    "department_title": {"zh": "市政", "en": "Works"},
    "owner": "o",
    "licence": "l",
    "geometry_type": "Point",
    "schema": [
        {"name": "name", "type": "string"},
        {"name": "n", "type": "integer"},
        {"name": "height_m", "type": "number", "unit": "m"},
        {"name": "lit", "type": "boolean"},
        {"name": "built", "type": "date"},
        {"name": "seen", "type": "datetime"},
    ],
}
ROWS = 25


def write_lamps(path: Path) -> Path:
    features = [
        {
            "type": "Feature",
            "id": f"L{i}",
            "geometry": None if i == 24 else {"type": "Point", "coordinates": [120 + i / 100, 36.2]},
            "properties": {
                "name": f"灯<{i}>",
                "n": None if i == 3 else i,
                "height_m": i / 2,
                "lit": None if i == 3 else i % 2 == 0,
                "built": f"2020-01-{i + 1:02d}",
                "seen": None if i == 3 else f"2024-05-01T08:00:{i:02d}Z",
            },
        }
        for i in range(ROWS)
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    server = ServerProcess(folder / "data")
    try:
        with twin.connect(server.url, actor="王工") as opened:
            opened.register(MANIFEST, write_lamps(folder / "lamps.geojson"))
            yield opened
    finally:
        server.stop()


def test_the_layers_are_a_mapping_that_shows_itself(town: Town):
    layers = town.layers
    assert list(layers) == ["lamps"]
    assert layers["lamps"].feature_count == ROWS
    assert layers["lamps"].schema.property("height_m").unit == "m"
    assert layers["lamps"].bounds == pytest.approx((120.0, 36.2, 120.23, 36.2))
    assert layers.city["code"] == "370281"
    assert "路灯 · Lamps" in repr(layers)
    assert "<td" in layers._repr_html_()
    assert "1 layers" in repr(town)


@pytest.mark.parametrize("limit", [None, ROWS])
def test_a_layer_reads_as_a_typed_frame_by_either_way(town: Town, limit: int | None):
    frame = town.read("lamps", limit=limit)
    assert isinstance(frame, geopandas.GeoDataFrame)
    assert frame.crs.to_epsg() == 4490
    assert (len(frame), frame.index.name, frame.index[7]) == (ROWS, "id", "L7")
    assert [str(frame[name].dtype) for name in ("n", "height_m", "lit", "built", "seen")] == [
        "Int64",
        "float64",
        "boolean",
        "datetime64[s]",
        "datetime64[ms, UTC]",
    ]
    row = frame.loc["L7"]
    assert (row["name"], row["n"], row["height_m"], bool(row["lit"])) == ("灯<7>", 7, 3.5, False)
    assert row["built"].date() == date(2020, 1, 8)
    assert row["seen"] == datetime(2024, 5, 1, 8, 0, 7, tzinfo=UTC)
    assert (row.geometry.x, row.geometry.y) == pytest.approx((120.07, 36.2))
    assert frame.loc["L3", ["n", "lit", "seen"]].isna().all()
    assert frame.loc["L24"].geometry is None


def test_pages_are_followed_to_the_end(town: Town, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("twin.client.PAGE_ROWS", 4)
    frame = town.read("lamps", limit=19)
    assert list(frame.index) == [f"L{i}" for i in range(19)]


@pytest.mark.parametrize("limit", [None, 100])
def test_window_filter_and_columns_narrow_the_frame(town: Town, limit: int | None):
    frame = town.read("lamps", bbox=(120.045, 36, 120.105, 37), filter="n > 6", properties=["n"], limit=limit)
    assert list(frame.index) == ["L7", "L8", "L9", "L10"]
    assert list(frame.columns) == ["n", "geometry"]
    other = town.read("lamps", filter={"op": "=", "args": [{"property": "name"}, "灯<5>"]}, limit=limit)
    assert list(other.index) == ["L5"]


def test_an_empty_answer_is_an_empty_typed_frame(town: Town):
    for limit in (None, 10):
        frame = town.read("lamps", filter="n > 1000", limit=limit)
        assert len(frame) == 0
        assert str(frame["n"].dtype) == "Int64"
        assert frame.crs.to_epsg() == 4490


def test_another_crs_comes_east_first(town: Town):
    frame = town.read("lamps", crs="EPSG:4549", limit=1)
    assert frame.crs.to_epsg() == 4549
    assert frame.geometry.iloc[0].x == pytest.approx(500_000.0, abs=0.01)


def test_the_bounds_of_a_frame_are_a_window(town: Town):
    bounds = town.read("lamps", limit=3).total_bounds
    assert isinstance(bounds, np.ndarray)
    assert len(town.read("lamps", bbox=bounds)) == 3


def test_what_the_server_refuses_is_an_error_of_the_house(town: Town):
    with pytest.raises(BadFilterError):
        town.read("lamps", filter="n >")
    with pytest.raises(UnknownPropertyError, match="height"):
        town.read("lamps", properties=["height"])
    with pytest.raises(UnknownLayerError) as unknown:
        town.read("lights")
    assert unknown.value.limit == "lamps"
    with pytest.raises(BadBoundsError):
        town.read("lamps", bbox=(1, 2, 3))
    with pytest.raises(DuplicateLayerError):
        town.register(MANIFEST)
    with pytest.raises(BadManifestError) as caught:
        town.register({**MANIFEST, "id": "Bad Id", "owner": ""})
    assert {finding.where for finding in caught.value.findings} == {"/id", "/owner"}
    with pytest.raises(NotFound):
        town.register("no-such-manifest.json")


def test_a_check_and_a_new_delivery(town: Town, tmp_path: Path):
    path = write_lamps(tmp_path / "again.geojson")
    assert town.check({**MANIFEST, "id": "more"}, path)["data"]["inserted"] == ROWS
    same = town.load("lamps", path, mode="replace")
    assert (same["deleted"], same["inserted"], same["updated"]) == (0, 0, 0), (
        "a delivery that changes nothing writes nothing"
    )
    document = json.loads(path.read_text(encoding="utf-8"))
    document["features"] = document["features"][:-5]
    path.write_text(json.dumps(document), encoding="utf-8")
    fewer = town.load("lamps", path, mode="replace")
    assert (fewer["deleted"], fewer["inserted"]) == (5, 0)


def test_the_map_shows_itself_and_asks_nobody_else(town: Town):
    view = town.show(layers=["lamps"], bbox=(120.0, 36.2, 120.1, 36.3))
    shown = view._repr_html_()
    assert shown.startswith(f'<iframe src="{town.url}/view?embed=1&amp;layers=lamps&amp;at=120.050000,36.250000,')
    assert shown.count("http") == 1
    dated = town.show("lamps", datetime=date(2024, 5, 1), as_of="2024-06-01T08:00:00+08:00")
    assert dated.url.endswith("layers=lamps&datetime=2024-05-01&as_of=2024-06-01T08%3A00%3A00%2B08%3A00")
    with pytest.raises(UnknownLayerError):
        town.show("lights")


def test_a_box_fills_the_frame():
    lon, lat, zoom = camera((119.9, 36.1, 120.1, 36.3), 512, 512)
    assert (lon, lat) == pytest.approx((120.0, 36.2))
    width_px = 0.2 / 360 * 256 * 2**zoom
    assert 350 < width_px <= 512


def test_nobody_at_the_address_is_said_with_the_remedy():
    with pytest.raises(Unavailable, match="onemap demo"):
        twin.connect("http://127.0.0.1:9", timeout_s=2)


def test_importing_twin_loads_neither_http_nor_geopandas():
    code = "import sys, twin; print([m for m in ('httpx', 'geopandas', 'pandas', 'shapely') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert "connect" in dir(twin)
    with pytest.raises(AttributeError):
        _ = twin.conect  # type: ignore[attr-defined]
