"""Held layers over HTTP: shown by no output, and a person's way to a decision."""

from __future__ import annotations

import asyncio
import json
import math
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shapely

from api.app import create_app
from api.change_stream import ChangeStream
from api.settings import Settings
from app_client import AppClient
from layers.importing import ImportOptions, import_file
from layers.manifest import parse_manifest
from layers.policy import Actor, ReadOnlyPolicy
from twin.client_reviews import decision_document
from twin.query import FeatureQuery
from twin.store import open_store
from twin.store.port import Store

MANIFEST = {
    "id": "county",
    "title": {"zh": "县界", "en": "County"},
    "department": "works",
    "owner": "o",
    "licence": "l",
}
NAME = "胶州秘密县界"
OUTPUTS = [
    "/collections/county",
    "/collections/county/items",
    *(f"/collections/county/items?f={form}" for form in ("html", "csv", "fgb", "parquet", "gpkg")),
    "/collections/county/items/1",
    "/collections/county/queryables",
    "/collections/county/sortables",
    "/collections/county/schema",
    "/collections/county/tilejson.json",
    "/collections/county/tiles",
    "/collections/county/tiles/WebMercatorQuad/10/401/853",
    "/tiles/county/10/853/401.mvt",
    "/tiles/districts,county/10/853/401.mvt",
    "/tiles/WebMercatorQuad/10/401/853?collections=county",
    "/styles/county",
]


@pytest.fixture
def store(tmp_path: Path, shared_data: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "s.gpkg")
    districts = parse_manifest({**MANIFEST, "id": "districts", "department": "basemap"})
    path = shared_data / "admin/qingdao-admin-osm.geojson"
    import_file(opened, path, ImportOptions("districts", manifest=districts))
    yield opened
    opened.close()


@pytest.fixture
def client(store: Store, tmp_path: Path) -> AppClient:
    return AppClient(create_app(Settings(data_dir=tmp_path), store=store))


@pytest.fixture
def datav(shared_data: Path) -> bytes:
    return (shared_data / "admin/jiaozhou-boundary-datav-gcj02.geojson").read_bytes()


def register(client: AppClient, data: bytes, path: str = "/layers") -> Any:
    parts = {"manifest": (None, json.dumps(MANIFEST), "application/json"), "file": ("county.geojson", data)}
    return client.request("POST", path, files=parts)


def test_a_held_layer_is_in_no_output_until_somebody_decides(client: AppClient, datav: bytes) -> None:
    answer = register(client, datav)
    assert answer.status_code == 201
    document = answer.json()
    assert (document["state"], document["import"]["state"]) == ("held", "held")
    assert document["import"]["belief"]["correction"] == "GCJ-02"
    for address in OUTPUTS:
        problem = client.problem("GET", address, 404)
        assert problem["code"] == "held-layer", address
        assert "looks like GCJ-02 read as WGS 84/CGCS2000" in problem["detail"]
        assert "/layers/county/review" in problem["remedy"]
    assert [c["id"] for c in client.json("/collections")["collections"]] == ["districts"]
    assert "county" not in json.dumps(client.json("/styles/onemap"))
    assert "county" not in client.get("/view").text
    assert "county" not in client.get("/").text
    body = {"type": "Feature", "geometry": None, "properties": {}}
    assert client.problem("POST", "/collections/county/items", 404, json=body)["code"] == "held-layer"

    listed = {layer["id"]: layer for layer in client.json("/layers")["layers"]}
    assert (listed["county"]["state"], listed["districts"]["state"]) == ("held", "published")
    shown = client.json("/layers/county")
    assert shown["standing"]["belief"]["text"]["zh"].startswith("疑似将 GCJ-02 坐标")

    decision = {"decision": "correct", "correction": "GCJ-02", "reason": "DataV 的边界"}
    done = client.request("POST", "/layers/county/review", json=decision, headers={"X-OneMap-Actor": "%E6%9D%8E"})
    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["version"]) == ("published", 2)
    entry = done.json()["lineage"][-1]
    assert (entry["by"], entry["reason"]) == ("李", "DataV 的边界")
    assert "corrected (GCJ-02) by 李" in done.json()["lineage_statement"]["en"]
    for address in OUTPUTS:
        assert client.get(address).status_code in {200, 204}, address
    assert "GCJ-02" in client.json("/collections/county")["lineage"]


def test_who_listens_to_changes_hears_of_a_layer_from_its_publication_on(
    store: Store, tmp_path: Path, datav: bytes
) -> None:
    app = create_app(Settings(data_dir=tmp_path), store=store)
    client = AppClient(app)

    async def heard(write: Callable[[], Any], patience_s: float) -> bytes | None:
        stream = ChangeStream(app.state.scenes.desk).events(Actor("reader"))
        await anext(stream)
        await asyncio.to_thread(write)
        try:
            async with asyncio.timeout(patience_s):
                return await anext(stream)
        except TimeoutError:
            return None

    def accept() -> None:
        decision = {"decision": "correct", "correction": "GCJ-02", "reason": "r"}
        assert client.request("POST", "/layers/county/review", json=decision).status_code == 200

    assert asyncio.run(heard(lambda: register(client, datav), 1.0)) is None
    assert b'"layer":"county"' in (asyncio.run(heard(accept, 30)) or b"")


def test_a_reviewer_sees_both_sides_before_deciding(client: AppClient, store: Store, datav: bytes) -> None:
    register(client, datav)
    seen = client.json("/layers/county/preview")
    assert (seen["sampled"], seen["count"]) == (1, 1)
    delivered, corrected = (
        shapely.geometry.shape(seen[side]["features"][0]["geometry"]) for side in ("delivered", "corrected")
    )
    plain = shapely.from_geojson(datav).geoms[0]
    assert delivered.hausdorff_distance(plain) < 0.0001
    east_m = (delivered.centroid.x - corrected.centroid.x) * 111_320 * math.cos(math.radians(delivered.centroid.y))
    assert 300 < east_m < 700, "GCJ-02 lies half a kilometre east here"
    districts = client.json("/layers/districts/preview")
    assert districts["corrected"] is None, "nothing is suggested for a layer that fits"
    assert 0 < districts["sampled"] <= districts["count"]
    assert client.get("/layers/nobody/preview").status_code == 404
    strangers = AppClient(create_app(Settings(), store=store, policy=ReadOnlyPolicy()))
    assert strangers.get("/layers/county/preview").status_code == 403


def test_a_suspicious_delivery_is_refused_with_the_belief_and_the_way_out(
    client: AppClient, shared_data: Path, datav: bytes
) -> None:
    register(client, (shared_data / "admin/jiaozhou-boundary-osm.geojson").read_bytes())
    address = "/layers/county/data?filename=county.geojson"
    problem = client.problem("PUT", address, 422, content=datav)
    assert problem["code"] == "suspicious-datum"
    assert "crs=GCJ-02" in problem["remedy"]
    assert client.json("/layers/county")["version"] == 1
    assert client.problem("PUT", f"{address}&datum_check=accept", 400, content=datav)["code"] == "bad-parameter"
    assert client.problem("PUT", f"{address}&datum_check=maybe", 400, content=datav)["code"] == "bad-parameter"
    taken = client.request("PUT", f"{address}&datum_check=accept&reason=drawn+so", content=datav)
    assert taken.status_code == 200
    assert client.json("/layers/county")["lineage"][-1]["accepted_because"] == "drawn so"


def test_a_check_reports_the_belief_and_writes_nothing(client: AppClient, datav: bytes) -> None:
    report = register(client, datav, "/layers/check").json()
    assert report["data"]["belief"]["hypothesis"] == "gcj-02"
    advice = next(entry for entry in report["advice"] if entry["where"] == "coordinates")
    assert "held until a person decides" in advice["problem"]
    assert client.get("/layers/county").status_code == 404


def test_the_doctor_says_what_is_believed_of_a_layer_as_it_stands(client: AppClient, datav: bytes) -> None:
    register(client, datav)
    said = client.json("/layers/county/doctor")
    assert (said["state"], said["belief"]["verdict"]) == ("held", "suspicious")
    assert said["belief"]["compared_with"] == ["districts"]
    assert client.json("/layers/districts/doctor")["belief"]["verdict"] == "unknown", "nobody is their own witness"
    assert client.get("/layers/nobody/doctor").status_code == 404


def test_a_decision_that_is_none_is_refused(client: AppClient, datav: bytes) -> None:
    register(client, datav)
    for body in ({}, {"decision": "accept"}, {"decision": "correct", "reason": "r"}, {"decision": "x", "reason": "r"}):
        assert client.request("POST", "/layers/county/review", json=body).status_code == 400
    legacy = {"decision": "correct", "correction": "EPSG:4610", "reason": "r"}
    assert client.problem("POST", "/layers/county/review", 422, json=legacy)["code"] == "ballpark-transform"
    assert (
        client.request("POST", "/layers/nobody/review", json={"decision": "accept", "reason": "r"}).status_code == 404
    )
    assert client.json("/layers/county")["state"] == "held"


def test_only_who_may_review_decides(store: Store, tmp_path: Path) -> None:
    closed = AppClient(create_app(Settings(data_dir=tmp_path), store=store, policy=ReadOnlyPolicy()))
    body = {"decision": "accept", "reason": "r"}
    assert closed.problem("POST", "/layers/districts/review", 403, json=body)["code"] == "refused-by-policy"


def test_a_manifest_cannot_bring_its_own_standing(client: AppClient) -> None:
    body = {**MANIFEST, "geometry_type": "Point", "schema": [], "standing": {"state": "published"}}
    assert client.request("POST", "/layers", json=body).status_code == 422


@pytest.mark.parametrize(
    ("given", "document"),
    [
        ((None, "GCJ-02", None), {"decision": "correct", "correction": "GCJ-02", "reason": "r"}),
        ((None, None, (1, 2)), {"decision": "correct", "correction": {"shift_m": [1.0, 2.0]}, "reason": "r"}),
        (("reject", None, None), {"decision": "reject", "reason": "r"}),
        ((None, None, None), {"decision": "accept", "reason": "r"}),
    ],
)
def test_the_client_writes_decisions(given: Any, document: dict[str, Any]) -> None:
    assert decision_document(*given, "r") == document


def every_get(client: AppClient, shown: str) -> list[str]:
    """Every GET of the OpenAPI document, its path filled in for the held layer; and what queries ask beside it."""
    values = {
        "collectionId": "county",
        "layerId": "county",
        "featureId": "1",
        "version": "1",
        "tileMatrix": "10",
        "tileRow": "401",
        "tileCol": "853",
        "z": "10",
        "x": "853",
        "y": "401",
    }
    addresses = []
    for path, operations in client.json("/api")["paths"].items():
        if (
            "get" not in operations or path == "/changes"
        ):  # that one never ends; what it keeps to itself is tested beside it
            continue
        sets = ("WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad") if "tileMatrixSetId" in path else ("",)
        for matrices in sets:
            filled = path.replace("{tileMatrixSetId}", matrices)
            addresses.append(re.sub(r"\{(\w+)[^}]*\}", lambda name: values.get(name[1], "county"), filled))
    held = [address for address in addresses if "county" in address]
    times = ("datetime=2026-01-01", "as_of=2100-01-01T00:00:00Z", "as_of=1")
    lon, lat = 120.0, 36.28
    return [
        *addresses,
        *(f"{address}?{time}" for address in held for time in times),
        *(f"/collections/county/items?f={form}" for form in ("html", "csv", "fgb", "parquet", "gpkg", "json")),
        *(f"/tiles/WebMercatorQuad/10/401/853?collections={ids}" for ids in ("county", f"{shown},county")),
        *(f"/places?q={shown}", f"/places?q={NAME}", f"/places/at?lon={lon}&lat={lat}", f"/codes?lon={lon}&lat={lat}"),
        *("/relations?layer=county&feature=1", "/view/spec?layers=county", f"/view?layers={shown},county", "/basemap"),
    ]


def test_no_address_gives_away_what_a_held_layer_holds(client: AppClient, store: Store, datav: bytes) -> None:
    document = json.loads(datav)
    document["features"][0]["properties"] = {"name": NAME}
    register(client, json.dumps(document, ensure_ascii=False).encode())
    (geometry,) = store.select("county", FeatureQuery()).geometries
    corners = shapely.get_coordinates(geometry)[:200]
    secrets = [NAME.encode(), *(f"{lon:.5f}".rstrip("0")[:9].encode() for lon, _ in corners)]
    secrets += [struct.pack("<2d", *corner) for corner in corners]
    reviewers = {"/layers/county/preview"}
    addresses = every_get(client, "districts")
    assert len(addresses) > 80
    leaks, answered = [], 0
    for address in dict.fromkeys(addresses):
        answer = client.get(address)
        assert answer.status_code < 500, address
        answered += answer.status_code == 200
        if address not in reviewers and any(secret in answer.content for secret in secrets):
            leaks.append(address)
    assert leaks == []
    assert answered > 20
    seen = client.get("/layers/county/preview").content
    assert any(secret in seen for secret in secrets), "the search finds what is there: reviewers do see it"
