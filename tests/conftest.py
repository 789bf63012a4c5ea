"""What every test may ask for. Services live in tests/services; each is skipped loudly where it is not installed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import hypothesis
import pytest

from gltf_validator import gltf_checker
from javascript_decoder import JavaScriptDecoder, running_decoder
from loud_skips import loud_lines, skip_loudly
from postgis_cluster import PostGISCluster, running_cluster
from processes import CHECKOUT, Spawned, spawn_python
from server_process import ServerProcess
from twin.store import open_store
from twin.store.port import Store

hypothesis.settings.register_profile(
    "onemap",
    deadline=None,  # a busy machine is not a failure
    derandomize=bool(os.environ.get("CI")),
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("onemap")

# Proxies of the surroundings never stand between a test and its own loopback server.
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """End the run with what this machine could not test."""
    lines = loud_lines(str(report.longrepr) for report in terminalreporter.stats.get("skipped", []))
    if lines:
        terminalreporter.section("NOT TESTED ON THIS MACHINE", sep="!", yellow=True, bold=True)
        for line in lines:
            terminalreporter.write_line(line, yellow=True)


@pytest.fixture(scope="session")
def checkout() -> Path:
    """Root of this checkout."""
    return CHECKOUT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real, openly published files that lies beside the checkout."""
    folder = CHECKOUT.parent / "shared" / "data"
    if not folder.is_dir():
        skip_loudly("the real files", "put the folder shared/data beside the checkout")
    return folder


@pytest.fixture(scope="session")
def ogrinfo() -> str:
    """Path of GDAL's `ogrinfo`: a second opinion on files and services."""
    program = shutil.which("ogrinfo")
    if program is None:
        skip_loudly("GDAL's command line tools", "sudo apt-get install gdal-bin (or let ./onemap test do it)")
    return program


@pytest.fixture
def gltf_problems(tmp_path: Path) -> Callable[[Mapping[str, bytes]], list[str]]:
    """A function that gives what Khronos' validator finds wrong with GLB files, by name."""
    return gltf_checker(tmp_path)


@pytest.fixture(scope="session")
def javascript_decoder() -> Iterator[JavaScriptDecoder]:
    """Mapbox's JavaScript decoder of vector tiles: a second opinion on their bytes, started once for the run."""
    with running_decoder() as decoder:
        yield decoder


@pytest.fixture(scope="session")
def postgis_cluster() -> Iterator[PostGISCluster]:
    """A private PostgreSQL + PostGIS server, started once for the run."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def new_postgis_database(postgis_cluster: PostGISCluster) -> Iterator[Callable[[], str]]:
    """A function that gives the URL of another fresh database at each call."""
    urls: list[str] = []

    def create() -> str:
        urls.append(postgis_cluster.new_database())
        return urls[-1]

    yield create
    for url in urls:
        postgis_cluster.drop_database(url)


@pytest.fixture
def postgis_url(new_postgis_database: Callable[[], str]) -> str:
    """URL of a fresh, empty database with PostGIS, this test's own."""
    return new_postgis_database()


@pytest.fixture(params=["geopackage", "postgis"])
def store_target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """File path or database address of an empty store."""
    if request.param == "geopackage":
        return str(tmp_path / "twin.gpkg")
    return str(request.getfixturevalue("postgis_url"))


@pytest.fixture
def reopen(store_target: str) -> Iterator[Callable[[], Store]]:
    """Opens the same store once more, as another server would."""
    opened: list[Store] = []

    def open_again() -> Store:
        opened.append(open_store(store_target))
        return opened[-1]

    yield open_again
    for store in opened:
        store.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[object]:
    """A headless browser (`playwright.sync_api.Browser`) with WebGL2.

    Scope is the module and not the session: while Playwright's synchronous driver is alive, no other test in the same
    thread can run an event loop.
    """
    from headless_chromium import running_chromium

    with running_chromium() as browser:
        yield browser


@pytest.fixture
def page(chromium: object) -> Iterator[object]:
    """A fresh tab (`playwright.sync_api.Page`, 1440 × 900) with no memory of other tests."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN")  # type: ignore[attr-defined]
    yield context.new_page()
    context.close()


@pytest.fixture
def running_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """A function that starts the real server: `running_server(data_dir=…, env={…}, arguments=(…))`.

    Without a `data_dir` it gets an empty one. All servers of a test are ended with it.
    """
    servers: list[ServerProcess] = []

    def start(
        data_dir: Path | None = None, env: dict[str, str] | None = None, arguments: tuple[str, ...] = ()
    ) -> ServerProcess:
        servers.append(ServerProcess(data_dir or tmp_path / f"data-{len(servers)}", env, arguments))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def spawn() -> Iterator[Callable[..., Spawned]]:
    """A function that runs Python code in its own process: `spawn(code, *arguments, env={…})`.

    The result has `read_line()`, `kill()` (-9), `wait()`, `log()` and `pid`; whatever still runs is ended with the test.
    """
    started: list[Spawned] = []

    def start(code: str, *arguments: str, env: dict[str, str] | None = None) -> Spawned:
        started.append(spawn_python(code, *arguments, env=env))
        return started[-1]

    yield start
    for program in started:
        program.stop()
