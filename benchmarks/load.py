"""A bounded load on an HTTP server, from a process of its own: every address a fixed number of times, over a few connections.

    python benchmarks/load.py CONNECTIONS REPEATS [HEADERS] < addresses

HEADERS is a JSON object. Prints one JSON object: the fields of `Load`.
"""

from __future__ import annotations

import http.client
import json
import queue
import statistics
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from measure import CHECKOUT, run_program


@dataclass(frozen=True, slots=True)
class Load:
    """What the client saw: seconds by the clock for all requests, bytes of all bodies, the time of one request."""

    seconds: float
    requests: int
    bytes: int
    median_ms: float
    p99_ms: float


_ITEMS = {"Accept": "application/geo+json"}
_GOOD = (http.client.OK, http.client.NO_CONTENT)


def drive(addresses: Sequence[str], connections: int, repeats: int, headers: Mapping[str, str] = _ITEMS) -> Load:
    """Ask for all addresses, `repeats` times over, and wait for every answer.

    Raises:
        RuntimeError: if an answer is neither 200 nor 204.
    """
    waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    for address in [*addresses] * repeats:
        waiting.put(address)
    for _ in range(connections):
        waiting.put(None)
    times: list[float] = []
    sizes: list[int] = []
    faults: list[str] = []

    def work() -> None:
        place = urlsplit(addresses[0])
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=120)
        while (address := waiting.get()) is not None:
            parts = urlsplit(address)
            began = time.perf_counter()
            connection.request("GET", f"{parts.path}?{parts.query}", headers=dict(headers))
            answer = connection.getresponse()
            size = len(answer.read())
            times.append((time.perf_counter() - began) * 1000)
            sizes.append(size)
            if answer.status not in _GOOD:
                faults.append(f"{answer.status} for {address}")

    started = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    if faults or len(times) != len(addresses) * repeats:
        raise RuntimeError(f"{len(times)} answers, {len(faults)} of them bad: {faults[:3]}")
    return Load(seconds, len(times), sum(sizes), statistics.median(times), sorted(times)[len(times) * 99 // 100])


def drive_from_outside(
    addresses: Sequence[str], connections: int, repeats: int, headers: Mapping[str, str] = _ITEMS
) -> Load:
    """`drive` in a process of its own, so that the client's CPU and interpreter lock are not the measuring one's."""
    program = CHECKOUT / "benchmarks/load.py"
    run = run_program(
        [sys.executable, program, str(connections), str(repeats), json.dumps(dict(headers))], text="\n".join(addresses)
    )
    return Load(**json.loads(run.output))


if __name__ == "__main__":
    print(
        json.dumps(asdict(drive(sys.stdin.read().split(), int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]))))
    )
