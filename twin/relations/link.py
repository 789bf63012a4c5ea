"""One link: two ends by id, what it says, how it is known, when it holds, and who recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple


class Ref(NamedTuple):
    """A feature by its layer and its public id, which stays the same from delivery to delivery."""

    layer: str
    id: str

    def __str__(self) -> str:
        return f"{self.layer}/{self.id}"


class LinkSource(StrEnum):
    """How a link is known: somebody said so, a delivery said so, or it was worked out from geometry."""

    DECLARED = "declared"
    IMPORTED = "imported"
    DERIVED = "derived"


class Window(NamedTuple):
    """When a link holds in the world: from `start` up to, not including, `end`; None is open.

    Half open, so that one link may begin in the very instant in which another one ends.
    """

    start: datetime | None = None
    end: datetime | None = None

    def meets(self, other: Window) -> bool:
        """Whether both hold at some instant."""
        begins_in_time = self.start is None or other.end is None or self.start < other.end
        return begins_in_time and (other.start is None or self.end is None or other.start < self.end)

    def holds_at(self, instant: datetime) -> bool:
        """Whether it holds at one instant."""
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)

    def both(self, other: Window) -> Window:
        """The stretch in which both hold; they must meet."""
        starts = [start for start in (self.start, other.start) if start is not None]
        ends = [end for end in (self.end, other.end) if end is not None]
        return Window(max(starts, default=None), min(ends, default=None))

    def __str__(self) -> str:
        ends = ("..." if end is None else end.isoformat().replace("+00:00", "Z") for end in self)
        return "[{}, {})".format(*ends)


ALWAYS = Window()


@dataclass(frozen=True, slots=True)
class NewLink:
    """A link to be recorded.

    Attributes:
        confidence: From 0 to 1; None where nobody said.
        properties: What the type lets a link carry, by name.
    """

    type: str
    source: Ref
    target: Ref
    window: Window = ALWAYS
    known_by: LinkSource = LinkSource.DECLARED
    confidence: float | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Link:
    """A recorded link.

    Attributes:
        id: Given by the store, never used again.
        row: Row number of this state, increasing in order of arrival: what pages go by.
        version: Version of the link table that wrote this state; superseded: the one that ended it, None while it stands.
        recorded_at: When it was recorded; author, reason: by whom, and why.
    """

    id: int
    row: int
    type: str
    source: Ref
    target: Ref
    window: Window
    known_by: LinkSource
    confidence: float | None
    properties: Mapping[str, Any]
    version: int
    superseded: int | None
    recorded_at: datetime
    author: str
    reason: str

    def other_end(self, end: Ref) -> Ref:
        """The end that is not `end`."""
        return self.target if self.source == end else self.source

    def __str__(self) -> str:
        return f"link {self.id}: {self.source} {self.type} {self.target}"
