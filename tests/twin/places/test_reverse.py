"""What lies at a point, on both stores, checked against distances worked out by hand and by another library."""

from __future__ import annotations

import math
from typing import Any

import pytest
import shapely

from places_town import AUTHOR, CITY, MIDDLE, Town, line, point
from twin.crs import parse_crs, transform_points
from twin.feature import Feature, FeatureBatch
from twin.places import reverse
from twin.places.reverse import Surroundings, Surveyor
from twin.places.towns import TownFinder
from twin.query import FeatureQuery
from twin.schema import GeometryType
from twin.store.port import Store

LON, LAT = MIDDLE
PROJECTED = "EPSG:4549"


def area(feature_id: str, west: float, south: float, east: float, north: float, **properties: str | None) -> Feature:
    return Feature(feature_id, shapely.box(west, south, east, north), dict(properties))


def at(town: Town, lon: float, lat: float, **more: Any) -> Surroundings:
    return Surveyor(town.store, town.store.layers(), CITY, PROJECTED, **more).at(lon, lat)


@pytest.fixture
def surveyed(town: Town) -> Town:
    town.layer(
        "districts",
        area("c", 119.8, 36.0, 120.2, 36.5, name="胶州市", kind="city", code="370281"),
        area("w", 119.8, 36.0, LON, 36.5, name="胶西街道", kind="town", code="370281009"),
        area("e", LON, 36.0, 120.2, 36.5, name="阜安街道", kind="town", code="370281001"),
        kind=GeometryType.POLYGON,
    )
    town.layer(
        "grid-cells",
        area(
            "g",
            LON,
            LAT - 0.01,
            LON + 0.01,
            LAT,
            code="370281001001001",
            name="云溪社区第1网格",
            community="云溪社区",
            community_code="370281001001",
            post="王工",
        ),
        kind=GeometryType.POLYGON,
        document={
            "search": {"role": "grid", "community": "community", "community_code": "community_code", "duty": "post"}
        },
    )
    town.layer(
        "roads",
        line("r", "郑州路", (119.9, LAT), (120.1, LAT)),
        line("s", None, (119.9, LAT - 0.001), (120.1, LAT - 0.001)),
        kind=GeometryType.LINESTRING,
    )
    town.layer(
        "poi",
        point("p", "少海公园", LON + 0.003, LAT - 0.002),
        point("q", "门牌", LON + 0.03, LAT, address="郑州路12号"),
    )
    return town


def test_a_point_in_a_town_tells_all_of_it(surveyed: Town) -> None:
    found = at(surveyed, LON + 0.002, LAT - 0.002)

    assert found.inside
    assert found.town is not None
    assert (found.town.name.zh, found.town.code, found.town.feature_id) == ("阜安街道", "370281001", "e")
    assert found.community is not None
    assert (found.community.name, found.community.code) == ("云溪社区", "370281001001")
    assert found.cell is not None
    assert (found.cell.code, found.cell.duty, found.cell.layer_id) == ("370281001001001", "王工", "grid-cells")
    assert found.road is not None
    assert (found.road.name.zh, found.road.side.zh, found.road.side.en) == ("郑州路", "路南", "south side")
    assert found.address is not None
    assert found.address.address == "郑州路12号"
    assert found.poi is not None
    assert found.poi.name.zh == "少海公园"


def test_distances_are_metres_of_the_projected_system(surveyed: Town) -> None:
    lon, lat = LON + 0.002, LAT - 0.002
    found = at(surveyed, lon, lat)
    (x0, x1), (y0, y1) = transform_points(
        [lon, LON + 0.003], [lat, LAT - 0.002], parse_crs("EPSG:4490"), parse_crs(PROJECTED)
    )

    assert found.poi is not None
    assert found.poi.distance_m == pytest.approx(math.hypot(x1 - x0, y1 - y0), abs=0.06)
    assert found.road is not None
    # 0.002 degrees of the meridian at 36.27 north: 221.93 m (pyproj.Geod on GRS 80), times the projection's scale, about 1.
    assert found.road.distance_m == pytest.approx(221.9, abs=0.3)


def test_the_nearest_of_all_is_found_however_far_it_is(surveyed: Town) -> None:
    found = at(surveyed, LON - 0.02, LAT + 0.02)

    assert found.road is not None
    assert found.road.distance_m == pytest.approx(2219, abs=3)
    assert found.road.side.en == "north side"
    assert found.poi is not None
    assert (found.poi.name.zh, found.cell, found.community) == ("少海公园", None, None)


def test_on_the_road_there_is_no_side(surveyed: Town) -> None:
    found = at(surveyed, LON, LAT)

    assert found.road is not None
    assert (found.road.distance_m, found.road.side.zh) == (pytest.approx(0, abs=0.1), "")


@pytest.mark.parametrize(("lon", "lat"), [(0, 0), (121.5, 36.2), (-180, -90), (120.0, 36.61)])
def test_outside_of_the_city_nothing_is_told(surveyed: Town, lon: float, lat: float) -> None:
    found = at(surveyed, lon, lat)

    assert found == Surroundings(lon, lat, inside=False)


def test_it_looks_only_at_the_layers_it_is_given(surveyed: Town) -> None:
    records = [record for record in surveyed.store.layers() if record.id != "grid-cells"]
    found = Surveyor(surveyed.store, records, CITY, PROJECTED).at(LON + 0.002, LAT - 0.002)

    assert (found.cell, found.community) == (None, None)
    assert found.town is not None


def test_a_renamed_road_is_told_as_of_each_version(surveyed: Town) -> None:
    with surveyed.store.write("roads", AUTHOR) as writer:
        writer.replace(line("r", "杭州路", (119.9, LAT), (120.1, LAT)))

    now, then = at(surveyed, LON, LAT), at(surveyed, LON, LAT, versions={"roads": 1})
    assert now.road is not None
    assert then.road is not None
    assert (now.road.name.zh, then.road.name.zh) == ("杭州路", "郑州路")
    assert at(surveyed, LON, LAT, versions={"roads": 0}).road is None


def test_towns_of_many_points_follow_their_layer(surveyed: Town) -> None:
    finder = TownFinder(surveyed.store)
    points = [(LON - 0.1, LAT), (LON + 0.1, LAT), (119.6, LAT)]

    towns = finder.towns_at(surveyed.store.layers(), points)
    assert [town and town.name.zh for town in towns] == ["胶西街道", "阜安街道", None]
    with surveyed.store.write("districts", AUTHOR) as writer:
        writer.replace(area("e", LON, 36.0, 120.2, 36.5, name="三里河街道", kind="town", code="370281004"))
    towns = finder.towns_at(surveyed.store.layers(), points)
    assert [town and town.code for town in towns] == ["370281009", "370281004", None]
    assert finder.towns_at([], points) == [None] * 3


class Listening:
    """A store that notes what it is asked."""

    def __init__(self, store: Store) -> None:
        self.store, self.asked = store, list[tuple[str, FeatureQuery, int]]()

    def select(self, layer_id: str, query: FeatureQuery) -> FeatureBatch:
        batch = self.store.select(layer_id, query)
        self.asked.append((layer_id, query, len(batch)))
        return batch


def test_only_named_rows_and_the_properties_that_are_told_are_read(town: Town) -> None:
    houses = [point(f"h{i}", None, LON + i * 1e-4, LAT, address=None, colour="red") for i in range(30)]
    named = point("n", "少海公园", LON + 0.02, LAT, address="郑州路12号", colour="blue")
    town.layer("poi", *houses, named, point("blank", "", LON, LAT, address="", colour="red"))
    store = Listening(town.store)
    found = Surveyor(store, town.store.layers(), CITY, PROJECTED).at(LON, LAT)  # type: ignore[arg-type]
    assert found.poi is not None
    assert found.address is not None
    assert (found.poi.feature_id, found.address.address) == ("n", "郑州路12号")
    assert all("colour" not in (query.properties or ("colour",)) for _, query, _ in store.asked)
    assert sum(rows for _, _, rows in store.asked) == 2, "nothing without a text is read, and nothing twice"


def test_among_very_many_the_nearest_is_found_by_smaller_windows(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse, "_ROWS_AT_MOST", 20)
    crowd = [point(f"c{i:03}", f"第{i}铺", LON + 0.0028 + i * 1e-6, LAT + 0.0001) for i in range(200)]
    here = [point(f"s{i}", f"同{i}铺", LON + 0.0026, LAT) for i in range(50)]
    town.layer("poi", *crowd, *here, point("near", "最近铺", LON + 0.0025, LAT))
    store = Listening(town.store)
    surveyor = Surveyor(store, town.store.layers(), CITY, PROJECTED)  # type: ignore[arg-type]
    found = surveyor.at(LON, LAT).poi
    assert found is not None
    assert found.feature_id == "near"
    assert max(rows for _, _, rows in store.asked) <= 21
    stacked = surveyor.at(LON + 0.0026, LAT + 1e-7).poi
    assert stacked is not None, "so many on one spot are read all the same"
    assert stacked.feature_id == "s0"
