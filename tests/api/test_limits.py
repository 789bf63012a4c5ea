"""What is too long or too large is refused early, on the wire of the real server too."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from api.app import create_app
from api.settings import Settings
from app_client import AppClient

ITEMS = "/collections/lamps/items"
GEOJSON = {"content-type": "application/geo+json"}
MEBIBYTE = 1024 * 1024


@pytest.fixture
def small(store):
    return AppClient(create_app(Settings(max_body_mb=1, url_length_max=2000, filter_length_max=50), store))


def test_a_body_that_declares_too_much_is_refused(small):
    problem = small.problem("POST", ITEMS, 413, content=b" " * (MEBIBYTE + 1), headers=GEOJSON)
    assert problem["code"] == "too-large"
    assert problem["limit"] == "1 MB"


def test_a_body_that_declares_nothing_is_counted_as_it_comes(small):
    sent = []

    async def chunks():
        for _ in range(1000):
            sent.append(1)
            yield b" " * 65536

    problem = small.problem("POST", ITEMS, 413, content=chunks(), headers=GEOJSON)
    assert problem["code"] == "too-large"
    assert len(sent) <= 20


def test_a_body_of_the_allowed_size_is_read(small):
    body = b'{"type": "Feature", "geometry": null, "properties": {"name": "x"}' + b" " * (MEBIBYTE - 100) + b"}"
    assert small.request("POST", ITEMS, content=body, headers=GEOJSON).status_code == 201


@pytest.mark.parametrize("path", ["/layers", "/scenes"])
def test_files_have_a_limit_of_their_own(store, path):
    app = AppClient(create_app(Settings(max_body_mb=1, max_upload_mb=3), store))
    form = {"content-type": "multipart/form-data; boundary=x"}
    sent = app.request("POST", path, content=b"--x\r\n\r\n" + b" " * 2 * MEBIBYTE + b"\r\n--x--\r\n", headers=form)
    assert 400 <= sent.status_code < 500
    assert sent.status_code != 413
    assert app.problem("POST", path, 413, content=b" " * 4 * MEBIBYTE, headers=form)["limit"] == "3 MB"


def test_an_address_that_is_too_long_is_refused(small):
    assert small.problem("GET", ITEMS + "?filter=" + "a" * 2100, 414)["code"] == "address-too-long"


def test_a_filter_that_is_too_long_is_refused(small):
    problem = small.problem("GET", ITEMS + "?filter=" + "lamps=1 OR " * 10 + "lamps=2", 400)
    assert (problem["code"], problem["limit"]) == ("bad-filter", "50 characters")


def test_the_real_server_refuses_without_reading_it_all(running_server):
    server = running_server(env={"ONEMAP_MAX_BODY_MB": "1"})
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as connection:
        head = f"POST {ITEMS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/geo+json\r\nContent-Length: 900000000000\r\n\r\n"
        connection.sendall(head.encode())
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"too-large"' in answer
