"""Many clients read tiles while edits go on through the API of a real server: no tile older than an acknowledged write, no error."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import httpx
import pytest

from memory_layers import decode
from server_process import ServerProcess

PLACE = (120.0335, 36.2645)
XYZ = "/tiles/lamps/14/13654/6418.mvt"
EDITS, READERS = 60, 32
MANIFEST = {
    "id": "lamps",
    "title": {"zh": "路灯", "en": "Lamps"},
    "department": "municipal-works",
    "owner": "Test",
    "licence": "CC0-1.0",
    "crs": "EPSG:4490",
    "geometry_type": "Point",
    "schema": [{"name": "n", "type": "integer"}],
}


def lamp(n: int) -> dict[str, object]:
    geometry = {"type": "Point", "coordinates": PLACE}
    return {"type": "Feature", "id": "L1", "geometry": geometry, "properties": {"n": n}}


def resident_mb(pid: int) -> float:
    """Memory of a process and of those it has started."""
    own = next(line for line in Path(f"/proc/{pid}/status").read_text("ascii").splitlines() if line.startswith("VmRSS"))
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return int(own.split()[1]) / 1024 + sum(resident_mb(int(child)) for child in children)


@pytest.mark.parametrize(("kind", "workers"), [("geopackage", 1), ("postgis", 1), ("geopackage", 2)])
def test_no_tile_is_older_than_the_write_that_was_acknowledged_before_it_was_asked_for(
    kind: str, workers: int, running_server: Callable[..., ServerProcess], request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgis_url") if kind == "postgis" else ""
    server = running_server(
        env={"ONEMAP_STORE": url, "ONEMAP_TILE_DISK_MB": "64"} if url else {"ONEMAP_WORKERS": str(workers)}
    )
    acknowledged, over = [0], threading.Event()
    stale: list[tuple[int, int]] = []

    def read() -> int:
        answers, etag = 0, ""
        with httpx.Client(base_url=server.url, trust_env=False) as client:
            while not over.is_set():
                known = acknowledged[0]
                answer = client.get(XYZ, headers={"if-none-match": etag})
                assert answer.status_code in {200, 304}, answer.text
                if answer.status_code == httpx.codes.OK:
                    etag, seen = answer.headers.get("etag", ""), decode(answer.content)["lamps"][0].properties["n"]
                if seen < known:
                    stale.append((seen, known))
                answers += 1
        return answers

    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as writer:
        source = {"type": "inline", "features": {"type": "FeatureCollection", "features": [lamp(0)]}}
        assert writer.post("/layers", json=MANIFEST | {"source": source}).status_code == httpx.codes.CREATED
        while not all("etag" in httpx.get(server.url + XYZ, trust_env=False).headers for _ in range(6 * workers)):
            sleep(0.2)  # the kernels are loading, which takes memory once
        with ThreadPoolExecutor(READERS) as pool:
            readers = [pool.submit(read) for _ in range(READERS)]
            for n in range(1, EDITS + 1):
                if n == EDITS // 4:
                    before = resident_mb(server.pid)
                assert writer.put("/collections/lamps/items/L1", json=lamp(n)).is_success
                acknowledged[0] = n
            grown = resident_mb(server.pid) - before
            over.set()
            assert min(reader.result() for reader in readers) > 0
    assert stale == []
    assert grown < 30
