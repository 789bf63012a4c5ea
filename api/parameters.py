"""Query strings of the feature resources, read into small values. Everything unknown or unreadable is refused by name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC
from typing import Any

from starlette.requests import Request

from api.crs_edge import EdgeCRS
from api.errors import BadParameterError, UnknownParameterError
from twin.bounds import Bounds
from twin.errors import BadBoundsError, BadLimitError, BadSortError
from twin.formats.values import parse_date, parse_datetime
from twin.interval import Interval
from twin.query import SortKey
from twin.schema import Property, PropertyType, Schema

INT64 = range(-(2**63), 2**63)
MAX_SORT_KEYS = 8


def read_parameters(request: Request, known: Collection[str]) -> dict[str, str]:
    """The query parameters by name.

    Raises:
        UnknownParameterError: if one is not in `known` (OGC 17-069r4, 7.5: an unknown parameter is a client's error).
        BadParameterError: if one is given twice.
    """
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in known:
            raise UnknownParameterError(
                f"This resource has no query parameter '{name}'.",
                value=name,
                limit=", ".join(sorted(known)) or "no parameters",
                remedy="Check the spelling; /docs lists the parameters of each resource.",
            )
        if name in found:
            raise BadParameterError(
                f"The query parameter '{name}' is given twice.", value=value, limit="once", remedy="Give it once."
            )
        found[name] = value
    return found


def parse_limit(text: str | None, default: int, maximum: int) -> int:
    """Features on a page; a number above `maximum` is cut to it (OGC 17-069r4, 7.15.2).

    Raises:
        BadLimitError: if it is not a whole number from 1 up.
    """
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= 1):
        raise BadLimitError(
            "The limit is not a whole number of features.",
            value=text,
            limit=f"1 to {maximum}",
            remedy="Give a number such as limit=100, or leave it out.",
        )
    return min(int(text), maximum)


def parse_bbox(text: str, crs: EdgeCRS) -> Bounds:
    """The lon/lat box of four numbers, or of six (with heights, which do not select: layers are indexed in the plane).

    Raises:
        BadBoundsError: if it is not four or six finite numbers, or upside down.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (4, 6) or "_" in text:
        raise BadBoundsError(
            "A bbox is four numbers, or six with heights.",
            value=text,
            limit="minx,miny,maxx,maxy or minx,miny,minz,maxx,maxy,maxz",
            remedy="Separate the numbers by commas, in the axis order of bbox-crs (lon,lat without one).",
        )
    if len(numbers) == 6:
        low, high = numbers[2], numbers[5]
        if not low <= high:
            raise BadBoundsError(
                "The box is upside down in height.", value=text, limit="minz <= maxz", remedy="Swap the two heights."
            )
        numbers = [*numbers[:2], *numbers[3:5]]
    return crs.bounds(numbers)


def parse_heights(text: str) -> tuple[float, float] | None:
    """Lowest and highest of a bbox of six numbers that `parse_bbox` has taken; None of four."""
    numbers = [float(part) for part in text.split(",")]
    return (numbers[2], numbers[5]) if len(numbers) == 6 else None


def parse_when(text: str) -> Interval:
    """`datetime=`; the plus of a zone may have been read as a blank on the way."""
    return Interval.parse(re.sub(r"(\d\d:\d\d(?:\.\d+)?) (\d\d:\d\d)", r"\1+\2", text))


def parse_sortby(text: str, schema: Schema) -> tuple[SortKey, ...]:
    """`sortby=-height_m,+name` as sort keys.

    Raises:
        BadSortError: if a name is empty or given twice, or there are too many.
        UnknownPropertyError: if the layer has no such property.
    """
    keys = []
    for part in text.split(","):
        name = part.strip()
        descending = name.startswith("-")
        keys.append(SortKey(schema.property(name.lstrip("+-") if name[:1] in "+-" else name).name, descending))
    if len({key.property for key in keys}) != len(keys) or len(keys) > MAX_SORT_KEYS:
        raise BadSortError(
            "A sort order names each property once.",
            value=text,
            limit=f"at most {MAX_SORT_KEYS} properties",
            remedy="Write sortby=-height_m,name.",
        )
    return tuple(keys)


def parse_names(text: str, schema: Schema) -> tuple[str, ...]:
    """`properties=name,height_m` as property names without repeats; empty text selects none.

    Raises:
        UnknownPropertyError: if the layer has no such property.
    """
    names = [part.strip() for part in text.split(",") if part.strip()]
    return tuple(dict.fromkeys(schema.property(name).name for name in names))


def parse_flag(text: str | None, name: str) -> bool:
    """`true` or `false`; absent is false.

    Raises:
        BadParameterError: if it is anything else.
    """
    if text is None or text in ("true", "false"):
        return text == "true"
    raise BadParameterError(
        f"'{name}' is true or false.", value=text, limit="true|false", remedy=f"Write {name}=true, or leave it out."
    )


def equality_filters(parameters: Mapping[str, str], schema: Schema, reserved: Collection[str]) -> list[dict[str, Any]]:
    """One CQL2 comparison for each query parameter that is a queryable (OGC 19-079r2, 6.5)."""
    return [
        {"op": "=", "args": [{"property": name}, queryable_value(schema.property(name), value)]}
        for name, value in parameters.items()
        if name not in reserved
    ]


def queryable_value(declared: Property, text: str) -> Any:
    """The value of a queryable's query parameter, as CQL2 JSON writes it.

    Raises:
        BadParameterError: if `text` is no value of the property's type.
    """
    value = _literal(declared.type, text)
    if value is None:
        raise BadParameterError(
            f"'{declared.name}' is of type {declared.type.value}.",
            value=text,
            limit=declared.type.value,
            remedy="Give a value of that type; the queryables list each type.",
        )
    return value


def _literal(kind: PropertyType, text: str) -> Any:
    if kind is PropertyType.STRING:
        return text
    if kind is PropertyType.BOOLEAN:
        return {"true": True, "false": False}.get(text)
    if kind is PropertyType.DATE:
        day = parse_date(text)
        return day and {"date": day.isoformat()}
    if kind is PropertyType.DATETIME:
        instant = parse_datetime(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
        return instant and {"timestamp": instant.astimezone(UTC).isoformat().replace("+00:00", "Z")}
    try:
        number = int(text) if kind is PropertyType.INTEGER else float(text)
    except ValueError:
        return None
    if kind is PropertyType.INTEGER:
        return number if number in INT64 else None
    return number if abs(number) < float("inf") else None


def queryable_names(schema: Schema, reserved: Collection[str]) -> Sequence[str]:
    """Properties that may stand in the query string themselves: all whose name is not a parameter already."""
    return [name for name in schema.names if name not in reserved]
