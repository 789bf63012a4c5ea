"""What the colours of a raster mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.raster.images import encode_image
from tiles.raster.look import Look, Range, channel_names, colour_table, is_elevation
from tiles.raster.record import RasterRecord

_STOPS = 9
_MOST_CLASSES = 64
_BAR = (256, 16)


def legend_document(
    record: RasterRecord, look: Look, ranges: Sequence[Range], palette: npt.NDArray[np.uint8] | None
) -> dict[str, Any]:
    """The legend: `bands` of a picture in colours, `classes` of a colour table, `stops` of a ramp; with a relief, its light or lines.

    Args:
        ranges: What is darkest and lightest in each channel.
        palette: Colours (256, 4) of the file's own table, where they are drawn.
    """
    meaning = record.meaning
    legend: dict[str, Any] = {
        "title": record.title.to_dict(),
        "unit": meaning.get("unit", "m" if is_elevation(record) else ""),
        **({"quantity": meaning["quantity"]} if "quantity" in meaning else {}),
    }
    if look.relief == "hillshade":
        legend["light"] = {"azimuth": look.azimuth, "altitude": look.altitude, "exaggeration": look.exaggeration}
    if look.relief == "contour":
        legend["contours"] = {"interval": look.interval, "index": 5 * look.interval}
    if look.palette and palette is not None:
        titles = {said["value"]: {"title": said["title"]} for said in meaning.get("classes", ())}
        # A TIFF's palette has a colour for every value, meant or not.
        shown = [value for value in titles or range(256) if palette[value, 3]][:_MOST_CLASSES]
        classes = [{"value": v, "colour": _hex(palette[v]), **titles.get(v, {})} for v in shown]
        return legend | {"kind": "classes", "classes": classes}
    if look.channels == 3:
        parts = zip(("red", "green", "blue"), channel_names(record, look), ranges, strict=True)
        return legend | {"kind": "bands", "bands": [{"channel": c, "name": n, "range": list(r)} for c, n, r in parts]}
    if look.relief is not None and look.colormap is None:
        return legend | {"kind": look.relief}
    low, high = ranges[0]
    steps = np.linspace(0.0, 1.0, _STOPS)
    colours = _ramp(look)[np.round(steps * 255).astype(int)]
    stops = [
        {"value": low + (high - low) * step, "colour": _hex(c)} for step, c in zip(steps.tolist(), colours, strict=True)
    ]
    return legend | {"kind": "ramp", "colormap": look.colormap or "gray", "stops": stops}


def legend_image(look: Look) -> bytes:
    """A PNG bar of the ramp, darkest on the left."""
    columns, rows = _BAR
    return encode_image(np.ascontiguousarray(np.broadcast_to(_ramp(look), (rows, columns, 4))), "png")


def _ramp(look: Look) -> npt.NDArray[np.uint8]:
    if look.colormap is not None:
        return colour_table(look.colormap)
    grey = np.arange(256, dtype=np.uint8)
    return np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)


def _hex(colour: npt.NDArray[np.uint8]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour[:3])
