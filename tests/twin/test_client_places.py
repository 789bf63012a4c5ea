"""`town.places` against a real server."""

from __future__ import annotations

from collections.abc import Callable

import geopandas
import pytest

import twin
from server_process import ServerProcess
from small_town import LAT, LON, small_town_manifests
from twin.errors import BadBoundsError, BadPlaceQueryError


def test_places_are_frames_and_points_are_told(running_server: Callable[..., ServerProcess]) -> None:
    with twin.connect(running_server().url) as town:
        for manifest in small_town_manifests():
            town.register(manifest)

        found = town.places.search("fuan", near=(LON, LAT))
        assert isinstance(found, geopandas.GeoDataFrame)
        assert list(found.index) == ["places/1"]
        row = found.iloc[0]
        assert (row["zh"], row["en"], row["layer"], row["how"], row["line"]) == (
            "阜安街道",
            "Fu'an",
            "places",
            "exact",
            "胶州市",
        )
        assert row["distance_m"] == pytest.approx(143, abs=1)
        assert found.crs.to_epsg() == 4490
        assert (found.geometry.iloc[0].x, found.geometry.iloc[0].y) == pytest.approx((LON + 0.001, LAT + 0.001))

        assert town.places.search("fuan", language="en").iloc[0]["line"] == "Jiaozhou"
        assert len(town.places.search("楼", kind=["facility"], limit=3)) == 3
        assert len(town.places.search("fuan", bbox=(0, 0, 1, 1))) == 0
        assert len(town.places.search("fuan", as_of="2001-01-01")) == 0

        told = town.places.at(LON, LAT)
        assert told["inside"] is True
        assert town.places.at(0, 0)["inside"] is False
        with pytest.raises(BadPlaceQueryError, match="nothing to search"):
            town.places.search("!")
        with pytest.raises(BadBoundsError):
            town.places.at(500, 0)
