"""The door to PROJ, against the vectors of the standards reference."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twin import crs
from twin.crs_area import area_in_words, beyond_validity, valid_area
from twin.errors import BadBoundsError, BallparkTransformError, OffsetDatumError, UnknownCRSError

# lon, lat, easting and northing in EPSG:4549 (CGCS2000, 3 degree Gauss-Krüger, central meridian 120°E).
VECTORS = [
    (120.0335, 36.2645, 503010.3651, 4014892.4956),
    (119.62, 36.1, 465781.0291, 3996705.5224),
    (120.19, 36.4, 517044.181, 4029944.5261),
    (120.0, 36.0, 500000.0, 3985542.6703),
]


@pytest.mark.parametrize(("lon", "lat", "easting", "northing"), VECTORS)
def test_gauss_krueger_vectors(lon: float, lat: float, easting: float, northing: float) -> None:
    point = np.array([shapely.Point(lon, lat)])
    moved = crs.from_cgcs2000(point, crs.parse_crs("EPSG:4549"))[0]
    assert (moved.x, moved.y) == pytest.approx((easting, northing), abs=1e-4)
    prefixed = crs.from_cgcs2000(point, crs.parse_crs("EPSG:4528"))[0]
    assert prefixed.x == pytest.approx(easting + 40_000_000, abs=1e-4)


@given(lon=st.floats(118.6, 121.4), lat=st.floats(35, 37.5), height=st.floats(-100, 2000))
def test_there_and_back_is_the_same_place(lon: float, lat: float, height: float) -> None:
    point = np.array([shapely.Point(lon, lat, height)])
    for name in ("EPSG:4549", "EPSG:3857", "EPSG:32651"):
        system = crs.parse_crs(name)
        back = crs.to_cgcs2000(crs.from_cgcs2000(point, system), system)[0]
        assert (back.x, back.y) == pytest.approx((lon, lat), abs=1e-9)
        assert back.z == height, "heights pass through untouched"


@pytest.mark.parametrize(
    ("text", "uri"),
    [
        ("EPSG:4490", "http://www.opengis.net/def/crs/EPSG/0/4490"),
        ("4549", "http://www.opengis.net/def/crs/EPSG/0/4549"),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", "http://www.opengis.net/def/crs/EPSG/0/4326"),
        ("urn:ogc:def:crs:EPSG::4490", "http://www.opengis.net/def/crs/EPSG/0/4490"),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", crs.CRS84),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", crs.CRS84),
        ("OGC:CRS84", crs.CRS84),
    ],
)
def test_every_spelling_of_a_system_is_understood(text: str, uri: str) -> None:
    assert crs.crs_uri(crs.parse_crs(text)) == uri


@pytest.mark.parametrize(
    "text",
    [
        "",
        "EPSG:999999",
        "nonsense",
        "+proj=longlat +datum=WGS84",
        "proj=utm zone=50",
        "zone=50 proj=utm",
        "title=town +proj=utm +zone=50",
        "init=epsg:4326",
        "/etc/passwd",
        "http://example.com/crs/1",
        "EPSG:4490\x00",
        "😀",
    ],
)
def test_an_unknown_system_is_named(text: str) -> None:
    with pytest.raises(UnknownCRSError) as caught:
        crs.parse_crs(text)
    assert caught.value.remedy


@pytest.mark.parametrize("legacy", ["EPSG:4214", "EPSG:4610", "EPSG:2364", "EPSG:2437"])
def test_legacy_datums_are_refused_with_the_remedy(legacy: str) -> None:
    with pytest.raises(BallparkTransformError, match="survey authority"):
        crs.to_cgcs2000(np.array([shapely.Point(120, 36)]), crs.parse_crs(legacy))


def _with_shift(geographic: str) -> str:
    """A system as WKT 1 of old programs writes it, with its own shift to WGS 84."""
    return geographic.replace(",TOWGS84", ",TOWGS84[15.8,-154.4,-82.3,0,0,0,0]")


_BEIJING = (
    'GEOGCS["GCS_Beijing_1954",DATUM["D_Beijing_1954",SPHEROID["Krasovsky_1940",6378245,298.3],TOWGS84],'
    'PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]]'
)
_XIAN = (
    'GEOGCS["Local",DATUM["Xian_1980",SPHEROID["IAG 1975",6378140,298.257],TOWGS84],'
    'PRIMEM["Greenwich",0],UNIT["Degree",0.0174532925199433]]'
)
_ZONE = (
    'PROJCS["zone",{0},PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",120],'
    'PARAMETER["scale_factor",1],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1]]'
)


@pytest.mark.parametrize(
    "wkt",
    [
        _BEIJING,
        _XIAN,
        _ZONE.format(_BEIJING),
        f'COMPD_CS["with heights",{_BEIJING},VERT_CS["heights",VERT_DATUM["heights",2005],UNIT["metre",1]]]',
    ],
    ids=["Beijing", "Xi'an", "zone", "compound"],
)
def test_a_shift_that_a_file_brings_does_not_make_a_legacy_datum_exact(wkt: str) -> None:
    for text in (_with_shift(wkt), wkt.replace(",TOWGS84", "")):
        system = crs.parse_crs(text)
        with pytest.raises(BallparkTransformError, match="survey authority"):
            crs.to_cgcs2000(np.array([shapely.Point(120, 36)]), system)
        with pytest.raises(BallparkTransformError, match="survey authority"):
            crs.from_cgcs2000(np.array([shapely.Point(120, 36)]), system)


@pytest.mark.parametrize("name", ["EPSG:4479", "EPSG:4978", "http://www.opengis.net/def/crs/EPSG/0/4936"])
def test_geocentric_systems_are_refused_with_the_remedy(name: str) -> None:
    with pytest.raises(UnknownCRSError, match="middle of the earth") as caught:
        crs.parse_crs(name)
    assert caught.value.value == name
    assert "geographic or projected" in caught.value.limit
    assert "EPSG:4480" in caught.value.remedy


def test_wgs84_and_cgcs2000_are_the_same_place() -> None:
    point = np.array([shapely.Point(120.1, 36.2)])
    for name in ("EPSG:4326", "EPSG:4490", "CRS84", "EPSG:4480", "EPSG:4979"):
        assert crs.to_cgcs2000(point, crs.parse_crs(name))[0] == point[0]


@pytest.mark.parametrize(
    ("name", "northing_first"),
    [("EPSG:4490", True), ("EPSG:4326", True), ("EPSG:4549", True), ("EPSG:3857", False), ("CRS84", False)],
)
def test_registered_axis_order(name: str, northing_first: bool) -> None:
    assert crs.is_northing_first(crs.parse_crs(name)) is northing_first


def test_swapping_axes_leaves_heights_and_holes_alone() -> None:
    ring = shapely.Polygon([(0, 10), (4, 10), (4, 14)], [[(3, 11), (3.5, 11), (3.5, 11.5)]])
    swapped = crs.swap_axes(np.array([ring, shapely.Point(1, 2, 3), None]))
    assert swapped[0].bounds == (10, 0, 14, 4)
    assert len(swapped[0].interiors) == 1
    assert (swapped[1].x, swapped[1].y, swapped[1].z) == (2, 1, 3)
    assert swapped[2] is None


def test_a_box_in_declared_order_is_turned_round() -> None:
    box = crs.bounds_to_cgcs2000((36.1, 120.0, 36.2, 120.1), crs.parse_crs("EPSG:4490"), declared_order=True)
    assert box.as_tuple() == (120.0, 36.1, 120.1, 36.2)
    metres = crs.bounds_to_cgcs2000((4014000, 503000, 4015000, 504000), crs.parse_crs("EPSG:4549"), declared_order=True)
    assert metres.west == pytest.approx(120.0334, abs=1e-3)
    assert metres.south == pytest.approx(36.2565, abs=1e-3)
    with pytest.raises(BadBoundsError, match="upside down"):
        crs.bounds_to_cgcs2000((120.0, 37.0, 120.1, 36.0), crs.parse_crs("CRS84"))


def test_points_move_like_geometries() -> None:
    x, y = crs.transform_points([120.0335], [36.2645], crs.parse_crs("CRS84"), crs.parse_crs("EPSG:4549"))
    assert (x[0], y[0]) == pytest.approx((503010.3651, 4014892.4956), abs=1e-4)


@pytest.mark.parametrize("legacy", ["EPSG:4214", "EPSG:4610", "EPSG:4555", "EPSG:2385", "EPSG:2437"])
def test_legacy_datums_are_refused_on_the_way_out_too(legacy: str) -> None:
    with pytest.raises(BallparkTransformError, match="survey authority"):
        crs.from_cgcs2000(np.array([shapely.Point(120, 36)]), crs.parse_crs(legacy))
    with pytest.raises(BallparkTransformError):
        crs.transform_points([120.0], [36.0], crs.parse_crs("EPSG:4490"), crs.parse_crs(legacy))
    with pytest.raises(BallparkTransformError):
        crs.bounds_to_cgcs2000((120, 36, 121, 37), crs.parse_crs(legacy))


@pytest.mark.parametrize("name", ["GCJ-02", "gcj02", "urn:onemap:def:crs:GCJ-02", 'GEOGCS["GCJ_02",DATUM["D_GCJ"]]'])
def test_map_service_datums_come_in_but_do_not_go_out(name: str) -> None:
    wkt = 'GEOGCRS["GCJ_02",DATUM["x",ELLIPSOID["WGS 84",6378137,298.257223563]],CS[ellipsoidal,2],AXIS["lon",east],AXIS["lat",north],ANGLEUNIT["degree",0.0174532925199433]]'
    system = crs.parse_crs(wkt if name.startswith("GEOGCS") else name)
    assert not crs.is_same_place(system)
    assert crs.crs_uri(system) == "urn:onemap:def:crs:GCJ-02"
    shapes = np.array([shapely.Point(120.03883526, 36.26473757, 7), shapely.box(120.0, 36.0, 120.1, 36.1), None])
    moved = crs.to_cgcs2000(shapes, system)
    assert (moved[0].x, moved[0].y, moved[0].z) == pytest.approx((120.0335, 36.2645, 7), abs=5e-9)
    assert moved[1].bounds == pytest.approx((119.99465, 36.0, 120.09466, 36.1), abs=5e-4)
    assert moved[2] is None
    with pytest.raises(OffsetDatumError, match="GCJ-02"):
        crs.from_cgcs2000(moved, system)


def test_a_box_in_gcj02_holds_what_it_held() -> None:
    box = crs.bounds_to_cgcs2000((120.03, 36.26, 120.04, 36.27), crs.parse_crs("GCJ-02"))
    assert box.west == pytest.approx(120.0247, abs=2e-4)
    assert box.south < 36.2645 < box.north


def test_a_compound_system_moves_the_plane_and_keeps_the_height() -> None:
    system = crs.parse_crs("EPSG:4549+5737")
    moved = crs.to_cgcs2000(np.array([shapely.Point(503010.3651, 4014892.4956, 72.26)]), system)[0]
    assert (moved.x, moved.y) == pytest.approx((120.0335, 36.2645), abs=1e-9)
    assert moved.z == 72.26
    assert crs.is_northing_first(system)
    assert crs.is_same_place(crs.parse_crs("EPSG:4490+5737"))
    assert crs.parse_crs(crs.crs_uri(system)) == system


def test_points_outside_the_projection_are_known() -> None:
    zone = crs.parse_crs("EPSG:4549")
    given = np.array(
        [
            shapely.Point(503010, 4014892),
            shapely.Point(40503010, 4014892),  # with the zone's prefix
            shapely.Point(4014892, 503010),  # surveyor's X first
            shapely.Point(503.01, 4014.892),  # kilometres
            shapely.Point(np.nan, 4014892),  # no place to begin with
            None,
        ]
    )
    beyond = beyond_validity(given, crs.to_cgcs2000(given, zone), zone)
    assert beyond.tolist() == [False, True, True, True, False, False]
    degrees = np.array([shapely.Point(200, 100)])
    assert not beyond_validity(degrees, degrees, crs.parse_crs("EPSG:4490")).any(), "degrees are judged elsewhere"


@pytest.mark.parametrize(
    ("name", "there", "elsewhere"),
    [
        ("EPSG:4267", (-96.0, 30.0), (120.03, 36.26)),  # NAD27
        ("EPSG:4269", (-96.0, 30.0), (120.03, 36.26)),  # NAD83
        ("EPSG:4284", (37.6, 55.7), (120.03, 36.26)),  # Pulkovo 1942, whose registered box holds north China
        ("EPSG:4284", (-170.0, 66.0), (-100.0, 66.0)),  # on the other side of the antimeridian
        ("EPSG:4301", (139.7, 35.6), (120.03, 36.26)),  # Tokyo
        ("EPSG:6697", (139.7, 35.6), (120.03, 36.26)),  # JGD2011 with heights
    ],
)
def test_geographic_datums_are_refused_outside_their_area_of_use(
    name: str, there: tuple[float, float], elsewhere: tuple[float, float]
) -> None:
    system = crs.parse_crs(name)
    given = np.array([shapely.Point(there), shapely.Point(elsewhere), None])
    assert beyond_validity(given, crs.to_cgcs2000(given, system), system).tolist() == [False, True, False]
    assert area_in_words(system).startswith(" (")


def test_a_system_that_a_file_writes_without_its_code_has_its_registered_area() -> None:
    wkt = (
        _BEIJING.replace(",TOWGS84", "")
        .replace("Beijing_1954", "North_American_1927")
        .replace("Krasovsky_1940", "Clarke_1866")
    )
    system = crs.parse_crs(wkt.replace("6378245,298.3", "6378206.4,294.9786982"))
    assert valid_area(system) == valid_area(crs.parse_crs("EPSG:4267"))


def test_a_shape_that_is_cut_at_the_antimeridian_lies_within_an_area_across_it() -> None:
    system = crs.parse_crs("EPSG:4284")
    halves = np.array([shapely.union(shapely.box(179, 66, 180, 67), shapely.box(-180, 66, -179, 67))])
    assert not beyond_validity(halves, halves, system).any()


@pytest.mark.parametrize(
    ("name", "given", "lonlat"),
    [
        ("EPSG:3857", (13362000.0, 4334000.0), (120.0328883, 36.2422065)),
        ("EPSG:28992", (85000.0, 447000.0), (4.3676834, 52.0069491)),
        ("EPSG:7415", (85000.0, 447000.0), (4.3676834, 52.0069491)),
        ("EPSG:4269", (-96.0, 30.0), (-96.0, 30.0)),
        ("EPSG:26914", (600000.0, 3300000.0), (-97.9649937, 29.8264128)),
        ("EPSG:6697", (139.7, 35.6), (139.7, 35.6)),
    ],
)
def test_foreign_systems_work_offline_where_they_belong(
    name: str, given: tuple[float, float], lonlat: tuple[float, float]
) -> None:
    points, system = np.array([shapely.Point(given)]), crs.parse_crs(name)
    moved = crs.to_cgcs2000(points, system)
    assert not beyond_validity(points, moved, system).any()
    assert shapely.get_coordinates(moved)[0] == pytest.approx(lonlat, abs=1e-6)
