"""`onemap doctor layer` and `onemap layers review`: the question and the decision on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli import run

COUNTY, BORDERS = "admin/jiaozhou-boundary-datav-gcj02.geojson", "admin/qingdao-admin-osm.geojson"


@pytest.fixture
def data(tmp_path: Path, shared_data: Path) -> str:
    folder = str(tmp_path / "data")
    districts = ["import", str(shared_data / BORDERS), "--layer", "districts", "--department", "basemap"]
    assert run([*districts, "--data", folder]) == 0
    return folder


def test_a_shifted_file_is_named_held_and_corrected(
    data: str, shared_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    county = str(shared_data / COUNTY)
    assert run(["doctor", "layer", county, "--data", data]) == 1
    said = capsys.readouterr().out
    assert "looks like GCJ-02 read as WGS 84/CGCS2000" in said
    assert "疑似将 GCJ-02 坐标" in said
    assert run(["doctor", "layer", county, "--crs", "EPSG:4490", "--json", "--data", data]) == 1
    assert json.loads(capsys.readouterr().out)["belief"]["correction"] == "GCJ-02"

    assert run(["import", county, "--layer", "county", "--data", data]) == 0
    assert "onemap layers review county --correct GCJ-02" in capsys.readouterr().out
    assert run(["export", "county", str(Path(data) / "x.geojson"), "--data", data]) == 2
    assert "held" in capsys.readouterr().err
    assert run(["layers", "review", "county", "--data", data, "--reason", "r"]) == 2
    assert "A review is one decision" in capsys.readouterr().err
    decision = ["--correct", "GCJ-02", "--reason", "a web map"]
    assert run(["layers", "review", "county", *decision, "--by", "李", "--data", data]) == 0
    assert "now published" in capsys.readouterr().out
    assert run(["doctor", "layer", "county", "--data", data]) == 0
    assert "fits" in capsys.readouterr().out
    assert run(["layers", "show", "county", "--data", data]) == 0
    assert json.loads(capsys.readouterr().out)["lineage"][-1]["by"] == "李"


def test_a_clean_layer_ends_with_zero(data: str, shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    towns = str(shared_data / "admin/jiaozhou-townships-osm.geojson")
    assert run(["doctor", "layer", towns, "--data", data]) == 0
    assert "fits the base map" in capsys.readouterr().out
    assert run(["doctor", "layer", "nobody", "--data", data]) == 2
