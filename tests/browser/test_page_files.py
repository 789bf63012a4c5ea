"""The files of the page over HTTP: compressed, revalidated, and nothing beside them."""

from __future__ import annotations

import gzip
import json
import re
from typing import Any

import httpx
import pytest

from api.viewer.assets import BUNDLE, STATIC
from server_process import ServerProcess


def get(server: ServerProcess, path: str, **more: Any) -> httpx.Response:
    return httpx.get(f"{server.url}{path}", timeout=30, trust_env=False, **more)


def test_the_bundle_is_the_one_in_the_installed_wheel(town_server: ServerProcess) -> None:
    with httpx.stream("GET", f"{town_server.url}/view/deck.js?v=1", trust_env=False) as answer:
        packed = b"".join(answer.iter_raw())
        headers = answer.headers
    assert gzip.decompress(packed) == BUNDLE.read_bytes()
    assert len(packed) < BUNDLE.stat().st_size / 3
    assert "immutable" in headers["cache-control"]
    again = get(town_server, "/view/deck.js", headers={"If-None-Match": headers["etag"]})
    assert again.status_code == httpx.codes.NOT_MODIFIED


def test_every_own_file_is_served_as_it_is(town_server: ServerProcess) -> None:
    for path in STATIC.iterdir():
        answer = get(town_server, f"/view/static/{path.name}")
        assert answer.content == path.read_bytes()
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_every_word_that_the_page_says_is_there_in_both_languages() -> None:
    tables = "".join((STATIC / name).read_text("utf-8") for name in ("words.js", "analysis-words.js"))
    words = dict(re.findall(r"^  (\w+): (\[.*\]),$", tables, re.MULTILINE))
    assert all(len(json.loads(pair)) == 2 and all(json.loads(pair)) for pair in words.values())
    scripts = [path.read_text("utf-8") for path in STATIC.glob("*.js")]
    page = (STATIC.parent / "page.html").read_text("utf-8")
    said = {key for text in scripts for key in re.findall(r'\bsay\("(\w+)"', text)}
    said |= set(re.findall(r'data-i18n(?:-label|-placeholder)?="(\w+)"', page))
    assert said <= set(words)


@pytest.mark.parametrize("path", ["../page.html", "..%2fassets.py", "%2e%2e/%2e%2e/app.py", "nothing.js", ""])
def test_nothing_outside_the_folder_is_served(town_server: ServerProcess, path: str) -> None:
    answer = get(town_server, f"/view/static/{path}")
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "query",
    [
        "theme=pink",
        "view=4d",
        "at=1,2",
        "at=200,0,3",
        "at=a,b,c",
        "opacity=a:2",
        "colour=red",
        "as_of=v3",
        "as_of=soon",
        "datetime=1",
    ],
)
def test_a_choice_that_cannot_be_is_refused_in_words(town_server: ServerProcess, query: str) -> None:
    answer = get(town_server, f"/view/spec?{query}")
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert answer.json()["remedy"]


def test_the_spec_follows_the_choices(town_server: ServerProcess) -> None:
    spec = get(town_server, "/view/spec?theme=dark&view=3d&layers=blocks&opacity=blocks:0.5&at=120,36,14,30,10").json()
    assert spec["initialViewState"]["pitch"] == 30
    drawn = {layer["id"]: layer for layer in spec["layers"]}
    assert [layer_id for layer_id, layer in drawn.items() if layer["visible"]] == ["blocks"]
    assert drawn["blocks"]["opacity"] == 0.5
    assert drawn["blocks"]["extruded"] is True
    assert "://" not in json.dumps(spec)


def test_styles_for_maplibre_clients_point_at_this_server(town_server: ServerProcess) -> None:
    fused = get(town_server, "/styles/onemap").json()
    assert set(fused["sources"]) == {"blocks", "streets", "places", "lamps", "zones"}
    tiles = fused["sources"]["lamps"]["tiles"][0]
    assert tiles.startswith(f"{town_server.url}/tiles/lamps/")
    single = get(town_server, "/styles/zones?theme=dark").json()
    assert single["layers"][-1]["layout"]["visibility"] == "visible"
    assert get(town_server, "/styles/no-such-layer").status_code == httpx.codes.NOT_FOUND
    assert get(town_server, "/styles/onemap?theme=pink").status_code == httpx.codes.BAD_REQUEST
