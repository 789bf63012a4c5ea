"""When a state of a feature holds in the world: from an instant up to, not including, another one; either end may be open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Validity:
    """A stretch [start, end); None is an open end. Where both are the same instant, that instant alone is meant."""

    start: datetime | None = None
    end: datetime | None = None

    def overlaps(self, other: Validity) -> bool:
        """Whether an instant lies in both.

        >>> spring = Validity(datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 6, 1, tzinfo=UTC))
        >>> spring.overlaps(Validity(spring.end)), spring.overlaps(Validity(None, None))
        (False, True)
        """
        return self.start == other.start or (self._begins_before(other.end) and other._begins_before(self.end))

    def begins_after(self, other: Validity) -> bool:
        """Whether this one starts later; an open start is earlier than any instant."""
        return self.start is not None and (other.start is None or self.start > other.start)

    def _begins_before(self, instant: datetime | None) -> bool:
        return self.start is None or instant is None or self.start < instant

    def __str__(self) -> str:
        """As intervals are written in requests, e.g. `2024-03-01T00:00:00Z/..`."""
        return f"{instant_or_open(self.start)}/{instant_or_open(self.end)}"


def instant_or_open(value: datetime | None) -> str:
    """RFC 3339 text in UTC, two dots for an open end."""
    return ".." if value is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")
