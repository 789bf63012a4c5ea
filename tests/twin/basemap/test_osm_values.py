from __future__ import annotations

import pyproj
import pytest
import shapely

from twin.basemap.area import area_km2
from twin.basemap.osm_values import (
    has_structure,
    parse_count,
    parse_floors,
    parse_length_m,
    parse_oneway,
    parse_speed_kmh,
)


@pytest.mark.parametrize(
    ("text", "metres"),
    [
        ("12", 12), ("12.5", 12.5), ("3.5 m", 3.5), ("3,5", 3.5), ("10m", 10), ("10 米", 10), ("0", 0), ("40'", 12.192), ("39'6\"", 12.0396),
        ("40 ft", 12.192), ("2 km", 2000), ("150 cm", 1.5), ("-3", None), ("tall", None), ("", None), (None, None), ("12;14", None), ("99999", None),
    ],
)  # fmt: skip
def test_lengths_are_metres_whatever_their_unit(text: str | None, metres: float | None) -> None:
    assert parse_length_m(text) == (None if metres is None else pytest.approx(metres))


@pytest.mark.parametrize(
    ("text", "floors"),
    [("5", 5), ("5.5", 5), ("3;5", 5), ("3-5", 5), ("0", 0), ("many", None), ("", None), (None, None), ("999", None)],
)
def test_floors_are_whole_and_the_highest_counts(text: str | None, floors: int | None) -> None:
    assert parse_floors(text) == floors


@pytest.mark.parametrize(
    ("text", "kmh"), [("50", 50), ("30 mph", 48), ("60 km/h", 60), ("none", None), ("CN:urban", None), (None, None)]
)
def test_speeds_are_kilometres_an_hour(text: str | None, kmh: int | None) -> None:
    assert parse_speed_kmh(text) == kmh


def test_a_way_says_whether_it_is_one_way_and_where_nobody_says_it_is_unknown() -> None:
    assert parse_oneway({"oneway": "yes"}) is True
    assert parse_oneway({"oneway": "-1"}) is True
    assert parse_oneway({"oneway": "no", "highway": "motorway"}) is False
    assert parse_oneway({"highway": "motorway"}) is True
    assert parse_oneway({"junction": "roundabout"}) is True
    assert parse_oneway({"highway": "residential"}) is None


def test_bridges_and_counts() -> None:
    assert has_structure({"bridge": "viaduct"}, "bridge") is True
    assert has_structure({"bridge": "no"}, "bridge") is False
    assert has_structure({}, "tunnel") is False
    assert [parse_count(t) for t in ("4", "24,678", "2;3", "x", None)] == [4, 24678, 2, None, None]


@pytest.mark.parametrize("box", [(0, 0, 1, 1), (119.6, 36.0, 120.2, 36.5), (-10, -70, 5, -60)])
def test_the_area_agrees_with_karneys_geodesic_polygons(box: tuple[float, float, float, float]) -> None:
    # Edges are cut short, so that geodesics follow the parallels.
    fine = shapely.segmentize(shapely.box(*box), 0.001)
    area_m2, _ = pyproj.Geod(ellps="GRS80").geometry_area_perimeter(fine)
    assert area_km2(shapely.box(*box)) == pytest.approx(abs(area_m2) / 1e6, rel=1e-7)


def test_the_area_of_jiaozhou_is_the_published_one(shared_data) -> None:  # type: ignore[no-untyped-def]
    boundary = shapely.from_geojson((shared_data / "admin/jiaozhou-boundary-osm.geojson").read_text("utf-8"))
    assert area_km2(boundary) == pytest.approx(1285.56, abs=0.005)
