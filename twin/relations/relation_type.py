"""Kinds of links: what may be tied to what, how many, and what happens when an end goes. They are data, not code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from twin.schema import GeometryType, Property
from twin.store.port import LayerRecord
from twin.text import LocalText


class Cardinality(StrEnum):
    """How many links of a type an end may have at one time."""

    ONE_TO_ONE = "one-to-one"
    MANY_TO_ONE = "many-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"

    @property
    def one_target(self) -> bool:
        """Whether a `from` end has at most one `to` end at a time: a floor has one building."""
        return self in (Cardinality.ONE_TO_ONE, Cardinality.MANY_TO_ONE)

    @property
    def one_source(self) -> bool:
        """Whether a `to` end has at most one `from` end at a time."""
        return self in (Cardinality.ONE_TO_ONE, Cardinality.ONE_TO_MANY)


class WhenDeleted(StrEnum):
    """What becomes of a link when the feature at an end is deleted.

    RESTRICT refuses the deletion, unless a successor of the feature is declared; CASCADE ends the link in the same
    transaction; DANGLE keeps it: reads follow successors, and the integrity report lists it where there are none.
    """

    RESTRICT = "restrict"
    CASCADE = "cascade"
    DANGLE = "dangle"


class Method(StrEnum):
    """How links of a type are found in space."""

    WITHIN = "within"
    NEAREST = "nearest"


@dataclass(frozen=True, slots=True)
class EndRule:
    """What may stand at one end of a link.

    Attributes:
        layers, departments, tags: A layer that is named by one of these is allowed; all are when the three are empty.
        geometry: Geometry types of the layers allowed; empty for any. A layer of type Geometry is always allowed.
        when_deleted: See `WhenDeleted`.
    """

    layers: tuple[str, ...] = ()
    departments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    geometry: tuple[GeometryType, ...] = ()
    when_deleted: WhenDeleted = WhenDeleted.DANGLE

    def allows(self, record: LayerRecord) -> bool:
        """Whether features of a layer may stand here."""
        kind = record.schema.geometry_type
        if self.geometry and kind is not GeometryType.GEOMETRY and kind not in self.geometry:
            return False
        if not (self.layers or self.departments or self.tags):
            return True
        named = record.id in self.layers or record.document.get("department") in self.departments
        return named or not set(self.tags).isdisjoint(record.document.get("tags") or ())

    def __str__(self) -> str:
        """The rule in words, for messages."""
        named = (
            ("layer", self.layers),
            ("department", self.departments),
            ("tag", self.tags),
            ("geometry", tuple(g.value for g in self.geometry)),
        )
        return "; ".join(f"{word} {' or '.join(values)}" for word, values in named if values) or "any layer"

    def to_dict(self) -> dict[str, Any]:
        named = {"layers": self.layers, "departments": self.departments, "tags": self.tags}
        document: dict[str, Any] = {key: list(values) for key, values in named.items() if values}
        if self.geometry:
            document["geometry"] = [g.value for g in self.geometry]
        return document | {"when_deleted": self.when_deleted.value}


@dataclass(frozen=True, slots=True)
class DeriveRule:
    """How links of this type are proposed from geometry.

    Attributes:
        method: `within`: the polygon that holds the feature; `nearest`: the nearest feature.
        within_m: Farthest that `nearest` looks, in metres of the city's projected CRS.
    """

    method: Method
    within_m: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        document: dict[str, Any] = {"method": self.method.value}
        return document | ({"within_m": self.within_m} if self.method is Method.NEAREST else {})


@dataclass(frozen=True, slots=True)
class RelationType:
    """One kind of link.

    Attributes:
        id: What a link calls itself, read from `from` to `to`: `floor-of`.
        title, inverse_title: The words in either direction.
        inverse: Name of the way back: `has-floor`; the id itself where both directions say the same.
        acyclic: Whether following such links may never lead back to where one started.
        succession: Whether the `to` end takes the place of the `from` end, whose feature need only once have stood.
        properties: What a link may carry; others are refused.
        derive: How such links are proposed; None where space says nothing.
        plausible_m: The report warns when the ends lie further apart than this (metres); None: it does not look.
        shipped: Whether it comes with the product (a city cannot change it).
    """

    id: str
    title: LocalText
    inverse: str
    inverse_title: LocalText
    description: LocalText = field(default_factory=LocalText)
    source: EndRule = field(default_factory=EndRule)
    target: EndRule = field(default_factory=EndRule)
    cardinality: Cardinality = Cardinality.MANY_TO_MANY
    acyclic: bool = False
    succession: bool = False
    properties: tuple[Property, ...] = ()
    derive: DeriveRule | None = None
    plausible_m: float | None = None
    shipped: bool = False

    @property
    def symmetric(self) -> bool:
        """Whether both directions say the same: A same-as B is B same-as A."""
        return self.inverse == self.id

    def to_dict(self) -> dict[str, Any]:
        """The type as JSON values, in the form that `parse_relation_type` reads."""
        document: dict[str, Any] = {
            "id": self.id,
            "title": self.title.to_dict(),
            "inverse": {"id": self.inverse, "title": self.inverse_title.to_dict()},
            "description": self.description.to_dict(),
            "from": self.source.to_dict(),
            "to": self.target.to_dict(),
            "cardinality": self.cardinality.value,
            "acyclic": self.acyclic,
            "succession": self.succession,
            "properties": [_property_document(p) for p in self.properties],
        }
        if self.derive is not None:
            document["derive"] = self.derive.to_dict()
        if self.plausible_m is not None:
            document["plausible_m"] = self.plausible_m
        return document


def _property_document(entry: Property) -> Mapping[str, object]:
    return {"name": entry.name, "type": entry.type.value, "title": entry.title.to_dict()}
