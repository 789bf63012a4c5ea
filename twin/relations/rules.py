"""What a link must fulfil on its own, before anybody looks at other links: type, layers, window, values."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from twin.errors import shorten
from twin.formats.values import parse_date, parse_datetime
from twin.relations.link import NewLink
from twin.relations.port import LinkFault
from twin.relations.relation_type import RelationType
from twin.schema import PropertyType
from twin.store.port import LayerRecord
from twin.validity import Validity, ValidityLimits

_MAX_TEXT = 2_000
_TEST = {
    PropertyType.STRING: lambda value: isinstance(value, str) and len(value) <= _MAX_TEXT,
    PropertyType.INTEGER: lambda value: isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63,
    PropertyType.NUMBER: lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    ),
    PropertyType.BOOLEAN: lambda value: isinstance(value, bool),
    PropertyType.DATE: lambda value: isinstance(value, str) and parse_date(value) is not None,
    PropertyType.DATETIME: lambda value: isinstance(value, str) and parse_datetime(value) is not None,
}


def fault_of(
    row: int,
    link: NewLink,
    types: Mapping[str, RelationType],
    layers: Mapping[str, LayerRecord | None],
    now: datetime,
) -> LinkFault | None:
    """The first thing that is wrong with a link taken by itself; None where nothing is.

    Args:
        layers: Every layer the link names, None where there is none of that id.
    """
    kind = types.get(link.type)
    if kind is None:
        return LinkFault(row, "unknown-type", link.type, "There is no such relation type.", "See GET /relations/types.")
    return (
        _ends(row, link, kind, layers)
        or _window(row, link, now)
        or _properties(row, link, kind)
        or _confidence(row, link)
    )


def _ends(row: int, link: NewLink, kind: RelationType, layers: Mapping[str, LayerRecord | None]) -> LinkFault | None:
    for end, rule, side in ((link.source, kind.source, "from"), (link.target, kind.target, "to")):
        record = layers.get(end.layer)
        if record is None:
            return LinkFault(row, "unknown-layer", end.layer, "There is no such layer.", "GET /layers lists them.")
        if not rule.allows(record):
            problem = f"A link '{kind.id}' may not have a feature of this layer as its '{side}' end."
            return LinkFault(row, "layer-not-allowed", end.layer, problem, f"Allowed: {rule}.")
    if link.source == link.target:
        return LinkFault(row, "same-end", str(link.source), "Both ends are the same feature.", "Name two features.")
    return None


def _window(row: int, link: NewLink, now: datetime) -> LinkFault | None:
    start, end = link.window
    if start is not None and end is not None and start >= end:
        return LinkFault(row, "empty-window", str(link.window), "It ends before it begins.", "Swap the two instants.")
    fault = ValidityLimits().fault(Validity(start, end), now)
    if fault is not None:
        instant, limit, remedy = fault
        return LinkFault(row, "unlikely-date", instant.isoformat(), f"This date cannot be meant: {limit}.", remedy)
    return None


def _properties(row: int, link: NewLink, kind: RelationType) -> LinkFault | None:
    known = {entry.name: entry for entry in kind.properties}
    for name, value in link.properties.items():
        if name not in known:
            remedy = f"It may carry: {', '.join(known) or 'nothing'}."
            return LinkFault(row, "unknown-property", name, f"A link '{kind.id}' has no such property.", remedy)
        if value is not None and not _fits(value, known[name].type):
            problem = f"'{name}' is of type {known[name].type.value}."
            return LinkFault(row, "bad-value", shorten(value, 80), problem, "Give a value of that type.")
    return None


def _fits(value: Any, kind: PropertyType) -> bool:
    return bool(_TEST[kind](value))


def _confidence(row: int, link: NewLink) -> LinkFault | None:
    if link.confidence is None or 0 <= link.confidence <= 1:
        return None
    return LinkFault(row, "bad-confidence", repr(link.confidence), "A confidence is from 0 to 1.", "Correct it.")
