from __future__ import annotations

import pytest

from twin.basemap.osm_classes import MAJORS, class_table
from twin.basemap.schemas import SCHEMAS

MAJOR_OF = {"roads": "4", "railways": "4", "rivers": "2", "water": "2", "buildings": "3", "places": "3"}
KINDS = {
    "roads": {"motorway", "trunk", "primary", "secondary", "tertiary", "residential", "service", "track", "path"},
    "landuse": {
        "residential",
        "commercial",
        "industrial",
        "farmland",
        "forest",
        "park",
        "education",
        "medical",
        "transport",
        "grass",
        "other",
    },
    "water": {"lake", "reservoir", "pond", "river", "sea", "wetland"},
    "rivers": {"river", "canal", "stream"},
    "places": {"city", "district", "town", "village", "hamlet", "locality"},
    "buildings": {"residential", "commercial", "industrial", "public", "rural", "other"},
    "railways": {"rail", "high-speed", "metro", "tram"},
}


def test_every_class_has_six_digits_and_a_major_of_the_standard() -> None:
    table = class_table()
    codes = {kind.feature_class for rules in table.rules.values() for _, _, kind in rules}
    codes |= {code for _, code in table.levels.values()}
    assert all(len(code) == 6 and code.isdecimal() and code[0] in MAJORS for code in codes)
    assert all(code[0] == "6" for _, code in table.levels.values())


def test_every_layer_stays_in_its_major_and_its_kinds() -> None:
    for layer, rules in class_table().rules.items():
        assert layer in SCHEMAS
        for key, values, kind in rules:
            assert kind.layer == layer
            assert kind.feature_class[0] == MAJOR_OF.get(layer, kind.feature_class[0]), (key, values)
            assert kind.kind in KINDS.get(layer, {kind.kind}), (key, values)
            assert set(kind.properties) <= set(SCHEMAS[layer].names)


def test_no_rule_is_hidden_by_one_before_it() -> None:
    for layer, rules in class_table().rules.items():
        seen: set[tuple[str, str]] = set()
        for key, values, _ in rules:
            pairs = {(key, value) for value in values}
            assert not pairs & seen, (layer, pairs & seen)
            assert (key, "*") not in seen, (layer, key)
            seen |= pairs


@pytest.mark.parametrize(
    ("layer", "tags", "kind"),
    [
        ("roads", {"highway": "motorway_link"}, "motorway"),
        ("roads", {"highway": "construction"}, None),
        ("water", {"natural": "water", "water": "reservoir"}, "reservoir"),
        ("water", {"natural": "water"}, "lake"),
        ("buildings", {"building": "yes"}, "other"),
        ("buildings", {"building": "no"}, None),
        ("buildings", {"building": "apartments"}, "residential"),
        ("poi", {"amenity": "school"}, "school"),
        ("poi", {"amenity": "bench"}, None),
    ],
)
def test_tags_find_their_kind(layer: str, tags: dict[str, str], kind: str | None) -> None:
    found = class_table().find(layer, tags)
    assert (found.kind if found else None) == kind
