"""How a layer is drawn: one small vocabulary that the page (deck.gl) and foreign clients (MapLibre) both understand.

A style says what a feature looks like in the light theme and, where `*_dark` is given, in the dark one. It holds no
expressions and no code: a department can write it by hand, and a check can say in words what is wrong with it.
Sizes are CSS pixels, heights metres, zooms those of WebMercatorQuad (256-pixel tiles at zoom 0).
"""

from __future__ import annotations

import itertools
import re
import zlib
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from twin.schema import GeometryType

Kind = Literal["fill", "line", "circle", "label"]
Theme = Literal["light", "dark"]

ICONS = (
    "air", "bell", "bin", "bridge", "building", "bus", "camera", "car", "drop", "factory", "flag", "hospital", "hydrant",
    "lamp", "manhole", "noise", "park", "person", "pipe", "pump", "rain", "school", "sensor", "shelter", "sign", "soil",
    "star", "thermometer", "toilet", "tree", "warning", "waves", "wind",
)  # fmt: skip
"""Glyphs that the page can draw inside a circle."""

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")


def _check_color(text: str) -> str:
    if not _HEX.fullmatch(text):
        raise ValueError(f"'{text}' is not a colour; write it as #rgb, #rrggbb or #rrggbbaa")
    return text.lower()


def _check_icon(name: str) -> str:
    if name not in ICONS:
        raise ValueError(f"there is no icon '{name}'; take one of: {', '.join(ICONS)}")
    return name


Color = Annotated[str, AfterValidator(_check_color)]
Icon = Annotated[str, AfterValidator(_check_icon)]
Pixels = Annotated[float, Field(ge=0, le=100)]
Zoom = Annotated[float, Field(ge=0, le=24)]
Stops = Annotated[tuple[tuple[float, Color], ...], Field(min_length=1, max_length=32)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ColorBy(_Part):
    """Colour by a property: a table of `values`, or a ramp of `stops` for numbers.

    A value that the table lacks gets `default` (or the style's plain colour). A feature without the property gets the
    same, never the colour of zero: unknown is not zero.
    """

    property: Annotated[str, Field(min_length=1)]
    values: dict[str, Color] | None = None
    values_dark: dict[str, Color] | None = None
    stops: Stops | None = None
    stops_dark: Stops | None = None
    default: Color | None = None
    default_dark: Color | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.values is None) == (self.stops is None):
            raise ValueError("color_by needs either 'values' (a table) or 'stops' (a ramp), and not both")
        for stops in (self.stops, self.stops_dark):
            _check_ascending(stops)
        if self.values_dark is not None and self.values is None:
            raise ValueError("'values_dark' belongs to 'values'; this style has 'stops'")
        if self.stops_dark is not None and self.stops is None:
            raise ValueError("'stops_dark' belongs to 'stops'; this style has 'values'")
        return self


class WidthBy(_Part):
    """Line width (or circle radius) in pixels by the value of a property."""

    property: Annotated[str, Field(min_length=1)]
    values: dict[str, Pixels]
    default: Pixels | None = None


class Extrude(_Part):
    """Height of a polygon in the 3D view: `property` (metres) times `scale`."""

    property: Annotated[str, Field(min_length=1)]
    scale: Annotated[float, Field(gt=0, le=1000)] = 1.0


class Label(_Part):
    """Text beside or on a feature. Of two labels that collide, the one with the smaller `priority_property` stays."""

    property: Annotated[str, Field(min_length=1)]
    size_px: Annotated[float, Field(ge=6, le=60)] = 12.0
    color: Color = "#333333"
    color_dark: Color | None = None
    halo: Color = "#ffffff"
    halo_dark: Color | None = None
    min_zoom: Zoom | None = None
    priority_property: str | None = None


class Style(_Part):
    """The look of one layer.

    Attributes:
        kind: `fill` polygons, `line`s, `circle`s for points, or `label` (text only).
        color: Plain colour; also the legend's swatch and the fallback of `color_by`.
        outline: Edge of polygons and circles; for lines the casing under the line.
        width_px: Width of a line. radius_px: Radius of a circle. outline_px: Width of the outline.
        extrude: Used in the 3D view, polygons only.
        icon: Glyph drawn inside the circle.
        min_zoom: Below it the layer shows a density grid (or nothing, for the base map).
    """

    kind: Kind
    color: Color = "#5b7c99"
    color_dark: Color | None = None
    outline: Color | None = None
    outline_dark: Color | None = None
    outline_px: Pixels = 1.0
    width_px: Pixels = 1.5
    radius_px: Pixels = 5.0
    opacity: Annotated[float, Field(ge=0, le=1)] = 1.0
    color_by: ColorBy | None = None
    width_by: WidthBy | None = None
    extrude: Extrude | None = None
    label: Label | None = None
    icon: Icon | None = None
    min_zoom: Zoom | None = None
    max_zoom: Zoom | None = None

    @model_validator(mode="after")
    def _parts_fit_the_kind(self) -> Self:
        if self.kind == "label" and self.label is None:
            raise ValueError("kind 'label' draws text only, so it needs 'label': {\"property\": …}")
        if self.extrude is not None and self.kind != "fill":
            raise ValueError(f"'extrude' raises polygons (kind 'fill'); this style is of kind '{self.kind}'")
        if self.icon is not None and self.kind != "circle":
            raise ValueError(f"'icon' is drawn inside circles (kind 'circle'); this style is of kind '{self.kind}'")
        if self.width_by is not None and self.kind not in ("line", "circle"):
            raise ValueError(f"'width_by' is for lines and circles; this style is of kind '{self.kind}'")
        if self.min_zoom is not None and self.max_zoom is not None and self.min_zoom > self.max_zoom:
            raise ValueError(f"min_zoom {self.min_zoom:g} is above max_zoom {self.max_zoom:g}; swap them")
        return self

    def properties_used(self) -> frozenset[str]:
        """Names of all properties that drawing needs, so that a check can hold them against the schema."""
        parts = (self.color_by, self.width_by, self.extrude, self.label)
        names = {part.property for part in parts if part is not None}
        if self.label is not None and self.label.priority_property is not None:
            names.add(self.label.priority_property)
        return frozenset(names)

    def draws(self, geometry_type: GeometryType) -> bool:
        """Whether this kind of drawing suits that geometry; labels suit every one, lines also draw polygon edges."""
        name = geometry_type.value.removeprefix("Multi")
        if geometry_type in (GeometryType.GEOMETRY, GeometryType.GEOMETRYCOLLECTION) or self.kind == "label":
            return True
        suited = {
            "fill": {"Polygon"},
            "line": {"LineString", "Polygon"},
            "circle": {"Point"},
        }
        return name in suited[self.kind]


def _check_ascending(stops: Sequence[tuple[float, str]] | None) -> None:
    numbers = [number for number, _ in stops or ()]
    for before, after in itertools.pairwise(numbers):
        if after <= before:
            raise ValueError(f"stops must ascend: {after:g} comes after {before:g}")


_PALETTE = (
    ("#2f6f9f", "#6fb1e0"),
    ("#b0562f", "#e59a73"),
    ("#3f7f5f", "#7cc4a0"),
    ("#7a5c99", "#b79ad6"),
    ("#a8832b", "#dcbb67"),
    ("#2b8290", "#6cc3cf"),
    ("#a14b6b", "#db8ba9"),
)
"""Colours (light theme, dark theme) for layers that bring none."""


def default_style(geometry_type: GeometryType, layer_id: str) -> Style:
    """A quiet look for a layer whose manifest has none; its colour depends on `layer_id` alone, so it never changes."""
    color, dark = _PALETTE[zlib.crc32(layer_id.encode()) % len(_PALETTE)]
    name = geometry_type.value.removeprefix("Multi")
    if name == "LineString":
        return Style(kind="line", color=color, color_dark=dark, width_px=2)
    if name == "Point":
        return Style(
            kind="circle",
            color=color,
            color_dark=dark,
            outline="#ffffff",
            outline_dark="#10161d",
            radius_px=4.5,
        )
    return Style(
        kind="fill",
        color=color,
        color_dark=dark,
        outline=color,
        outline_dark=dark,
        opacity=0.45,
    )
