"""Relations over HTTP, on both stores: record, read, change, end, derive, resolve, check, and nothing hidden leaks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from layers import relating, surroundings
from layers.policy import Action, Actor
from layers.turns import one_at_a_time
from quarter import CLERK, with_quarter
from twin.errors import PolicyError
from twin.feature import Feature, FeatureBatch
from twin.standing import STANDING, State, standing
from twin.store import open_store
from twin.store.port import Store

FLOOR = {"type": "floor-of", "from": {"layer": "floors", "id": "B1-2"}, "to": {"layer": "buildings", "id": "B1"}}


def tied(source: str, kind: str, target: str, **more: Any) -> dict[str, Any]:
    (from_layer, from_id), (to_layer, to_id) = source.split("/", 1), target.split("/", 1)
    ends = {"from": {"layer": from_layer, "id": from_id}, "to": {"layer": to_layer, "id": to_id}}
    return {"type": kind, **ends, **more}


class Secretive:
    """Strangers may not read the layer `floors`; the guest may write nothing."""

    def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
        if layer_id == "floors" and actor.name == "stranger":
            raise PolicyError("no")
        if action.writes and actor.name == "guest":
            raise PolicyError("The guest may not write.")


@pytest.fixture(params=["geopackage", "postgis"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    target = request.getfixturevalue("postgis_url") if request.param == "postgis" else tmp_path / "twin.gpkg"
    store = with_quarter(open_store(target))
    yield store
    store.close()


@pytest.fixture
def client(store: Store) -> AppClient:
    return AppClient(create_app(Settings(), store, Secretive()))


def post(client: AppClient, *links: dict[str, Any]) -> list[int]:
    answer = client.request("POST", "/relations", json={"links": list(links)})
    assert answer.status_code == 201, answer.text
    return answer.json()["ids"]


def test_a_link_is_recorded_read_changed_and_ended(client: AppClient) -> None:
    made = client.request(
        "POST", "/relations", json={**FLOOR, "properties": {"floor_number": 2}}, headers={"X-OneMap-Actor": "clerk"}
    )
    assert made.status_code == 201
    here, etag = made.headers["location"], made.headers["etag"]
    document = client.json(here)
    assert document["properties"] == {"floor_number": 2}
    assert (document["source"], document["author"]) == ("declared", "clerk")
    assert client.get(here, headers={"If-None-Match": etag}).status_code == 304
    changed = client.request("PATCH", here, json={"valid_to": "2024-01-01"}, headers={"If-Match": etag})
    assert changed.json()["valid_to"] == "2024-01-01T00:00:00.000Z"
    client.problem("PATCH", here, 412, json={"valid_to": None}, headers={"If-Match": etag})
    client.problem("PATCH", here, 422, json={"to": {"layer": "buildings", "id": "B2"}})
    client.problem("DELETE", here, 412, headers={"If-Match": etag})
    assert client.request("DELETE", here, headers={"If-Match": changed.headers["etag"]}).status_code == 204
    client.problem("GET", here, 404)
    versions = client.json(f"{here}/versions")["versions"]
    assert [(v["version"], v["superseded"]) for v in versions] == [(2, 3), (1, 2)]
    assert client.json("/relations?as_of=2")["relations"][0]["id"] == document["id"]
    assert client.json("/relations")["relations"] == []


def test_links_come_in_pages_that_repeat_and_miss_nothing(client: AppClient) -> None:
    links = [tied(f"buildings/B{i}", "on-parcel", f"parcels/P{j}") for i in (1, 2, 3, 4) for j in (1, 2)]
    made = post(client, *links)
    seen, address = [], "/relations?layer=buildings&limit=3"
    while address:
        page = client.json(address)
        seen += [entry["id"] for entry in page["relations"]]
        address = next((entry["href"] for entry in page["links"] if entry["rel"] == "next"), None)
    assert seen == made
    page = client.json(f"/relations?layer=buildings&limit=3&as_of={datetime.now(UTC):%Y-%m-%d}")
    post(client, FLOOR)
    following = next(entry["href"] for entry in page["links"] if entry["rel"] == "next")
    assert [entry["id"] for entry in client.json(following)["relations"]] == made[3:6], "today goes on meanwhile"
    assert [e["to"]["id"] for e in client.json("/relations?layer=buildings&id=B1&direction=out")["relations"]] == [
        "P1",
        "P2",
    ]
    assert client.json("/relations?layer=parcels&id=P1&type=parcel-holds")["numberReturned"] == 4
    client.problem("GET", "/relations?id=B1", 400)
    client.problem("GET", "/relations?type=nonsense", 404)
    client.problem("GET", "/relations?layer=nowhere", 404)
    client.problem("GET", "/relations?direction=up", 400)
    client.problem("GET", "/relations?token=abc", 400)


def test_a_list_is_fresh_until_somebody_writes_a_link(client: AppClient) -> None:
    etag = client.get("/relations?layer=floors").headers["etag"]
    assert client.get("/relations?layer=floors", headers={"If-None-Match": etag}).status_code == 304
    post(client, FLOOR)
    assert client.get("/relations?layer=floors", headers={"If-None-Match": etag}).status_code == 200


def test_many_links_come_with_every_fault_counted(client: AppClient) -> None:
    rows = [FLOOR, {**FLOOR, "to": {"layer": "buildings", "id": "B9"}}, {"type": "floor-of"}, FLOOR]
    refused = client.problem("POST", "/relations", 422, json={"links": rows})
    assert refused["findings"][0]["where"] == "link 3"
    report = client.request("POST", "/relations?partial=true", json={"links": rows}).json()
    assert (report["recorded"], report["refused"]) == (1, 3)
    assert [(f["row"], f["code"]) for f in report["faults"]] == [
        (2, "unknown-feature"),
        (3, "unreadable"),
        (4, "overlap"),
    ]


def test_a_csv_of_pairs_is_imported(client: AppClient) -> None:
    text = (
        "type,from_layer,from_id,to_layer,to_id,valid_from,floor_number\n"
        "floor-of,floors,B1-1,buildings,B1,2020-05-01,1\n"
        "floor-of,floors,B1-2,buildings,B1,,2\n"
        "floor-of,floors,B1-8,buildings,B1,,8\n"
    )
    csv = {"Content-Type": "text/csv"}
    report = client.request("POST", "/relations?partial=true", content=text.encode(), headers=csv).json()
    assert (report["recorded"], [f["row"] for f in report["faults"]]) == (2, [3])
    first = client.json(f"/relations/{report['ids'][0]}")
    assert (first["source"], first["properties"], first["valid_from"]) == (
        "imported",
        {"floor_number": 1},
        "2020-05-01T00:00:00.000Z",
    )
    client.problem("POST", "/relations", 422, content=b"type,from\n", headers=csv)
    client.problem("POST", "/relations", 400, content=b"\xff\xfe", headers=csv)
    client.problem("POST", "/relations", 415, content=b"x", headers={"Content-Type": "text/plain"})


def test_conflicts_say_both_windows_and_are_409(client: AppClient) -> None:
    post(client, FLOOR)
    problem = client.problem("POST", "/relations", 409, json={**FLOOR, "to": {"layer": "buildings", "id": "B2"}})
    assert problem["code"] == "link-conflict"
    assert "many-to-one" in problem["detail"]


def test_a_feature_shows_what_it_is_tied_to_and_onward(client: AppClient) -> None:
    post(
        client,
        tied("sensors/S1", "located-in", "floors/B1-2"),
        FLOOR,
        tied("buildings/B1", "on-parcel", "parcels/P1"),
        tied("sensors/S1", "in-grid-cell", "cells/C1"),
    )
    near = client.json("/collections/sensors/items/S1/relations")
    assert [(g["relation"], g["title"]["zh"], g["count"]) for g in near["relations"]] == [
        ("in-grid-cell", "属于单元网格", 1),
        ("located-in", "位于", 1),
    ]
    far = client.json("/collections/sensors/items/S1/relations?depth=3")
    floor = next(g for g in far["relations"] if g["type"] == "located-in")["ties"][0]
    building = floor["relations"][0]["ties"][0]
    parcel = building["relations"][0]["ties"][0]
    assert [tie["feature"]["id"] for tie in (floor, building, parcel)] == ["B1-2", "B1", "P1"]
    assert parcel["feature"]["title"] == "parcels P1"
    back = client.json("/collections/buildings/items/B1/relations?direction=in")
    assert [(g["relation"], g["ties"][0]["feature"]["id"]) for g in back["relations"]] == [("has-floor", "B1-2")]
    page = client.get("/collections/sensors/items/S1/relations?depth=3&f=html")
    assert page.headers["content-type"].startswith("text/html")
    assert all(text in page.text for text in ("位于 Located in", "parcels P1", "↳"))
    item = client.json("/collections/sensors/items/S1")
    related = next(entry["href"] for entry in item["links"] if entry["rel"] == "related")
    assert client.json(related)["id"] == "S1"
    client.problem("GET", "/collections/sensors/items/S9/relations", 404)


def test_an_id_may_hold_slashes_and_end_like_an_address(client: AppClient) -> None:
    geojson = {"Content-Type": "application/geo+json"}
    for id_ in ("a/b", "a/relations"):
        feature = {"type": "Feature", "id": id_, "geometry": None, "properties": {"name": id_}}
        made = client.request("POST", "/collections/sensors/items", json=feature, headers=geojson)
        assert made.status_code == 201
        post(client, tied(f"sensors/{id_}", "monitors", "buildings/B1"))
        near = client.json(f"/collections/sensors/items/{quote(id_, safe='')}/relations")
        assert (near["id"], near["relations"][0]["count"]) == (id_, 1)
        back = client.json("/collections/buildings/items/B1/relations")["relations"][0]["ties"][-1]["feature"]
        assert client.json(back["href"] + "/relations")["id"] == id_


def test_groups_are_cut_and_say_where_the_rest_is(client: AppClient) -> None:
    post(client, *(tied(f"floors/B1-{i}", "floor-of", "buildings/B1") for i in (1, 2, 3)))
    (group,) = client.json("/collections/buildings/items/B1/relations?limit=2")["relations"]
    assert (group["count"], len(group["ties"])) == (3, 2)
    assert client.json(group["all"])["numberReturned"] == 3


def test_deleting_is_refused_or_takes_links_along_over_http_and_in_deliveries(client: AppClient) -> None:
    post(client, FLOOR)
    refused = client.problem("DELETE", "/collections/buildings/items/B1", 409)
    assert refused["code"] == "linked-feature"
    assert refused["findings"][0]["value"] == "floors/B1-2 floor-of buildings/B1"
    other = b'{"type":"FeatureCollection","features":[{"type":"Feature","id":"B7","properties":{"name":"x"},"geometry":{"type":"Polygon","coordinates":[[[120,36],[120.1,36],[120.1,36.1],[120,36]]]}}]}'  # fmt: skip
    delivery = {"content": other, "headers": {"Content-Type": "application/geo+json"}}
    assert client.problem("PUT", "/layers/buildings/data?mode=replace", 409, **delivery)["code"] == "linked-feature"
    client.problem("DELETE", "/layers/buildings", 409)
    assert client.request("DELETE", "/collections/floors/items/B1-2").status_code == 204
    assert client.json("/relations")["relations"] == []
    assert client.request("DELETE", "/collections/buildings/items/B1").status_code == 204


def test_an_entity_is_followed_over_a_split(client: AppClient, store: Store) -> None:
    post(client, tied("sensors/S1", "located-in", "buildings/B1"))
    post(client, *(tied("buildings/B1", "replaced-by", f"buildings/B{i}") for i in (2, 3)))
    assert client.request("DELETE", "/collections/buildings/items/B1").status_code == 204
    found = client.json("/relations/resolve?layer=buildings&id=B1")
    assert (found["outcome"], [e["id"] for e in found["entities"]]) == ("replaced", ["B2", "B3"])
    assert len(found["chain"]) == 2
    then = client.json("/relations/resolve?layer=buildings&id=B2&at=1")
    assert (then["outcome"], [e["id"] for e in then["entities"]]) == ("standing", ["B2"])
    tie = client.json("/collections/sensors/items/S1/relations")["relations"][0]["ties"][0]
    assert (tie["feature"]["stands"], [e["id"] for e in tie["now"]]) == (False, ["B2", "B3"])
    inherited = client.json("/collections/buildings/items/B2/relations?type=houses")["relations"][0]["ties"][0]
    assert (inherited["feature"]["id"], inherited["via"]) == ("S1", {"layer": "buildings", "id": "B1"})
    report = client.json("/relations/check")
    assert report["sound"]
    assert [(f["code"], f["count"]) for f in report["findings"]] == [("followed", 1)]
    client.problem("GET", "/relations/resolve?layer=buildings&id=B99", 404)
    client.problem("GET", "/relations/resolve?layer=buildings&id=B1&at=2026-02-30", 400)
    client.problem("GET", "/relations/resolve?layer=buildings&id=B1&at=no-such-release", 404)
    client.problem("GET", "/relations/resolve?layer=buildings", 400)


def test_links_are_derived_from_geometry_and_tried_before(client: AppClient) -> None:
    wanted = {"type": "in-grid-cell", "from": "sensors", "to": "cells"}
    tried = client.request("POST", "/relations/derive", json={**wanted, "dry_run": True}).json()
    assert (tried["proposed"], tried["settled"]) == (2, None)
    assert client.json("/relations")["relations"] == []
    done = client.request("POST", "/relations/derive", json=wanted).json()
    assert (done["settled"]["added"], done["unmatched"]) == (2, 1)
    (first, _) = client.json("/relations?layer=sensors")["relations"]
    assert (first["source"], first["confidence"], first["to"]["id"]) == ("derived", 1.0, "C1")
    client.problem("POST", "/relations/derive", 400, json={**wanted, "type": "monitors"})
    client.problem("POST", "/relations/derive", 404, json={**wanted, "type": "nonsense"})
    client.problem("POST", "/relations/derive", 404, json={**wanted, "to": "nowhere"})
    client.problem("POST", "/relations/derive", 400, json={**wanted, "colour": "red"})


def test_a_city_adds_types_of_its_own(client: AppClient) -> None:
    kind = {"id": "lights", "title": {"zh": "照亮", "en": "Lights"}, "inverse": {"id": "lit-by", "title": "被照亮"}}
    assert client.request("POST", "/relations/types", json=kind).status_code == 201
    client.problem("POST", "/relations/types", 409, json=kind)
    faulty = client.problem("POST", "/relations/types", 422, json={"id": "Bad Id", "inverse": 3, "cardinality": "few"})
    assert {f["where"] for f in faulty["findings"]} >= {"/id", "/title", "/inverse", "/cardinality"}
    shipped = {entry["id"]: entry["shipped"] for entry in client.json("/relations/types")["types"]}
    assert (shipped["lights"], shipped["floor-of"]) == (False, True)
    (made,) = post(client, tied("buildings/B1", "lights", "buildings/B2"))
    client.problem("DELETE", "/relations/types/lights", 409)
    client.request("DELETE", f"/relations/{made}")
    assert client.request("DELETE", "/relations/types/lights").status_code == 204
    client.problem("DELETE", "/relations/types/floor-of", 404)


def test_a_layer_one_may_not_read_leaks_through_no_link(client: AppClient) -> None:
    (floor, _) = post(client, FLOOR, tied("sensors/S1", "located-in", "buildings/B1"))
    stranger = {"headers": {"X-OneMap-Actor": "stranger"}}
    everything = [
        client.get(address, **stranger)
        for address in (
            "/relations",
            "/relations?layer=buildings",
            "/relations/check",
            "/collections/buildings/items/B1/relations?depth=3",
            "/collections/buildings/items/B1/relations?f=html",
            "/relations/resolve?layer=buildings&id=B1",
        )
    ]
    assert all(answer.status_code == 200 and "floors" not in answer.text for answer in everything)
    assert client.json("/relations/check", **stranger)["links"] == 1
    for method, address in (("GET", f"/relations/{floor}"), ("GET", f"/relations/{floor}/versions"), ("DELETE", f"/relations/{floor}")):  # fmt: skip
        hidden = client.problem(method, address, 404, **stranger)
        missing = client.problem(method, address.replace(str(floor), "999"), 404, **stranger)
        assert {**hidden, "value": "", "detail": ""} == {**missing, "value": "", "detail": ""}
    client.problem("GET", "/relations?layer=floors", 404, **stranger)
    client.problem("GET", "/relations/resolve?layer=floors&id=B1-2", 404, **stranger)
    told = client.problem("POST", "/relations", 422, json=FLOOR, **stranger)
    unknown = client.problem(
        "POST", "/relations", 422, json=tied("castles/B1-2", "floor-of", "buildings/B1"), **stranger
    )
    assert str(told).replace("floors", "castles") == str(unknown)
    refused = client.problem("DELETE", "/collections/buildings/items/B1", 409, **stranger)
    assert "floors" not in str(refused)


def test_links_of_a_layer_that_waits_for_a_decision_are_in_no_answer(client: AppClient, store: Store) -> None:
    (floor,) = post(client, FLOOR)
    document = dict(store.layer("floors").document)
    store.describe_layer("floors", {**document, STANDING: standing(State.HELD, datetime(2026, 1, 1, tzinfo=UTC), None)})
    assert client.json("/relations")["relations"] == []
    assert client.json("/collections/buildings/items/B1/relations")["relations"] == []
    client.problem("GET", f"/relations/{floor}", 404)
    declared = client.json("/api")["paths"]
    for path, address in (
        ("/relations", "/relations?layer=floors"),
        ("/relations/resolve", "/relations/resolve?layer=floors&id=B1-2"),
        ("/collections/{collectionId}/items/{featureId}/relations", "/collections/floors/items/B1-2/relations"),
    ):
        answer = client.get(address)
        assert 400 <= answer.status_code < 500
        assert str(answer.status_code) in declared[path]["get"]["responses"]
    store.describe_layer("floors", document)
    assert client.json(f"/relations/{floor}")["id"] == floor


def test_who_may_not_write_records_and_ends_nothing(client: AppClient) -> None:
    (made,) = post(client, FLOOR)
    guest = {"headers": {"X-OneMap-Actor": "guest"}}
    client.problem("POST", "/relations", 403, json=tied("floors/B1-1", "floor-of", "buildings/B1"), **guest)
    client.problem("DELETE", f"/relations/{made}", 403, **guest)
    client.problem("PATCH", f"/relations/{made}", 403, json={"confidence": 1}, **guest)
    wanted = {"type": "in-grid-cell", "from": "sensors", "to": "cells"}
    client.problem("POST", "/relations/derive", 403, json=wanted, **guest)
    assert client.request("POST", "/relations/derive", json={**wanted, "dry_run": True}, **guest).status_code == 200


def test_links_are_derived_by_one_at_a_time_also_when_only_tried(client: AppClient, store: Store) -> None:
    wanted = {"type": "in-grid-cell", "from": "sensors", "to": "cells", "dry_run": True}
    with one_at_a_time(store, "deriving links"):
        assert client.problem("POST", "/relations/derive", 409, json=wanted)["code"] == "already-running"
    assert client.request("POST", "/relations/derive", json=wanted).status_code == 200


def test_the_integrity_of_the_same_links_and_layers_is_computed_once(
    client: AppClient, store: Store, monkeypatch
) -> None:
    asked: list[int] = []
    real = relating.check_integrity
    monkeypatch.setattr(relating, "check_integrity", lambda *how: asked.append(1) or real(*how))
    assert client.json("/relations/check") == client.json("/relations/check")
    assert len(asked) == 1
    post(client, FLOOR)
    assert client.json("/relations/check")["links"] == 1
    with store.write("sensors", CLERK) as writer:
        writer.delete("S3")
    client.json("/relations/check")
    assert len(asked) == 3


def test_a_tangle_is_followed_once_through_each_feature_and_up_to_a_ceiling(client, store, monkeypatch) -> None:
    """Every sensor monitors every building and the other way round would multiply with each level."""
    sensors = [f"S{i}" for i in range(1, 4)]
    links = [tied(f"sensors/{a}", "monitors", f"buildings/B{b}") for a in sensors for b in range(1, 5)]
    parcels = [tied(f"buildings/B{b}", "on-parcel", f"parcels/P{1 + (b > 2)}") for b in range(1, 5)]
    post(client, *links, *parcels, tied("floors/B1-1", "floor-of", "buildings/B1"))
    address = "/collections/sensors/items/S1/relations?depth=4"
    whole = client.json(address)
    assert (whole["complete"], whole["limit"]) == (True, 2000)
    ties = whole["relations"][0]["ties"]
    assert [tie["relations"][0]["ties"][0]["feature"]["title"] for tie in ties] == [
        "parcels P1",
        "parcels P1",
        "parcels P2",
        "parcels P2",
    ]
    asked = []
    real = surroundings.feature_titles
    monkeypatch.setattr(surroundings, "feature_titles", lambda *how: asked.append(how) or real(*how))
    monkeypatch.setattr(surroundings, "MAX_TIES", 7)
    cut = client.json(address + "&direction=out")
    assert cut["complete"] is False
    ties = cut["relations"][0]["ties"]
    assert [len(tie.get("relations", [])) for tie in ties] == [1, 0, 0, 0]
    assert len(asked) <= 4, "once for each level"


def test_as_of_means_for_links_what_it_means_for_items(client: AppClient, store: Store) -> None:
    (made,) = post(client, FLOOR)
    post(client, tied("sensors/S1", "monitors", "buildings/B2"))
    then, first = datetime.now(UTC), store.version("buildings")
    with store.write("floors", CLERK) as writer:
        writer.upsert(FeatureBatch.of(store.layer("floors").schema, [Feature("B1-2", None, {"name": "renamed"})]))
    tag = client.get(f"/relations/{made}").headers["etag"]
    client.request("DELETE", f"/relations/{made}", headers={"If-Match": tag})
    with store.write("buildings", CLERK) as writer:
        writer.delete("B1")
    here = "/collections/buildings/items/B1/relations"
    client.problem("GET", here, 404)
    for as_of in (f"v{first}", str(first), f"{then:%Y-%m-%dT%H:%M:%S.%fZ}"):
        if "T" in as_of:
            found = client.json(f"{here}?as_of={as_of}")
            titles = {tie["feature"]["title"] for group in found["relations"] for tie in group["ties"]}
            assert titles == {"floors B1-2"}
        assert client.json(f"{here}?as_of={as_of}")["title"] == "buildings B1"
    assert (
        client.json("/relations?as_of=v1")["numberReturned"] == client.json("/relations?as_of=1")["numberReturned"] == 1
    )
    for refused in ("2999-01-01", "v999", "yesterday", "../.."):
        assert client.problem("GET", f"/relations?as_of={refused}", 400)["code"] == "bad-moment"
        assert client.problem("GET", f"{here}?as_of={refused}", 400)["code"] == "bad-moment"
    assert client.problem("GET", "/relations?as_of=release:none", 404)["code"] == "unknown-release"
    assert client.problem("GET", f"{here}?as_of=release:none", 404)["code"] == "unknown-release"
