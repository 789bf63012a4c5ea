"""The registry over HTTP."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from layers.policy import ReadOnlyPolicy
from twin.store import open_store
from twin.store.port import Store

MANIFEST: dict[str, Any] = {
    "id": "lamps",
    "title": {"zh": "路灯", "en": "Lamps"},
    "department": "works",
    "owner": "o",
    "licence": "l",
    "geometry_type": "Point",
    "schema": [{"name": "code", "type": "string"}, {"name": "n", "type": "integer"}],
    "id_property": "code",
}


class Caller(AppClient):
    """The verbs this page of tests uses."""

    def post(self, url: str, **options: Any) -> httpx.Response:
        return self.request("POST", url, **options)

    def put(self, url: str, **options: Any) -> httpx.Response:
        return self.request("PUT", url, **options)

    def patch(self, url: str, **options: Any) -> httpx.Response:
        return self.request("PATCH", url, **options)

    def delete(self, url: str) -> httpx.Response:
        return self.request("DELETE", url)


def collection(*places: tuple[float, float]) -> bytes:
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": place},
            "properties": {"code": f"L{n}", "n": n},
        }
        for n, place in enumerate(places)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()


GOOD = collection((120.1, 36.2), (120.2, 36.3))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, max_upload_mb=1, source_hosts=["127.0.0.1"])


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    opened = open_store(settings.store_location)
    yield opened
    opened.close()


@pytest.fixture
def client(settings: Settings, store: Store) -> Caller:
    return Caller(create_app(settings, store))


def register(client: Caller, content: bytes, name: str = "lamps.geojson", **changes: Any) -> Any:
    parts = {"manifest": (None, json.dumps({**MANIFEST, **changes}), "application/json"), "file": (name, content)}
    return client.post("/layers", files=parts, headers={"X-OneMap-Actor": "wang"})


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert document["code"] == code
    return document


def test_a_manifest_alone_makes_an_empty_layer(client: Caller):
    answer = client.post("/layers", json=MANIFEST)
    assert answer.status_code == 201
    assert answer.headers["location"].endswith("/layers/lamps")
    assert answer.json()["import"] is None
    assert client.get("/layers/lamps").json()["feature_count"] == 0


def test_a_form_makes_a_layer_with_its_data(client: Caller, store: Store):
    answer = register(client, GOOD)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert (document["feature_count"], document["version"], document["import"]["inserted"]) == (2, 1, 2)
    assert document["bounds"] == [120.1, 36.2, 120.2, 36.3]
    assert store.changesets("lamps")[0].author.name == "wang"
    assert client.get("/collections/lamps/items/L1").json()["properties"]["n"] == 1


def test_the_list_holds_layers_and_city(client: Caller):
    register(client, GOOD)
    document = client.get("/layers").json()
    assert [layer["id"] for layer in document["layers"]] == ["lamps"]
    assert document["layers"][0]["schema"][1]["type"] == "integer"
    assert document["city"]["name"]["en"] == "Jiaozhou"
    assert set(document["city"]["home"]) == {"lon", "lat", "zoom"}


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        (collection((36.2, 120.1)), "a.geojson", "bad-feature"),
        (GOOD[:-20], "a.geojson", "unreadable-file"),
        (b"", "a.geojson", "unreadable-file"),
        (b"\x00" * 64, "a.gpkg", "unreadable-file"),
        (b"PK\x03\x04broken", "a.zip", "unsafe-archive"),
        (b"code,x,y\nL1,500000,4012345\n", "a.csv", "missing-crs"),
    ],
)
def test_a_bad_file_leaves_no_layer(client: Caller, store: Store, content: bytes, name: str, code: str):
    answer = register(client, content, name)
    assert answer.status_code == 422, answer.text
    assert answer.json()["code"] in (code, "unreadable-file")
    assert store.layers() == []


def test_a_zip_bomb_is_a_problem_and_leaves_no_layer(client: Caller, store: Store):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", b"0" * 300_000_000)
    assert len(packed.getvalue()) < 500_000
    answer = register(client, packed.getvalue(), "a.zip")
    assert answer.status_code in (413, 422)
    assert answer.json()["code"] in ("unsafe-archive", "too-large")
    assert store.layers() == []


def test_an_archive_that_climbs_out_is_a_problem(client: Caller, store: Store, tmp_path: Path):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../../escaped.geojson", GOOD)
    problem(register(client, packed.getvalue(), "a.zip"), 422, "unsafe-archive")
    assert store.layers() == []
    assert not list(tmp_path.rglob("escaped.geojson"))


@pytest.mark.parametrize(
    "name", ["../../evil.geojson", "a\x00b.geojson", "x" * 3000 + ".geojson", "数据.geojson", "nodots"]
)
def test_a_strange_file_name_harms_nothing(client: Caller, tmp_path: Path, name: str):
    answer = register(client, GOOD, name)
    assert answer.status_code in (201, 400), answer.text
    assert not list(tmp_path.parent.rglob("evil.geojson"))


def test_a_body_above_the_limit_is_refused(client: Caller, store: Store):
    document = problem(register(client, b" " * 1_100_000), 413, "too-large")
    assert document["limit"] in ("1 MB", "1,048,576 bytes")
    assert store.layers() == []


def test_a_body_above_the_limit_without_a_length_is_refused_while_it_streams(client: Caller):
    client.post("/layers", json=MANIFEST)

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield b" " * 65_536

    answer = client.put("/layers/lamps/data", content=chunks(), headers={"Content-Type": "application/geo+json"})
    problem(answer, 413, "too-large")


def test_a_taken_id_is_a_conflict(client: Caller):
    register(client, GOOD)
    document = problem(register(client, GOOD), 409, "duplicate-layer")
    assert "PUT /layers/lamps/data" in document["remedy"]


def test_all_faults_of_a_manifest_come_at_once(client: Caller):
    answer = client.post("/layers", json={**MANIFEST, "id": "Bad Id", "owner": "", "order": "x", "licence": None})
    document = problem(answer, 422, "bad-manifest")
    assert {finding["where"] for finding in document["findings"]} == {"/id", "/owner", "/order", "/licence"}
    assert all(finding["remedy"] and finding["problem"] for finding in document["findings"])


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"{", "application/json", 400, "malformed-body"),
        (b"[]", "application/json", 400, "malformed-body"),
        (b'{"a": "\\ud800"}', "application/json", 400, "malformed-body"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "application/json", 400, "malformed-body"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "application/json", 400, "malformed-body"),
        (b"<x/>", "text/xml", 415, "unsupported-media-type"),
        (b"", "multipart/form-data", 400, "malformed-body"),
        (b"--x\r\n", "multipart/form-data; boundary=x", 400, "malformed-body"),
        (b"garbage", "multipart/form-data; boundary=x", 400, "malformed-body"),
        (b"--x--\r\n", "multipart/form-data; boundary=x", 400, "malformed-body"),
    ],
)
def test_a_body_that_is_no_registration_is_refused(
    client: Caller, content: bytes, media_type: str, status: int, code: str
):
    problem(client.post("/layers", content=content, headers={"Content-Type": media_type}), status, code)


def test_a_registration_without_a_manifest_says_so(client: Caller):
    assert (
        "manifest"
        in problem(client.post("/layers", files={"file": ("a.geojson", GOOD)}), 400, "malformed-body")["detail"]
    )


def test_data_are_put_as_a_bare_body_and_updated_by_id(client: Caller):
    register(client, GOOD)
    more = collection((120.1, 36.2), (120.5, 36.3), (120.3, 36.1))
    report = client.put("/layers/lamps/data", content=more, headers={"Content-Type": "application/geo+json"}).json()
    assert (report["inserted"], report["updated"], report["unchanged"], report["version"]) == (1, 1, 1, 2)
    csv = b"code,n,lon,lat\nL9,9,120.4,36.4\n"
    replaced = client.put("/layers/lamps/data?mode=replace&filename=x.csv", content=csv).json()
    assert (replaced["inserted"], replaced["deleted"], replaced["crs"]) == (1, 3, "EPSG:4490")
    assert client.get("/layers/lamps").json()["feature_count"] == 1


def test_data_are_posted_as_a_form_too(client: Caller):
    client.post("/layers", json=MANIFEST)
    assert client.post("/layers/lamps/data", files={"file": ("a.geojson", GOOD)}).json()["inserted"] == 2


@pytest.mark.parametrize("query", ["?mode=append", "?repair=maybe", "?colour=red", "?mode=upsert&mode=replace"])
def test_a_parameter_that_cannot_be_read_is_a_bad_call(client: Caller, query: str):
    client.post("/layers", json=MANIFEST)
    answer = client.put(f"/layers/lamps/data{query}", content=GOOD, headers={"Content-Type": "application/geo+json"})
    assert answer.status_code == 400
    assert answer.json()["code"] in ("bad-parameter", "unknown-parameter")


def test_data_for_an_unknown_layer_are_not_found(client: Caller):
    problem(client.put("/layers/none/data?filename=a.geojson", content=GOOD), 404, "unknown-layer")


def test_an_empty_body_is_no_file(client: Caller):
    client.post("/layers", json=MANIFEST)
    problem(client.put("/layers/lamps/data?filename=a.geojson"), 400, "malformed-body")


def test_a_patch_changes_the_description_only(client: Caller):
    register(client, GOOD)
    changed = client.patch("/layers/lamps", json={"title": {"en": "Street lamps"}, "visible": False}).json()
    assert (changed["title"], changed["visible"], changed["version"]) == (
        {"zh": "路灯", "en": "Street lamps"},
        False,
        1,
    )
    document = problem(client.patch("/layers/lamps", json={"schema": [], "id": "x"}), 422, "bad-manifest")
    assert {finding["where"] for finding in document["findings"]} == {"/schema", "/id"}
    problem(client.patch("/layers/none", json={}), 404, "unknown-layer")


def test_a_deep_patch_is_refused(client: Caller):
    register(client, GOOD)
    deep = b'{"style":' * 900 + b"1" + b"}" * 900
    problem(client.patch("/layers/lamps", content=deep), 400, "malformed-body")


def test_half_characters_in_a_file_end_in_a_report_and_not_in_an_error(client: Caller):
    client.post("/layers", json=MANIFEST)
    rows = [("\ud800", 1), ("a", "\udfff"), ("b\x00", 2), ("c", 3)]
    features = [{"type": "Feature", "geometry": None, "properties": {"code": code, "n": n}} for code, n in rows]
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    report = client.put("/layers/lamps/data?filename=a.geojson", content=content).json()
    assert (report["inserted"], report["rejected"]) == (1, 3)


def test_a_deleted_layer_is_gone_from_everywhere(client: Caller):
    register(client, GOOD)
    assert client.delete("/layers/lamps").status_code == 204
    problem(client.get("/layers/lamps"), 404, "unknown-layer")
    problem(client.get("/collections/lamps/items"), 404, "unknown-layer")
    problem(client.delete("/layers/lamps"), 404, "unknown-layer")


def test_a_check_tells_what_would_happen(client: Caller, store: Store):
    parts = {
        "manifest": json.dumps(MANIFEST),
    }
    answer = client.post("/layers/check", data=parts, files={"file": ("a.geojson", GOOD)})
    document = answer.json()
    assert (document["ok"], document["data"]["inserted"], document["data"]["dry_run"]) == (True, 2, True)
    bad = client.post("/layers/check", json={**MANIFEST, "owner": ""}).json()
    assert (bad["ok"], bad["findings"][0]["where"]) == (False, "/owner")
    assert store.layers() == []


def test_a_check_of_data_counts_updates_and_new_rows(client: Caller, store: Store):
    register(client, GOOD)
    more = collection((120.1, 36.2), (120.5, 36.3), (120.3, 36.1))
    document = client.post("/layers/lamps/check?filename=a.geojson", content=more).json()
    assert (document["data"]["inserted"], document["data"]["updated"]) == (1, 2)
    assert store.version("lamps") == 1


def test_a_refresh_of_a_layer_without_a_live_source_says_so(client: Caller):
    register(client, GOOD)
    assert "PUT /layers/lamps/data" in problem(client.post("/layers/lamps/refresh"), 422, "bad-manifest")["remedy"]


def test_an_inbox_file_is_read_and_what_lies_outside_is_not(client: Caller, tmp_path: Path):
    (tmp_path / "inbox").mkdir()
    (tmp_path / "inbox" / "lamps.geojson").write_bytes(GOOD)
    made = client.post("/layers", json={**MANIFEST, "source": {"type": "inbox", "path": "lamps.geojson"}})
    assert made.json()["feature_count"] == 2
    outside = {**MANIFEST, "id": "more", "source": {"type": "inbox", "path": "../onemap.gpkg"}}
    document = problem(client.post("/layers", json=outside), 422, "bad-manifest")
    assert document["findings"][0]["where"] == "/source/path"


def test_a_host_outside_the_list_is_refused(client: Caller):
    source = {"type": "ogc-features", "url": "http://example.invalid/collections/a"}
    document = problem(client.post("/layers", json={**MANIFEST, "source": source}), 422, "bad-manifest")
    assert "ONEMAP_SOURCE_HOSTS" in document["remedy"]


def test_an_osm_extract_becomes_several_layers(tmp_path: Path, store: Store, shared_data: Path):
    settings = Settings(data_dir=tmp_path, max_upload_mb=50)
    content = (shared_data / "vector" / "andorra.osm.pbf").read_bytes()
    client = Caller(create_app(settings, store))
    answer = client.post("/layers/osm?prefix=andorra", content=content)
    assert answer.status_code == 201, answer.text
    assert {report["layer_id"] for report in answer.json()["imports"]} >= {"andorra-roads", "andorra-buildings"}
    problem(client.post("/layers/osm?prefix=andorra", content=b"nonsense"), 422, "unreadable-file")
    problem(client.post("/layers/osm?prefix=A!", content=content), 400, "bad-call")


def test_a_read_only_server_refuses_every_write(settings: Settings, store: Store):
    client = Caller(create_app(settings, store, ReadOnlyPolicy()))
    problem(register(client, GOOD), 403, "refused-by-policy")
    problem(client.delete("/layers/lamps"), 403, "refused-by-policy")
    problem(client.patch("/layers/lamps", json={}), 403, "refused-by-policy")
    assert client.get("/layers").json()["layers"] == []


def test_layers_survive_a_restart(settings: Settings):
    first = create_app(settings)
    assert register(Caller(first), GOOD).status_code == 201
    first.state.parts.store.close()
    client = Caller(create_app(settings))
    assert client.get("/layers/lamps").json()["feature_count"] == 2
