"""What the features of a layer look like: geometry type and typed, titled, measured properties."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from twin.errors import UnknownPropertyError
from twin.text import LocalText


class GeometryType(StrEnum):
    """Geometry a layer may hold. A multi type also takes its single form; GEOMETRY takes anything."""

    POINT = "Point"
    LINESTRING = "LineString"
    POLYGON = "Polygon"
    MULTIPOINT = "MultiPoint"
    MULTILINESTRING = "MultiLineString"
    MULTIPOLYGON = "MultiPolygon"
    GEOMETRYCOLLECTION = "GeometryCollection"
    GEOMETRY = "Geometry"

    def accepts(self, name: str) -> bool:
        """Whether a geometry called `name` (GeoJSON spelling) may enter a layer of this type."""
        return self is GeometryType.GEOMETRY or name == self.value or self.value == f"Multi{name}"


class PropertyType(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"

    @property
    def json_schema(self) -> dict[str, str]:
        """The type in JSON Schema's words: dates and instants are strings with a format."""
        if self is PropertyType.DATE:
            return {"type": "string", "format": "date"}
        if self is PropertyType.DATETIME:
            return {"type": "string", "format": "date-time"}
        return {"type": self.value}


@dataclass(frozen=True, slots=True)
class CodeValue:
    """One allowed value of a coded property, with the words a reader sees."""

    value: str | int
    title: LocalText


@dataclass(frozen=True, slots=True)
class Property:
    """One attribute of a layer's features.

    Attributes:
        name: Key in GeoJSON and column in the store.
        type: Value type; dates are ISO 8601 days, datetimes are UTC instants.
        title: What a reader sees in place of the name.
        unit: UCUM-like unit text ("m", "µg/m³"), empty where there is none.
        description: A sentence more.
        codes: The allowed values with their titles; empty for free values.
        required: Whether a feature without it is refused.
    """

    name: str
    type: PropertyType
    title: LocalText = field(default_factory=LocalText)
    unit: str = ""
    description: LocalText = field(default_factory=LocalText)
    codes: tuple[CodeValue, ...] = ()
    required: bool = False

    def to_dict(self) -> dict[str, object]:
        return {
            "name": self.name,
            "type": self.type.value,
            "title": self.title.to_dict(),
            "unit": self.unit,
            "description": self.description.to_dict(),
            "codes": [{"value": c.value, "title": c.title.to_dict()} for c in self.codes],
            "required": self.required,
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, object]) -> Property:
        codes = document.get("codes") or []
        assert isinstance(codes, list)
        return cls(
            name=str(document["name"]),
            type=PropertyType(str(document["type"])),
            title=LocalText.parse(document.get("title")),
            unit=str(document.get("unit") or ""),
            description=LocalText.parse(document.get("description")),
            codes=tuple(CodeValue(c["value"], LocalText.parse(c.get("title"))) for c in codes),
            required=bool(document.get("required", False)),
        )


@dataclass(frozen=True, slots=True)
class Schema:
    """Geometry type and ordered properties of a layer. Names are unique without regard to case."""

    geometry_type: GeometryType
    properties: tuple[Property, ...] = ()

    def __iter__(self) -> Iterator[Property]:
        return iter(self.properties)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.properties)

    def __contains__(self, name: object) -> bool:
        return any(p.name == name for p in self.properties)

    def property(self, name: str) -> Property:
        """The property called `name`.

        Raises:
            UnknownPropertyError: if the layer has none of that name.
        """
        for candidate in self.properties:
            if candidate.name == name:
                return candidate
        raise UnknownPropertyError(
            f"This layer has no property '{name}'.",
            value=name,
            limit="one of: " + ", ".join(self.names[:40]),
            remedy="Look the names up in the layer's queryables.",
        )

    def to_dict(self) -> dict[str, object]:
        return {"geometry_type": self.geometry_type.value, "properties": [p.to_dict() for p in self.properties]}

    @classmethod
    def from_dict(cls, document: Mapping[str, object]) -> Schema:
        properties = document.get("properties") or []
        assert isinstance(properties, list)
        return cls(
            GeometryType(str(document["geometry_type"])),
            tuple(Property.from_dict(p) for p in properties),
        )
