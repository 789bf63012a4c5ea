"""SQL functions that plain SQLite lacks, registered on every connection to a GeoPackage.

The `ST_*` five drive the R-tree triggers of the GeoPackage standard; the `om_*` ones answer filters.

Source: OGC 12-128r18, F.3 (RTree spatial indexes: required functions).
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from collections.abc import Callable
from functools import lru_cache

import shapely

from twin.bounds import Bounds
from twin.geometry import window_shape
from twin.store.gpkg_blob import blob_box, decode_blob

SqlValue = str | bytes | int | float | None

RELATIONS: dict[str, Callable[[shapely.Geometry, shapely.Geometry], bool]] = {
    "intersects": shapely.intersects,
    "equals": shapely.equals,
    "disjoint": shapely.disjoint,
    "touches": shapely.touches,
    "within": shapely.within,
    "overlaps": shapely.overlaps,
    "crosses": shapely.crosses,
    "contains": shapely.contains,
}
# Relations in which the prepared literal can stand first; the others keep the feature first.
_MIRRORED = {
    "intersects": "intersects",
    "disjoint": "disjoint",
    "touches": "touches",
    "within": "contains",
    "contains": "within",
}


def register_functions(connection: sqlite3.Connection) -> None:
    """Make the functions known to one connection."""

    def add(name: str, arity: int, function: Callable[..., SqlValue]) -> None:
        connection.create_function(name, arity, function, deterministic=True)

    add("ST_IsEmpty", 1, lambda blob: None if blob is None else int(blob_box(blob) is None))
    add("ST_MinX", 1, lambda blob: _edge(blob, 0))
    add("ST_MinY", 1, lambda blob: _edge(blob, 1))
    add("ST_MaxX", 1, lambda blob: _edge(blob, 2))
    add("ST_MaxY", 1, lambda blob: _edge(blob, 3))
    for name in RELATIONS:
        add(f"om_{name}", 2, _relation(name))
    add("om_meets_box", 5, _meets_box)
    add("om_like", 2, _like)
    add("om_casei", 1, lambda text: None if text is None else str(text).lower())
    add("om_accenti", 1, lambda text: None if text is None else without_accents(str(text)))
    add("om_power", 2, _power)
    add("om_modulo", 2, lambda a, b: None if a is None or b is None else _modulo(a, b))
    add("floor", 1, lambda value: None if value is None else float(value // 1))


def _edge(blob: bytes | None, side: int) -> float | None:
    box = None if blob is None else blob_box(blob)
    return None if box is None else box[side]


def _meets_box(blob: bytes | None, west: float, south: float, east: float, north: float) -> int | None:
    """Whether a geometry meets a window; its own box decides where that is enough."""
    box = None if blob is None else blob_box(blob)
    if blob is None or box is None:
        return None
    if box[0] > east or box[2] < west or box[1] > north or box[3] < south:
        return 0
    if box[0] >= west and box[2] <= east and box[1] >= south and box[3] <= north:
        return 1
    window = _prepared_box(west, south, east, north)
    return int(shapely.intersects(window, shapely.from_wkb(decode_blob(blob))))


@lru_cache(maxsize=64)
def _prepared_box(west: float, south: float, east: float, north: float) -> shapely.Geometry:
    window = window_shape(Bounds(west, south, east, north))
    shapely.prepare(window)
    return window


@lru_cache(maxsize=64)
def _prepared(wkb: bytes) -> shapely.Geometry:
    geometry = shapely.from_wkb(wkb)
    shapely.prepare(geometry)
    return geometry


def _relation(name: str) -> Callable[[bytes | None, bytes], int | None]:
    mirrored = RELATIONS[_MIRRORED[name]] if name in _MIRRORED else None
    direct = RELATIONS[name]

    def relate(blob: bytes | None, wkb: bytes) -> int | None:
        if blob is None:
            return None
        feature, literal = shapely.from_wkb(decode_blob(blob)), _prepared(wkb)
        return int(mirrored(literal, feature) if mirrored else direct(feature, literal))

    return relate


@lru_cache(maxsize=256)
def _like_segments(pattern: str) -> tuple[re.Pattern[str], ...]:
    """The stretches of a LIKE pattern between its % signs, each as an expression without repetition."""
    segments, current = [], ""
    characters = iter(pattern)
    for character in characters:
        if character == "\\":
            current += re.escape(next(characters, "\\"))
        elif character == "%":
            segments.append(current)
            current = ""
        else:
            current += "." if character == "_" else re.escape(character)
    return tuple(re.compile(segment, re.DOTALL) for segment in (*segments, current))


def matches_like(text: str, pattern: str) -> bool:
    r"""LIKE with % and _ and backslash as the escape, case-sensitive, in time linear in the text for each stretch.

    >>> matches_like("sea 50% wide", "sea%\\%%")
    True
    """
    first, *rest = _like_segments(pattern)
    if not rest:
        return first.fullmatch(text) is not None
    start = first.match(text)
    if start is None:
        return False
    place = start.end()
    for segment in rest[:-1]:
        found = segment.search(text, place)
        if found is None:
            return False
        place = found.end()
    tail = re.compile(f"(?:{rest[-1].pattern})\\Z", re.DOTALL).search(text, place)
    return tail is not None


def _like(text: object, pattern: str | None) -> int | None:
    if text is None or pattern is None:
        return None
    return int(matches_like(str(text), pattern))


def without_accents(text: str) -> str:
    """Text with combining marks removed (NFD)."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _power(base: float | None, exponent: float | None) -> float | None:
    if base is None or exponent is None:
        return None
    try:
        value = float(base) ** float(exponent)
    except (OverflowError, ZeroDivisionError):
        return None
    return value if isinstance(value, float) else None


def _modulo(a: float, b: float) -> float | None:
    import math

    return None if b == 0 else math.fmod(a, b)
