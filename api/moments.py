"""`as_of` and `datetime` of a query string: as the layer stood when, and what held then.

`as_of` is system time: an instant or a date of the past, a version of the layer, or a release of the base map; what was written later does not show.
`datetime` is valid time: of each feature the state that holds then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime

from api.parameters import parse_when
from twin.basemap.pins import pinned_versions
from twin.moment import AsOf, Moment, parse_as_of
from twin.store.port import Store

RELEASE = "release:"
MOMENT_PARAMETERS = ("as_of", "datetime")
VERSION_HEADER = "Onemap-As-Of-Version"
NOTHING_YET = "那时图层还没有数据。The layer held nothing yet at that time."
_LOST_PLUS = re.compile(r"(\d\d:\d\d(?:\.\d+)?) (\d\d:\d\d)$")


def parse_moment(parameters: Mapping[str, str], store: Store, now: datetime | None = None) -> Moment:
    """Both times, None where they are not asked for.

    Args:
        parameters: Of the query string.
        store: Where releases of the base map are looked up, for `as_of=release:2026.11`.
        now: The present; None for that of the clock.

    Raises:
        BadMomentError: if `as_of` is no time, or still to come.
        UnknownReleaseError: if there is no release of that name.
        BadIntervalError: if `datetime` cannot be read.
    """
    as_of = parameters.get("as_of")
    return Moment(
        as_of=None if as_of is None else _as_of(as_of, store, now or datetime.now(UTC)),
        interval=parse_when(parameters["datetime"]) if "datetime" in parameters else None,
    )


def _as_of(text: str, store: Store, now: datetime) -> AsOf:
    if text.startswith(RELEASE):
        return pinned_versions(store, text.removeprefix(RELEASE))
    # The plus of a zone may have been read as a blank on the way.
    return parse_as_of(_LOST_PLUS.sub(r"\1+\2", text), now)


def as_of_headers(version: int | str | None) -> dict[str, str]:
    """The header that says which version an answer tells of; nothing for the present."""
    return {} if version is None else {VERSION_HEADER: str(version)}
