"""The port of a code system: recognising a code by its form, and reading what it says. One page, one file for each system's arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import shapely

from twin.text import LocalText


@dataclass(frozen=True, slots=True)
class CodeReading:
    """What one code says in one system.

    Attributes:
        system: Id of the system.
        code: As the system writes it.
        title: What it is, in words.
        geometry: CGCS2000 lon/lat; None where the code alone does not say (a layer may).
        height_range_m: Lowest and highest height above the ellipsoid, for a cell in three dimensions.
        details: What else is known, as JSON takes it.
    """

    system: str
    code: str
    title: LocalText
    geometry: shapely.Geometry | None = None
    height_range_m: tuple[float, float] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class CodeSystem(Protocol):
    """One system of codes."""

    @property
    def id(self) -> str:
        """Kebab-case, never changes."""

    @property
    def title(self) -> LocalText: ...

    @property
    def standard(self) -> str: ...

    @property
    def form(self) -> LocalText:
        """What a code looks like, for people."""

    @property
    def example(self) -> str: ...

    def recognises(self, code: str) -> bool:
        """Whether a code has this system's form; its numbers may still be out of range."""

    def read(self, code: str) -> list[CodeReading]:
        """Every reading of a code, the likeliest first.

        Raises:
            BadCodeError: if it is no code of this system.
        """
