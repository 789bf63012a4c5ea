"""Places of a running server for notebooks: a search as a GeoDataFrame, and what lies at a point."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import geopandas
    import httpx

_REST_S = 0.2
_COLUMNS = (
    *("title", "zh", "en", "pinyin", "kind", "address", "line", "town", "layer", "feature"),
    *("distance_m", "score", "how", "matched", "formerly"),
)


class TownPlaces:
    """`town.places`: names found, points told.

    ::

        town.places.search("jzyz", near=(120.0046, 36.2788))
        town.places.at(120.0046, 36.2788)["town"]
    """

    def __init__(self, send: Callable[..., httpx.Response]) -> None:
        self._send = send

    def search(
        self,
        text: str,
        *,
        near: Sequence[float] | None = None,
        kind: str | Sequence[str] | None = None,
        bbox: Sequence[float] | None = None,
        limit: int = 10,
        datetime: str | date | None = None,
        as_of: str | date | None = None,
        language: str = "zh",
        wait_s: float = 60.0,
    ) -> geopandas.GeoDataFrame:
        """Places by name, pinyin, initials, English or address, best first: points in EPSG:4490, the index `layer/feature`.

        Args:
            text: What one would type.
            near: Longitude and latitude that nearer places are preferred to.
            kind: Only these kinds ("town", ["school", "hospital"]).
            bbox: Only places that meet west, south, east, north (degrees).
            limit: At most so many, up to 50.
            datetime: Only names that are valid then.
            as_of: Names as the layers held them then.
            language: Of `title` and `line`: "zh" or "en".
            wait_s: How long to wait while the server is still taking changes into its index; then what it has is given.

        Raises:
            BadPlaceQueryError: if there is nothing in the text to search for.
        """
        asked = {"q": text, "limit": str(limit), "lang": language, **_dates(datetime, as_of)}
        if near is not None:
            asked["near"] = ",".join(repr(float(number)) for number in near)
        if bbox is not None:
            asked["bbox"] = ",".join(repr(float(number)) for number in bbox)
        if kind is not None:
            asked["kind"] = kind if isinstance(kind, str) else ",".join(kind)
        until = time.monotonic() + wait_s
        answer = self._send("GET", "/places", params=asked).json()
        while answer["stale"] and time.monotonic() < until:
            time.sleep(_REST_S)
            answer = self._send("GET", "/places", params=asked).json()
        return _frame(answer["features"])

    def at(
        self,
        lon: float,
        lat: float,
        *,
        datetime: str | date | None = None,
        as_of: str | date | None = None,
        language: str = "zh",
    ) -> dict[str, Any]:
        """What lies at a point: town, community, cell, road, address, poi (each a dict or None), `inside` and one `line`."""
        asked = {"lon": repr(float(lon)), "lat": repr(float(lat)), "lang": language, **_dates(datetime, as_of)}
        return dict(self._send("GET", "/places/at", params=asked).json()["properties"])


def _dates(valid: str | date | None, as_of: str | date | None) -> dict[str, str]:
    return {name: _text(value) for name, value in (("datetime", valid), ("as_of", as_of)) if value is not None}


def _text(value: str | date) -> str:
    if isinstance(value, datetime) and value.tzinfo is None:
        value = value.astimezone()
    return value if isinstance(value, str) else value.isoformat()


def _frame(features: Sequence[dict[str, Any]]) -> geopandas.GeoDataFrame:
    import geopandas
    import pandas as pd
    import shapely

    rows = [_row(feature["properties"]) for feature in features]
    index = pd.Index([feature["id"] for feature in features], name="id", dtype="str")
    points = shapely.points([feature["geometry"]["coordinates"] for feature in features] or [[0, 0]])[: len(features)]
    frame = pd.DataFrame(rows, index=index, columns=list(_COLUMNS))
    return geopandas.GeoDataFrame(frame, geometry=geopandas.GeoSeries(points, index=index, crs="EPSG:4490"))


def _row(told: dict[str, Any]) -> dict[str, Any]:
    plain = {name: told[name] for name in _COLUMNS if name in told}
    name, matched = told["name"], told["matched"]
    town = (told["town"] or {}).get("zh") or ""
    return {**plain, **name, "town": town, "how": matched["how"], "matched": matched["text"]}
