"""Geometry text written as digits on arrays says the same as GEOS."""

from __future__ import annotations

import json
import math

import hypothesis.strategies as st
import numpy as np
import pytest
import shapely
from hypothesis import given

from api.crs_edge import edge_crs
from api.responses.coordinates import encode_geometries, encode_wkb

EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
CRS84 = edge_crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84")
lon = st.floats(-180, 180, allow_subnormal=False)
lat = st.floats(-85, 85, allow_subnormal=False)
pair = st.tuples(lon, lat)
line = st.lists(pair, min_size=2, max_size=6)


@st.composite
def boxes(draw):
    x, y = draw(st.floats(-170, 170)), draw(st.floats(-80, 80))
    return shapely.box(x, y, x + draw(st.floats(0.01, 9)), y + draw(st.floats(0.01, 4)))


@st.composite
def rings(draw):
    outer = draw(boxes())
    west, south, east, north = outer.bounds
    hole = shapely.box(west + (east - west) / 4, south + (north - south) / 4, west + (east - west) / 2, north)
    return outer.difference(hole) if draw(st.booleans()) else outer


geometries = st.one_of(
    st.none(),
    pair.map(shapely.Point),
    st.tuples(lon, lat, st.floats(-100, 9000)).map(shapely.Point),
    line.map(shapely.LineString),
    rings(),
    st.lists(pair, min_size=1, max_size=4).map(shapely.MultiPoint),
    st.lists(line, min_size=1, max_size=3).map(shapely.MultiLineString),
    st.lists(rings(), min_size=1, max_size=3).map(shapely.MultiPolygon),
    st.lists(pair.map(shapely.Point), min_size=1, max_size=3).map(shapely.GeometryCollection),
)


def as_array(items):
    array = np.empty(len(items), dtype=object)
    array[:] = items
    return array


def as_wkb(items):
    return [None if item is None else shapely.to_wkb(item, flavor="iso") for item in items]


@given(st.lists(geometries, max_size=12))
def test_both_ways_of_writing_read_back_as_what_went_in(items):
    for texts in (encode_wkb(as_wkb(items), CRS84), encode_geometries(as_array(items), 9)):
        assert len(texts) == len(items)
        for item, text in zip(items, texts, strict=True):
            if item is None:
                assert text == b"null"
                continue
            read = shapely.from_geojson(text)
            assert read.geom_type == item.geom_type
            assert shapely.equals_exact(read, item, 1.1e-9)
            assert read.has_z == item.has_z


@given(st.lists(geometries, max_size=8), st.sampled_from(["4326", "4490", "4549", "3857"]))
def test_straight_from_wkb_is_the_same_as_by_way_of_geometries(items, code):
    crs = edge_crs(EPSG + code)
    assert encode_wkb(as_wkb(items), crs) == encode_geometries(crs.outward(as_array(items)), crs.decimals)


@given(st.lists(st.floats(-4e7, 4e7, allow_subnormal=False), min_size=1, max_size=20), st.integers(1, 9))
def test_numbers_are_rounded_and_have_no_idle_zeros(values, decimals):
    texts = encode_geometries(shapely.points([[v, -v] for v in values]), decimals)
    for value, text in zip(values, texts, strict=True):
        x, y = (part for part in text.decode().split("[")[1].removesuffix("]}").split(","))
        assert math.isclose(float(x), value, abs_tol=0.51 * 10**-decimals, rel_tol=1e-12)
        for written in (x, y):
            assert json.loads(written) == float(written)
            assert "." not in written or not written.endswith(("0", "."))
            assert written != "-0"


@pytest.mark.parametrize("decimals", [4, 9])
def test_what_a_projection_loses_is_null_and_spares_its_neighbours(decimals):
    line = shapely.LineString([(1, 2), (math.inf, 3)])
    items = as_array([shapely.Point(1, 2), shapely.Point(math.inf, 1), line, shapely.LineString([(1, 2), (3, 4)])])
    assert [json.loads(text) for text in encode_geometries(items, decimals)] == [
        {"type": "Point", "coordinates": [1, 2]},
        None,
        None,
        {"type": "LineString", "coordinates": [[1, 2], [3, 4]]},
    ]
