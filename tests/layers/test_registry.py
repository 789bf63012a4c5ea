"""The registry, on both stores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from layers.catalogue import catalogue
from layers.checker import Checker
from layers.city import read_city
from layers.importing import ImportOptions
from layers.policy import Action, Actor, OpenPolicy, ReadOnlyPolicy
from layers.registry import Registry
from layers.seeding import seed_layers, shipped_manifests
from layers.sources import Upload
from twin.errors import BadFeatureError, BadManifestError, DuplicateLayerError, PolicyError, UnknownLayerError
from twin.feature import Feature
from twin.store import open_store
from twin.store.port import Store

ACTOR = Actor("tester")
MANIFEST: dict[str, Any] = {
    "id": "lamps",
    "title": {"zh": "路灯", "en": "Lamps"},
    "department": "works",
    "owner": "o",
    "licence": "l",
    "geometry_type": "Point",
    "schema": [{"name": "n", "type": "integer", "title": "编号", "unit": "1"}],
}


@pytest.fixture(params=["geopackage", "postgis"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgis":
        return str(request.getfixturevalue("postgis_url"))
    return str(tmp_path / "store.gpkg")


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    opened = open_store(address)
    yield opened
    opened.close()


def upload_of(folder: Path, *places: tuple[float, float]) -> Upload:
    features = [
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": place}, "properties": {"n": n}}
        for n, place in enumerate(places)
    ]
    path = folder / "lamps.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return Upload(path, "lamps.geojson")


def test_a_manifest_alone_makes_an_empty_layer_that_survives_a_restart(store: Store, address: str):
    Registry(store).register(MANIFEST, ACTOR)
    store.close()
    again = open_store(address)
    record = Registry(again).layer("lamps", ACTOR)
    assert (record.version, record.feature_count, record.bounds) == (0, 0, None)
    assert record.document["title"] == {"zh": "路灯", "en": "Lamps"}
    assert record.schema.property("n").unit == "1"
    again.close()


def test_a_layer_is_born_with_its_data_and_survives_a_restart(store: Store, address: str, tmp_path: Path):
    made = Registry(store).register(MANIFEST, ACTOR, upload_of(tmp_path, (120.1, 36.2), (120.2, 36.3)))
    assert made.report is not None
    assert (made.record.version, made.record.feature_count, made.report.inserted) == (1, 2, 2)
    store.close()
    again = open_store(address)
    assert again.get("lamps", "2").properties["n"] == 1
    again.close()


def test_a_layer_whose_data_cannot_be_taken_is_never_born(store: Store, tmp_path: Path):
    with pytest.raises(BadFeatureError):
        Registry(store).register({**MANIFEST, "crs": "EPSG:4490"}, ACTOR, upload_of(tmp_path, (36.2, 120.1)))
    assert store.layers() == []


def test_an_id_that_is_taken_is_refused_and_the_layer_stays_as_it_is(store: Store, tmp_path: Path):
    registry = Registry(store)
    registry.register(MANIFEST, ACTOR)
    with pytest.raises(DuplicateLayerError, match="PATCH /layers/lamps"):
        registry.register({**MANIFEST, "title": "other"}, ACTOR, upload_of(tmp_path, (120.1, 36.2)))
    assert store.layer("lamps").feature_count == 0


def test_a_description_changes_without_touching_data(store: Store, tmp_path: Path):
    registry = Registry(store)
    registry.register(MANIFEST, ACTOR, upload_of(tmp_path, (120.1, 36.2)))
    record = registry.describe(
        "lamps", {"title": {"en": "Street lamps"}, "style": {"kind": "circle", "color": "#ff0000"}}, ACTOR
    )
    assert record.document["title"] == {"zh": "路灯", "en": "Street lamps"}
    assert record.document["style"]["color"] == "#ff0000"
    assert (record.version, record.feature_count) == (1, 1)
    assert store.layer("lamps").document == record.document


def test_a_style_that_names_an_unknown_property_is_refused_in_a_patch_too(store: Store):
    registry = Registry(store)
    registry.register(MANIFEST, ACTOR)
    with pytest.raises(BadManifestError) as caught:
        registry.describe("lamps", {"style": {"kind": "circle", "label": {"property": "name"}}}, ACTOR)
    assert caught.value.findings[0].where == "/style/label/property"


def test_a_dropped_layer_is_gone_and_its_id_is_free(store: Store):
    registry = Registry(store)
    registry.register(MANIFEST, ACTOR)
    registry.drop("lamps", ACTOR)
    with pytest.raises(UnknownLayerError):
        registry.layer("lamps", ACTOR)
    with pytest.raises(UnknownLayerError):
        registry.drop("lamps", ACTOR)
    assert registry.register(MANIFEST, ACTOR).record.id == "lamps"


def test_data_for_an_unknown_layer_are_refused(store: Store, tmp_path: Path):
    with pytest.raises(UnknownLayerError):
        Registry(store).load(upload_of(tmp_path, (120.1, 36.2)), ImportOptions("nothing"), ACTOR)
    assert store.layers() == []


def test_every_write_passes_the_policy(store: Store, tmp_path: Path):
    Registry(store).register(MANIFEST, ACTOR)
    registry = Registry(store, ReadOnlyPolicy())
    upload = upload_of(tmp_path, (120.1, 36.2))
    attempts = [
        lambda: registry.register({**MANIFEST, "id": "more"}, ACTOR),
        lambda: registry.register({**MANIFEST, "id": "more"}, ACTOR, upload),
        lambda: registry.describe("lamps", {"visible": False}, ACTOR),
        lambda: registry.load(upload, ImportOptions("lamps"), ACTOR),
        lambda: registry.refresh("lamps", ACTOR),
        lambda: registry.drop("lamps", ACTOR),
        lambda: registry.write("lamps", ACTOR, "x").__enter__(),
    ]
    for attempt in attempts:
        with pytest.raises(PolicyError):
            attempt()
    assert [record.id for record in store.layers()] == ["lamps"]
    assert store.version("lamps") == 0


class Blind(OpenPolicy):
    def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
        if action is Action.READ and layer_id == "lamps":
            raise PolicyError("not yours")


def test_what_may_not_be_read_is_not_listed(store: Store):
    Registry(store).register(MANIFEST, ACTOR)
    registry = Registry(store, Blind())
    assert registry.layers(ACTOR) == []
    with pytest.raises(UnknownLayerError):
        registry.layer("lamps", ACTOR)


def test_a_transaction_of_the_registry_carries_the_actor(store: Store):
    registry = Registry(store)
    registry.register(MANIFEST, ACTOR)
    with registry.write("lamps", Actor("王工"), "lamp seen broken") as writer:
        writer.insert(Feature("L1", None, {"n": 1}))
    change = store.changesets("lamps")[0]
    assert (change.author.name, change.author.reason) == ("王工", "lamp seen broken")


def test_a_check_reports_what_would_happen_and_writes_nothing(store: Store, tmp_path: Path):
    checker = Checker(Registry(store), read_city(), ACTOR)
    good = checker.check_new(MANIFEST, upload_of(tmp_path, (120.1, 36.2), (119.9, 36.1)))
    assert good.ok
    assert good.data is not None
    assert good.data.inserted == 2
    assert {finding.where for finding in good.advice} >= {"/contact", "/description", "/id_property"}
    bad = checker.check_new({**MANIFEST, "id": "Bad Id", "owner": ""})
    assert {finding.where for finding in bad.findings} == {"/id", "/owner"}
    assert store.layers() == []


def test_a_check_warns_of_data_far_from_the_city(store: Store, tmp_path: Path):
    checker = Checker(Registry(store), read_city(), ACTOR)
    report = checker.check_new(MANIFEST, upload_of(tmp_path, (36.2, 12.1)))
    assert any("outside Jiaozhou" in finding.problem for finding in report.advice)


def test_a_delivery_to_a_layer_one_may_not_read_is_tried_by_nobody(store: Store, tmp_path: Path):
    Registry(store).register(MANIFEST, ACTOR)
    blind = Checker(Registry(store, Blind()), read_city(), ACTOR)
    with pytest.raises(UnknownLayerError):
        blind.check_data(upload_of(tmp_path, (120.1, 36.2)), ImportOptions("lamps"))


def test_a_check_of_a_taken_id_says_so(store: Store):
    Registry(store).register(MANIFEST, ACTOR)
    report = Checker(Registry(store), read_city(), ACTOR).check_new(MANIFEST)
    assert [finding.where for finding in report.findings] == ["/id"]


def test_the_catalogue_shows_layers_from_the_bottom_up_with_their_state(store: Store, tmp_path: Path):
    registry = Registry(store)
    registry.register(MANIFEST, ACTOR, upload_of(tmp_path, (120.1, 36.2)))
    registry.register({**MANIFEST, "id": "below", "order": 10}, ACTOR)
    document = catalogue(registry.layers(ACTOR), read_city())
    assert [layer["id"] for layer in document["layers"]] == ["below", "lamps"]
    lamps = document["layers"][1]
    assert (lamps["version"], lamps["feature_count"], lamps["bounds"]) == (1, 1, [120.1, 36.2, 120.1, 36.2])
    assert lamps["schema"][0]["title"] == {"zh": "编号", "en": "编号"}
    assert document["city"]["code"] == "370281"


def test_shipped_layers_are_seeded_once_from_a_folder(store: Store, tmp_path: Path):
    point = {"type": "Point", "coordinates": [120.0, 36.3]}
    place = {"type": "Feature", "id": "p1", "geometry": point, "properties": {"name": "胶州"}}
    (tmp_path / "places.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [place]}))
    reports = seed_layers(store, tmp_path)
    assert [report.layer_id for report in reports] == ["places"]
    assert store.layer("places").document["department"] == "basemap"
    assert seed_layers(store, tmp_path) == []
    assert {manifest.id for manifest in shipped_manifests()} >= {"roads", "facilities", "sensors"}
