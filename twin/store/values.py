"""Times as the store keeps them: UTC, to the millisecond, the same in both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime


def now() -> datetime:
    """This instant, UTC, whole milliseconds."""
    return to_milliseconds(datetime.now(UTC))


def to_milliseconds(value: datetime) -> datetime:
    """`value` in UTC without what is finer than a millisecond; a naive time is taken as UTC."""
    value = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value.replace(microsecond=value.microsecond // 1000 * 1000)


def instant_text(value: datetime) -> str:
    """ISO 8601 text whose order as text is its order in time, e.g. 2024-05-01T08:00:00.000Z."""
    return to_milliseconds(value).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """The reverse of `instant_text`; takes any ISO 8601 instant."""
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def parse_day(text: str) -> date:
    """The day of an ISO date, or of the date in front of an ISO instant."""
    return date.fromisoformat(text[:10])
