"""Codes of places from a running server. Columns of codes for whole frames need none: `twin.codes.frame_columns`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import orjson
import shapely

from twin.errors import NotFound

if TYPE_CHECKING:
    import geopandas
    import pandas as pd


@dataclass(frozen=True)
class Codes:
    """The codes of a town: `town.codes`."""

    _send: Callable[..., httpx.Response]

    def at(
        self, lon: float, lat: float, *, height_m: float | None = None, at: date | str | None = None
    ) -> dict[str, Any]:
        """Every code of a place: sheets, BeiDou cells, divisions, community and unit grid cell, plane coordinates.

        Args:
            lon, lat: CGCS2000 degrees.
            height_m: Above the ellipsoid, for codes in three dimensions.
            at: The day for names and boundaries; today where None.

        Raises:
            BadCall: if a number is out of range.
        """
        given = {"lon": repr(float(lon)), "lat": repr(float(lat)), "height": height_m, "at": at}
        return dict(self._send("GET", "/codes", params=_text(given)).json())

    def read(self, code: str, *, system: str | None = None, at: date | str | None = None) -> list[dict[str, Any]]:
        """Every reading of a code, as GeoJSON features.

        Raises:
            UnknownCodeError: if no system has codes of this form.
            BadCodeError: if it is out of range, or no code of `system`.
        """
        answer = self._send("GET", f"/codes/{quote(code, safe='')}", params=_text({"system": system, "at": at})).json()
        return list(answer["features"]) if answer["type"] == "FeatureCollection" else [answer]

    def geometry(self, code: str, *, system: str | None = None, at: date | str | None = None) -> shapely.Geometry:
        """The place of a code, CGCS2000 lon/lat: of its first reading that has one.

        Raises:
            NotFound: if no reading has a place: no layer knows the code.
            UnknownCodeError, BadCodeError: as `read`.
        """
        for feature in self.read(code, system=system, at=at):
            if feature["geometry"] is not None:
                return shapely.from_geojson(orjson.dumps(feature["geometry"]))
        raise NotFound(
            f"No layer knows where '{code}' is.", value=code, remedy="town.codes.read(code) says what is known of it."
        )

    def cover(
        self,
        geometry: shapely.Geometry,
        *,
        scale: str | int | None = None,
        level: int | None = None,
        system: str | None = None,
        compact: bool = False,
        limit: int | None = None,
    ) -> geopandas.GeoDataFrame:
        """The codes that an area, a line or points lie in, the index their codes: sheets of a `scale`, BeiDou cells of a `level`, or
        the divisions or unit grid cells of a layer (`system`).

        Raises:
            BadCall: if none of the three is given, or there are more codes than `limit`.
        """
        import geopandas

        given = {
            "scale": scale,
            "level": level,
            "system": system,
            "limit": limit,
            "compact": "true" if compact else None,
        }
        body = orjson.loads(shapely.to_geojson(geometry))
        features = self._send("POST", "/codes", params=_text(given), json=body).json()["features"]
        shapes = shapely.from_geojson([orjson.dumps(feature["geometry"]) for feature in features])
        names = [feature["properties"]["title"]["zh"] for feature in features]
        codes = [feature["properties"]["code"] for feature in features]
        return geopandas.GeoDataFrame(
            {"title": names}, index=codes, geometry=list(shapes), crs="EPSG:4490"
        ).rename_axis("code")

    def classes(self, *, edition: str | None = None, kind: str | None = None) -> pd.DataFrame:
        """Component and matter classes of an edition (the one in force where None), one row each."""
        import pandas as pd

        answer = self._send(
            "GET", "/codes/components", params=_text({"edition": edition, "kind": kind, "f": "json"})
        ).json()
        rows = [
            {
                "kind": known["kind"],
                "code": known["major"] + known["minor"],
                "name": known["name"]["zh"],
                "name_en": known["name"]["en"],
                "major_name": known["major_name"]["zh"],
            }
            for known in answer["classes"]
        ]
        return pd.DataFrame(rows, columns=["kind", "code", "name", "name_en", "major_name"])


def _text(given: Mapping[str, Any]) -> dict[str, str]:
    """Parameters as text, those that are None left out."""
    return {name: value if isinstance(value, str) else str(value) for name, value in given.items() if value is not None}
