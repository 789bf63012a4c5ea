"""OpenStreetMap tags → base-map layer, kind and class of GB/T 13923-2022. The table itself is `osm_classes.json`.

Source: GB/T 13923-2022: a class has one digit for the major, one for the middle, two and two below. Only the majors were checked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

MAJORS = MappingProxyType(
    {
        "1": "定位基础",
        "2": "水系",
        "3": "居民地及设施",
        "4": "交通",
        "5": "管线",
        "6": "境界与政区",
        "7": "地貌",
        "8": "植被与土质",
    }
)
ANY = "*"


@dataclass(frozen=True, slots=True)
class FeatureKind:
    """What an object is on the base map: its layer, kind, class, the tag value that said so, and fixed properties."""

    layer: str
    kind: str
    feature_class: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ClassTable:
    """The table, arranged for look-up: layer → list of (tag key, values or `*`, kind), in order of precedence."""

    rules: Mapping[str, list[tuple[str, frozenset[str], FeatureKind]]]
    levels: Mapping[int, tuple[str, str]]
    code_tags: tuple[str, ...]

    @property
    def keys(self) -> frozenset[str]:
        """Every tag key that matters."""
        return frozenset(key for rules in self.rules.values() for key, _, _ in rules) | {"boundary"}

    def find(self, layer: str, tags: Mapping[str, str]) -> FeatureKind | None:
        """What an object with these tags is in `layer`; None when it does not belong there."""
        for key, values, kind in self.rules[layer]:
            value = tags.get(key)
            if value is not None and (value in values or (ANY in values and value != "no")):
                return kind
        return None

    def district(self, admin_level: str | None) -> tuple[int, str, str] | None:
        """Level, kind and class of an administrative area; None where the level is not one of the table."""
        level = int(admin_level) if admin_level and admin_level.isdecimal() else -1
        return (level, *self.levels[level]) if level in self.levels else None


@lru_cache(maxsize=1)
def class_table() -> ClassTable:
    """The table as shipped."""
    return parse_table(json.loads(files("twin.basemap").joinpath("osm_classes.json").read_text("utf-8")))


def parse_table(document: Mapping[str, Any]) -> ClassTable:
    """A table from its JSON document, for a city that keeps its own."""
    rules: dict[str, list[tuple[str, frozenset[str], FeatureKind]]] = {}
    for rule in document["rules"]:
        kind = FeatureKind(rule["layer"], rule["kind"], rule["feature_class"], MappingProxyType(rule.get("set", {})))
        rules.setdefault(rule["layer"], []).append((rule["key"], frozenset(rule["values"]), kind))
    districts = document["districts"]
    levels = {int(level): (entry["kind"], entry["feature_class"]) for level, entry in districts["levels"].items()}
    return ClassTable(rules, levels, tuple(districts["code_tags"]))
