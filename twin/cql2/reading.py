"""A filter as text or JSON, read into one tree and checked."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from twin.cql2.checking import check_filter
from twin.cql2.refusals import MAX_DEPTH, MAX_LENGTH, bad_filter, too_deep
from twin.crs import CRS
from twin.schema import Schema


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
        raise bad_filter(
            "The filter is too long.", f"{len(text)} characters", f"{MAX_LENGTH} characters", "Split the question."
        )
    elif language == "cql2-text":
        tree = _read_text(text)
    elif language == "cql2-json":
        tree = _read_json(text)
    else:
        raise bad_filter("Unknown filter language.", language, "cql2-text or cql2-json", "Set filter-lang.")
    return check_filter(tree, schema, crs)


def _read_text(text: str) -> Any:
    # The parser recurses on the native stack: anything that nests is bounded before it sees the text.
    bare = re.sub(r"'(?:[^']|'')*'|\"[^\"]*\"", "''", text)
    depth = deepest = 0
    for character in bare:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    chain = max((len(m.group()) for m in re.finditer(r"(?:\bNOT\b\s*|[-+]\s*){3,}", bare, re.IGNORECASE)), default=0)
    if deepest > MAX_DEPTH or chain > 4 * MAX_DEPTH:
        raise too_deep(max(deepest, chain // 4))
    import cql2

    try:
        return cql2.parse_text(text).to_json()
    except (cql2.ParseError, cql2.ValidationError, ValueError) as error:
        place = re.search(r"--> (\d+):(\d+)", str(error))
        where = f" near character {place.group(2)}" if place else ""
        raise bad_filter(
            f"The filter cannot be read as CQL2 text{where}.", text, "OGC 21-065r2", "Check quotes, brackets and names."
        ) from error


def _read_json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise bad_filter(
            "The filter is not JSON.", text, "CQL2 JSON, OGC 21-065r2", "Check brackets and quotes."
        ) from error


def _no_constant(name: str) -> None:
    raise ValueError(name)
