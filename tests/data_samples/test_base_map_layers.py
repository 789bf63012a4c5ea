"""The base map of the sample town: valid, complete, and nothing stands on anything else."""

from __future__ import annotations

import re
from collections import Counter

import geopandas
import numpy as np
import pytest
import shapely

from data_samples.town.gazetteer import TOWNS

AT_LEAST = {
    "buildings": 20_000,
    "places": 250,
    "poi": 400,
    "roads": 5000,
    "landuse": 5000,
    "water": 50,
    "rivers": 15,
    "railways": 5,
}


@pytest.fixture(scope="session")
def towns(layers):
    districts = layers["districts"]
    return districts[districts.kind == "town"].set_index("code")


@pytest.fixture(scope="session")
def footprints(layers):
    return np.asarray(layers["buildings"].geometry.values)


@pytest.mark.parametrize("layer", sorted(AT_LEAST))
def test_layers_are_as_rich_as_promised(layers, layer):
    assert len(layers[layer]) >= AT_LEAST[layer]


def test_every_shape_is_valid_and_filled(layers):
    for name, frame in layers.items():
        assert frame.geometry.is_valid.all(), name
        assert not frame.geometry.is_empty.any(), name
        assert not frame.geometry.isna().any(), name


def test_everything_is_in_cgcs2000(layers):
    assert {name: frame.crs.to_epsg() for name, frame in layers.items() if frame.crs.to_epsg() != 4490} == {}


def test_coordinates_have_seven_decimals(layers):
    for name in ("roads", "buildings", "facilities"):
        values = shapely.get_coordinates(layers[name].geometry.values)
        assert (values == np.round(values, 7)).all(), name


def test_ids_are_unique(layers):
    for name, frame in layers.items():
        key = (
            next(column for column in ("id", "permit_no", "code") if column in frame.columns)
            if name != "districts"
            else "code"
        )
        assert frame[key].is_unique, name


def test_towns_carry_their_real_codes_and_names(towns):
    assert dict(towns.name) == {town.code: town.name for town in TOWNS}


def test_towns_tile_the_city(layers, towns):
    parts = np.asarray(towns.geometry.values)
    assert shapely.coverage_is_valid(parts)
    districts = layers["districts"]
    city = districts[districts.kind == "city"].geometry.values[0]
    assert shapely.coverage_union_all(parts).equals(city)


def test_areas_in_the_table_are_measured_areas(layers):
    measured = layers["districts"].to_crs(4549).area / 1e6
    assert np.abs(measured - layers["districts"].area_km2).max() < 0.05


def test_each_building_stands_in_one_town(towns, footprints):
    building, _ = shapely.STRtree(np.asarray(towns.geometry.values)).query(footprints, predicate="covered_by")
    assert (np.bincount(building, minlength=len(footprints)) == 1).all()


def test_no_building_overlaps_another(footprints):
    left, right = shapely.STRtree(footprints).query(footprints, predicate="intersects")
    assert (left == right).all()


def test_no_building_stands_on_a_road_a_railway_or_in_water(layers, footprints):
    tree = shapely.STRtree(footprints)
    for name in ("roads", "railways", "water", "rivers"):
        on_the_ground = layers[name][layers[name].kind != "metro"]
        assert len(tree.query(np.asarray(on_the_ground.geometry.values), predicate="intersects")[0]) == 0, name


def test_heights_go_with_floors(layers):
    buildings = layers["buildings"]
    per_floor = buildings.height_m / buildings.floors
    assert per_floor.between(2.9, 22).all()
    assert buildings[buildings.floors >= 17].height_m.min() > 45


def test_land_use_does_not_overlap_by_more_than_crumbs(layers):
    land = layers["landuse"]
    land = land[land.use != "airport"].to_crs(4549)
    shapes = np.asarray(land.geometry.values)
    left, right = shapely.STRtree(shapes).query(shapes, predicate="overlaps")
    shared = shapely.area(shapely.intersection(shapes[left], shapes[right]))
    assert shared.max() < 300  # of 1,285 square kilometres
    assert shared.sum() < 10_000


def test_most_roads_hang_together(layers):
    roads = layers["roads"]
    roads = roads[roads.kind != "motorway"]
    lines = np.asarray(roads.geometry.values)
    ends = np.concatenate([shapely.get_coordinates(shapely.get_point(lines, k)) for k in (0, -1)])
    _, node = np.unique(ends, axis=0, return_inverse=True)
    node = node.reshape(2, -1)
    group = np.arange(node.max() + 1)
    for _ in range(400):
        before = group.copy()
        low = np.minimum(group[node[0]], group[node[1]])
        np.minimum.at(group, node[0], low)
        np.minimum.at(group, node[1], low)
        group = group[group]
        if (group == before).all():
            break
    largest = Counter(group[node[0]].tolist()).most_common(1)[0][1]
    assert largest > 0.95 * len(lines)


def test_bridges_lie_over_water_rails_or_motorways(layers):
    roads = layers["roads"].to_crs(4549)
    bridges = np.asarray(roads[roads.bridge].geometry.values)
    strips = [layers[name].to_crs(4549).buffer(45) for name in ("rivers", "railways")]
    strips.append(roads[roads.kind == "motorway"].buffer(45))
    below = np.concatenate([layers["water"].to_crs(4549).geometry.values, *[strip.values for strip in strips]])
    assert len(bridges) > 200
    assert len(np.unique(shapely.STRtree(below).query(bridges, predicate="intersects")[0])) == len(bridges)


def test_village_names_are_chinese_with_pinyin_and_differ(layers):
    villages = layers["places"][layers["places"].kind == "village"]
    assert villages.name.is_unique
    assert villages.name.str.fullmatch(r"[\u4e00-\u9fff]{2,6}").all()
    assert villages.name_en.str.fullmatch(r"[A-Z][A-Za-z' ]+").all()


def test_places_rank_city_before_towns_before_villages(layers):
    ranks = layers["places"].groupby("kind")["rank"].agg(["min", "max"])
    assert ranks.loc["city", "max"] < ranks.loc["town", "min"]
    assert ranks.loc["town", "max"] < ranks.loc["village", "min"]


def test_feature_classes_have_six_digits(layers):
    for name in ("districts", "landuse", "water", "rivers", "roads", "railways", "buildings", "places", "poi"):
        assert all(re.fullmatch(r"\d{6}", code) for code in layers[name].feature_class.unique()), name


def test_towns_lie_where_the_real_ones_lie(towns, shared_data):
    """Against the OpenStreetMap outlines: middles within 3 km, areas within a fifth; the seat stands in its town."""
    real = (
        geopandas.read_file(shared_data / "admin" / "jiaozhou-townships-osm.geojson").set_index("nbs_code").to_crs(4549)
    )
    ours = towns.to_crs(4549)
    assert set(real.index.astype(str)) == set(ours.index)
    for code in ours.index:
        mine, theirs = ours.geometry[code], real.geometry[code]
        assert mine.centroid.distance(theirs.centroid) < 3000, code
        assert mine.area == pytest.approx(theirs.area, rel=0.2), code


def test_outlines_are_not_copied(towns, shared_data):
    """A copied border would run within metres of the real one for kilometres; ours only crosses it."""
    real = geopandas.read_file(shared_data / "admin" / "jiaozhou-townships-osm.geojson").to_crs(4549)
    borders = shapely.union_all(real.geometry.boundary.values).buffer(15)
    ours = shapely.union_all(towns.to_crs(4549).geometry.boundary.values)
    assert ours.intersection(borders).length < 0.05 * ours.length


def test_each_seat_stands_in_its_town(layers, towns):
    seats = layers["places"][layers["places"].kind == "town"].set_index("code")
    assert all(towns.geometry[code].contains(seats.geometry[code]) for code in towns.index)
