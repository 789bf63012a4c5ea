"""schemathesis reads our OpenAPI document and tries every operation with values good and bad: nothing may end in a 5xx."""

from __future__ import annotations

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.generation import GenerationMode

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from lamp_layer import with_lamps
from raster_files import slope, write_raster
from tiles.raster.book import RasterBook
from tiles.raster.cog import RasterWish, import_raster
from twin.store import open_store
from twin.text import LocalText

EXAMPLES = 8
EXAMPLES_OF_ITEMS = 60
KNOWN = {
    "collectionId": "lamps",
    "collection_id": "lamps",
    "layerId": "lamps",
    "styleId": "lamps",
    "ids": "lamps",
    "featureId": "lamp-1",
    "tms": "WebMercatorQuad",
    "relationId": "1",
    "release": "2026.10",
    "processId": "line-of-sight",
    "rasterId": "dem",
}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    folder = tmp_path_factory.mktemp("schemathesis")
    store = with_lamps(open_store(folder / "twin.gpkg"))
    settings = Settings(data_dir=folder)
    wish = RasterWish("dem", "2026", LocalText("高程", "Heights"))
    import_raster(RasterBook(store, settings.raster_dir), write_raster(folder / "dem.tif", slope(60, 60)), wish)
    client = AppClient(create_app(settings, store))
    lamps = {side: {"layer": "lamps", "id": f"lamp-{number}"} for side, number in (("from", 2), ("to", 3))}
    client.request("POST", "/relations", json={"type": "monitors", **lamps})
    made = client.request("POST", "/basemap/releases", json={"name": "2026.10", "layers": ["lamps"]})
    assert made.status_code == 201, made.text
    yield client
    store.close()


# Streams without an end: tests/api/test_scenes.py listens to them.
ENDLESS = {"/changes"}


def operations():
    """(method, path) of every operation, known at collection time without a store that anybody else uses."""
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "twin.gpkg")
        document = AppClient(create_app(Settings(), store)).json("/api")
        store.close()
    return [
        (method.upper(), path)
        for path, item in document["paths"].items()
        for method in item
        if method in ("get", "put", "post", "patch", "delete") and path not in ENDLESS
    ]


def written(case, base_url):
    """The request as bytes; None where httpx itself refuses to write it."""
    arguments = case.as_transport_kwargs(base_url=base_url)
    arguments.pop("cookies", None)
    if isinstance(arguments.get("data"), bytes | str):
        arguments["content"] = arguments.pop("data")
    try:
        request = httpx.Request(arguments.pop("method"), arguments.pop("url"), **arguments)
        request.read()
    except (httpx.InvalidURL, httpx.LocalProtocolError, UnicodeEncodeError, AttributeError, TypeError):
        return None
    return request


@pytest.mark.parametrize(("method", "path"), operations())
def test_no_operation_ends_in_a_server_error(client, method, path):
    schema = schemathesis.openapi.from_dict(client.json("/api"))
    operation = schema[path][method]

    strategy = operation.as_strategy(generation_mode=GenerationMode.POSITIVE) | operation.as_strategy(
        generation_mode=GenerationMode.NEGATIVE
    )

    @seed(20261122)
    @settings(
        max_examples=EXAMPLES_OF_ITEMS if "/items" in path and method != "DELETE" else EXAMPLES,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
        deadline=None,
    )
    @given(case=strategy)
    def attempt(case):
        for name in set(case.path_parameters or {}) & set(KNOWN):
            # Most attempts shall reach a layer that exists; nothing shall delete it under the others.
            if method != "DELETE" and len(case.path_parameters[name]) % 5:
                case.path_parameters[name] = KNOWN[name]
        request = written(case, client.base_url)
        if request is None:
            return
        answer = client.request(request.method, str(request.url), content=request.content, headers=request.headers.raw)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        declared = operation.definition.raw["responses"]
        assert str(answer.status_code) in declared, f"{answer.status_code} is not declared: {answer.text}"
        if answer.status_code >= 400:
            assert answer.headers["content-type"] == "application/problem+json"

    attempt()
