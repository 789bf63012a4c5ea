"""CQL2 filters at the door: text or JSON in, a checked JSON tree out.

The `cql2` package (Rust) reads both encodings into one JSON tree; here the tree is held against a layer's schema, its
geometries are brought to CGCS2000, and whatever is unknown, too deep or of the wrong type is refused with the place named.

Source: OGC 21-065r2, conformance classes basic-cql2, cql2-text, cql2-json, advanced-comparison-operators,
case-insensitive-comparison, accent-insensitive-comparison, basic-spatial-functions, spatial-functions, temporal-functions,
property-property and arithmetic.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import shapely
import shapely.geometry

from twin.crs import CRS, is_northing_first, is_same_place, swap_axes, to_cgcs2000
from twin.errors import BadFilterError, UnknownPropertyError
from twin.geometry import check_geometries
from twin.schema import GeometryType, PropertyType, Schema

MAX_LENGTH = 20_000
MAX_DEPTH = 40
MAX_NODES = 2_000

GEOMETRY_NAMES = ("geometry", "geom")
SPATIAL_RELATIONS = ("intersects", "equals", "disjoint", "touches", "within", "overlaps", "crosses", "contains")

_COMPARISONS = {"=", "<>", "<", ">", "<=", ">="}
_ARITHMETIC = {"+", "-", "*", "/", "^", "%", "div"}
_TEXT_FUNCTIONS = {"casei", "accenti"}

# Allen's relations and their like between two intervals (start, end); instants have start = end.
# Source: OGC 21-065r2, 7.9 (temporal functions).
TEMPORAL_RELATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "t_after": lambda a, b: a[0] > b[1],
    "t_before": lambda a, b: a[1] < b[0],
    "t_contains": lambda a, b: (a[0] < b[0]) & (a[1] > b[1]),
    "t_disjoint": lambda a, b: (a[1] < b[0]) | (a[0] > b[1]),
    "t_during": lambda a, b: (a[0] > b[0]) & (a[1] < b[1]),
    "t_equals": lambda a, b: (a[0] == b[0]) & (a[1] == b[1]),
    "t_finishedBy": lambda a, b: (a[0] < b[0]) & (a[1] == b[1]),
    "t_finishes": lambda a, b: (a[0] > b[0]) & (a[1] == b[1]),
    "t_intersects": lambda a, b: (a[0] <= b[1]) & (a[1] >= b[0]),
    "t_meets": lambda a, b: a[1] == b[0],
    "t_metBy": lambda a, b: a[0] == b[1],
    "t_overlappedBy": lambda a, b: (a[0] > b[0]) & (a[0] < b[1]) & (a[1] > b[1]),
    "t_overlaps": lambda a, b: (a[0] < b[0]) & (a[1] > b[0]) & (a[1] < b[1]),
    "t_startedBy": lambda a, b: (a[0] == b[0]) & (a[1] > b[1]),
    "t_starts": lambda a, b: (a[0] == b[0]) & (a[1] < b[1]),
}
_TEMPORAL_NAMES = {name.lower(): name for name in TEMPORAL_RELATIONS}


def parse_filter(
    text: str | Mapping[str, Any], schema: Schema, *, language: str = "cql2-text", crs: CRS | None = None
) -> Mapping[str, Any] | bool:
    """A filter as a checked CQL2 JSON tree, ready for `FeatureQuery.filter`.

    Args:
        text: The filter as it came; a mapping is taken as CQL2 JSON.
        schema: Layer that it will be asked of. Besides its properties, `id` and `geometry` can be named.
        language: "cql2-text" or "cql2-json".
        crs: System of the geometries in it, with its registered axis order; None for CRS84.

    Raises:
        BadFilterError: if it cannot be read, is too long or too deep, names an unknown operator, or mixes types.
        UnknownPropertyError: if it names a property that the layer does not have.
    """
    if isinstance(text, Mapping):
        tree: Any = text
    elif len(text) > MAX_LENGTH:
        raise _bad(
            "The filter is too long.", f"{len(text)} characters", f"{MAX_LENGTH} characters", "Split the question."
        )
    elif language == "cql2-text":
        tree = _read_text(text)
    elif language == "cql2-json":
        tree = _read_json(text)
    else:
        raise _bad("Unknown filter language.", language, "cql2-text or cql2-json", "Set filter-lang.")
    return check_filter(tree, schema, crs)


def check_filter(tree: Any, schema: Schema, crs: CRS | None = None) -> Mapping[str, Any] | bool:
    """A CQL2 JSON tree held against a schema; see `parse_filter`."""
    _check_size(tree)
    checked: Mapping[str, Any] | bool = _Checker(schema, crs).condition(tree)
    return checked


def instant_range(node: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """First and last moment of a `{"date": …}` or `{"timestamp": …}` literal, in UTC."""
    text = node.get("date", node.get("timestamp"))
    try:
        if not isinstance(text, str):
            raise TypeError(text)
        if len(text) == 10:
            day = datetime.fromisoformat(text).replace(tzinfo=UTC)
            return day, day + timedelta(days=1, milliseconds=-1)
        value = datetime.fromisoformat(text)
        value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return value, value
    except (TypeError, ValueError, OverflowError) as error:
        raise _bad(
            "This is not a date or a time.", node, "DATE('2024-05-01') or TIMESTAMP('2024-05-01T08:00:00Z')", ""
        ) from error


def _read_text(text: str) -> Any:
    # The parser recurses on the native stack: anything that nests is bounded before it sees the text.
    bare = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"", "''", text)
    depth = deepest = 0
    for character in bare:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    chain = max((len(m.group()) for m in re.finditer(r"(?:\bNOT\b\s*|[-+]\s*){3,}", bare, re.IGNORECASE)), default=0)
    if deepest > MAX_DEPTH or chain > 4 * MAX_DEPTH:
        raise _too_deep(max(deepest, chain // 4))
    import cql2

    try:
        return cql2.parse_text(text).to_json()
    except (cql2.ParseError, cql2.ValidationError, ValueError) as error:
        place = re.search(r"--> (\d+):(\d+)", str(error))
        where = f" near character {place.group(2)}" if place else ""
        raise _bad(
            f"The filter cannot be read as CQL2 text{where}.", text, "OGC 21-065r2", "Check quotes, brackets and names."
        ) from error


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _bad("The filter is not JSON.", text, "CQL2 JSON, OGC 21-065r2", "Check brackets and quotes.") from error


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _check_size(tree: Any) -> None:
    stack, nodes = [(tree, 0)], 0
    while stack:
        node, depth = stack.pop()
        nodes += 1
        if depth > 2 * MAX_DEPTH:
            raise _too_deep(depth // 2)
        if nodes > 20 * MAX_NODES:
            raise _bad(
                "The filter has too many parts.",
                f"more than {20 * MAX_NODES}",
                f"{20 * MAX_NODES}",
                "Split the question.",
            )
        if isinstance(node, Mapping):
            stack += [(child, depth + 1) for child in node.values()]
        elif isinstance(node, list):
            stack += [(child, depth + 1) for child in node]


def _too_deep(depth: int) -> BadFilterError:
    return _bad(
        "The filter is nested too deeply.",
        f"{depth} levels",
        f"{MAX_DEPTH} levels",
        "Flatten it: a AND b AND c needs no brackets.",
    )


def _bad(message: str, value: object, limit: str = "", remedy: str = "") -> BadFilterError:
    return BadFilterError(message, value=value, limit=limit, remedy=remedy)


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
                raise _bad(
                    "Only a yes/no property can stand alone as a condition.",
                    node["property"],
                    "",
                    "Compare it with a value.",
                )
            return self.operand(node)
        op, args = self._operation(node)
        if op in {"and", "or"}:
            if len(args) < 2:
                raise _bad(f"'{op}' joins at least two conditions.", len(args), ">= 2")
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
                raise _bad("IN needs a list of values.", items)
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
                raise _bad(
                    "Whether a place is known cannot be asked in a filter.", value["property"], "", "Use a bbox."
                )
            return {"op": op, "args": [self.operand(value)]}
        if op.startswith("s_"):
            return self.spatial(op, self._exactly(op, args, 2))
        if op in TEMPORAL_RELATIONS:
            return {"op": op, "args": [self.moment(a) for a in self._exactly(op, args, 2)]}
        raise _bad(f"'{op}' is not a condition.", op, "comparison, LIKE, IN, BETWEEN, IS NULL, S_… or T_… functions")

    def _operation(self, node: Any) -> tuple[str, list[Any]]:
        if (
            not isinstance(node, Mapping)
            or not isinstance(node.get("op"), str)
            or not isinstance(node.get("args"), list)
        ):
            raise _bad("A condition is expected here.", node, '{"op": …, "args": […]} or true/false')
        op = node["op"]
        lowered = op.lower()
        if lowered in _TEMPORAL_NAMES:
            return _TEMPORAL_NAMES[lowered], node["args"]
        return ("isNull" if lowered == "isnull" else lowered), node["args"]

    def _exactly(self, op: str, args: list[Any], count: int) -> list[Any]:
        if len(args) != count:
            raise _bad(f"'{op}' takes {count} arguments.", len(args), str(count))
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
            raise _bad(f"There is no function '{op}'.", op, ", ".join(sorted(_TEXT_FUNCTIONS | _ARITHMETIC)))
        raise _bad("This cannot be compared with a value.", node, "a property, a text, a number, true/false or a time")

    def _property_kind(self, name: str) -> PropertyType:
        if name in self.schema:
            kind = self.schema.property(name).type
            return PropertyType.NUMBER if kind is PropertyType.INTEGER else kind
        if name == "id":
            return PropertyType.STRING
        if name in GEOMETRY_NAMES:
            raise _bad("A geometry is compared with S_ functions.", name, "", "Write S_INTERSECTS(geometry, …).")
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
        return _bad(
            f"'{op}' compares {names}.",
            names,
            "values of one type",
            "Put text in single quotes, and leave numbers bare.",
        )

    def texts(self, op: str, nodes: list[Any]) -> list[Any]:
        for node in nodes:
            if self.kind(node) is not PropertyType.STRING:
                raise _bad(f"'{op}' works on text.", node, "text")
        return [self.operand(node) for node in nodes]

    def operand(self, node: Any) -> Any:
        self.kind(node)
        if isinstance(node, float) and not math.isfinite(node):
            raise _bad("A number must be finite.", node)
        if isinstance(node, str) and "\x00" in node:
            raise _bad("A text cannot hold the character U+0000.", node)
        if not isinstance(node, Mapping) or "op" not in node:
            return node
        op, args = self._operation(node)
        if op in _TEXT_FUNCTIONS:
            return {"op": op, "args": self.texts(op, self._exactly(op, args, 1))}
        if op == "-" and len(args) == 1:
            args = [0, args[0]]
        for arg in self._exactly(op, args, 2):
            if self.kind(arg) is not PropertyType.NUMBER:
                raise _bad(f"'{op}' calculates with numbers.", arg, "numbers")
        return {"op": op, "args": [self.operand(a) for a in args]}

    def spatial(self, op: str, args: list[Any]) -> dict[str, Any]:
        if op.removeprefix("s_") not in SPATIAL_RELATIONS:
            raise _bad(
                f"There is no spatial function '{op}'.", op, ", ".join(f"s_{name}" for name in SPATIAL_RELATIONS)
            )
        named = [isinstance(a, Mapping) and "property" in a for a in args]
        if sum(named) != 1:
            raise _bad(
                f"'{op}' relates the feature's geometry to one given geometry.", op, "one property and one literal"
            )
        return {
            "op": op,
            "args": [
                self._geometry_name(a) if is_name else self._literal(a) for a, is_name in zip(args, named, strict=True)
            ],
        }

    def _geometry_name(self, node: Mapping[str, Any]) -> dict[str, str]:
        name = str(node["property"])
        if name not in GEOMETRY_NAMES:
            if name in self.schema:
                raise _bad(f"'{name}' is not a geometry.", name, "geometry")
            self._property_kind(name)
        return {"property": GEOMETRY_NAMES[0]}

    def _literal(self, node: Any) -> dict[str, Any]:
        """A geometry literal in CGCS2000 lon/lat, as GeoJSON."""
        shape = _shape(node)
        geometries = np.array([shape], dtype=object)
        if self.crs is not None:
            if is_northing_first(self.crs):
                geometries = swap_axes(geometries)
            if not is_same_place(self.crs):
                geometries = to_cgcs2000(geometries, self.crs)
        checked = check_geometries(geometries, GeometryType.GEOMETRY)
        if checked.faults:
            fault = checked.faults[0]
            raise _bad(fault.problem, node, "lon/lat degrees, or set filter-crs", fault.remedy)
        return dict(shapely.geometry.mapping(checked.geometries[0]))

    def moment(self, node: Any) -> Any:
        """An operand of a temporal function: a time literal, a time property or an interval of these."""
        if isinstance(node, Mapping) and "interval" in node:
            ends = node["interval"]
            if not isinstance(ends, list) or len(ends) != 2:
                raise _bad("An interval has two ends.", ends)
            return {"interval": [end if end == ".." else self._end(end) for end in ends]}
        return self._end(node)

    def _end(self, node: Any) -> Any:
        if isinstance(node, str):
            node = {"timestamp": node} if len(node) != 10 else {"date": node}
        if self.kind(node) not in {PropertyType.DATE, PropertyType.DATETIME}:
            raise _bad("Temporal functions work on times.", node, "a time literal or a date/datetime property")
        return node


def _shape(node: Any) -> shapely.Geometry:
    if not isinstance(node, Mapping):
        raise _bad("A geometry is expected here.", node, "GeoJSON, WKT or BBOX")
    try:
        if "bbox" in node:
            box = [float(v) for v in node["bbox"]]
            if len(box) not in {4, 6}:
                raise ValueError(box)
            west, south, east, north = box if len(box) == 4 else (box[0], box[1], box[3], box[4])
            return shapely.box(west, south, east, north)
        return shapely.geometry.shape(node)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, shapely.errors.ShapelyError) as error:
        raise _bad("This geometry cannot be read.", node, "GeoJSON, WKT or BBOX") from error
