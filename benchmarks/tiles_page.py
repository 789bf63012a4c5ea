"""How smoothly the page pans and zooms over 1.28 million buildings: frame times, long tasks of the main thread, tiles and bytes.

Chromium drives the real page of a real server. It draws with WebGL in software (SwiftShader) where the machine has no graphics card:
frames then cost far more than on any desk, and what is worth reading is the share that the page's own scripts take. Frames are
counted by `requestAnimationFrame`; a frame time is the time between two of them. Tasks longer than 50 ms are those the browser reports
(`longtask`). CPU is that of the page's main thread alone, by the thread's own clock: it does not grow when others keep the machine busy.

    python benchmarks/tiles_page.py --work DIR [--levels 12 13 14 15 16] [--profile]
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from machine import print_machine
from measure import CHECKOUT, cpu_seconds, print_table
from services import Spawned, free_port, seconds_until_answer

sys.path.append(str(CHECKOUT / "tests/services"))

from headless_chromium import running_chromium

if TYPE_CHECKING:
    from playwright.sync_api import CDPSession, Page

TOKYO = CHECKOUT.parent / "shared" / "data" / "vector" / "tokyo-buildings-east-south.parquet"
MIDDLE = (139.7800, 35.6900)
SIZE = (960, 600)
PATIENCE_S = 900

# One journey: the camera moves a little before each frame, as a hand does, and every frame is timed.
_JOURNEY = """([kind, steps]) => new Promise((resolve) => {
  const { map, view, counters } = window.onemap;
  const tiles = { ...counters.tiles };
  const start = { ...view.camera };
  const frames = [];
  const long = [];
  const watch = new PerformanceObserver((list) => long.push(...list.getEntries().map((entry) => entry.duration)));
  watch.observe({ type: "longtask" });
  const degreesPerPixel = 360 / (512 * 2 ** start.zoom);
  let before = performance.now();
  let step = 0;
  const frame = (now) => {
    if (step > 0) frames.push(now - before);
    before = now;
    if (step++ >= steps) {
      watch.disconnect();
      const done = counters.tiles;
      return resolve({ frames, long, tiles: done.loaded - tiles.loaded, bytes: done.bytes - tiles.bytes, features: done.features - tiles.features });
    }
    const t = step / steps;
    if (kind === "pan") map.go({ lon: start.lon + 900 * t * degreesPerPixel, lat: start.lat + 250 * Math.sin(6.283 * t) * degreesPerPixel }, 0);
    else map.go({ zoom: start.zoom + Math.sin(3.1416 * t) * 1.5 }, 0);
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
})"""
_READY = """(patience) => new Promise((resolve, reject) => {
  const end = performance.now() + patience;
  let held = 0;
  const look = () => {
    held = window.onemap?.state === "ready" ? held + 1 : 0;
    if (held > 4) resolve(true);
    else if (performance.now() > end) reject(new Error("the page is not ready: " + JSON.stringify([window.onemap?.state, window.onemap?.error])));
    else setTimeout(look, 50);
  };
  look();
})"""


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, help="folder for the data, kept for the next run; without it a temporary one"
    )
    parser.add_argument("--levels", type=int, nargs="+", default=[12, 13, 14, 15, 16])
    parser.add_argument("--steps", type=int, default=60, help="frames of a journey")
    parser.add_argument("--profile", action="store_true", help="print the functions that cost the page most")
    arguments = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory() as temporary:
        data = (arguments.work or Path(temporary)) / "tiles-page-data"
        port = free_port()
        if not (data / "onemap.gpkg").exists():
            _import(data)
        server = Spawned(
            [sys.executable, "-P", "-m", "api.cli", "serve", "--port", str(port), "--data", str(data)], {}, CHECKOUT
        )
        try:
            url = f"http://127.0.0.1:{port}"
            seconds_until_answer(f"{url}/health")
            _wait_for_snapshot(url)
            _measure(url, server, arguments.levels, arguments.steps, profiled=arguments.profile)
        finally:
            server.stop()


def _import(data: Path) -> None:
    command = [sys.executable, "-P", "-m", "api.cli", "import", str(TOKYO), "--layer", "tokyo", "--data", str(data)]
    importing = Spawned(command, {}, CHECKOUT)
    if importing.process.wait(900) != 0:
        sys.exit(importing.log()[-3000:])


def _wait_for_snapshot(url: str) -> None:
    """The first tile orders the snapshot; from then on tiles are cut from it and may be kept."""
    import httpx

    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        answer = httpx.get(f"{url}/tiles/tokyo/14/14552/6451.mvt", timeout=120, trust_env=False)
        if "no-store" not in answer.headers.get("cache-control", ""):
            return
        time.sleep(1)
    sys.exit(f"No snapshot of the layer after {PATIENCE_S} s.")


def _measure(url: str, server: Spawned, levels: list[int], steps: int, *, profiled: bool) -> None:
    rows = []
    costs: Counter[str] = Counter()
    with running_chromium() as browser:
        context = browser.new_context(locale="zh-CN", viewport={"width": SIZE[0], "height": SIZE[1]})
        page = context.new_page()
        page.set_default_timeout(PATIENCE_S * 1000)
        print(f"* Chromium {browser.version}, {_renderer(page)}, {SIZE[0]} × {SIZE[1]}\n")
        session = context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        for level in levels:
            for kind in ("pan", "zoom"):
                page.goto(f"{url}/view?theme=light&lang=zh&layers=tokyo&at={MIDDLE[0]},{MIDDLE[1]},{level}")
                page.evaluate(_READY, PATIENCE_S * 1000)
                before = cpu_seconds(server.process.pid)
                found, functions = _journey(page, session, kind, steps, profiled=profiled)
                costs.update(functions)
                print(f"{kind} at z{level}: {sum(found['frames']) / 1000:.0f} s", file=sys.stderr, flush=True)
                rows.append(_row(level, kind, found, cpu_seconds(server.process.pid) - before))
        context.close()
    print_table(
        [
            "level, journey",
            "frames",
            "median ms",
            "p95 ms",
            "over 33 ms",
            "long tasks",
            "longest ms",
            "scripts CPU ms/frame",
            "main thread CPU ms/frame",
            "tiles",
            "MB",
            "features",
            "server CPU s",
        ],
        rows,
    )
    if profiled:
        print()
        print_table(["function of the page", "busy s"], [[name, f"{cost:.2f}"] for name, cost in costs.most_common(25)])


def _journey(
    page: Page, session: CDPSession, kind: str, steps: int, *, profiled: bool
) -> tuple[dict[str, Any], dict[str, float]]:
    """What the page tells of a journey, with CPU seconds of its main thread; and of each function where asked."""
    if profiled:
        session.send("Profiler.enable")
        session.send("Profiler.start")
    before = _main_thread(session)
    found = page.evaluate(_JOURNEY, [kind, steps])
    after = _main_thread(session)
    found |= {name: after[name] - before[name] for name in after}
    return found, _functions(session.send("Profiler.stop")["profile"]) if profiled else {}


def _main_thread(session: CDPSession) -> dict[str, float]:
    """CPU seconds that the page's main thread has used: scripts, and all tasks with what the browser itself does on it."""
    told = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return {name: told[name] for name in ("ScriptDuration", "TaskDuration")}


def _functions(profile: dict[str, Any]) -> dict[str, float]:
    """Busy seconds of each function, by the profiler of Chromium."""
    names = {}
    for node in profile["nodes"]:
        frame = node["callFrame"]
        file = frame["url"].rsplit("/", 1)[-1].split("?")[0]
        names[node["id"]] = f"{frame['functionName'] or '(nameless)'} {file}:{frame['lineNumber'] + 1}"
    spent: Counter[str] = Counter()
    for node, micros in zip(profile["samples"], profile["timeDeltas"], strict=True):
        spent[names[node]] += micros / 1e6
    return {name: cost for name, cost in spent.items() if not name.startswith(("(idle)", "(program)", "(root)"))}


def _row(level: int, kind: str, found: dict[str, Any], server_s: float) -> list[str]:
    frames = sorted(found["frames"])
    late = sum(frame > 33.4 for frame in frames) / len(frames)
    return [
        f"z{level} {kind}",
        str(len(frames)),
        f"{frames[len(frames) // 2]:.0f}",
        f"{frames[math.ceil(0.95 * len(frames)) - 1]:.0f}",
        f"{late:.0%}",
        str(len(found["long"])),
        f"{max(found['long'], default=0):.0f}",
        f"{1000 * found['ScriptDuration'] / len(frames):.1f}",
        f"{1000 * found['TaskDuration'] / len(frames):.1f}",
        str(found["tiles"]),
        f"{found['bytes'] / 1e6:.1f}",
        f"{found['features']:,}",
        f"{server_s:.1f}",
    ]


def _renderer(page: Page) -> str:
    return str(
        page.evaluate(
            """() => {
              const gl = document.createElement("canvas").getContext("webgl2");
              return gl.getParameter(gl.getExtension("WEBGL_debug_renderer_info")?.UNMASKED_RENDERER_WEBGL ?? gl.RENDERER);
            }"""
        )
    )


if __name__ == "__main__":
    main()
