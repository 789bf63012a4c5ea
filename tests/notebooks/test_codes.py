"""The notebook about codes, executed by a kernel of its own against a real server whose answer is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import shapely
from nbclient import NotebookClient

import twin
from coded_town import with_codes
from server_process import ServerProcess
from twin.store import open_store

NOTEBOOK = "notebooks/02-codes.ipynb"
# One parcel across 120° E that ends on the edges of sheets of 1:10 000 to the north and south, one to the west of it, one far away.
PARCELS = {
    "1": shapely.box(119.995, 36.25, 120.005, 36.255),
    "2": shapely.box(119.9901, 36.26, 119.9951, 36.262),
    "3": shapely.box(119.91, 36.26, 119.92, 36.27),
}


@pytest.fixture
def town_url(running_server: Callable[..., ServerProcess], tmp_path: Path, checkout: Path) -> str:
    data = tmp_path / "data"
    data.mkdir()
    with_codes(open_store(data / "onemap.gpkg")).close()
    url = running_server(data_dir=data).url
    features = [
        {
            "type": "Feature",
            "id": id_,
            "geometry": shapely.geometry.mapping(shape),
            "properties": {"id": id_, "kind": "other"},
        }
        for id_, shape in PARCELS.items()
    ]
    file = tmp_path / "landuse.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    with twin.connect(url) as town:
        town.register(checkout / "layers" / "basemap" / "landuse.json", file)
        town.register(checkout / "layers" / "basemap" / "roads.json")
    return url


def test_the_notebook_answers_its_question(town_url, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ONEMAP_URL", town_url)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    notebook = nbformat.read(checkout / NOTEBOOK, as_version=4)
    resources = {"metadata": {"path": str(checkout)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources).execute()
    answers = [o["data"]["text/plain"] for cell in notebook.cells for o in cell.get("outputs", ()) if "data" in o]
    assert answers[0] == "'2 parcels near 120° E, 1 across it'"
    assert "胶州市 / 阜安街道" in answers[1]
    assert "'1:10000': ['J50G090096', 'J51G090001']" in answers[2]
    # 36″ × 18″: 5 + 5 columns of 4″ on the two sides of 120° E; in halves of 2″ 18 × 9, of which 32 squares of four are whole.
    assert answers[3] == "'50 cells of level 5 in the zones N50J and N51J; level 6: 162 cells, or 66 of mixed levels'"
    assert answers[-1] == "'J50G090096 and J51G090001 cover the parcel; the server and this notebook agree: True'"
