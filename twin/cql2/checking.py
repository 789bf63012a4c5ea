"""A CQL2 JSON tree held against a layer's schema: names, types, sizes, geometries and times.

Source: OGC 21-065r2, conformance classes basic-cql2, advanced-comparison-operators, case-insensitive-comparison,
accent-insensitive-comparison, basic-spatial-functions, spatial-functions, temporal-functions, property-property and arithmetic.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from twin.cql2.literals import geometry_literal
from twin.cql2.refusals import MAX_DEPTH, MAX_PARTS, bad_filter, too_deep
from twin.cql2.times import TEMPORAL_RELATIONS, instant_range
from twin.crs import CRS
from twin.errors import BadFilterError, UnknownPropertyError
from twin.schema import PropertyType, Schema

GEOMETRY_NAMES = ("geometry", "geom")
SPATIAL_RELATIONS = ("intersects", "equals", "disjoint", "touches", "within", "overlaps", "crosses", "contains")

_COMPARISONS = {"=", "<>", "<", ">", "<=", ">="}
_ARITHMETIC = {"+", "-", "*", "/", "^", "%", "div"}
_TEXT_FUNCTIONS = {"casei", "accenti"}
_TEMPORAL_NAMES = {name.lower(): name for name in TEMPORAL_RELATIONS}


def check_filter(tree: Any, schema: Schema, crs: CRS | None = None) -> Mapping[str, Any] | bool:
    """A CQL2 JSON tree held against a schema; see `twin.cql2.parse_filter`."""
    _check_size(tree)
    checked: Mapping[str, Any] | bool = _Checker(schema, crs).condition(tree)
    return checked


def _check_size(tree: Any) -> None:
    stack, nodes = [(tree, 0)], 0
    while stack:
        node, depth = stack.pop()
        nodes += 1
        if depth > 2 * MAX_DEPTH:
            raise too_deep(depth // 2)
        if nodes > MAX_PARTS:
            raise bad_filter(
                "The filter has too many parts.",
                f"more than {MAX_PARTS}",
                f"{MAX_PARTS}",
                "Split the question.",
            )
        if isinstance(node, Mapping):
            stack += [(child, depth + 1) for child in node.values()]
        elif isinstance(node, list):
            stack += [(child, depth + 1) for child in node]


class _Checker:
    """Walks the tree once and gives back a normalised copy."""

    def __init__(self, schema: Schema, crs: CRS | None) -> None:
        self.schema = schema
        self.crs = crs

    def condition(self, node: Any) -> Any:
        if isinstance(node, bool):
            return node
        if isinstance(node, Mapping) and "property" in node:
            if self.kind(node) is not PropertyType.BOOLEAN:
                raise bad_filter(
                    "Only a yes/no property can stand alone as a condition.",
                    node["property"],
                    "",
                    "Compare it with a value.",
                )
            return self.operand(node)
        op, args = self._operation(node)
        if op in {"and", "or"}:
            if len(args) < 2:
                raise bad_filter(f"'{op}' joins at least two conditions.", len(args), ">= 2")
            return {"op": op, "args": [self.condition(a) for a in args]}
        if op == "not":
            return {"op": op, "args": [self.condition(self._exactly(op, args, 1)[0])]}
        if op in _COMPARISONS:
            return {"op": op, "args": self.alike(op, self._exactly(op, args, 2))}
        if op == "between":
            return {"op": op, "args": self.alike(op, self._exactly(op, args, 3))}
        if op == "in":
            value, items = self._exactly(op, args, 2)
            if not isinstance(items, list) or not items:
                raise bad_filter("IN needs a list of values.", items)
            checked = self.alike(op, [value, *items])
            return {"op": op, "args": [checked[0], checked[1:]]}
        if op == "like":
            return {"op": op, "args": self.texts(op, self._exactly(op, args, 2))}
        if op == "isNull":
            (value,) = self._exactly(op, args, 1)
            if (
                isinstance(value, Mapping)
                and value.get("property") in GEOMETRY_NAMES
                and value["property"] not in self.schema
            ):
                raise bad_filter(
                    "Whether a place is known cannot be asked in a filter.", value["property"], "", "Use a bbox."
                )
            return {"op": op, "args": [self.operand(value)]}
        if op.startswith("s_"):
            return self.spatial(op, self._exactly(op, args, 2))
        if op in TEMPORAL_RELATIONS:
            return {"op": op, "args": [self.moment(a) for a in self._exactly(op, args, 2)]}
        raise bad_filter(
            f"'{op}' is not a condition.", op, "comparison, LIKE, IN, BETWEEN, IS NULL, S_… or T_… functions"
        )

    def _operation(self, node: Any) -> tuple[str, list[Any]]:
        if (
            not isinstance(node, Mapping)
            or not isinstance(node.get("op"), str)
            or not isinstance(node.get("args"), list)
        ):
            raise bad_filter("A condition is expected here.", node, '{"op": …, "args": […]} or true/false')
        op = node["op"]
        lowered = op.lower()
        if lowered in _TEMPORAL_NAMES:
            return _TEMPORAL_NAMES[lowered], node["args"]
        return ("isNull" if lowered == "isnull" else lowered), node["args"]

    def _exactly(self, op: str, args: list[Any], count: int) -> list[Any]:
        if len(args) != count:
            raise bad_filter(f"'{op}' takes {count} arguments.", len(args), str(count))
        return args

    def kind(self, node: Any) -> PropertyType:
        """What type of value an operand has."""
        if isinstance(node, bool):
            return PropertyType.BOOLEAN
        if isinstance(node, int | float):
            return PropertyType.NUMBER
        if isinstance(node, str):
            return PropertyType.STRING
        if isinstance(node, Mapping):
            if "property" in node:
                return self._property_kind(str(node["property"]))
            if "timestamp" in node or "date" in node:
                instant_range(node)
                return PropertyType.DATETIME
            op, _ = self._operation(node)
            if op in _TEXT_FUNCTIONS:
                return PropertyType.STRING
            if op in _ARITHMETIC:
                return PropertyType.NUMBER
            raise bad_filter(f"There is no function '{op}'.", op, ", ".join(sorted(_TEXT_FUNCTIONS | _ARITHMETIC)))
        raise bad_filter(
            "This cannot be compared with a value.", node, "a property, a text, a number, true/false or a time"
        )

    def _property_kind(self, name: str) -> PropertyType:
        if name in self.schema:
            kind = self.schema.property(name).type
            return PropertyType.NUMBER if kind is PropertyType.INTEGER else kind
        if name == "id":
            return PropertyType.STRING
        if name in GEOMETRY_NAMES:
            raise bad_filter("A geometry is compared with S_ functions.", name, "", "Write S_INTERSECTS(geometry, …).")
        raise UnknownPropertyError(
            f"The filter names '{name}', which this layer does not have.",
            value=name,
            limit="one of: " + ", ".join((*self.schema.names[:40], "id", "geometry")),
            remedy="Look the names up in the layer's queryables.",
        )

    def alike(self, op: str, nodes: list[Any]) -> list[Any]:
        """Operands that must be of one type; a text beside a time must be a time itself."""
        kinds = {self.kind(node) for node in nodes}
        times = kinds & {PropertyType.DATE, PropertyType.DATETIME}
        if times:
            for node in nodes:
                if isinstance(node, str):
                    instant_range({"timestamp": node})
                elif self.kind(node) not in {PropertyType.DATE, PropertyType.DATETIME}:
                    raise self._mixed(op, kinds)
        elif len(kinds) > 1:
            raise self._mixed(op, kinds)
        return [self.operand(node) for node in nodes]

    def _mixed(self, op: str, kinds: set[PropertyType]) -> BadFilterError:
        names = " with ".join(sorted(k.value for k in kinds))
        return bad_filter(
            f"'{op}' compares {names}.",
            names,
            "values of one type",
            "Put text in single quotes, and leave numbers bare.",
        )

    def texts(self, op: str, nodes: list[Any]) -> list[Any]:
        for node in nodes:
            if self.kind(node) is not PropertyType.STRING:
                raise bad_filter(f"'{op}' works on text.", node, "text")
        return [self.operand(node) for node in nodes]

    def operand(self, node: Any) -> Any:
        self.kind(node)
        if isinstance(node, float) and not math.isfinite(node):
            raise bad_filter("A number must be finite.", node)
        if isinstance(node, str) and "\x00" in node:
            raise bad_filter("A text cannot hold the character U+0000.", node)
        if not isinstance(node, Mapping) or "op" not in node:
            return node
        op, args = self._operation(node)
        if op in _TEXT_FUNCTIONS:
            return {"op": op, "args": self.texts(op, self._exactly(op, args, 1))}
        if op == "-" and len(args) == 1:
            args = [0, args[0]]
        for arg in self._exactly(op, args, 2):
            if self.kind(arg) is not PropertyType.NUMBER:
                raise bad_filter(f"'{op}' calculates with numbers.", arg, "numbers")
        return {"op": op, "args": [self.operand(a) for a in args]}

    def spatial(self, op: str, args: list[Any]) -> dict[str, Any]:
        if op.removeprefix("s_") not in SPATIAL_RELATIONS:
            raise bad_filter(
                f"There is no spatial function '{op}'.", op, ", ".join(f"s_{name}" for name in SPATIAL_RELATIONS)
            )
        named = [isinstance(a, Mapping) and "property" in a for a in args]
        if sum(named) != 1:
            raise bad_filter(
                f"'{op}' relates the feature's geometry to one given geometry.", op, "one property and one literal"
            )
        return {
            "op": op,
            "args": [
                self._geometry_name(a) if is_name else geometry_literal(a, self.crs)
                for a, is_name in zip(args, named, strict=True)
            ],
        }

    def _geometry_name(self, node: Mapping[str, Any]) -> dict[str, str]:
        name = str(node["property"])
        if name not in GEOMETRY_NAMES:
            if name in self.schema:
                raise bad_filter(f"'{name}' is not a geometry.", name, "geometry")
            self._property_kind(name)
        return {"property": GEOMETRY_NAMES[0]}

    def moment(self, node: Any) -> Any:
        """An operand of a temporal function: a time literal, a time property or an interval of these."""
        if isinstance(node, Mapping) and "interval" in node:
            ends = node["interval"]
            if not isinstance(ends, list) or len(ends) != 2:
                raise bad_filter("An interval has two ends.", ends)
            return {"interval": [end if end == ".." else self._end(end) for end in ends]}
        return self._end(node)

    def _end(self, node: Any) -> Any:
        if isinstance(node, str):
            node = {"timestamp": node} if len(node) != 10 else {"date": node}
        if self.kind(node) not in {PropertyType.DATE, PropertyType.DATETIME}:
            raise bad_filter("Temporal functions work on times.", node, "a time literal or a date/datetime property")
        return node
