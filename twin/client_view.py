"""The map of a running server inside a notebook: the same page, in a frame."""

from __future__ import annotations

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

_WIDTH_PX = 900.0
_WORLD_PX = 256.0


@dataclass(frozen=True)
class View:
    """A view of the map that shows itself in Jupyter; nothing but the server it came from is asked.

    Attributes:
        url: Address of the page that shows this view, for a browser of its own too.
        height_px: Height of the frame.
    """

    url: str
    height_px: int = 560

    def _repr_html_(self) -> str:
        address = html.escape(self.url, quote=True)
        return (
            f'<iframe src="{address}" width="100%" height="{self.height_px}" loading="lazy" '
            'style="border:1px solid #8884;border-radius:6px" title="One Map"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<view {self.url}>"


def view_url(
    base: str,
    layers: Sequence[str] | None,
    bbox: Sequence[float] | None,
    three_d: bool = False,
    dates: Mapping[str, str] | None = None,
) -> str:
    """Address of the page with these layers switched on, looking at this lon/lat box, at `datetime` and `as_of` of `dates`."""
    asked: dict[str, str] = {"embed": "1"}
    if layers is not None:
        asked["layers"] = ",".join(layers)
    if bbox is not None:
        asked["at"] = ",".join(f"{number:.6g}" if i == 2 else f"{number:.6f}" for i, number in enumerate(camera(bbox)))
    if three_d:
        asked["view"] = "3d"
    return f"{base}/view?{urlencode(asked | dict(dates or {}), safe=',')}"


def camera(bbox: Sequence[float], width_px: float = _WIDTH_PX, height_px: float = 560.0) -> tuple[float, float, float]:
    """Longitude, latitude and WebMercator zoom (256-pixel tiles) at which a lon/lat box fills a frame.

    >>> camera((-180, -85, 180, 85), 256, 256)[2]
    0.0
    """
    west, south, east, north = (float(edge) for edge in bbox)
    wide = max(east - west, 1e-6) / 360.0
    tall = max(_mercator(north) - _mercator(south), 1e-9)
    zoom = min(math.log2(width_px / _WORLD_PX / wide), math.log2(height_px / _WORLD_PX / tall))
    return (west + east) / 2, (south + north) / 2, max(0.0, min(round(zoom, 2), 20.0))


def _mercator(lat: float) -> float:
    """Share of the WebMercator square's height south of a latitude, 0 to 1."""
    clipped = math.radians(max(-85.0511, min(85.0511, lat)))
    return 0.5 + math.asinh(math.tan(clipped)) / (2 * math.pi)
