"""The extract of Andorra beside GDAL's own reading of it, and small extracts made for one question each."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import osmium
import pyogrio
import pytest
import shapely

from twin.basemap.osm import OsmLayers, open_osm
from twin.basemap.schemas import SCHEMAS
from twin.errors import UnreadableFileError
from twin.formats.port import FeatureSource, Rejection, RowBatch


@pytest.fixture(scope="module")
def andorra(shared_data: Path) -> Iterator[OsmLayers]:
    with open_osm(shared_data / "vector/andorra.osm.pbf") as layers:
        yield layers


def rows(source: FeatureSource) -> tuple[dict[str, tuple[shapely.Geometry, dict[str, Any]]], list[Rejection]]:
    found: dict[str, tuple[shapely.Geometry, dict[str, Any]]] = {}
    rejected: list[Rejection] = []
    for batch in source.batches(rows=500):
        rejected += batch.rejected
        for i, (id_, wkb) in enumerate(zip(batch.ids or [], batch.wkb, strict=True)):
            assert id_ is not None
            assert wkb is not None
            found[id_] = (shapely.from_wkb(wkb), {name: values[i] for name, values in batch.columns.items()})
    return found, rejected


def test_every_layer_keeps_to_its_schema(andorra: OsmLayers) -> None:
    assert set(andorra) == set(SCHEMAS)
    for layer, source in andorra.items():
        assert source.info.schema == SCHEMAS[layer]
        found, rejected = rows(source)
        assert source.info.feature_count == len(found) + len(rejected)
        for geometry, properties in found.values():
            assert SCHEMAS[layer].geometry_type.accepts(geometry.geom_type)
            assert tuple(properties) == SCHEMAS[layer].names
            assert len(properties["feature_class"]) == 6


def test_roads_are_those_of_gdal_without_the_two_under_construction(andorra: OsmLayers, shared_data: Path) -> None:
    path = shared_data / "vector/andorra.osm.pbf"
    lines = pyogrio.read_dataframe(path, layer="lines", where="highway IS NOT NULL")
    assert len(lines) == 1614
    expected = lines[lines.highway != "construction"].set_index("osm_id")
    found, rejected = rows(andorra["roads"])
    assert rejected == []
    assert set(found) == {f"w{id_}" for id_ in expected.index}
    for id_, (geometry, properties) in found.items():
        theirs = expected.loc[id_[1:]]
        assert geometry.equals_exact(shapely.remove_repeated_points(theirs.geometry, 0), 1e-7)
        assert properties["road_class"] == theirs.highway


def test_buildings_are_the_292_of_gdal(andorra: OsmLayers, shared_data: Path) -> None:
    path = shared_data / "vector/andorra.osm.pbf"
    theirs = pyogrio.read_dataframe(path, layer="multipolygons", where="building IS NOT NULL")
    found, _ = rows(andorra["buildings"])
    assert len(found) == len(theirs) == 292
    ours = shapely.area([geometry for geometry, _ in found.values()]).sum()
    assert ours == pytest.approx(shapely.area(theirs.geometry.to_numpy()).sum(), rel=1e-6)


def test_incomplete_boundaries_are_counted_and_named(andorra: OsmLayers) -> None:
    found, rejected = rows(andorra["districts"])
    assert {p["name"] for _, p in found.values()} >= {"Ordino", "Encamp", "La Massana"}
    assert found["r2804758"][1]["area_km2"] == pytest.approx(84.93, abs=0.3)
    values = [r.value for r in rejected]
    assert "r11980 法国" not in values
    assert any(value.startswith("r11980 ") for value in values)  # France, of which the extract holds a corner
    assert {r.row for r in rejected} == set(range(len(found) + 1, len(found) + len(rejected) + 1))


def test_places_have_both_names_and_a_rank(andorra: OsmLayers) -> None:
    found, _ = rows(andorra["places"])
    _, capital = found["n58957648"]
    assert capital["name"] == "安道尔城"
    assert capital["population"] == 24678
    assert Counter(p["kind"] for _, p in found.values()) == {
        "village": 32,
        "hamlet": 20,
        "town": 7,
        "locality": 7,
        "district": 1,
    }


XML = """<osm version="0.6">
{nodes}
<way id="1"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/><tag k="building" v="apartments"/><tag k="height" v="40'"/>
 <tag k="building:levels" v="12"/>
 <tag k="roof:shape" v="hipped"/><tag k="roof:height" v="3 m"/><tag k="roof:angle" v="30°"/><tag k="roof:direction" v="SSE"/><tag k="name" v="一号楼"/><tag k="name:en" v="Block 1"/></way>
<way id="2"><nd ref="5"/><nd ref="6"/><nd ref="7"/><nd ref="5"/></way>
<way id="3"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="4"/><nd ref="1"/></way>
<way id="4"><nd ref="1"/><nd ref="2"/><tag k="highway" v="primary"/><tag k="maxspeed" v="30 mph"/><tag k="lanes" v="4"/></way>
<way id="5"><nd ref="98"/><nd ref="99"/><tag k="highway" v="service"/></way>
<way id="6"><nd ref="1"/><nd ref="2"/><nd ref="3"/><nd ref="1"/><tag k="highway" v="pedestrian"/><tag k="area" v="yes"/></way>
<relation id="1"><member type="way" ref="3" role="outer"/><member type="way" ref="2" role="inner"/>
 <tag k="type" v="multipolygon"/><tag k="natural" v="water"/><tag k="water" v="reservoir"/></relation>
<relation id="2"><member type="way" ref="77" role="outer"/><tag k="type" v="multipolygon"/><tag k="landuse" v="forest"/></relation>
</osm>"""
PLACES = {1: (0, 0), 2: (9, 0), 3: (9, 9), 4: (0, 9), 5: (1, 1), 6: (2, 1), 7: (2, 2)}


def small_extract(folder: Path) -> Path:
    nodes = "".join(f'<node id="{i}" lon="{120 + x / 1000}" lat="{36 + y / 1000}"/>' for i, (x, y) in PLACES.items())
    source, target = folder / "small.osm", folder / "small.osm.pbf"
    source.write_text(XML.format(nodes=nodes), "utf-8")
    with osmium.SimpleWriter(str(target)) as writer:
        for thing in osmium.FileProcessor(str(source)):
            writer.add(thing)
    return target


def test_what_an_object_becomes(tmp_path: Path) -> None:
    with open_osm(small_extract(tmp_path)) as layers:
        assert list(layers) == ["landuse", "water", "roads", "buildings"]
        buildings, _ = rows(layers["buildings"])
        water, _ = rows(layers["water"])
        roads, bad_roads = rows(layers["roads"])
        _, bad_landuse = rows(layers["landuse"])
    geometry, block = buildings["w1"]
    assert geometry.geom_type == "Polygon"
    assert (block["height_m"], block["floors"], block["kind"], block["use"]) == (
        pytest.approx(12.192),
        12,
        "residential",
        "apartments",
    )
    assert (block["name"], block["name_en"]) == ("一号楼", "Block 1")
    roof = {name: value for name, value in block.items() if name.startswith("roof_")}
    assert roof == {
        "roof_shape": "hipped",
        "roof_height_m": 3.0,
        "roof_levels": None,
        "roof_angle": 30.0,
        "roof_direction": "SSE",
        "roof_orientation": None,
    }
    reservoir, described = water["r1"]
    assert len(reservoir.interiors) == 1
    assert described["kind"] == "reservoir"
    assert described["feature_class"].startswith("24")
    assert set(roads) == {"w4"}
    assert (roads["w4"][1]["maxspeed_kmh"], roads["w4"][1]["lanes"]) == (48, 4)
    assert [(r.value, r.reason) for r in bad_roads] == [("w5", "the object's nodes are not in this extract")]
    assert [r.value for r in bad_landuse] == ["r2"]


def test_only_the_layers_that_were_asked_for_are_read(tmp_path: Path) -> None:
    with open_osm(small_extract(tmp_path), layers=["roads"]) as layers:
        assert list(layers) == ["roads"]


def test_the_temporary_files_go_with_the_last_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    layers = open_osm(small_extract(tmp_path))
    assert len(list(scratch.iterdir())) == 1
    for source in layers.values():
        assert len(list(scratch.iterdir())) == 1
        source.close()
    assert list(scratch.iterdir()) == []


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_an_extract_that_is_cut_off_is_told(shared_data: Path, tmp_path: Path, share: float) -> None:
    raw = (shared_data / "vector/andorra.osm.pbf").read_bytes()
    path = tmp_path / "cut.osm.pbf"
    path.write_bytes(raw[: int(len(raw) * share)])
    with pytest.raises(UnreadableFileError, match="damaged or cut off"):
        open_osm(path)


def test_batches_are_as_small_as_asked_for(andorra: OsmLayers) -> None:
    batches: list[RowBatch] = list(andorra["roads"].batches(rows=1000))
    assert [len(b) for b in batches] == [1000, 612]
    assert next(iter(batches[1].rows)) == 1001
