"""Relation types out of JSON: the shipped ones, and those that a city adds. Every fault is named at once."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from twin.errors import BadRelationTypeError, Finding, shorten
from twin.relations.relation_type import Cardinality, DeriveRule, EndRule, Method, RelationType, WhenDeleted
from twin.schema import GeometryType, Property, PropertyType
from twin.text import LocalText

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAME = re.compile(r"[^\W\d_]\w*")
_MAX_ID = 50
_MAX_METRES = 100_000.0
_KEYS = frozenset(
    [
        "id",
        "title",
        "inverse",
        "description",
        "from",
        "to",
        "cardinality",
        "acyclic",
        "succession",
        "properties",
        "derive",
        "plausible_m",
        "shipped",
    ]
)
_END_KEYS = frozenset(["layers", "departments", "tags", "geometry", "when_deleted"])
_Enum = TypeVar("_Enum", Cardinality, WhenDeleted, Method, GeometryType, PropertyType)


@lru_cache(maxsize=1)
def shipped_types() -> tuple[RelationType, ...]:
    """The types that come with the product."""
    documents = json.loads(files("twin.relations").joinpath("types.json").read_text("utf-8"))
    return tuple(replace(parse_relation_type(document), shipped=True) for document in documents)


def parse_relation_type(document: object) -> RelationType:
    """A relation type, checked.

    Raises:
        BadRelationTypeError: with one finding per fault: JSON pointer, value, problem, remedy.
    """
    if not isinstance(document, Mapping):
        raise BadRelationTypeError(
            "A relation type is a JSON object.", value=document, remedy='Send {"id": …, "title": …, "inverse": …}.'
        )
    reading = _Reading()
    reading.known_keys(document, _KEYS, "")
    inverse = reading.mapping(document.get("inverse"), "/inverse")
    made = RelationType(
        id=reading.id(document.get("id"), "/id"),
        title=reading.title(document.get("title"), "/title"),
        inverse=reading.id(inverse.get("id"), "/inverse/id"),
        inverse_title=reading.title(inverse.get("title"), "/inverse/title"),
        description=LocalText.parse(document.get("description")),
        source=reading.end(document.get("from", {}), "/from"),
        target=reading.end(document.get("to", {}), "/to"),
        cardinality=reading.choice(
            Cardinality, document.get("cardinality", "many-to-many"), "/cardinality", Cardinality.MANY_TO_MANY
        ),
        acyclic=reading.flag(document.get("acyclic", False), "/acyclic"),
        succession=reading.flag(document.get("succession", False), "/succession"),
        properties=reading.properties(document.get("properties", [])),
        derive=reading.derive(document.get("derive")),
        plausible_m=reading.metres(document.get("plausible_m"), "/plausible_m"),
    )
    if reading.findings:
        raise BadRelationTypeError(
            f"The relation type has {len(reading.findings)} fault{'s' if len(reading.findings) != 1 else ''}.",
            value=document.get("id"),
            limit="every finding below must be cured",
            remedy="Correct the places named under findings; GET /relations/types shows how types are written.",
            findings=tuple(reading.findings),
        )
    return made


class _Reading:
    """Collects faults while a document is read; a faulty part becomes its default."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def fault(self, where: str, value: object, problem: str, remedy: str) -> None:
        self.findings.append(Finding(where, shorten("" if value is None else value, 80), problem, remedy))

    def known_keys(self, document: Mapping[str, Any], known: Iterable[str], where: str) -> None:
        for key in sorted(set(map(str, document)) - set(known)):
            self.fault(f"{where}/{key}", key, "There is no such field.", f"Use: {', '.join(sorted(known))}.")

    def mapping(self, value: object, where: str) -> Mapping[str, Any]:
        if isinstance(value, Mapping):
            return value
        self.fault(where, value, "This is not a JSON object.", "Write an object here.")
        return {}

    def id(self, value: object, where: str) -> str:
        if isinstance(value, str) and len(value) <= _MAX_ID and _ID.fullmatch(value):
            return value
        remedy = f"Small letters, digits and single hyphens, at most {_MAX_ID}: floor-of."
        self.fault(where, value, "This is not an id.", remedy)
        return "unreadable"

    def title(self, value: object, where: str) -> LocalText:
        text = LocalText.parse(value)
        if not (text.zh or text.en):
            self.fault(where, value, "The title is missing.", 'Write {"zh": "楼层属于", "en": "Floor of"}.')
        return text

    def flag(self, value: object, where: str) -> bool:
        if not isinstance(value, bool):
            self.fault(where, value, "This is neither true nor false.", "Write true or false.")
        return value is True

    def metres(self, value: object, where: str) -> float | None:
        if value is None:
            return None
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if number and math.isfinite(float(value)) and 0 <= float(value) <= _MAX_METRES:  # type: ignore[arg-type]
            return float(value)  # type: ignore[arg-type]
        self.fault(where, value, "This is not a distance.", f"A number of metres from 0 to {_MAX_METRES:.0f}.")
        return None

    def choice(self, kind: type[_Enum], value: object, where: str, default: _Enum) -> _Enum:
        try:
            return kind(str(value))
        except ValueError:
            self.fault(where, value, "There is no such choice.", "Use one of: " + ", ".join(kind) + ".")
            return default

    def texts(self, value: object, where: str) -> tuple[str, ...]:
        if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
            return tuple(value)
        self.fault(where, value, "This is not a list of names.", 'Write ["grid-cells"].')
        return ()

    def end(self, value: object, where: str) -> EndRule:
        document = self.mapping(value, where)
        self.known_keys(document, _END_KEYS, where)
        return EndRule(
            layers=self.texts(document.get("layers", []), f"{where}/layers"),
            departments=self.texts(document.get("departments", []), f"{where}/departments"),
            tags=self.texts(document.get("tags", []), f"{where}/tags"),
            geometry=tuple(
                self.choice(GeometryType, name, f"{where}/geometry/{i}", GeometryType.GEOMETRY)
                for i, name in enumerate(self.texts(document.get("geometry", []), f"{where}/geometry"))
            ),
            when_deleted=self.choice(
                WhenDeleted, document.get("when_deleted", "dangle"), f"{where}/when_deleted", WhenDeleted.DANGLE
            ),
        )

    def derive(self, value: object) -> DeriveRule | None:
        if value is None:
            return None
        document = self.mapping(value, "/derive")
        self.known_keys(document, ("method", "within_m"), "/derive")
        method = self.choice(Method, document.get("method"), "/derive/method", Method.WITHIN)
        within_m = self.metres(document.get("within_m"), "/derive/within_m") or 0.0
        if method is Method.NEAREST and within_m <= 0:
            self.fault("/derive/within_m", within_m, "Nearest needs a limit.", "Say how many metres it may look.")
        return DeriveRule(method, within_m)

    def properties(self, value: object) -> tuple[Property, ...]:
        if not isinstance(value, list):
            self.fault("/properties", value, "This is not a list.", 'Write [{"name": "floor_number", …}].')
            return ()
        found = [self._property(entry, f"/properties/{i}") for i, entry in enumerate(value)]
        if len({entry.name for entry in found}) != len(found):
            self.fault("/properties", "", "A name stands twice.", "Give each property a name of its own.")
        return tuple(found)

    def _property(self, value: object, where: str) -> Property:
        document = self.mapping(value, where)
        self.known_keys(document, ("name", "type", "title"), where)
        name = document.get("name")
        if not (isinstance(name, str) and len(name) <= _MAX_ID and _NAME.fullmatch(name)):
            self.fault(f"{where}/name", name, "This is not a property name.", "Begin with a letter: floor_number.")
            name = "unreadable"
        kind = self.choice(PropertyType, document.get("type", "string"), f"{where}/type", PropertyType.STRING)
        return Property(name, kind, LocalText.parse(document.get("title")))
