"""CQL2 JSON as a SQL condition, the same for both databases.

What comes here has passed `twin.cql2.check_filter`: names exist, types fit, geometries are CGCS2000 lon/lat, depth is bounded.

Source: OGC 21-065r2 (Common Query Language, JSON encoding).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

import shapely
import shapely.geometry
import sqlalchemy as sa

from twin.bounds import Bounds
from twin.cql2 import TEMPORAL_RELATIONS, instant_range
from twin.errors import BadFilterError
from twin.schema import PropertyType
from twin.store.dialect import Dialect
from twin.store.tables import ID, LayerRows

_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    ">=": lambda a, b: a >= b,
}


def filter_clause(node: Any, rows: LayerRows, dialect: Dialect) -> sa.ColumnElement[bool]:
    """The condition that keeps the rows for which a checked CQL2 filter is true."""
    clause: sa.ColumnElement[bool] = _Translator(rows, dialect).condition(node)
    return clause


class _Translator:
    """Walks one filter. Conditions and values are told apart, as the standard does."""

    def __init__(self, rows: LayerRows, dialect: Dialect) -> None:
        self.rows = rows
        self.dialect = dialect

    def condition(self, node: Any) -> Any:
        if isinstance(node, bool):
            return sa.true() if node else sa.false()
        if isinstance(node, Mapping) and "property" in node:
            return self.value(node) == self.dialect.bind(PropertyType.BOOLEAN, True)
        op, args = node["op"], node["args"]
        if op == "and":
            return sa.and_(*(self.condition(a) for a in args))
        if op == "or":
            return sa.or_(*(self.condition(a) for a in args))
        if op == "not":
            return sa.not_(self.condition(args[0]))
        if op in _COMPARISONS:
            return _COMPARISONS[op](*self.values(args))
        if op == "isNull":
            return self.value(args[0]).is_(None)
        if op == "between":
            low, high = self.values([args[0], args[1]])[1], self.values([args[0], args[2]])[1]
            return self.value(args[0]).between(low, high)
        if op == "in":
            return self.value(args[0]).in_([self.values([args[0], item])[1] for item in args[1]])
        if op == "like":
            return self.dialect.like(self.value(args[0]), self.value(args[1]))
        if op.startswith("s_"):
            return self.spatial(op.removeprefix("s_"), args)
        if op in TEMPORAL_RELATIONS:
            return self.temporal(op, args)
        raise BadFilterError(f"The operator '{op}' gives no condition.", value=op)

    def spatial(self, relation: str, args: list[Any]) -> sa.ColumnElement[bool]:
        """One side is the feature's geometry, the other a literal; swapped sides use the mirrored relation."""
        mirrored = {"within": "contains", "contains": "within"}
        literal = args[1]
        if "property" in literal:
            literal, relation = args[0], mirrored.get(relation, relation)
        if "bbox" in literal:
            box = literal["bbox"]
            west, south, east, north = box[:4] if len(box) == 4 else (box[0], box[1], box[3], box[4])
            shape: shapely.Geometry = shapely.box(west, south, east, north)
        else:
            shape = shapely.geometry.shape(literal)
        if shape.is_empty:
            return sa.true() if relation == "disjoint" else sa.false()
        wkb = shapely.to_wkb(shapely.force_2d(shape), flavor="iso")
        return self.dialect.relation(relation, self.rows, wkb, Bounds(*shape.bounds))

    def temporal(self, op: str, args: list[Any]) -> sa.ColumnElement[bool]:
        a, b = (self.interval(arg) for arg in args)
        return TEMPORAL_RELATIONS[op](a, b)  # type: ignore[no-any-return]

    def interval(self, node: Any) -> tuple[Any, Any]:
        """Start and end of an instant or interval as expressions; open ends are far away."""
        if isinstance(node, Mapping) and "interval" in node:
            start, end = node["interval"]
            return (self._end(start, first=True), self._end(end, first=False))
        if isinstance(node, Mapping) and "property" in node:
            moment = self._time_property(node)
            return (moment, moment)
        low, high = instant_range(node)
        return (self._instant(low), self._instant(high))

    def _end(self, node: Any, *, first: bool) -> Any:
        if node == "..":
            far = "0001-01-01T00:00:00Z" if first else "9999-12-31T23:59:59Z"
            return self._instant(instant_range({"timestamp": far})[0])
        if isinstance(node, Mapping) and "property" in node:
            return self._time_property(node)
        low, high = instant_range(node if isinstance(node, Mapping) else {"timestamp": node})
        return self._instant(low if first else high)

    def _time_property(self, node: Mapping[str, Any]) -> Any:
        column = self.value(node)
        return self.dialect.midnight(column) if self.kind(node) is PropertyType.DATE else column

    def _instant(self, value: datetime) -> Any:
        return sa.literal(self.dialect.bind(PropertyType.DATETIME, value), self.dialect.types.instant)

    def values(self, nodes: list[Any]) -> list[Any]:
        """Operands of one comparison; literals take the type of the property they are compared with."""
        kind = next((k for k in map(self.kind, nodes) if k is not None), None)
        return [self.value(node, kind) for node in nodes]

    def kind(self, node: Any) -> PropertyType | None:
        """Property type of an expression, None for a literal."""
        if not isinstance(node, Mapping):
            return None
        if "property" in node:
            name = node["property"]
            return PropertyType.STRING if self._is_id(name) else self.rows.schema.property(name).type
        if node.get("op") in {"casei", "accenti"}:
            return PropertyType.STRING
        return PropertyType.NUMBER if "op" in node else None

    def value(self, node: Any, kind: PropertyType | None = None) -> Any:
        if isinstance(node, Mapping):
            if "property" in node:
                name = node["property"]
                return self.rows.table.c[ID] if self._is_id(name) else self.rows.column(name)
            if "op" in node:
                return self.function(node["op"], node["args"])
            return self._time_literal(node, kind)
        if kind in {PropertyType.DATE, PropertyType.DATETIME} and isinstance(node, str):
            return self._time_literal({"timestamp": node}, kind)
        if isinstance(node, bool):
            return sa.literal(
                self.dialect.bind(PropertyType.BOOLEAN, node), self.dialect.types.properties[PropertyType.BOOLEAN]
            )
        if isinstance(node, str):
            return sa.literal(node, self.dialect.types.text)
        whole = kind is PropertyType.INTEGER and float(node).is_integer() and abs(node) < 2**63
        number = PropertyType.INTEGER if whole else PropertyType.NUMBER
        return sa.literal(int(node) if whole else float(node), self.dialect.types.properties[number])

    def _time_literal(self, node: Mapping[str, Any], kind: PropertyType | None) -> Any:
        start, _ = instant_range(node)
        if kind is PropertyType.DATE:
            day: date = start.date()
            return sa.literal(
                self.dialect.bind(PropertyType.DATE, day), self.dialect.types.properties[PropertyType.DATE]
            )
        return self._instant(start)

    def function(self, op: str, args: list[Any]) -> Any:
        if op == "casei":
            return self.dialect.casei(self.value(args[0]))
        if op == "accenti":
            return self.dialect.accenti(self.value(args[0]))
        number = self.dialect.types.properties[PropertyType.NUMBER]
        a = self.value(args[0], PropertyType.NUMBER)
        if len(args) == 1:
            return -a
        b = self.value(args[1], PropertyType.NUMBER)
        a, b = sa.cast(a, number), sa.cast(b, number)
        match op:
            case "+":
                return a + b
            case "-":
                return a - b
            case "*":
                return a * b
            case "/":
                return a / sa.func.nullif(b, 0, type_=number)
            case "div":
                return sa.func.floor(a / sa.func.nullif(b, 0, type_=number), type_=number)
            case "%":
                return self.dialect.modulo(a, sa.func.nullif(b, 0, type_=number))
            case "^":
                return self.dialect.power(a, b)
        raise BadFilterError(f"There is no function '{op}'.", value=op)

    def _is_id(self, name: str) -> bool:
        return name == "id" and name not in self.rows.schema
