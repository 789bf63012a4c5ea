"""Start of the demo after set-up: from the start of the process until /health answers and until /view sends its first byte.

A first run prepares the data folder (the sample town is drawn once) and is not counted. `--importtime` prints what the
imports of the server cost instead.

    python benchmarks/first_page.py --work DIR [--runs 7]
    python benchmarks/first_page.py --importtime
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from pathlib import Path

from machine import print_machine
from measure import CHECKOUT, cpu_seconds, print_table, resident_mb, run_program, spread
from services import Spawned, free_port, seconds_until_answer

_LINE = re.compile(r"^import time:\s+(\d+) \|\s+(\d+) \|( *)(\S+)$", re.MULTILINE)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, help="folder for the data; without it a temporary one")
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--importtime", action="store_true", help="print the dearest imports of the server and end")
    arguments = parser.parse_args()
    print_machine()
    if arguments.importtime:
        print_imports()
        return
    with tempfile.TemporaryDirectory() as temporary:
        data = (arguments.work or Path(temporary)) / "first-page-data"
        rows = []
        for verb in ("demo", "serve"):
            start(verb, data, wait_s=600)
            runs = [start(verb, data) for _ in range(arguments.runs)]
            health, view, cpu, memory = zip(*runs, strict=True)
            rows.append([f"onemap {verb}", spread(health), spread(view), spread(cpu), f"{max(memory):.0f}"])
        print_table(
            [f"{arguments.runs} runs: median (least-most)", "/health s", "/view first byte s", "CPU s", "resident MB"],
            rows,
        )


def start(verb: str, data: Path, wait_s: float = 60) -> tuple[float, float, float, float]:
    """One start: seconds until /health answers, seconds until /view does, CPU seconds and MB resident by then."""
    port = free_port()
    command = [str(Path(sys.executable).with_name("onemap")), verb, "--port", str(port), "--data", str(data)]
    if verb == "demo":
        command.append("--no-browser")
    began = time.perf_counter()
    server = Spawned(command, {"ONEMAP_LOG_LEVEL": "warning"}, CHECKOUT)
    try:
        seconds_until_answer(f"http://127.0.0.1:{port}/health", wait_s)
        healthy = time.perf_counter() - began
        seconds_until_answer(f"http://127.0.0.1:{port}/view", wait_s)
        return healthy, time.perf_counter() - began, cpu_seconds(server.pid), resident_mb(server.pid)
    except TimeoutError as error:
        raise RuntimeError(server.log()[-4000:]) from error
    finally:
        server.stop()


def print_imports(most: int = 25) -> None:
    """The modules whose import costs most, with everything they bring along, and without."""
    run = run_program([sys.executable, "-X", "importtime", "-c", "import api.commands.serve, uvicorn, api.app"])
    found = [(int(own), int(total), len(indent), name) for own, total, indent, name in _LINE.findall(run.output)]
    packages: dict[str, int] = {}
    for own, _, _, name in found:
        packages[name.split(".")[0]] = packages.get(name.split(".")[0], 0) + own
    ranked = sorted(packages.items(), key=lambda item: -item[1])[:most]
    print(
        f"all imports: {sum(own for own, *_ in found) / 1e6:.2f} s, whole process {run.wall_s:.2f} s, CPU {run.cpu_s:.2f} s"
    )
    print_table(["package, its own modules only", "ms"], [[name, f"{cost / 1000:.0f}"] for name, cost in ranked])


if __name__ == "__main__":
    main()
