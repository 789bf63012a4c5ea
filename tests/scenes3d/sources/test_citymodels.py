"""CityJSON and CityGML: real files counted against themselves, bodies of known volume, and files that mean harm."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from scenes3d.editions.folder import SceneFolder, edition_opener
from scenes3d.glb.container import unpack
from scenes3d.glb.reading import read_model
from scenes3d.models.building import build_model
from scenes3d.models.shaping import Faults, shapes_of
from scenes3d.sources.citymodels.citygml import open_citygml
from scenes3d.sources.citymodels.cityjson import open_cityjson
from scenes3d.sources.reference import Reference, Stated, resolve
from scenes3d.tileset.checking import check_tileset
from twin.crs import parse_crs
from twin.errors import BadGeometryError, DuplicateFeatureError, TooLargeError, UnreadableFileError, UnsafeArchiveError

OURS = Reference(parse_crs("EPSG:4549"), "EPSG:5737")
EAST, NORTH = 500_000.0, 4_013_000.0


def built(model, reference, folder: Path):
    faults = Faults()
    scene = SceneFolder(folder)
    edition, report = build_model(shapes_of(model.features(), reference, faults), faults, scene, 1, {})
    checked = check_tileset("tileset.json", edition_opener(scene, edition))
    assert checked.faults == ()
    return scene, edition, report


def volume(shape) -> float:
    """Cubic metres, by the divergence theorem over the triangles."""
    points = shape.earth - shape.earth.mean(axis=0)
    a, b, c = (points[shape.corners[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def cube(size=10.0, at=(0.0, 0.0), ids="house", **more) -> dict:
    """A CityJSON cube whose top has a square hole of a quarter of its width, all the way down."""
    x, y = EAST + at[0], NORTH + at[1]
    inner = size * 3 / 8, size * 5 / 8
    corners = [(a, b) for a, b in ((0, 0), (size, 0), (size, size), (0, size))]
    shaft = [(inner[0], inner[0]), (inner[1], inner[0]), (inner[1], inner[1]), (inner[0], inner[1])]
    vertices = [[x + a, y + b, z] for z in (20.0, 20.0 + size) for a, b in corners + shaft]
    walls = [[[i, (i + 1) % 4, 8 + (i + 1) % 4, 8 + i]] for i in range(4)]
    shaft_walls = [[[4 + (i + 1) % 4, 4 + i, 12 + i, 12 + (i + 1) % 4]] for i in range(4)]
    shell = [[[8, 9, 10, 11], [15, 14, 13, 12]], [[3, 2, 1, 0], [4, 5, 6, 7]], *walls, *shaft_walls]
    values = [0, 1, *[2] * 8]
    kinds = [{"type": "RoofSurface"}, {"type": "GroundSurface"}, {"type": "WallSurface"}]
    solid = {"type": "Solid", "lod": "2.2", "boundaries": [shell], "semantics": {"surfaces": kinds, "values": [values]}}
    coarse = {"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2, 3]]]}
    said = {"type": "Building", "geometry": [coarse, solid], "attributes": {"floors": 3, "code": "0503", "flat": True}}
    return {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4549"},
        "CityObjects": {ids: said | more},
        "vertices": vertices,
    }


def saved(tmp_path, document, name="model.city.json") -> Path:
    path = tmp_path / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def models(shared_data):
    return shared_data / "model3d"


def test_a_cube_with_a_shaft_has_the_volume_and_area_of_the_formula(tmp_path):
    path = saved(tmp_path, cube())
    (shape,) = shapes_of(open_cityjson(path).features(), OURS, faults := Faults())
    # Gauss-Krüger at the central meridian keeps lengths to the height: 1 + h/R in plane.
    assert volume(shape) == pytest.approx(1000 - 62.5, rel=2e-5)
    assert shape.area_m2 == pytest.approx(2 * (100 - 6.25) + 400 + 100, rel=2e-5)
    assert (shape.lod, shape.kind, faults.counts) == (2.2, "Building", {})
    normals = {tuple(np.rint(row).astype(int)) for row in shape.normals @ _axes().T}
    assert normals == {(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)}


def _axes():
    from twin.ellipsoid import east_north_up

    return east_north_up(120.0, 36.2497)


def test_every_vertex_knows_which_part_of_the_house_it_is_of(tmp_path):
    model = open_cityjson(saved(tmp_path, cube()))
    (shape,) = shapes_of(model.features(), OURS, Faults())
    up = (shape.normals * shape.earth / np.linalg.norm(shape.earth, axis=1)[:, None]).sum(axis=1)
    known = {
        shape.parts[row]: {round(float(value)) for value in up[shape.part == row]} for row in np.unique(shape.part)
    }
    assert known == {"RoofSurface": {1}, "GroundSurface": {-1}, "WallSurface": {0}}
    scene, edition, _ = built(model, OURS, tmp_path / "scene")
    document = unpack(scene.read_tile(edition.entries[0].content), "tile").document
    (primitive,) = document["meshes"][0]["primitives"]
    parts = primitive["extensions"]["EXT_mesh_features"]["featureIds"][1]
    assert parts == {"featureCount": 4, "attribute": 1, "propertyTable": 1, "label": "surface"}
    assert document["extensions"]["EXT_structural_metadata"]["propertyTables"][1]["class"] == "surface"
    # Nobody says of a plain box: no second set of ids is written.
    plain = cube()
    del plain["CityObjects"]["house"]["geometry"][1]["semantics"]
    scene, edition, _ = built(open_cityjson(saved(tmp_path, plain)), OURS, tmp_path / "plain")
    document = unpack(scene.read_tile(edition.entries[0].content), "tile").document
    assert "_FEATURE_ID_1" not in document["meshes"][0]["primitives"][0]["attributes"]


def test_picking_gives_the_attributes_in_their_own_kinds(tmp_path):
    document = cube()
    document["CityObjects"]["school"] = {
        "type": "Building",
        "geometry": [{"type": "MultiSurface", "lod": 1, "boundaries": [[[0, 1, 9, 8]]]}],
        "attributes": {"floors": 4, "name": "第一中学", "rooms": [1, 2]},
    }
    scene, edition, report = built(open_cityjson(saved(tmp_path, document)), OURS, tmp_path / "scene")
    (entry,) = edition.entries
    table = read_model(scene.read_tile(entry.content)).table
    rows = {row[0]: dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)}
    assert rows["house"]["floors"] == 3
    assert rows["house"]["code"] == "0503"
    assert rows["school"]["code"] is None
    assert rows["school"]["name"] == "第一中学"
    assert rows["school"]["rooms"] == "[1,2]"
    assert report.lods == {"1": 1, "2.2": 1}


def test_parts_belong_to_their_building_and_templates_are_put_in_place(tmp_path):
    document = cube(children=["annex"])
    document["CityObjects"]["annex"] = {
        "type": "BuildingPart",
        "parents": ["house"],
        "geometry": [{"type": "MultiSurface", "lod": "2.2", "boundaries": [[[8, 9, 10, 11]]]}],
    }
    document["geometry-templates"] = {
        "templates": [{"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]]]}],
        "vertices-templates": [[0, 0, 0], [1, 0, 0], [0, 1, 0]],
    }
    matrix = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 5, 0, 0, 0, 1]
    tree = {"type": "GeometryInstance", "template": 0, "boundaries": [2], "transformationMatrix": matrix}
    document["CityObjects"]["tree"] = {"type": "SolitaryVegetationObject", "geometry": [tree]}
    house, tree = open_cityjson(saved(tmp_path, document)).features()
    assert (house.id, len(house.surfaces)) == ("house", 11)
    assert tree.surfaces[0].rings[0].tolist() == [
        [EAST + 10, NORTH + 10, 25], [EAST + 12, NORTH + 10, 25], [EAST + 10, NORTH + 12, 25],
    ]  # fmt: skip


def test_a_sequence_gives_what_the_whole_file_gives(tmp_path):
    whole = cube()
    head = {**whole, "CityObjects": {}, "vertices": [], "transform": {"scale": [0.5] * 3, "translate": [0.0, 0.0, 1.0]}}
    line = {
        "type": "CityJSONFeature",
        "id": "house",
        "CityObjects": whole["CityObjects"],
        "vertices": [[int(x * 2), int(y * 2), int((z - 1) * 2)] for x, y, z in whole["vertices"]],
    }
    sequence = saved(tmp_path, "\n".join(map(json.dumps, [head, line])) + "\n", "model.city.jsonl")
    (one,), (other,) = open_cityjson(saved(tmp_path, whole)).features(), open_cityjson(sequence).features()
    assert [np.concatenate(s.rings).tolist() for s in one.surfaces][2:6] == [
        np.concatenate(s.rings).tolist() for s in other.surfaces
    ][2:6]
    assert one.attributes == other.attributes


@pytest.mark.parametrize("name", ["delft.city.json", "delft-lod1-3dfier.city.json"])
def test_delft_has_the_objects_and_surfaces_of_its_own_count(models, tmp_path, name):
    document = json.loads((models / name).read_bytes())
    model = open_cityjson(models / name)
    reference = resolve(model.said, Stated(), name, (0, 0, 0))
    scene, edition, report = built(model, reference, tmp_path / "scene")
    assert reference.vertical_datum == "EPSG:5709"
    assert report.features == len(document["CityObjects"]) == 570
    # All surfaces of the file are triangles.
    surfaces = sum(
        len(shell) if g["type"] == "Solid" else 1
        for o in document["CityObjects"].values()
        for g in o["geometry"]
        for shell in g["boundaries"]
    )
    assert report.triangles == surfaces - report.faults.counts["surface-without-area"]
    kinds = Counter(o["type"] for o in document["CityObjects"].values())
    tables = [read_model(scene.read_tile(entry.content), entry.content).table for entry in edition.entries]
    assert Counter(kind for table in tables for kind in table["kind"]) == kinds
    assert {i for table in tables for i in table["id"]} == set(document["CityObjects"])


@pytest.mark.parametrize(
    ("name", "features", "surfaces", "lods", "first"),
    [
        ("lod2-buildings-v3.gml", 100, 700, {"2": 100}, False),
        ("lod3-building-v2.gml", 1, 3092, {"3": 1}, False),
        ("numazu-landuse.gml", 225, 227, {"1": 225}, True),
        ("yokosuka-buildings-lod1-2.gml", 13, 734, {"1": 11, "2": 2}, True),
        ("yokosuka-terrain-tin.gml", 2, 1066, {"1": 2}, True),
    ],
)
def test_real_citygml_is_read_whole(models, tmp_path, name, features, surfaces, lods, first):
    model = open_citygml(models / name)
    reference = resolve(model.said, Stated(), name, (0, 0, 0))
    assert model.northing_first is first
    found = list(model.features())
    assert (len(found), sum(len(feature.surfaces) for feature in found)) == (features, surfaces)
    _, _, report = built(model, reference, tmp_path / "scene")
    assert (report.features, report.lods) == (features, lods)


def test_yokosuka_keeps_its_names_and_stands_in_yokosuka_with_its_outside_outside(models):
    model = open_citygml(models / "yokosuka-buildings-lod1-2.gml")
    reference = resolve(model.said, Stated(), "yokosuka", (0, 0, 0))
    assert reference.vertical_datum == "EPSG:6695"
    shapes = list(shapes_of(model.features(), reference, Faults()))
    assert all(volume(shape) > 0 for shape in shapes)
    museum = next(shape for shape in shapes if shape.attributes.get("name") == "横須賀美術館")
    assert museum.box[:2] == pytest.approx((139.739, 35.2595), abs=1e-3)
    assert museum.attributes["measuredHeight"] == "6.0"
    assert museum.attributes["総建物階数"] == "1"


def test_a_file_that_exchanges_its_axes_is_believed_over_its_header(models):
    model = open_citygml(models / "lod2-buildings-v3.gml")
    assert (model.northing_first, model.overruled) == (False, True)
    reference = resolve(model.said, Stated(), "lod2", (0, 0, 0))
    shapes = list(shapes_of(model.features(), reference, Faults()))
    # The first house is 6 m by 8 m with walls and a gable: 384 cubic metres by its own corners.
    assert volume(shapes[0]) == pytest.approx(384, rel=1e-3)
    assert all(volume(shape) > 0 for shape in shapes)


CITY_GML = """<?xml version="1.0" encoding="UTF-8"?>{doctype}
<core:CityModel xmlns:core="http://www.opengis.net/citygml/2.0" xmlns:bldg="http://www.opengis.net/citygml/building/2.0"
  xmlns:gml="http://www.opengis.net/gml" xmlns:gen="http://www.opengis.net/citygml/generics/2.0">
<core:cityObjectMember><bldg:Building gml:id="b1">
  <gen:intAttribute name="floors"><gen:value>3</gen:value></gen:intAttribute>
  <bldg:roofType>{roof}</bldg:roofType>
  <bldg:lod1MultiSurface><gml:MultiSurface srsName="EPSG:4549"><gml:surfaceMember>{surface}</gml:surfaceMember>
  </gml:MultiSurface></bldg:lod1MultiSurface></bldg:Building></core:cityObjectMember></core:CityModel>"""
RING = "<gml:{kind}><gml:LinearRing>{points}</gml:LinearRing></gml:{kind}>"
SQUARE = "<gml:posList>500000 4013000 20 500010 4013000 20 500010 4013010 20 500000 4013010 20 500000 4013000 20</gml:posList>"


def gml(surface=None, doctype="", roof="1000") -> str:
    polygon = f"<gml:Polygon>{RING.format(kind='exterior', points=SQUARE)}</gml:Polygon>"
    return CITY_GML.format(doctype=doctype, roof=roof, surface=surface or polygon)


def test_small_citygml_with_generic_attributes_and_a_turned_surface(tmp_path):
    polygon = f"<gml:Polygon>{RING.format(kind='exterior', points=SQUARE)}</gml:Polygon>"
    turned = (
        f'<gml:OrientableSurface orientation="-"><gml:baseSurface>{polygon}</gml:baseSurface></gml:OrientableSurface>'
    )
    (plain,) = shapes_of(open_citygml(saved(tmp_path, gml(), "a.gml")).features(), OURS, Faults())
    (other,) = shapes_of(open_citygml(saved(tmp_path, gml(turned), "b.gml")).features(), OURS, Faults())
    assert plain.attributes == {"floors": "3", "roofType": "1000"}
    assert plain.area_m2 == pytest.approx(100, rel=2e-5)
    assert (plain.normals @ _axes()[2] > 0.99).all()
    assert (other.normals @ _axes()[2] < -0.99).all()


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE lolz [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x SYSTEM "http://example.org/x.dtd">',
    ],
)
def test_document_types_and_entities_are_refused(tmp_path, doctype):
    with pytest.raises(UnsafeArchiveError, match="document type or an entity"):
        open_citygml(saved(tmp_path, gml(doctype=doctype, roof="&b;" if "lol" in doctype else "1"), "evil.gml"))


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda text: text[: len(text) // 2], "broken or cut off"),
        (lambda text: text.replace("500010 4013010 20", "500010 4013010"), "not three numbers"),
        (lambda text: text.replace("500010 4013010 20", "500010 north 20"), "not three numbers"),
        (lambda text: "<html>" + text[40:] + "</html>", "broken or cut off|begins with"),
        (lambda text: text.replace("<gml:surfaceMember>", "<a>" * 130 + "<gml:surfaceMember>", 1), "nested|broken"),
    ],
)
def test_broken_citygml_is_refused(tmp_path, change, match):
    path = saved(tmp_path, change(gml()), "broken.gml")
    with pytest.raises(UnreadableFileError, match=match):
        list(open_citygml(path).features())


@pytest.mark.parametrize(
    "points",
    [
        "500000 4013000 20 500010 4013000 20 500000 4013000 20",
        "500000 4013000 20 500010 4013000 20 500020 4013000 20 500000 4013000 20",
        "500000 4013000 20 nan 4013000 20 500020 4013005 20 500000 4013000 20",
    ],
    ids=["two points", "no area", "no number"],
)
def test_a_model_of_nothing_but_faults_is_refused_with_their_count(tmp_path, points):
    polygon = (
        f"<gml:Polygon>{RING.format(kind='exterior', points=f'<gml:posList>{points}</gml:posList>')}</gml:Polygon>"
    )
    model = open_citygml(saved(tmp_path, gml(polygon), "faulty.gml"))
    with pytest.raises(BadGeometryError, match="No feature") as caught:
        built(model, OURS, tmp_path / "scene")
    assert "1 × feature-without-surface" in caught.value.value


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"version": "3.0"}, "version '3.0'"),
        ({"type": "FeatureCollection"}, "FeatureCollection"),
        ({"vertices": [[0, 0, 0]]}, "names vertex 15 of 1|names vertex"),
        ({"vertices": [[0, 0]]}, "ValueError"),
        ({"CityObjects": {"a": {"type": "Building", "geometry": [{"type": "Solid", "lod": 1}]}}}, "boundaries"),
        ({"CityObjects": {"a": {"type": "Building", "children": ["a"]}}}, "nested more than"),
    ],
)
def test_broken_cityjson_is_refused(tmp_path, change, match):
    with pytest.raises(UnreadableFileError, match=match):
        list(open_cityjson(saved(tmp_path, cube() | change)).features())


def test_a_cityjson_that_was_cut_off_or_is_too_large_is_refused(tmp_path, monkeypatch):
    text = json.dumps(cube())
    with pytest.raises(UnreadableFileError, match="broken or cut off"):
        open_cityjson(saved(tmp_path, text[: len(text) // 2]))
    monkeypatch.setattr("scenes3d.sources.citymodels.cityjson.MOST_BYTES", 1000)
    with pytest.raises(TooLargeError, match="larger than is read at once") as caught:
        open_cityjson(saved(tmp_path, text))
    assert "jsonl" in caught.value.remedy


def test_two_features_of_one_id_are_refused(tmp_path):
    member = gml()
    twice = member.replace("</core:CityModel>", member[member.index("<core:cityObjectMember>") :])
    with pytest.raises(DuplicateFeatureError, match="same id"):
        built(open_citygml(saved(tmp_path, twice, "twice.gml")), OURS, tmp_path / "scene")


def test_the_same_model_gives_the_same_bytes_and_features_spread_over_tiles(tmp_path):
    head = {**cube(), "CityObjects": {}, "vertices": []}
    lines = [json.dumps(head)]
    for number in range(1300):
        x, y = EAST + number % 40 * 30.0, NORTH + number // 40 * 30.0
        square = {"type": "MultiSurface", "lod": 1, "boundaries": [[[0, 1, 2, 3]]]}
        feature = {
            "type": "CityJSONFeature",
            "CityObjects": {f"field-{number}": {"type": "LandUse", "geometry": [square]}},
            "vertices": [[x, y, 20], [x + 9, y, 20], [x + 9, y + 9, 20], [x, y + 9, 20]],
        }
        lines.append(json.dumps(feature))
    forwards = saved(tmp_path, "\n".join(lines), "a.city.jsonl")
    backwards = saved(tmp_path, "\n".join([lines[0], *reversed(lines[1:])]), "b.city.jsonl")
    _, one, report = built(open_cityjson(forwards), OURS, tmp_path / "one")
    _, other, _ = built(open_cityjson(backwards), OURS, tmp_path / "other")
    assert report.features == 1300
    assert len(one.entries) > 1
    assert one.entries == other.entries
