"""Which editions of a scene are worth their room: the newest, and of older times one for each day, then one for each month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from twin.errors import BadLimitError

ALL = "all"
MOST = 1_000_000
_DAYS_OF_MONTH = 31


@dataclass(frozen=True, slots=True)
class Keep:
    """How many are kept; days and months are those of UTC, as `as_of=2024-05-01` means them: up to the end of that day.

    Attributes:
        newest: So many of the newest editions, at least one.
        days: The last edition of each day, for so many days back.
        months: The last edition of each month, for so many months of 31 days back.
    """

    newest: int = 50
    days: int = 31
    months: int = 600

    def __post_init__(self) -> None:
        if self.newest < 1 or min(self.days, self.months) < 0 or max(self.newest, self.days, self.months) > MOST:
            raise _unreadable(str(self))

    def __str__(self) -> str:
        return f"newest={self.newest},days={self.days},months={self.months}"

    @classmethod
    def parse(cls, text: str) -> Keep | None:
        """`newest=50,days=31,months=600`, what is left out as it is by default; None for `all`, which keeps all.

        Raises:
            BadLimitError: if it is something else.

        >>> str(Keep.parse("days=7"))
        'newest=50,days=7,months=600'
        """
        if text.strip() == ALL:
            return None
        said: dict[str, int] = {}
        for part in text.split(","):
            name, _, number = (word.strip() for word in part.partition("="))
            if name not in cls.__slots__ or name in said or not (number.isascii() and number.isdigit()):
                raise _unreadable(text)
            said[name] = int(number[:9])
        return cls(**said)

    def chosen(self, stamps: Mapping[int, datetime], now: datetime) -> set[int]:
        """Versions to keep out of those that have an edition, with the time at which each was written."""
        versions = sorted(stamps)
        kept = set(versions[-self.newest :])
        for back, name in (
            (timedelta(days=self.days), "%Y-%m-%d"),
            (timedelta(days=self.months * _DAYS_OF_MONTH), "%Y-%m"),
        ):
            last = {
                stamps[version].astimezone(UTC).strftime(name): version
                for version in versions
                if now - stamps[version] < back
            }
            kept |= set(last.values())
        return kept


def _unreadable(text: str) -> BadLimitError:
    return BadLimitError(
        "This does not say which editions to keep.",
        value=text,
        limit=f"newest=1 to {MOST}, days and months=0 to {MOST}, or {ALL}",
        remedy=f"Write for instance {Keep()}.",
    )
