"""A check leaves its findings as a layer that anybody can look at, and a summary."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
import shapely

from layers.base_map.checking import CheckRequest, check_base_map
from layers.base_map.findings_layer import FINDINGS, findings_manifest
from layers.city import read_city
from layers.manifest import parse_manifest
from layers.policy import Action, Actor, OpenPolicy, ReadOnlyPolicy
from twin.basemap.release_book import open_releases
from twin.errors import AlreadyRunningError, BadReleaseError, BadRulesError, PolicyError, UnknownLayerError
from twin.feature import Feature
from twin.query import FeatureQuery
from twin.standing import STANDING, State, standing
from twin.topology.kinds import Severity
from twin.topology.rules import parse_rules

AT = datetime(2026, 11, 1, tzinfo=UTC)
ACTOR = Actor("李工")


def check(registry, layers=None, rules=None):
    request = CheckRequest(layers, parse_rules(rules or {}))
    return check_base_map(registry, read_city(), ACTOR, request, at=AT)


def findings(registry):
    return list(registry.store.select(FINDINGS, FeatureQuery()).features())


def test_the_findings_are_a_layer_with_a_manifest_and_a_style(registry):
    parse_manifest(findings_manifest())
    report = check(registry)
    (finding,) = findings(registry)
    assert finding.properties["kind"] == "line-conflict"
    assert (finding.properties["layer"], finding.properties["feature"]) == ("buildings", "H2")
    assert (finding.properties["other_layer"], finding.properties["other"]) == ("roads", "R1")
    assert finding.properties["measure"] == pytest.approx(18, abs=0.1), "0.0002 degree of longitude"
    assert "buildings 的 H2 与 roads 的 R1 相交" in finding.properties["message"]
    assert finding.geometry.geom_type == "LineString"
    assert shapely.bounds(finding.geometry)[0] == pytest.approx(120.006, abs=1e-3)
    assert report.count(Severity.ERROR) == 1
    record = registry.layer(FINDINGS, ACTOR)
    assert record.document["department"] == "basemap-quality"
    assert record.document["style"]["color_by"]["property"] == "severity"


def test_only_layers_of_the_base_map_are_judged(registry):
    assert {outcome.layer for outcome in check(registry).outcomes} == {"districts", "roads", "buildings"}


def test_the_same_findings_again_change_nothing_and_cured_ones_go_into_history(registry):
    check(registry)
    first = registry.store.version(FINDINGS)
    check(registry)
    assert registry.store.version(FINDINGS) == first
    (cured,) = findings(registry)
    with registry.write("buildings", ACTOR, "moved") as writer:
        writer.delete("H2")
    check(registry)
    assert findings(registry) == []
    (state,) = registry.store.history(FINDINGS, cured.id)
    assert state.superseded_at is not None
    assert registry.store.changesets(FINDINGS, 1)[0].author.name == "李工"


def test_a_check_of_some_layers_leaves_the_findings_about_others(registry):
    check(registry)
    with registry.write("roads", ACTOR, "draws") as writer:
        writer.insert(
            Feature("R9", shapely.LineString([(120.0046, 36.2789), (120.0047, 36.2789), (120.00465, 36.2790)]))
        )
        writer.insert(
            Feature("R10", shapely.LineString([(120.0046, 36.2789), (120.0047, 36.2789), (120.00465, 36.2790)]))
        )
    check(registry, layers=("roads",))
    kinds = {(f.properties["layer"], f.properties["kind"]) for f in findings(registry)}
    assert ("buildings", "line-conflict") in kinds
    assert ("roads", "duplicate-feature") in kinds


def test_rules_of_a_run_stand_above_those_of_the_manifest_and_these_above_the_shipped(registry):
    registry.describe("buildings", {"topology": [{"check": "geometry", "min_part_m2": 1000}]}, ACTOR)
    assert {f.kind for f in check(registry).findings} == {"tiny-part"}
    assert check(registry, rules={"buildings": [{"check": "geometry"}]}).total == 0
    registry.describe("buildings", {"topology": None}, ACTOR)
    assert {f.kind for f in check(registry).findings} == {"line-conflict"}


def test_rules_in_a_manifest_are_checked_when_it_is_written(registry):
    with pytest.raises(Exception, match="fault") as caught:
        registry.describe("buildings", {"topology": [{"check": "magic"}]}, ACTOR)
    assert "no such check" in caught.value.findings[0].problem


def test_broken_rules_in_a_stored_manifest_are_named(registry):
    document = dict(registry.store.layer("roads").document)
    registry.store.describe_layer("roads", {**document, "topology": [{"check": "magic"}]})
    with pytest.raises(BadRulesError) as caught:
        check(registry)
    assert caught.value.findings[0].where == "/roads/topology/0"


def test_the_summary_is_kept_with_its_author(registry):
    check(registry)
    last = open_releases(registry.store).last_check()
    assert (last["author"], last["errors"], last["warnings"]) == ("李工", 1, 0)
    assert last["summary"]["zh"].startswith("检查 3 个图层 8 个要素：错误 1 处")
    buildings = next(entry for entry in last["layers"] if entry["layer"] == "buildings")
    assert buildings["found"] == [
        {
            "kind": "line-conflict",
            "title": {"zh": "穿越", "en": "Crosses another layer"},
            "severity": "error",
            "count": 1,
        }
    ]
    assert "conflicts: there is no layer 'water'" in buildings["skipped"]


class NoRoads(OpenPolicy):
    """李工 may not know of the roads."""

    def authorise(self, actor, action, layer_id):
        if action is Action.READ and layer_id == "roads":
            raise PolicyError("No.")


@pytest.mark.parametrize("how", ["unreadable", "held", "of a department"])
def test_findings_never_show_a_layer_that_is_not_open(registry, how):
    if how == "unreadable":
        registry = replace(registry, policy=NoRoads())
    else:
        document = dict(registry.store.layer("roads").document)
        held = {STANDING: standing(State.HELD, AT, None)} if how == "held" else {"department": "municipal-works"}
        registry.store.describe_layer("roads", document | held)
    report = check(registry, rules={"buildings": [{"check": "conflicts", "with": "roads"}]})
    assert (report.total, findings(registry)) == (0, [])
    (buildings,) = (outcome for outcome in report.outcomes if outcome.layer == "buildings")
    assert buildings.skipped == ("conflicts: there is no layer 'roads'",)


def test_what_is_wrong_in_a_layer_of_a_department_is_counted_and_not_shown_to_everybody(registry):
    with registry.write("lamps", ACTOR, "twice") as writer:
        writer.insert(Feature("L2", registry.store.get("lamps", "L1").geometry))
    report = check(registry, layers=("lamps",))
    assert [finding.kind for finding in report.findings] == ["duplicate-feature"]
    assert findings(registry) == []


def test_one_who_may_not_write_is_refused_before_anything_is_read(registry):
    told = []
    with pytest.raises(PolicyError):
        check_base_map(
            replace(registry, policy=ReadOnlyPolicy()),
            read_city(),
            ACTOR,
            CheckRequest(),
            at=AT,
            progress=lambda *what: told.append(what),
        )
    assert told == []


def test_a_second_check_meanwhile_is_refused_and_one_after_it_is_not(registry):
    def again(layer, name):
        with pytest.raises(AlreadyRunningError, match="when it is done"):
            check(registry)

    check_base_map(registry, read_city(), ACTOR, CheckRequest(("roads",)), at=AT, progress=again)
    check(registry)


def test_a_layer_that_is_not_there_and_a_base_map_without_layers_are_named(registry):
    with pytest.raises(UnknownLayerError):
        check(registry, layers=("rooads",))
    for layer_id in ("districts", "roads", "buildings"):
        registry.drop(layer_id, ACTOR)
    with pytest.raises(BadReleaseError, match="no layers"):
        check(registry)
