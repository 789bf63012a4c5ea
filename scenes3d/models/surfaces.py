"""A feature as its surfaces: what readers of city models and meshes give, whatever the format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twin.ellipsoid import Floats

Value = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Surface:
    """A polygon in space.

    Attributes:
        rings: The outer ring and its holes, each float64 (n, 3) in the source's CRS, east or longitude first; closed or not.
        part: What it is a part of: RoofSurface, WallSurface, …; empty where nobody says.
    """

    rings: tuple[Floats, ...]
    part: str = ""


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a model.

    Attributes:
        id: Unique within the source.
        kind: Building, Bridge, LandUse, …
        surfaces: All of one level of detail, those of its parts too.
        lod: Which one.
        attributes: As the source gives them.
    """

    id: str
    kind: str
    surfaces: tuple[Surface, ...]
    lod: float = 0.0
    attributes: Mapping[str, Value] = field(default_factory=dict)
