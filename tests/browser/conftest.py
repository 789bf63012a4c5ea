"""A small town on a real server, and a page that tells everything it does."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from map_page import MapPage
from server_process import ServerProcess
from small_town import small_town_manifests

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext


@pytest.fixture(scope="session")
def town_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with a handful of made-up layers in Jiaozhou; no test writes to it."""
    server = ServerProcess(tmp_path_factory.mktemp("town"))
    try:
        for manifest in small_town_manifests():
            answer = httpx.post(f"{server.url}/layers", json=manifest, timeout=60, trust_env=False)
            assert answer.status_code == httpx.codes.CREATED, answer.text
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module")
def browser_context(chromium: Browser) -> Iterator[BrowserContext]:
    """One profile for the tests of a module: the bundle is read and compiled once. Tests say theme and language themselves."""
    context = chromium.new_context(locale="zh-CN")
    yield context
    context.close()


@pytest.fixture
def open_map(browser_context: BrowserContext, town_server: ServerProcess) -> Iterator[Callable[..., MapPage]]:
    """A function that opens the page and waits until it is ready: `open_map("at=…", width=…, height=…)`."""
    pages: list[MapPage] = []

    def start(query: str = "", server: ServerProcess | None = None, width: int = 960, height: int = 600) -> MapPage:
        pages.append(MapPage(browser_context, (server or town_server).url, width, height))
        pages[-1].open(query)
        return pages[-1]

    yield start
    for page in pages:
        page.close()


@pytest.fixture(scope="session")
def real_file(shared_data: Path) -> Callable[[str], Path]:
    """A function that gives the path of a file below the shared data folder."""
    return lambda name: shared_data / name
