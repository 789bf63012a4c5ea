"""The department samples: ids by their standards, values within their lists, places that make sense."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import shapely

from data_samples.town.gazetteer import TOWNS
from data_samples.town.grid_cells import URBAN_TOWNS
from data_samples.town.sample import FILES, SOURCE_ROOT
from layers.manifest import parse_manifest

AT_LEAST = {"facilities": 5000, "cameras": 300, "sensors": 200, "pollution-sources": 110, "grid-cells": 500}
COMMITTED = SOURCE_ROOT / "data_samples" / "jiaozhou"


def manifest_of(layer: str):
    return parse_manifest(json.loads((SOURCE_ROOT / FILES[layer][1]).read_text(encoding="utf-8")))


@pytest.mark.parametrize("layer", sorted(AT_LEAST))
def test_layers_are_as_rich_as_promised(layers, layer):
    assert len(layers[layer]) >= AT_LEAST[layer]


@pytest.mark.parametrize("layer", sorted(FILES))
def test_manifests_are_sound_and_say_that_the_data_are_made_up(layer):
    manifest = manifest_of(layer)
    assert manifest.id == layer
    assert manifest.synthetic
    assert "示例" in manifest.attribution
    assert "Generated" in manifest.attribution
    assert manifest.title.zh
    assert manifest.title.en
    assert manifest.crs == "EPSG:4490"
    assert manifest.licence == "CC0-1.0"
    assert manifest.style is not None
    assert manifest.geometry_type is not None
    assert manifest.style.draws(manifest.geometry_type)


@pytest.mark.parametrize("layer", sorted(FILES))
def test_files_hold_the_columns_of_their_manifest(layers, layer):
    manifest = manifest_of(layer)
    names = {entry.name for entry in manifest.properties or ()}
    assert set(layers[layer].columns) - {"geometry"} == names | {manifest.id_property}


@pytest.mark.parametrize("layer", sorted(FILES))
def test_coded_values_are_in_their_lists(layers, layer):
    for entry in manifest_of(layer).properties or ():
        if entry.codes:
            found = set(layers[layer][entry.name].dropna().tolist())
            assert found <= {code.value for code in entry.codes}, entry.name


@pytest.mark.parametrize("layer", sorted(FILES))
def test_geometry_types_are_the_declared_ones(layers, layer):
    declared = manifest_of(layer).geometry_type
    assert declared is not None
    assert all(declared.accepts(name) for name in layers[layer].geom_type.unique())


def test_component_ids_have_seventeen_digits_with_their_class(layers):
    rows = layers["facilities"]
    assert rows.code.str.fullmatch(r"370281\d{11}").all()
    assert (rows.code.str[6:11] == rows.class_code).all()
    assert (rows.class_code.str[:2] == rows.major).all()


def test_components_lie_in_the_grid_cell_they_name(layers):
    cells = layers["grid-cells"].set_index("code").geometry
    rows = layers["facilities"]
    named = cells.loc[rows.grid_code].values
    assert shapely.dwithin(np.asarray(named), np.asarray(rows.geometry.values), 3e-7).all()


def test_grid_cells_tile_the_urban_towns(layers):
    cells = np.asarray(layers["grid-cells"].geometry.values)
    assert shapely.coverage_is_valid(cells)
    districts = layers["districts"].set_index("code").geometry
    towns = shapely.coverage_union_all(np.asarray([districts[code] for code in URBAN_TOWNS]))
    assert shapely.coverage_union_all(cells).symmetric_difference(towns).area == 0


def test_grid_cells_have_codes_of_town_community_and_sequence(layers):
    rows = layers["grid-cells"]
    assert rows.code.str.fullmatch(r"370281\d{9}").all()
    assert (rows.code.str[:12] == rows.community_code).all()
    assert (rows.community_code.str[:9] == rows.town_code).all()
    for _, numbers in rows.groupby("community_code").code:
        assert sorted(int(code[-3:]) for code in numbers) == list(range(1, len(numbers) + 1))


def test_no_grid_cell_cuts_a_building(layers):
    borders = np.asarray(layers["grid-cells"].geometry.boundary.values)
    buildings = np.asarray(layers["buildings"].geometry.values)
    assert len(shapely.STRtree(buildings).query(borders, predicate="intersects")[0]) == 0


def test_grid_cell_areas_are_measured(layers):
    rows = layers["grid-cells"]
    assert np.allclose(rows.to_crs(4549).area, rows.area_m2, rtol=1e-3)


def test_cameras_have_ids_of_twenty_digits_and_a_direction(layers):
    rows = layers["cameras"]
    assert rows.code.str.fullmatch(r"37028100(00|04)1326\d{6}").all()
    assert rows.azimuth_deg.between(0, 360, inclusive="left").all()
    assert rows.fov_deg.between(20, 120).all()


def test_cameras_carry_no_secrets():
    head = (COMMITTED / "cameras.csv").read_text(encoding="utf-8").splitlines()[0].lower()
    assert not [word for word in ("password", "ip", "port", "address", "user") if word in head.split(",")]


def test_an_alarm_is_above_its_threshold_and_nothing_else_is(layers):
    rows = layers["sensors"]
    assert (rows[rows.status == "alarm"].value > rows[rows.status == "alarm"].alarm_above).all()
    assert (rows[rows.status != "alarm"].value <= rows[rows.status != "alarm"].alarm_above).all()
    assert set(rows.status) == {"normal", "alarm", "offline"}


def test_offline_sensors_are_old_and_the_others_fresh(layers):
    rows = layers["sensors"]
    age = rows.observed_at.max() - rows.observed_at
    assert age[rows.status == "offline"].min().total_seconds() > 3 * 3600
    assert age[rows.status != "offline"].max().total_seconds() <= 3600


def test_the_shapefile_is_gbk_with_fixed_times():
    with zipfile.ZipFile(COMMITTED / "pollution-sources.zip") as archive:
        assert {info.date_time for info in archive.infolist()} == {(2026, 11, 1, 0, 0, 0)}
        assert "示例".encode("gbk") in archive.read("pollution-sources.dbf")


def test_invented_companies_say_that_they_are(layers):
    assert layers["pollution-sources"].name.str.endswith("（示例）").all()


def test_town_codes_exist_and_fit_the_place(layers):
    codes = {town.code for town in TOWNS}
    towns = layers["districts"].set_index("code").geometry
    for layer in ("facilities", "cameras", "sensors", "pollution-sources"):
        rows = layers[layer]
        assert set(rows.town_code) <= codes
        named = np.asarray(towns.loc[rows.town_code].values)
        assert shapely.dwithin(named, np.asarray(rows.geometry.values), 0.01).all(), layer


def test_every_file_has_a_row_in_the_readme():
    page = (Path(SOURCE_ROOT) / "data_samples" / "README.md").read_text(encoding="utf-8")
    assert [name for name, _ in FILES.values() if f"`jiaozhou/{name}`" not in page] == []
