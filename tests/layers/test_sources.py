"""Typed sources: inline, the inbox, another server; what leads outside is refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from layers.fetch_limits import FetchLimits
from layers.manifest import parse_manifest
from layers.ogc_features import fetch_features, items_address
from layers.policy import Actor
from layers.registry import Registry
from layers.sources import SourceSettings, find_in_inbox, materialised
from twin.errors import BadManifestError, SourceUnreachableError, TooLargeError, UnknownLayerError
from twin.query import FeatureQuery
from twin.store import open_store

ACTOR = Actor("tester")


def lamp(number: int) -> dict[str, Any]:
    place = {"type": "Point", "coordinates": [120 + number / 100, 36.2]}
    return {"type": "Feature", "id": f"L{number}", "geometry": place, "properties": {"n": number}}


def manifest_document(**changes: Any) -> dict[str, Any]:
    return {"id": "lamps", "title": "路灯", "department": "works", "owner": "o", "licence": "l", **changes}


class OtherServer(BaseHTTPRequestHandler):
    """Five features, two on a page; paths choose how it misbehaves."""

    features = tuple(lamp(number) for number in range(5))

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        start = int(parse_qs(parts.query).get("start", ["0"])[0])
        page: dict[str, Any] = {"type": "FeatureCollection", "features": self.features[start : start + 2]}
        if start + 2 < len(self.features):
            page["links"] = [{"rel": "next", "href": f"{parts.path}?start={start + 2}"}]
        if parts.path.startswith("/loop"):
            page["links"] = [{"rel": "next", "href": self.path}]
        if parts.path.startswith("/endless"):
            page["links"] = [{"rel": "next", "href": f"{parts.path}?start={start + 1}"}]
        if parts.path.startswith("/astray"):
            page["links"] = [{"rel": "next", "href": "http://elsewhere.invalid/items"}]
        body = b"<html>" if parts.path.startswith("/html") else json.dumps(page).encode()
        self.send_response({"/broken": 500, "/moved": 302}.get(parts.path.removesuffix("/items"), 200))
        if parts.path.startswith("/moved"):
            self.send_header("Location", "http://elsewhere.invalid/items")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def serving() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), OtherServer) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture
def other() -> Iterator[str]:
    with serving() as url:
        yield url


HOSTS = frozenset({"127.0.0.1"})


def test_inline_features_become_the_layer_and_are_not_kept_in_the_manifest(tmp_path: Path):
    registry = Registry(open_store(tmp_path / "s.gpkg"))
    features = {"type": "FeatureCollection", "features": [lamp(1), lamp(2)]}
    made = registry.register(manifest_document(source={"type": "inline", "features": features}), ACTOR)
    assert made.record.feature_count == 2
    assert made.record.document["source"] == {"type": "inline"}
    assert registry.store.get("lamps", "L2").properties["n"] == 2


def test_inline_features_that_are_no_collection_are_refused(tmp_path: Path):
    registry = Registry(open_store(tmp_path / "s.gpkg"))
    with pytest.raises(BadManifestError) as caught:
        registry.register(manifest_document(source={"type": "inline", "features": {"type": "Feature"}}), ACTOR)
    assert caught.value.findings[0].where == "/source/features"


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    (folder / "works").mkdir(parents=True)
    (folder / "works" / "lamps.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [lamp(1)]}))
    (tmp_path / "secret.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [lamp(9)]}))
    return folder


def test_a_file_of_the_inbox_becomes_the_layer_and_is_read_again_on_refresh(tmp_path: Path, inbox: Path):
    registry = Registry(open_store(tmp_path / "s.gpkg"), sources=SourceSettings(inbox=inbox))
    registry.register(manifest_document(source={"type": "inbox", "path": "works/lamps.geojson"}), ACTOR)
    (inbox / "works" / "lamps.geojson").write_text(
        json.dumps({"type": "FeatureCollection", "features": [lamp(2), lamp(3)]})
    )
    report = registry.refresh("lamps", ACTOR)
    assert (report.inserted, report.deleted) == (2, 1)
    assert sorted(registry.store.select("lamps", FeatureQuery()).ids) == ["L2", "L3"]


@pytest.mark.parametrize(
    "path",
    [
        "../secret.geojson",
        "works/../../secret.geojson",
        "/etc/passwd",
        "works\\..\\x",
        "a\x00b",
        "works",
        "none.csv",
        "link.geojson",
        "out/secret.geojson",
    ],
)
def test_nothing_outside_the_inbox_is_read(inbox: Path, path: str):
    (inbox / "link.geojson").symlink_to(inbox.parent / "secret.geojson")
    (inbox / "out").symlink_to(inbox.parent)
    with pytest.raises(BadManifestError) as caught:
        find_in_inbox(inbox, path)
    assert caught.value.findings[0].where == "/source/path"


def test_a_server_without_inbox_says_so():
    with pytest.raises(BadManifestError, match="no inbox"):
        find_in_inbox(None, "a.geojson")


def test_another_server_is_read_page_by_page(tmp_path: Path, other: str):
    target = tmp_path / "fetched.geojsonl"
    assert fetch_features(f"{other}/collections/lamps", target, HOSTS, FetchLimits()) == 5
    assert [json.loads(line)["id"] for line in target.read_text().splitlines()] == ["L0", "L1", "L2", "L3", "L4"]


def test_a_layer_of_another_server_is_registered_and_refreshed(tmp_path: Path, other: str):
    registry = Registry(open_store(tmp_path / "s.gpkg"), sources=SourceSettings(hosts=HOSTS))
    source = {"type": "ogc-features", "url": f"{other}/collections/lamps/items"}
    made = registry.register(manifest_document(source=source), ACTOR)
    assert made.record.feature_count == 5
    assert registry.refresh("lamps", ACTOR).rows == 5


@pytest.mark.parametrize("hosts", [frozenset(), frozenset({"127.0.0.2"}), frozenset({"127.0.0.1:1"})])
def test_a_host_that_is_not_allowed_is_refused(tmp_path: Path, other: str, hosts: frozenset[str]):
    with pytest.raises(BadManifestError, match="may not read"):
        fetch_features(f"{other}/collections/lamps", tmp_path / "f", hosts, FetchLimits())


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1@elsewhere.invalid/c", "http://user@127.0.0.1/c", "http://127.0.0.1:99999/c"]
)
def test_a_disguised_host_is_refused(tmp_path: Path, url: str):
    with pytest.raises(BadManifestError):
        fetch_features(url, tmp_path / "f", HOSTS, FetchLimits())


def test_a_next_link_to_another_host_is_not_followed(tmp_path: Path, other: str):
    with pytest.raises(BadManifestError, match=r"elsewhere\.invalid"):
        fetch_features(f"{other}/astray/items", tmp_path / "f", HOSTS, FetchLimits())


@pytest.mark.parametrize("path", ["/broken", "/moved", "/html"])
def test_a_server_that_answers_wrongly_is_unreachable(tmp_path: Path, other: str, path: str):
    with pytest.raises(SourceUnreachableError):
        fetch_features(other + path, tmp_path / "f", HOSTS, FetchLimits())


def test_a_server_that_is_down_is_unreachable_and_leaves_no_layer(tmp_path: Path):
    with serving() as url:
        pass
    registry = Registry(open_store(tmp_path / "s.gpkg"), sources=SourceSettings(hosts=HOSTS))
    with pytest.raises(SourceUnreachableError):
        registry.register(manifest_document(source={"type": "ogc-features", "url": url}), ACTOR)
    with pytest.raises(UnknownLayerError):
        registry.layer("lamps", ACTOR)


def test_a_next_link_in_a_circle_ends(tmp_path: Path, other: str):
    assert fetch_features(f"{other}/loop/items", tmp_path / "f", HOSTS, FetchLimits()) == 2


def test_endless_pages_and_endless_bytes_end_at_the_limits(tmp_path: Path, other: str):
    with pytest.raises(TooLargeError, match="more than may be fetched"):
        fetch_features(f"{other}/endless/items", tmp_path / "f", HOSTS, FetchLimits(max_pages=5))
    with pytest.raises(TooLargeError):
        fetch_features(f"{other}/collections/lamps", tmp_path / "f", HOSTS, FetchLimits(max_bytes=100))


def test_the_address_of_a_collection_leads_to_its_items():
    assert items_address("http://h/collections/a/") == "http://h/collections/a/items?limit=1000&f=json"
    assert items_address("http://h/collections/a/items?filter=x") == "http://h/collections/a/items?filter=x"


def test_an_upload_source_has_nothing_to_fetch():
    with materialised(parse_manifest(manifest_document()), SourceSettings()) as fetched:
        assert fetched is None
