"""When a state of a feature holds in the world: from an instant up to, not including, another one; either end may be open."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta

from twin.interval import Interval


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


# How far ahead a state may begin or end, in days: plans of ten years, rights of a hundred.
START_AHEAD_DAYS = 3_653
END_AHEAD_DAYS = 36_525
LAST_MICROSECOND = 999_999
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ValidityLimits:
    """Which valid times are believed. Beyond them stand slips of the keyboard and stand-ins for "unknown" and "for ever".

    Attributes:
        earliest: No state begins or ends before it.
        start_ahead, end_ahead: How far after now one may begin (a planned state) and end.
    """

    earliest: datetime = EARLIEST
    start_ahead: timedelta = timedelta(days=START_AHEAD_DAYS)
    end_ahead: timedelta = timedelta(days=END_AHEAD_DAYS)

    def fault(self, validity: Validity, now: datetime) -> tuple[datetime, str, str] | None:
        """The first instant that is not believed, with the limit it passes and the remedy; None where all is well."""
        open_end = 'Correct the date; write ".." (in a file, nothing) where it is not known.'
        for instant in (validity.start, validity.end):
            if instant is not None and instant < self.earliest:
                return instant, f"not before {self.earliest:%Y-%m-%d}", open_end
        latest_start, latest_end = now + self.start_ahead, now + self.end_ahead
        if validity.start is not None and validity.start > latest_start:
            return (
                validity.start,
                f"a state begins by {latest_start:%Y-%m-%d}",
                "Correct the date, or enter the plan later.",
            )
        if validity.end is not None and validity.end > latest_end:
            return (
                validity.end,
                f"a state ends by {latest_end:%Y-%m-%d}",
                'Correct the date; write ".." for an open end.',
            )
        return None


def validity_of(interval: Interval) -> Validity:
    """The stretch that an interval of dates or instants names: a day that ends it is part of it, up to the next midnight."""
    end = interval.end
    ends_with_day = end is not None and end.microsecond == LAST_MICROSECOND and end.year < MAXYEAR
    return Validity(interval.start, end + timedelta(microseconds=1) if end and ends_with_day else end)
