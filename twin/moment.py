"""At what time a layer is asked for: as it stood in the store (system time), and what held in the world (valid time)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from twin.errors import BadIntervalError, BadMomentError
from twin.interval import Interval

_VERSION = re.compile(r"v?(\d{1,15})", re.ASCII)
# Clocks of clients run a little ahead of the server's.
_AHEAD = timedelta(minutes=1)

AsOf = int | datetime | Mapping[str, int]


class _Versions(Protocol):
    """What of a store is asked."""

    def version(self, layer_id: str) -> int: ...
    def version_at(self, layer_id: str, instant: datetime) -> int: ...


@dataclass(frozen=True, slots=True)
class Moment:
    """A pair of times.

    Attributes:
        as_of: Version of the layer, an instant of system time, or the version of each layer that a release pins; None for now.
        interval: Valid time; None where it does not matter.
    """

    as_of: AsOf | None = None
    interval: Interval | None = None


def parse_as_of(text: str, now: datetime) -> AsOf:
    """`as_of=`: a version (`v12`, `12`), an RFC 3339 instant, or a date, which stands for its end.

    Args:
        now: The present; a day that has begun counts up to it.

    Raises:
        BadMomentError: if it is none of these, or still to come.

    >>> parse_as_of("v12", datetime(2026, 1, 1))
    12
    """
    number = _VERSION.fullmatch(text)
    if number:
        return int(number[1])
    try:
        asked = None if "/" in text else Interval.parse(text)
    except BadIntervalError:
        asked = None
    if asked is None or asked.start is None or asked.end is None:
        raise BadMomentError(
            "This is no time at which a layer stood.",
            value=text,
            limit="2024-05-01T08:00:00Z, 2024-05-01 (its end), or a version such as v12",
            remedy="Write the time with a zone, a full date, or a version.",
        )
    if asked.start > now + _AHEAD:
        raise BadMomentError(
            "Nobody knows yet how the layer will stand then.",
            value=text,
            limit=f"up to now, {now.isoformat(timespec='seconds').replace('+00:00', 'Z')}",
            remedy="Leave as_of out for the present; what is planned is asked for with datetime=.",
        )
    return min(asked.end, now + _AHEAD)


def resolve_as_of(store: _Versions, layer_id: str, as_of: AsOf) -> int:
    """The version of one layer. 0 means that it held nothing yet.

    Raises:
        BadMomentError: if the layer has no such version yet, or the release does not hold it.
        UnknownLayerError: if there is no such layer.
    """
    if isinstance(as_of, datetime):
        return store.version_at(layer_id, as_of)
    if isinstance(as_of, Mapping):
        return _pinned(layer_id, as_of)
    present = store.version(layer_id)
    if as_of > present:
        raise BadMomentError(
            f"The layer '{layer_id}' has no version {as_of} yet.",
            value=as_of,
            limit=f"up to {present}",
            remedy=f"GET /collections/{layer_id}/changes lists its versions.",
        )
    return as_of


def _pinned(layer_id: str, pins: Mapping[str, int]) -> int:
    """The version that a release pins. What else it holds is not told: the one who asks may not know of all of it."""
    if layer_id in pins:
        return pins[layer_id]
    raise BadMomentError(
        f"This release does not hold the layer '{layer_id}'.",
        value=layer_id,
        limit="layers of the release",
        remedy="Name an instant, or a layer that GET /basemap/releases/{name} lists.",
    )
