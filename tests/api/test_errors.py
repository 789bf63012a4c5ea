"""Every failure has one shape, and a 5xx keeps its reason to the log."""

from __future__ import annotations

import inspect
import logging

import orjson
import pytest
from fastapi import FastAPI

import api.errors
import twin.errors
from api.app import create_app
from api.errors import STATUS, problem_of, status_of
from api.settings import Settings
from app_client import AppClient
from twin.errors import Finding, OneMapError, StoreBrokenError, VersionConflictError
from twin.store import open_store


def leaves():
    found = [cls for module in (twin.errors, api.errors) for _, cls in inspect.getmembers(module, inspect.isclass)]
    return sorted({cls for cls in found if issubclass(cls, OneMapError) and cls is not OneMapError}, key=str)


@pytest.mark.parametrize("family", leaves(), ids=lambda cls: cls.__name__)
def test_every_expected_error_has_a_status_of_its_own_family(family):
    status = status_of(family("x"))
    assert 400 <= status < 600
    assert status != 500


def test_codes_are_unique():
    codes = [cls.code for cls in leaves()]
    assert len(set(codes)) == len(codes)


def test_a_class_stands_above_its_base_in_the_table():
    families = [family for family, _ in STATUS]
    for place, family in enumerate(families):
        assert not any(issubclass(family, earlier) for earlier in families[:place])


def test_a_bad_call_says_value_limit_remedy_and_findings():
    error = VersionConflictError(
        "Changed.", value=b"x" * 500, limit="v3", remedy="Read again.", findings=(Finding("/a", "1", "bad", "mend"),)
    )
    body = orjson.loads(problem_of(error).body)
    assert (body["status"], body["code"], body["detail"]) == (412, "version-conflict", "Changed.")
    assert (body["limit"], body["remedy"]) == ("v3", "Read again.")
    assert len(body["value"]) == 200
    assert body["findings"] == [{"where": "/a", "value": "1", "problem": "bad", "remedy": "mend"}]


def test_a_value_with_a_lone_surrogate_can_be_told():
    assert orjson.loads(problem_of(twin.errors.BadCall("x", value="\ud800")).body)["value"] == "?"


def test_a_broken_store_is_503_and_its_reason_stays_in_the_log(caplog):
    with caplog.at_level(logging.ERROR):
        answer = problem_of(StoreBrokenError("disk /dev/secret is on fire"))
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert b"secret" not in answer.body
    assert "secret" in caplog.text


@pytest.fixture
def server_without_disk(tmp_path):
    """A function that gives a client of a server whose disk went away after it had started, with the error it meets."""
    stores = []

    def start(error):
        store = open_store(tmp_path / "town.gpkg")
        stores.append(store)
        app = create_app(Settings(), store)

        def gone(*_):
            raise error

        store.reading = store.version = gone
        return AppClient(app)

    yield start
    for store in stores:
        store.close()


@pytest.mark.parametrize("path", ["/collections", "/collections/a/items", "/collections/a/items/1"])
@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("password=hunter2"), 500), (StoreBrokenError("hunter2"), 503)]
)
def test_an_unexpected_failure_tells_nothing(path, error, status, caplog, server_without_disk):
    answer = server_without_disk(error).get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert "hunter2" not in answer.text
    assert "hunter2" in caplog.text


def test_health_says_when_the_store_is_down(client, server_without_disk):
    down = server_without_disk(StoreBrokenError("x")).get("/health")
    assert (down.status_code, down.json()["status"]) == (503, "store-down")
    up = client.get("/health")
    assert (up.status_code, up.json()["status"], up.json()["layers"]) == (200, "ok", 1)


def test_frameworks_own_refusals_have_the_same_shape(client):
    assert client.problem("GET", "/nowhere", 404)["code"] == "not-found"
    problem = client.problem("PUT", "/collections", 405)
    assert problem["code"] == "method-not-allowed"
    assert client.request("PUT", "/collections").headers["allow"] == "GET"


def test_declared_parameters_that_cannot_be_read_are_bad_calls_and_bodies_are_bad_data():
    app = FastAPI()
    api.errors.install_error_handlers(app)

    @app.get("/number")
    def number(n: int) -> int:
        return n

    @app.post("/body")
    def body(b: dict[str, int]) -> dict[str, int]:
        return b

    client = AppClient(app)
    assert client.problem("GET", "/number?n=x", 400)["findings"][0]["where"] == "query/n"
    assert client.problem("POST", "/body", 422, json={"a": "x"})["findings"][0]["where"] == "body/a"
    malformed = client.problem("POST", "/body", 400, content=b"{", headers={"content-type": "application/json"})
    assert malformed["code"] == "malformed-body"
