"""A stretch of time with open ends allowed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from twin.errors import BadIntervalError


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` to `end`, both aware and inclusive; None is an open end."""

    start: datetime | None
    end: datetime | None

    def __post_init__(self) -> None:
        if self.start and self.end and self.start > self.end:
            raise BadIntervalError(
                f"The interval ends before it starts: {self.start.isoformat()} / {self.end.isoformat()}.",
                limit="start <= end",
                remedy="Swap the two instants.",
            )

    def __str__(self) -> str:
        """As `parse` reads it, to the microsecond: `2024-05-01T00:00:00Z/..`."""
        return "/".join(
            ".." if end is None else end.isoformat().replace("+00:00", "Z") for end in (self.start, self.end)
        )

    @classmethod
    def parse(cls, text: str) -> Interval:
        """RFC 3339 instant, full date, or `start/end` with `..` or nothing for an open end.

        Raises:
            BadIntervalError: if a part is not a date or date-time, or both ends are open.

        Source: OGC 17-069r4, 7.15.4 (parameter datetime).

        >>> Interval.parse("2024-05-01").start.isoformat()
        '2024-05-01T00:00:00+00:00'
        """
        parts = text.strip().split("/")
        if len(parts) == 1:
            return cls(_instant(parts[0], text, last=False), _instant(parts[0], text, last=True))
        if len(parts) != 2 or all(p in ("", "..") for p in parts):
            raise _unreadable(text)
        start, end = parts
        return cls(
            None if start in ("", "..") else _instant(start, text, last=False),
            None if end in ("", "..") else _instant(end, text, last=True),
        )


def _instant(part: str, whole: str, *, last: bool) -> datetime:
    try:
        if len(part) == 10:
            day = datetime.fromisoformat(part).replace(tzinfo=UTC)
            return day + timedelta(days=1, microseconds=-1) if last else day
        if len(part) < 19 or part[10] not in "Tt ":
            raise ValueError(part)
        value = datetime.fromisoformat(part.replace("t", "T").replace("z", "Z"))
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise _unreadable(whole) from error


def _unreadable(text: str) -> BadIntervalError:
    return BadIntervalError(
        "This is not an RFC 3339 instant, date or interval.",
        value=text,
        limit="2024-05-01T08:00:00Z, 2024-05-01, start/end, ../end or start/..",
        remedy="Write the time with a zone, or a full date.",
    )
