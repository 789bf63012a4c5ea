"""The page under test: what it asks for, what it complains about, and how to wait for it without guessing times."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

PATIENCE_MS = 60_000

# Playwright's own wait_for_function needs eval, which the page's policy forbids: wait inside the page instead.
_WAIT = """([condition, patience]) => new Promise((resolve, reject) => {
  const end = performance.now() + patience;
  const tests = {
    ready: () => window.onemap?.state === "ready",
    settled: () => window.onemap?.state === "ready" || window.onemap?.state === "error",
    card: () => !document.getElementById("card").hidden,
    noCard: () => document.getElementById("card").hidden,
    labels: () => window.onemap?.counters.labels > 0,
    toast: () => document.querySelector(".toast") !== null,
    selected: () => window.onemap?.map.selection !== null,
  };
  let held = 0;
  const look = () => {
    held = tests[condition]() ? held + 1 : 0;
    if (held > 3) resolve(true);
    else if (performance.now() > end) reject(new Error("waited in vain for " + condition + ": " + JSON.stringify(
      [window.onemap?.state, window.onemap?.error, window.onemap?.counters])));
    else setTimeout(look, 40);
  };
  look();
})"""

_COUNT_DIFFERENT = """async ([one, other]) => {
  const pixels = async (text) => {
    const picture = await createImageBitmap(await (await fetch("data:image/png;base64," + text)).blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    const pen = canvas.getContext("2d");
    pen.drawImage(picture, 0, 0);
    return pen.getImageData(0, 0, picture.width, picture.height).data;
  };
  const [a, b] = [await pixels(one), await pixels(other)];
  let different = 0;
  for (let i = 0; i < a.length; i += 4) {
    const far = Math.abs(a[i] - b[i]) + Math.abs(a[i + 1] - b[i + 1]) + Math.abs(a[i + 2] - b[i + 2]);
    if (far > 24) different++;
  }
  return different;
}"""


class MapPage:
    """One browser tab on the map.

    Attributes:
        requests: Address of everything it asked for.
        complaints: Console errors and warnings, uncaught exceptions, failed requests.
    """

    def __init__(self, context: BrowserContext, server_url: str, width: int, height: int) -> None:
        self.server_url = server_url
        self.page: Page = context.new_page()
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.set_default_timeout(PATIENCE_MS)
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url}"))
        self.page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        self.page.on("console", lambda message: self._heard(message.type, message.text))

    def open(self, query: str = "") -> None:
        self.page.goto(f"{self.server_url}/view?theme=light&lang=zh&{query}")
        self.wait("settled")
        # A question in the address goes on to draw its answer: then the page is loading once more.
        assert self.state != "error", self.evaluate("() => window.onemap.error")

    def close(self) -> None:
        self.page.close()

    def wait(self, condition: str) -> None:
        """Wait until one of the named conditions holds; fails with the page's counters."""
        self.page.evaluate(_WAIT, [condition, PATIENCE_MS])

    def until(self, script: str, argument: Any = None) -> Any:
        """Wait until a script gives something true, and give it."""
        end = time.monotonic() + PATIENCE_MS / 1000
        while not (found := self.page.evaluate(script, argument)):
            assert time.monotonic() < end, f"waited in vain for {script}"
            self.page.wait_for_timeout(40)
        return found

    def evaluate(self, script: str, argument: Any = None) -> Any:
        return self.page.evaluate(script, argument)

    @property
    def state(self) -> str:
        return str(self.evaluate("() => window.onemap.state"))

    @property
    def outside_requests(self) -> list[str]:
        """Requests that left the server; blobs and data never leave the page."""
        home = urlsplit(self.server_url).netloc
        return [
            url
            for url in self.requests
            if urlsplit(url).scheme in ("http", "https", "ws") and urlsplit(url).netloc != home
        ]

    @property
    def layer_ids(self) -> list[str]:
        """Ids of what deck.gl draws now, lowest first."""
        ids: list[str] = self.evaluate("() => window.onemap.map.layers.map((layer) => layer.id)")
        return ids

    def screen_position(self, lon: float, lat: float) -> tuple[float, float]:
        x, y = self.evaluate("(place) => window.onemap.map.viewport().project(place)", [lon, lat])
        return x, y

    def click_map(self, lon: float, lat: float) -> None:
        """A real click of the mouse on a place of the map."""
        self.page.mouse.click(*self.screen_position(lon, lat))

    def picture(self) -> bytes:
        """The middle of the map, where no panel or tool stands."""
        self.wait("ready")
        size = self.page.viewport_size
        assert size is not None
        left = 350 if self.page.is_visible("#panel") else 10
        box = {"x": left, "y": 10, "width": size["width"] - left - 80, "height": size["height"] - 110}
        return self.page.screenshot(clip=box)  # type: ignore[arg-type]

    def different_pixels(self, one: bytes, other: bytes) -> int:
        texts = [base64.b64encode(picture).decode() for picture in (one, other)]
        return int(self.evaluate(_COUNT_DIFFERENT, texts))

    def _heard(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and "GPU stall" not in text and "GL Driver Message" not in text:
            self.complaints.append(f"{kind}: {text}")
