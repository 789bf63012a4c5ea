"""Codes through the Python client, against a real server; and columns of codes for frames without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely

import twin
from coded_town import CELLS, with_codes
from scalar_codes import beidou_code, sheet_number
from twin.client import Town
from twin.codes.frame_columns import code_column, unit_grid_column
from twin.errors import BadCall, BadCodeError, MissingCRSError, NotFound, UnknownCodeError
from twin.store import open_store


@pytest.fixture
def town(running_server, tmp_path: Path) -> Iterator[Town]:
    data = tmp_path / "data"
    data.mkdir()
    store = with_codes(open_store(data / "onemap.gpkg"))
    store.close()
    with twin.connect(running_server(data_dir=data).url) as town:
        yield town


def test_codes_of_places_and_places_of_codes(town):
    found = town.codes.at(119.955, 36.255, height_m=20, at="2024-06-01")
    assert found["unit_grid"]["code"] == "370281001001001"
    assert found["divisions"]["code"] == "370281001"
    assert len(found["beidou_3d"]["codes"][-1]["code"]) == 32
    assert town.codes.geometry("370281001001001").equals(CELLS["370281001001001"])
    assert town.codes.geometry("J51G090001").bounds == (120.0, 36.25, 120.0625, 36.291666666666664)
    assert [f["properties"]["system"] for f in town.codes.read("N51J07121103")] == ["sheet", "beidou"]
    with pytest.raises(NotFound, match="No layer knows"):
        town.codes.geometry("370281400")
    with pytest.raises(UnknownCodeError):
        town.codes.geometry("hello")
    with pytest.raises(BadCodeError):
        town.codes.read("J51B003001")
    with pytest.raises(BadCall):
        town.codes.at(200, 36)


def test_areas_and_lists_are_frames(town):
    sheets = town.codes.cover(shapely.box(119.9, 36.1, 120.1, 36.3), scale="D")
    assert sheets.index.tolist() == ["J50D012012", "J51D012001"]
    assert sheets.crs == "EPSG:4490"
    assert town.codes.cover(CELLS["370281001001001"], system="division")["title"].tolist() == ["胶州市", "阜安街道"]
    assert len(town.codes.cover(shapely.Point(0, 0), level=10)) == 1
    classes = town.codes.classes(edition="47678.5-2026", kind="component")
    assert classes.loc[classes["code"] == "01037", "name"].tolist() == ["路灯"]
    with pytest.raises(BadCall):
        town.codes.cover(shapely.box(119, 36, 121, 37), level=8)


def test_a_frame_gets_a_column_of_codes_whatever_its_crs():
    rng = np.random.default_rng(7)
    lon, lat = rng.uniform(119.7, 120.2, 200), rng.uniform(36.1, 36.4, 200)
    places = [*geopandas.points_from_xy(lon, lat)]
    frame = geopandas.GeoDataFrame({"n": range(200)}, geometry=places, crs="EPSG:4490", index=range(1000, 1200))
    codes = code_column(frame, "beidou", level=5)
    assert codes.index.equals(frame.index)
    assert codes.tolist() == [beidou_code(x, y, 5) for x, y in zip(lon, lat, strict=True)]
    moved = frame.to_crs("EPSG:4549")
    assert code_column(moved, "sheet", scale="G").tolist() == [
        sheet_number(x, y, "G") for x, y in zip(lon, lat, strict=True)
    ]
    assert code_column(frame.set_geometry([*places[:199], None])).tolist()[-1] == ""
    squares = frame.set_geometry(list(shapely.buffer(places, 1e-6)), crs=frame.crs)
    assert (code_column(squares, level=4) == code_column(frame, level=4)).mean() > 0.99
    with pytest.raises(MissingCRSError):
        code_column(frame.set_crs(None, allow_override=True))
    with pytest.raises(BadCodeError):
        code_column(frame, "division")


def test_a_frame_of_cells_is_numbered_in_its_communities_whatever_its_crs():
    cells = [
        shapely.box(120 + x / 100, 36.3 - y / 100, 120.01 + x / 100, 36.31 - y / 100)
        for y in range(2)
        for x in range(3)
    ]
    frame = geopandas.GeoDataFrame(geometry=cells, crs="EPSG:4490", index=list("abcdef"))
    communities = ["370281001001"] * 3 + ["370281001002"] * 3
    expected = {
        name: f"{community}{n % 3 + 1:03d}"
        for n, (name, community) in enumerate(zip("abcdef", communities, strict=True))
    }
    assert unit_grid_column(frame, communities).to_dict() == expected
    assert unit_grid_column(frame.to_crs("EPSG:4549"), communities).to_dict() == expected
    with pytest.raises(MissingCRSError):
        unit_grid_column(frame.set_crs(None, allow_override=True), communities)
