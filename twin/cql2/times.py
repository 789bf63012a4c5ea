"""Instants and the relations between intervals.

Source: OGC 21-065r2, 7.9 (temporal functions).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from twin.cql2.refusals import bad_filter

# Allen's relations and their like between two intervals (start, end); instants have start = end.
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
        raise bad_filter(
            "This is not a date or a time.", node, "DATE('2024-05-01') or TIMESTAMP('2024-05-01T08:00:00Z')", ""
        ) from error
