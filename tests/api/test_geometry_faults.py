"""Single features under the layer's setting for rings that cross themselves, and outside the city."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from api.app import create_app
from api.settings import Settings
from app_client import AppClient

MANIFEST = {"id": "plots", "title": "地块", "department": "land", "owner": "o", "licence": "l"}
BOW_TIE = {"type": "Polygon", "coordinates": [[[120, 36], [120.01, 36.01], [120.01, 36], [120, 36.01], [120, 36]]]}
SQUARE = {"type": "Polygon", "coordinates": [[[120, 36], [120.01, 36], [120.01, 36.01], [120, 36.01], [120, 36]]]}


def feature(geometry: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": {}}


@pytest.fixture
def client(tmp_path: Path) -> AppClient:
    return AppClient(create_app(Settings(data_dir=tmp_path)))


def registered(client: AppClient, **setting: str) -> str:
    body = {**MANIFEST, "geometry_type": "MultiPolygon", "schema": [], **setting}
    assert client.request("POST", "/layers", json=body).status_code == 201
    return "/collections/plots/items"


def test_a_layer_that_repairs_mends_single_features_and_says_so(client: AppClient) -> None:
    items = registered(client, geometry_faults="repair")
    made = client.request("POST", items, json=feature(BOW_TIE))
    assert made.status_code == 201
    assert made.json()["geometry"]["type"] == "MultiPolygon"
    assert "Self-intersection" in made.headers["OneMap-Repaired"]
    whole = client.request("PUT", f"{items}/1", json=feature(SQUARE))
    assert "OneMap-Repaired" not in whole.headers
    patch = {"headers": {"Content-Type": "application/merge-patch+json"}, "json": {"geometry": BOW_TIE}}
    assert "Self-intersection" in client.request("PATCH", f"{items}/1", **patch).headers["OneMap-Repaired"]


@pytest.mark.parametrize("setting", [{}, {"geometry_faults": "refuse"}])
def test_any_other_layer_refuses_them(client: AppClient, setting: dict[str, str]) -> None:
    problem = client.problem("POST", registered(client, **setting), 422, json=feature(BOW_TIE))
    assert "not valid" in problem["findings"][0]["problem"]


def test_the_setting_can_be_changed_later(client: AppClient) -> None:
    items = registered(client)
    assert client.request("PATCH", "/layers/plots", json={"geometry_faults": "repair"}).status_code == 200
    assert client.request("POST", items, json=feature(BOW_TIE)).status_code == 201


def test_a_place_outside_the_projection_is_refused(client: AppClient) -> None:
    items = registered(client)
    far = {"type": "Polygon", "coordinates": [[[4e6, 4e7], [4e6, 4.1e7], [4.1e6, 4e7], [4e6, 4e7]]]}
    headers = {"Content-Crs": "<http://www.opengis.net/def/crs/EPSG/0/4549>"}
    problem = client.problem("POST", items, 422, json=feature(far), headers=headers)
    assert "outside the area where CGCS2000" in problem["findings"][0]["problem"]


def test_a_feature_outside_the_city_is_kept_and_the_answer_says_how_far(client: AppClient) -> None:
    body = {**MANIFEST, "geometry_type": "Point", "schema": []}
    assert client.request("POST", "/layers", json=body).status_code == 201
    items, told = "/collections/plots/items", "OneMap-Outside-City"
    inside, shanghai = ({"type": "Point", "coordinates": place} for place in ([120.0, 36.2], [121.47, 31.23]))
    assert told not in client.request("POST", items, json=feature(inside)).headers
    made = client.request("POST", items, json=feature(shanghai))
    assert (made.status_code, made.json()["geometry"]) == (201, shanghai)
    metres = float(made.headers[told].removesuffix(" m"))
    assert 520_000 < metres < 560_000
    assert client.request("PUT", f"{items}/1", json=feature(shanghai)).headers[told] == made.headers[told]
    patch = {"headers": {"Content-Type": "application/merge-patch+json"}, "json": {"geometry": inside}}
    assert told not in client.request("PATCH", f"{items}/1", **patch).headers
    answers = client.json("/api")["paths"]["/collections/{collectionId}/items"]["post"]["responses"]
    assert told in answers["201"]["headers"]
