"""What a scene is made by: which property is the height, which ground, and what happens when its layer runs ahead of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine

from box_town import SCHEMA, box_town
from lamp_layer import with_lamps
from layers.policy import Actor
from layers.scenes import editions, serving
from layers.scenes.desk import SceneDesk, SceneWish
from layers.scenes.editions import Maker
from layers.scenes.ground import standing_on
from layers.scenes.rules import height_rule, roof_rule
from scenes3d.buildings.cleaning import footprints_of
from scenes3d.buildings.faults import BuildReport
from scenes3d.buildings.heights import HeightRule
from scenes3d.buildings.roof_rule import RoofRule
from scenes3d.buildings.tiling import build_tile, layout_of
from scenes3d.editions import folder as folder_module
from scenes3d.editions.edition import Edition
from scenes3d.editions.folder import SceneFolder
from scenes3d.glb.reading import read_model
from tiles.terrain.shelf import TerrainShelf
from twin.basemap.schemas import SCHEMAS as OSM
from twin.errors import BadCall, BadManifestError, BadMomentError, UnknownPropertyError, UnknownTerrainError
from twin.feature import FeatureBatch
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerRecord, LayerSpec, Store
from twin.text import LocalText

ME = Actor("tester")
DOCUMENT = {"id": "houses", "title": {"zh": "房屋", "en": "Houses"}, "department": "basemap"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "twin.gpkg")
    yield store
    store.close()


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> SceneDesk:
    write(store, 0, 400)
    return SceneDesk(store, tmp_path / "scenes", TerrainShelf(tmp_path / "terrain"))


def write(store: Store, start: int, stop: int, height: float | None = None) -> None:
    """Some of the town's buildings; the layer is made with the first."""
    (batch,) = box_town(400)
    part = batch.slice(start, stop)
    if height is not None:
        part = FeatureBatch(**{**vars(part), "columns": {**part.columns, "height": [height] * len(part)}})
    known = any(record.id == "houses" for record in store.layers())
    create = None if known else LayerSpec("houses", SCHEMA, DOCUMENT)
    with store.write("houses", Author("clerk"), create=create) as writer:
        writer.upsert(part)


def layer(
    store: Store, names: dict[str, PropertyType], style: dict | None = None, kind=GeometryType.POLYGON
) -> LayerRecord:
    schema = Schema(kind, tuple(Property(name, type_, LocalText()) for name, type_ in names.items()))
    document = {"id": "x", "title": {"zh": "x", "en": "x"}} | ({"style": style} if style else {})
    return store.create_layer(LayerSpec("x", schema, document), Author("clerk"))


NUMBER, INTEGER, DATE = PropertyType.NUMBER, PropertyType.INTEGER, PropertyType.DATE


@pytest.mark.parametrize(
    ("names", "style", "rule"),
    [
        ({"a": NUMBER, "Height": NUMBER}, None, HeightRule("Height", "")),
        ({"height_m": NUMBER, "floors": INTEGER}, None, HeightRule("height_m", "floors")),
        ({"层数": INTEGER}, None, HeightRule("", "层数")),
        ({"height": DATE, "levels": INTEGER}, None, HeightRule("", "levels")),
        (
            {"h": NUMBER, "height": NUMBER},
            {"kind": "fill", "extrude": {"property": "h", "scale": 0.3}},
            HeightRule("h", "", 0.3),
        ),
    ],
)
def test_the_height_is_what_the_style_raises_by_else_what_is_called_so(store, names, style, rule):
    assert height_rule(layer(store, names, style)) == rule


def test_a_layer_without_heights_or_areas_is_refused_with_the_way_out(store):
    plain = layer(store, {"name": PropertyType.STRING})
    with pytest.raises(BadManifestError) as caught:
        height_rule(plain)
    assert "--height" in caught.value.remedy
    with pytest.raises(UnknownPropertyError):
        height_rule(plain, height="tall")
    with pytest.raises(BadManifestError, match="polygons"):
        height_rule(with_lamps(store).layer("lamps"))


def test_one_of_several_terrains_has_to_be_named(tmp_path):
    shelf = TerrainShelf(tmp_path / "terrain")
    assert standing_on(shelf, None).ground is None
    for name, height in (("low", 2.0), ("high", 90.0)):
        file = tmp_path / f"{name}.tif"
        profile = {"driver": "GTiff", "height": 9, "width": 9, "count": 1, "dtype": "float32", "crs": "EPSG:4490"}
        with rasterio.open(file, "w", **profile, transform=Affine(0.1, 0, 119.5, 0, -0.1, 36.7)) as raster:
            raster.write(np.full((9, 9), height, dtype=np.float32), 1)
        shelf.add(file, name, LocalText(name, name), "5737")
    with pytest.raises(BadCall, match="several"):
        standing_on(shelf, None)
    with pytest.raises(UnknownTerrainError):
        standing_on(shelf, "middle")
    assert standing_on(shelf, "none").terrain == ""
    chosen = standing_on(shelf, "high")
    heights, unknown = chosen.ground(np.array([120.0, 10.0]), np.array([36.2, 10.0]))
    assert (chosen.vertical_datum, heights[0], unknown.tolist()) == ("EPSG:5737", 90.0, [False, True])
    shelf.close()


def test_a_large_delivery_is_built_at_once_where_that_is_quick(desk, store, monkeypatch):
    scene = desk.build("houses", SceneWish(), ME)
    monkeypatch.setattr(editions, "MOST_TOUCHED", 5)
    write(store, 0, 50, height=33.0)
    served = desk.served(desk.scene("houses", ME))
    assert (served.edition.version, served.behind) == (2, 0)
    assert served.edition.buildings == 400
    assert served.edition.entries != scene.folder.edition(1).entries


def test_a_scene_that_is_behind_says_so_until_somebody_builds_it(desk, store, monkeypatch):
    scene = desk.build("houses", SceneWish(), ME)
    monkeypatch.setattr(editions, "MOST_TOUCHED", 5)
    monkeypatch.setattr(serving, "MOST_AT_ONCE", 100)
    write(store, 0, 50, height=33.0)
    write(store, 50, 100, height=34.0)
    served = desk.served(desk.scene("houses", ME))
    assert (served.edition.version, served.behind) == (1, 2)
    with pytest.raises(BadMomentError) as caught:
        desk.served(desk.scene("houses", ME), 2)
    assert caught.value.remedy == "Build it: onemap scenes build houses --as-of 2."
    desk.build("houses", SceneWish(as_of=2), ME)
    assert desk.served(desk.scene("houses", ME), 2).edition.version == 2
    assert desk.served(desk.scene("houses", ME)).behind == 1
    desk.build("houses", SceneWish(), ME)
    assert desk.served(desk.scene("houses", ME)).behind == 0
    assert scene.folder.versions() == [1, 2, 3]


def test_versions_before_the_first_write_are_an_empty_city(desk):
    desk.build("houses", SceneWish(), ME)
    edition = desk.served(desk.scene("houses", ME), 0).edition
    assert edition.entries == ()
    assert b'"content"' not in edition.tileset().to_json()


def test_a_killed_build_is_no_scene_and_the_next_one_goes_on(desk, monkeypatch):
    class Killed(BaseException):
        pass

    def die(what: str, count: int) -> None:
        if what == "built":
            raise Killed

    with pytest.raises(Killed):
        desk.build("houses", SceneWish(), ME, die)
    assert desk.scenes(ME) == []
    assert desk.build("houses", SceneWish(), ME).folder.edition(1).buildings == 400


def test_both_stores_give_the_very_bytes_of_the_features(store_target, tmp_path):
    (batch,) = box_town(400)
    footprints = footprints_of(batch, HeightRule("height", "floors"), None, BuildReport())
    store = open_store(store_target)
    write(store, 0, 400)
    desk = SceneDesk(store, tmp_path / "scenes", TerrainShelf(tmp_path / "terrain"))
    scene = desk.build("houses", SceneWish(), ME)
    built = desk.served(scene).edition
    layout = layout_of(footprints)
    assert [scene.folder.read_tile(entry.content) for entry in built.entries] == [
        build_tile(layout.tile(number)).content for number in range(len(layout))
    ]
    write(store, 7, 8, height=200.0)
    patched = desk.served(desk.scene("houses", ME)).edition
    assert 1 <= len(set(patched.entries) - set(built.entries)) <= 4
    write(store, 7, 8)
    assert desk.served(desk.scene("houses", ME)).edition.entries == built.entries
    store.close()


def ids_of(folder: SceneFolder, edition: Edition) -> dict[str, float]:
    """Buildings of an edition with their heights."""
    tables = [read_model(folder.read_tile(entry.content) or b"").table for entry in edition.entries]
    return {name: height for table in tables for name, height in zip(table["id"], table["height"], strict=True)}


def test_a_scene_shows_what_held_at_another_time_by_the_rules_of_items(desk, store, monkeypatch):
    desk.build("houses", SceneWish(), ME)
    (b0, b1, b2) = (store.get("houses", name) for name in ("b0", "b1", "b2"))
    year = [datetime(2000 + number, 1, 1, tzinfo=UTC) for number in range(60)]
    with store.write("houses", Author("clerk")) as writer:
        writer.replace(replace(b0, valid_to=year[20]), redates=True)  # torn down
        writer.replace(replace(b1, valid_from=year[10]), redates=True)
        writer.replace(replace(b2, valid_from=year[30]), redates=True)  # planned
    with store.write("houses", Author("clerk")) as writer:  # b1 grew
        writer.replace(replace(b1, properties=b1.properties | {"height": 99.0}, valid_from=year[15]))

    def city(when: str, as_of: int | None = None) -> dict[str, float]:
        scene, valid = desk.scene("houses", ME), Interval.parse(when)
        patched = desk.served(scene, as_of, valid).edition
        batch = store.select("houses", FeatureQuery(as_of=as_of, interval=valid))
        found = ids_of(scene.folder, patched)
        assert found == pytest.approx(dict(zip(batch.ids, batch.columns["height"], strict=True)))
        # What differs from the newest states alone was made anew; a whole build ends in the same tiles.
        assert desk.maker(scene).whole(scene.folder, patched.version, valid=valid).entries == patched.entries
        assert patched.extras["datetime"] == str(valid)
        return found

    everything = ids_of(desk.folder("houses"), desk.served(desk.scene("houses", ME)).edition)
    assert len(everything) == 400
    now = city("2024-01-01")
    assert set(everything) - set(now) == {"b0", "b2"}
    assert now["b1"] == 99.0
    then = city("2012-06-01T00:00:00Z")
    assert set(everything) - set(then) == {"b2"}
    assert then["b1"] == b1.properties["height"]
    assert len(city("2005-01-01")) == 398
    assert city("2012-06-01/..")["b1"] == 99.0
    assert len(city("2035-01-01")) == 399
    # Both times: before the second write nobody knew that b1 had grown, before the first that anything ended.
    assert city("2024-01-01", 2)["b1"] == b1.properties["height"]
    assert city("2024-01-01", 1) == pytest.approx(ids_of(desk.folder("houses"), desk.folder("houses").edition(1)))
    # Kept under its time and made once.
    held = desk.folder("houses").edition_valid(3, Interval.parse("2024-01-01"))
    monkeypatch.setattr(Maker, "held_then", None)
    assert desk.served(desk.scene("houses", ME), None, Interval.parse("2024-01-01")).edition == held
    assert desk.folder("houses").versions() == [1, 2, 3]


def test_other_times_are_bounded_on_disk_and_in_work(desk, store, monkeypatch):
    scene = desk.build("houses", SceneWish(), ME)
    monkeypatch.setattr(folder_module, "MOST_OF_OTHER_TIMES", 3)
    for day in range(1, 6):
        desk.served(scene, None, Interval.parse(f"2024-01-0{day}"))
    assert len(list((scene.folder.path / "editions").glob("1@*"))) == 3
    with store.write("houses", Author("clerk")) as writer:
        for name in ("b0", "b1"):
            writer.replace(replace(store.get("houses", name), valid_to=datetime(2020, 1, 1, tzinfo=UTC)), redates=True)
    scene = desk.scene("houses", ME)
    desk.served(scene)
    monkeypatch.setattr(editions, "MOST_TOUCHED", 1)
    whole = desk.served(scene, None, Interval.parse("2024-01-01")).edition
    assert whole.buildings == 398
    assert desk.served(scene, None, Interval.parse("1950-01-01")).edition.buildings == 400
    monkeypatch.setattr(serving, "MOST_AT_ONCE", 100)
    late = Interval.parse("2023-01-01")
    with pytest.raises(BadMomentError) as caught:
        desk.served(scene, None, late)
    assert caught.value.remedy == f"Build it: onemap scenes build houses --as-of 2 --datetime {late}."
    desk.build("houses", SceneWish(as_of=2, valid=late), ME)
    assert desk.served(scene, None, late).edition.entries == whole.entries


def test_a_time_at_which_nothing_stood_is_an_empty_city(store, tmp_path):
    (batch,) = box_town(3)
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, DOCUMENT)) as writer:
        for feature in batch.features():
            writer.insert(replace(feature, valid_from=datetime(2020, 1, 1, tzinfo=UTC)))
    desk = SceneDesk(store, tmp_path / "scenes", TerrainShelf(tmp_path / "terrain"))
    scene = desk.build("houses", SceneWish(), ME)
    edition = desk.served(scene, None, Interval.parse("2019-01-01")).edition
    assert edition.entries == ()
    assert b'"content"' not in edition.tileset().to_json()
    assert desk.maker(scene).plan(1, {}).made == edition.made


def roofed(store: Store, shapes: list[str | None]) -> None:
    """The layer `houses` as it is, with a column that tells roofs of 2.5 m."""
    (batch,) = box_town(400)
    names = ("roof:shape", "roof:height")
    columns = {"roof:shape": [shapes[row % len(shapes)] for row in range(400)], "roof:height": [2.5] * 400}
    more = tuple(
        Property(name, kind, LocalText()) for name, kind in zip(names, (PropertyType.STRING, NUMBER), strict=True)
    )
    schema = Schema(SCHEMA.geometry_type, (*SCHEMA.properties, *more))
    whole = FeatureBatch(**{**vars(batch), "schema": schema, "columns": {**batch.columns, **columns}})
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", schema, DOCUMENT)) as writer:
        writer.upsert(whole)


def test_roofs_that_the_layer_tells_are_pitched_in_every_edition(store, tmp_path):
    roofed(store, ["gabled", "dome", None, "hipped"])
    desk = SceneDesk(store, tmp_path / "scenes", TerrainShelf(tmp_path / "terrain"))
    scene = desk.build("houses", SceneWish(), ME)
    report = scene.folder.edition(1).report
    found = {fault["fault"]: fault["count"] for fault in report["faults"]}
    assert found["roof-shape-not-drawn"] == 100
    assert found["roof-outline-unsuited"] > 20, "L-shapes and courtyards"
    assert scene.record["lods"] == report["lods"]
    assert scene.record["lod"] == "LOD2"
    assert report["lods"]["LOD2"] == 200 - found["roof-outline-unsuited"] - found.get("roof-height-too-large", 0)
    with store.write("houses", Author("clerk")) as writer:
        writer.delete("b8")
    patched = desk.served(desk.scene("houses", ME)).edition
    assert patched.entries == desk.maker(scene).whole(desk.folder("houses"), 2).entries
    flat = desk.build("houses", SceneWish(roofs={}), ME)
    assert flat.record["lod"] == "LOD1"
    assert "lods" not in flat.record
    assert "lods" not in flat.folder.edition(2).report
    with pytest.raises(BadCall, match="not told by this"):
        desk.build("houses", SceneWish(roofs={"colour": "name"}), ME)
    with pytest.raises(UnknownPropertyError):
        desk.build("houses", SceneWish(roofs={"shape": "form"}), ME)


def test_roofs_of_openstreetmap_and_of_surveys_are_found_by_their_names(store):
    spec = LayerSpec("osm", OSM["buildings"], {"id": "osm", "title": {"zh": "x", "en": "x"}, "department": "basemap"})
    osm = roof_rule(store.create_layer(spec, Author("clerk")))
    assert osm == RoofRule(
        "roof_shape", "roof_height_m", "roof_levels", "roof_angle", "roof_direction", "roof_orientation"
    )
    survey = layer(store, {"檐口高度": NUMBER, "屋脊高度": NUMBER, "层数": INTEGER})
    assert roof_rule(survey) == RoofRule(eaves="檐口高度", ridge="屋脊高度")
    assert roof_rule(survey, {}) is None
    store.drop_layer("x")
    assert roof_rule(layer(store, {"height": NUMBER, "檐口高度": NUMBER})) is None
