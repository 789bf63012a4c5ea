"""The application as a whole: settings, links, browsers of other origins."""

from __future__ import annotations

import logging
import subprocess
import sys

import pytest
from pydantic import ValidationError

from api.app import create_app
from api.settings import Settings, describe_settings, unknown_names
from app_client import AppClient

LANDING = {"accept": "application/json"}


def hrefs(client, **headers):
    return [link["href"] for link in client.json("/", headers=LANDING | headers)["links"]]


def test_importing_the_app_reads_nothing_and_opens_nothing(tmp_path, checkout):
    program = "import api.app, os; print(sorted(os.listdir()))"
    environment = {"PYTHONPATH": str(checkout), "ONEMAP_PORT": "no number"}
    run = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert run.stdout.strip() == "[]", run.stderr


def test_links_follow_the_host_that_was_asked(store):
    client = AppClient(create_app(Settings(), store), "http://map.jiaozhou.example:8080")
    assert all(href.startswith("http://map.jiaozhou.example:8080/") for href in hrefs(client))


def test_a_host_that_is_no_host_is_not_echoed(client):
    assert not any("evil" in href for href in hrefs(client, host='evil"><script>'))


def test_the_public_address_stands_above_everything(store):
    client = AppClient(create_app(Settings(public_url="https://city.example/map/"), store))
    assert all(href.startswith("https://city.example/map/") for href in hrefs(client))


@pytest.mark.parametrize(
    "headers",
    [
        {"forwarded": 'for=10.0.0.1;host="city.example";proto=https, for=10.0.0.2'},
        {"x-forwarded-host": "city.example", "x-forwarded-proto": "https"},
    ],
)
def test_a_proxy_is_believed_only_when_the_operator_says_so(store, headers):
    trusting = AppClient(create_app(Settings(trust_forwarded=True), store))
    assert all(href.startswith("https://city.example/") for href in hrefs(trusting, **headers))
    wary = AppClient(create_app(Settings(), store))
    assert all(href.startswith("http://onemap.test/") for href in hrefs(wary, **headers))


def test_other_origins_may_read_and_not_write(client):
    origin = {"origin": "http://elsewhere.example"}
    answer = client.get("/collections/lamps/items?limit=1", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "Content-Crs" in answer.headers["access-control-expose-headers"]
    asked = origin | {"access-control-request-method": "DELETE"}
    assert client.request("OPTIONS", "/collections/lamps/items/lamp-1", headers=asked).status_code == 400


def test_origins_can_be_shut_out(store):
    client = AppClient(create_app(Settings(cors_origins=[]), store))
    assert "access-control-allow-origin" not in client.get("/", headers={"origin": "http://elsewhere.example"}).headers


def test_pages_ask_nothing_of_other_hosts(client):
    import re

    for path in ("/", "/docs", "/collections/lamps", "/collections/lamps/items", "/collections/lamps/items/lamp-1"):
        answer = client.get(path, headers={"accept": "text/html"})
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        fetched = re.findall(r'(?:src|href)="(http[^"]*)"', answer.text)
        assert all(address.startswith("http://onemap.test") for address in fetched)


def test_large_answers_are_compressed_when_the_operator_wants_it(store):
    client = AppClient(create_app(Settings(compress_min_kb=1), store))
    url = "/collections/lamps/items?limit=25"
    packed = client.get(url, headers={"accept-encoding": "gzip"})
    plain = client.get(url, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json()["features"] == plain.json()["features"]
    small = client.get("/collections/lamps/items?limit=1&properties=&f=json", headers={"accept-encoding": "gzip"})
    assert small.json()["numberReturned"] == 1


def test_a_mistyped_setting_is_reported(store, monkeypatch, caplog):
    assert unknown_names({"ONEMAP_PROT": "1", "ONEMAP_PORT": "1", "onemap_host": "x", "PATH": "y"}) == ("ONEMAP_PROT",)
    monkeypatch.setenv("ONEMAP_PROT", "8000")
    with caplog.at_level(logging.WARNING):
        create_app(Settings(), store)
    assert "ONEMAP_PROT" in caplog.text


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("ONEMAP_PORT", "9001")
    monkeypatch.setenv("ONEMAP_CORS_ORIGINS", '["https://a.example"]')
    settings = Settings()
    assert (settings.port, settings.cors_origins) == (9001, ["https://a.example"])


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "none"), ("PUBLIC_URL", "city.example"), ("LOG_LEVEL", "loud"), ("LIMIT_MAX", "0")]
)
def test_a_setting_that_cannot_be_is_refused(monkeypatch, name, value):
    monkeypatch.setenv("ONEMAP_" + name, value)
    with pytest.raises(ValidationError):
        Settings()


def test_every_setting_is_described():
    for variable, _, description in describe_settings():
        assert description.endswith("."), variable


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("map", False)]
)
def test_only_loopback_counts_as_private(host, loopback):
    assert Settings(host=host).is_loopback is loopback
