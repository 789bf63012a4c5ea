"""Real, openly published files end up as pixels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from map_page import MapPage
from server_process import ServerProcess

OpenMap = Callable[..., MapPage]

FILES = {
    "townships": ("admin/jiaozhou-townships-osm.geojson", {}),
    "parcels": ("vector/cambridge-parcels-2014.topojson", {"crs": "EPSG:4326"}),
    "boulder": ("vector/boulder-buildings.zip", {}),
}


@pytest.fixture(scope="module")
def real_server(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Iterator[ServerProcess]:
    """A server that has taken the four files over HTTP."""
    server = ServerProcess(tmp_path_factory.mktemp("real"))
    try:
        fill(server, shared_data)
        yield server
    finally:
        server.stop()


def fill(server: ServerProcess, shared_data: Path) -> None:
    """Register the files as layers."""
    with httpx.Client(base_url=server.url, timeout=120, trust_env=False) as client:
        for layer_id, (name, more) in FILES.items():
            manifest = {
                "id": layer_id,
                "title": {"zh": layer_id, "en": layer_id},
                "department": "tests",
                "owner": "as published",
                "licence": "as published",
                "style": {"kind": "fill", "color": "#2f6f9f", "outline": "#123a56", "min_zoom": 9},
                **more,
            }
            with (shared_data / name).open("rb") as file:
                answer = client.post(
                    "/layers", data={"manifest": json.dumps(manifest)}, files={"file": (Path(name).name, file)}
                )
            assert answer.status_code == httpx.codes.CREATED, answer.text[:2000]
        answer = client.post(
            "/layers/osm",
            params={"prefix": "andorra"},
            content=(shared_data / "vector/andorra.osm.pbf").read_bytes(),
            headers={"content-type": "application/octet-stream"},
        )
        assert answer.status_code == httpx.codes.CREATED, answer.text[:2000]


@pytest.mark.parametrize(
    ("layers", "at"),
    [
        ("townships", "119.95,36.25,9.2"),
        ("parcels", "-71.11,42.374,14.6"),
        ("boulder", "-105.2637,39.9939,15"),
        ("andorra-roads,andorra-water,andorra-landuse,andorra-buildings,andorra-places", "1.52,42.508,14"),
    ],
)
def test_a_real_file_shows_pixels(open_map: OpenMap, real_server: ServerProcess, layers: str, at: str) -> None:
    shown = open_map(f"at={at}&layers={layers}&embed=1", server=real_server, width=800, height=560)
    picture = shown.picture()
    shown.evaluate("() => { window.onemap.view.visible.clear(); window.onemap.map.refresh(); }")
    assert shown.layer_ids == []
    assert shown.different_pixels(picture, shown.picture()) > 20_000
    assert shown.outside_requests == []
    assert shown.complaints == []


def test_a_click_on_a_real_township_gives_its_record(open_map: OpenMap, real_server: ServerProcess) -> None:
    township: dict[str, Any] = httpx.get(
        f"{real_server.url}/collections/townships/items?limit=1", trust_env=False, timeout=30
    ).json()["features"][0]
    shown = open_map(f"at=119.95,36.25,10&layers=townships&feature=townships/{township['id']}", server=real_server)
    shown.wait("card")
    shown.wait("selected")
    values = [str(value) for value in township["properties"].values() if isinstance(value, str) and value]
    text = shown.page.inner_text("#card")
    assert any(value in text for value in values)
