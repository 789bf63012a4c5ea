"""The first notebook, executed by a kernel of its own against a real server whose answer is known."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
import shapely
from nbclient import NotebookClient

import twin
from server_process import ServerProcess

NOTEBOOK = "notebooks/01-first-look.ipynb"
WEST, EAST = shapely.box(120.0, 36.2, 120.1, 36.3), shapely.box(120.1, 36.2, 120.2, 36.3)
DISTRICTS = [
    ("1", WEST.union(EAST), {"name": "示例市", "name_en": "Sample city", "kind": "city", "level": 6}),
    ("2", WEST, {"name": "西镇", "name_en": "West", "kind": "town", "level": 8}),
    ("3", EAST, {"name": "东镇", "name_en": "East", "kind": "town", "level": 8}),
]
# Two damaged in the east, one in the west, one in no town; whole ones everywhere.
FACILITIES = [
    (str(n), shapely.Point(lon, 36.25), {"code": str(n), "name": "路灯", "status": status})
    for n, (lon, status) in enumerate(
        [
            (120.15, "damaged"),
            (120.16, "damaged"),
            (120.17, "ok"),
            (120.05, "damaged"),
            (120.06, "missing"),
            (120.5, "damaged"),
        ]
    )
]


def write_features(path: Path, rows: list[tuple[str, shapely.Geometry, dict[str, Any]]]) -> Path:
    features = [
        {"type": "Feature", "id": id_, "geometry": shapely.geometry.mapping(place), "properties": {"id": id_, **values}}
        for id_, place, values in rows
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


@pytest.fixture
def town_url(running_server: Callable[..., ServerProcess], tmp_path: Path, checkout: Path) -> str:
    url = running_server().url
    with twin.connect(url) as town:
        folder = checkout / "layers"
        districts = folder / "basemap" / "districts.json"
        facilities = json.loads((folder / "departments" / "municipal-works" / "facilities.json").read_text("utf-8"))
        for entry in facilities["schema"]:
            entry["required"] = False
        town.register(districts, write_features(tmp_path / "districts.geojson", DISTRICTS))
        town.register(facilities, write_features(tmp_path / "facilities.geojson", FACILITIES))
        town.register(folder / "basemap" / "roads.json")
    return url


def outputs_of(notebook: Any) -> list[dict[str, str]]:
    return [output["data"] for cell in notebook.cells for output in cell.get("outputs", ()) if "data" in output]


def test_the_first_look_answers_its_question(
    town_url: str, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("ONEMAP_URL", town_url)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    notebook = nbformat.read(checkout / NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(checkout)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    outputs = outputs_of(notebook)
    assert "'4 of 6 components are damaged; 2 towns'" in [output["text/plain"] for output in outputs]
    assert outputs[-1]["text/plain"] == "'东镇 (East): 2 damaged components; 1 lie in no town'"
    frame = next(output["text/html"] for output in outputs if "<iframe" in output.get("text/html", ""))
    assert set(re.findall(r"https?://[^/\"&]+", frame)) == {town_url}


def test_notebooks_are_kept_without_outputs(checkout: Path):
    paths = sorted((checkout / "notebooks").glob("*.ipynb"))
    assert paths
    for path in paths:
        for cell in nbformat.read(path, as_version=4).cells:
            assert not cell.get("outputs"), path.name
            assert cell.get("execution_count") is None, path.name


def test_every_notebook_is_in_the_readme(checkout: Path):
    readme = (checkout / "notebooks" / "README.md").read_text(encoding="utf-8")
    for path in (checkout / "notebooks").glob("*.ipynb"):
        assert path.name in readme
