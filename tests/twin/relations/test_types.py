"""Relation types are data: the shipped ones are sound, faults are named all at once, and rules name layers in three ways."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from quarter import CLERK, tie
from twin.errors import BadRelationTypeError, DuplicateRelationTypeError, LinkConflictError, UnknownRelationError
from twin.relations.port import LinkQuery
from twin.relations.relation_type import Cardinality, EndRule, Method, WhenDeleted
from twin.relations.sql import SqlRelations
from twin.relations.type_reading import parse_relation_type, shipped_types
from twin.schema import GeometryType, Schema
from twin.store.port import LayerRecord

BORN = datetime(2026, 1, 1, tzinfo=UTC)
LIGHTS: dict[str, Any] = {
    "id": "lights",
    "title": {"zh": "照亮", "en": "Lights"},
    "inverse": {"id": "lit-by", "title": {"zh": "被照亮", "en": "Lit by"}},
}


def layer(id_: str = "lamps", kind: GeometryType = GeometryType.POINT, **document: object) -> LayerRecord:
    return LayerRecord(id_, Schema(kind), document, 1, 0, None, BORN, BORN)


def test_the_shipped_types_say_the_same_when_read_again() -> None:
    for kind in shipped_types():
        assert replace(parse_relation_type(kind.to_dict()), shipped=True) == kind
        assert kind.title.zh
        assert kind.title.en
        assert kind.inverse_title.zh
        assert kind.inverse_title.en
        assert kind.description.zh
        assert kind.description.en


def test_no_two_shipped_types_share_a_name_in_either_direction() -> None:
    names = [name for kind in shipped_types() for name in {kind.id, kind.inverse}]
    assert len(names) == len(set(names))
    assert {kind.id for kind in shipped_types() if kind.succession} == {"replaced-by"}


def test_what_is_not_said_is_open() -> None:
    kind = parse_relation_type(LIGHTS)
    assert kind.cardinality is Cardinality.MANY_TO_MANY
    assert kind.source == kind.target == EndRule(when_deleted=WhenDeleted.DANGLE)
    assert (kind.acyclic, kind.succession, kind.derive, kind.plausible_m) == (False, False, None, None)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"id": "Lights up"}, "/id"),
        ({"title": {}}, "/title"),
        ({"inverse": None}, "/inverse"),
        ({"inverse": {"id": "lit by", "title": "x"}}, "/inverse/id"),
        ({"from": {"layers": "lamps"}}, "/from/layers"),
        ({"to": {"geometry": ["Circle"]}}, "/to/geometry/0"),
        ({"to": {"when_deleted": "explode"}}, "/to/when_deleted"),
        ({"to": {"colour": "red"}}, "/to/colour"),
        ({"cardinality": "few-to-few"}, "/cardinality"),
        ({"acyclic": "yes"}, "/acyclic"),
        ({"derive": {"method": "nearest"}}, "/derive/within_m"),
        ({"derive": {"method": "guess"}}, "/derive/method"),
        ({"plausible_m": -1}, "/plausible_m"),
        ({"plausible_m": float("nan")}, "/plausible_m"),
        ({"properties": [{"name": "1st"}]}, "/properties/0/name"),
        ({"properties": [{"name": "a", "type": "colour"}]}, "/properties/0/type"),
        ({"properties": [{"name": "a"}, {"name": "a"}]}, "/properties"),
        ({"colour": "red"}, "/colour"),
    ],
)
def test_a_fault_is_named_with_its_place_and_remedy(change: dict[str, Any], where: str) -> None:
    with pytest.raises(BadRelationTypeError) as refusal:
        parse_relation_type({**LIGHTS, **change})
    assert where in [finding.where for finding in refusal.value.findings]
    assert all(finding.remedy for finding in refusal.value.findings)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(BadRelationTypeError) as refusal:
        parse_relation_type({"id": 7, "cardinality": 7, "acyclic": 7, "properties": 7})
    assert {f.where for f in refusal.value.findings} >= {
        "/id",
        "/title",
        "/inverse",
        "/cardinality",
        "/acyclic",
        "/properties",
    }
    with pytest.raises(BadRelationTypeError):
        parse_relation_type(["not", "an", "object"])


def test_a_layer_is_named_by_its_id_its_department_or_a_tag() -> None:
    rule = EndRule(layers=("lamps",), departments=("grid-governance",), tags=("unit-grid",))
    assert rule.allows(layer("lamps"))
    assert rule.allows(layer("cells", department="grid-governance"))
    assert rule.allows(layer("cells", tags=["other", "unit-grid"]))
    assert not rule.allows(layer("cells", department="iot", tags=["other"]))
    assert EndRule().allows(layer("anything"))


def test_a_geometry_rule_holds_beside_the_names_and_open_layers_pass() -> None:
    rule = EndRule(layers=("lamps", "areas"), geometry=(GeometryType.POLYGON,))
    assert not rule.allows(layer("lamps"))
    assert rule.allows(layer("areas", GeometryType.POLYGON))
    assert rule.allows(layer("areas", GeometryType.GEOMETRY))


def test_a_citys_own_type_is_kept_used_and_taken_away_again(relations: SqlRelations, reopen) -> None:
    made = parse_relation_type({**LIGHTS, "derive": {"method": "nearest", "within_m": 30}})
    relations.add_type(made)
    assert relations.types()["lights"] == made
    assert made.derive is not None
    assert made.derive.method is Method.NEAREST
    with pytest.raises(DuplicateRelationTypeError):
        relations.add_type(made)
    with pytest.raises(DuplicateRelationTypeError):
        relations.add_type(replace(made, id="other", inverse="has-floor"))
    (link,) = relations.record([tie("buildings/B1", "lights", "buildings/B2")], CLERK).ids
    with pytest.raises(LinkConflictError):
        relations.drop_type("lights")
    relations.end([link], CLERK)
    relations.drop_type("lights")
    assert "lights" not in relations.types()
    assert len(relations.links(LinkQuery(version=1))) == 1, "what was said of it stays readable"
    with pytest.raises(UnknownRelationError):
        relations.drop_type("floor-of")
