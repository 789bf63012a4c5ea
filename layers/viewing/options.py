"""What the reader of a view has chosen: theme, language, layers, camera."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from layers.style import Theme

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the view looks: degrees (CGCS2000), zoom of 512-pixel tiles, pitch and bearing in degrees."""

    lon: float = 120.0
    lat: float = 36.28
    zoom: float = 10.5
    pitch_deg: float = 0.0
    bearing_deg: float = 0.0


@dataclass(frozen=True, slots=True)
class ViewMoment:
    """The two dates of a view, in the words of `datetime=` and `as_of=`; an empty one means now.

    Attributes:
        datetime: What held in the world then (valid time).
        as_of: What had been recorded by then (system time).
    """

    datetime: str = ""
    as_of: str = ""

    @property
    def query(self) -> str:
        """The moment as the query of an address; empty for now.

        >>> ViewMoment(datetime="2024-05-01", as_of="2024-06-01T08:00:00+08:00").query
        'datetime=2024-05-01&as_of=2024-06-01T08%3A00%3A00%2B08%3A00'
        """
        asked = (("datetime", self.datetime), ("as_of", self.as_of))
        return "&".join(f"{name}={quote(value, safe='')}" for name, value in asked if value)


@dataclass(frozen=True, slots=True)
class ViewOptions:
    """Choices of one view.

    Attributes:
        layers: Ids of the visible layers; None shows those whose manifest says so.
        opacity: Layer id → 0…1, on top of what the style says.
        three_d: Raise polygons whose style has `extrude`.
        tiles_base: Path in front of `/tiles/…`; always on the same server.
        moment: Date of the tiles.
    """

    theme: Theme = "light"
    language: Language = "zh"
    layers: frozenset[str] | None = None
    opacity: Mapping[str, float] = field(default_factory=dict)
    camera: Camera = Camera()
    three_d: bool = False
    tiles_base: str = ""
    moment: ViewMoment = ViewMoment()
