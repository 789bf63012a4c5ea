"""Colours and numbers of a style in one theme, as the page's functions take them.

A colour is `[r, g, b, a]`, each 0…255. Tables travel as lists of pairs, never as objects, so that a value in somebody's
data can never be read as a key of the view's own language.
"""

from __future__ import annotations

from typing import Any

from layers.style import ColorBy, Style, Theme, WidthBy

RGBA = list[int]


def rgba(color: str, opacity: float = 1.0) -> RGBA:
    """`#rgb`, `#rrggbb` or `#rrggbbaa` as four numbers; `opacity` multiplies the alpha."""
    digits = color.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(2 * digit for digit in digits)
    if len(digits) == 6:
        digits += "ff"
    red, green, blue, alpha = (int(digits[i : i + 2], 16) for i in (0, 2, 4, 6))
    return [red, green, blue, round(alpha * opacity)]


def plain_color(style: Style, theme: Theme) -> str:
    """The style's own colour in this theme."""
    return style.color_dark or style.color if theme == "dark" else style.color


def outline_color(style: Style, theme: Theme) -> str | None:
    """The outline's colour in this theme, or None where there is no outline."""
    return style.outline_dark or style.outline if theme == "dark" else style.outline


def color_table(color_by: ColorBy, theme: Theme) -> dict[str, str]:
    """Value → colour in this theme; light colours fill what the dark table leaves out."""
    light = dict(color_by.values or {})
    return light | dict(color_by.values_dark or {}) if theme == "dark" else light


def color_stops(color_by: ColorBy, theme: Theme) -> tuple[tuple[float, str], ...]:
    """The ramp in this theme; empty where the style has a table."""
    stops = color_by.stops or ()
    return color_by.stops_dark or stops if theme == "dark" else stops


def default_color(style: Style, theme: Theme) -> str:
    """The colour of a feature whose value is missing or not in the table."""
    by = style.color_by
    if by is None:
        return plain_color(style, theme)
    chosen = by.default_dark or by.default if theme == "dark" else by.default
    return chosen or plain_color(style, theme)


def density_color(style: Style, theme: Theme) -> list[int]:
    """The colour of the density grid: that of the layer, strong enough to be told from the ground below it.

    A ramp lends its last colour; a pale colour is drawn towards the theme's ink.
    """
    by = style.color_by
    stops = color_stops(by, theme) if by is not None else ()
    red, green, blue = rgba(stops[-1][1] if stops else plain_color(style, theme))[:3]
    light = (0.299 * red + 0.587 * green + 0.114 * blue) / 255
    ink, share = (255, max(0.0, 0.55 - light)) if theme == "dark" else (0, max(0.0, light - 0.5))
    return [round(channel + share * (ink - channel)) for channel in (red, green, blue)]


def alarm_color(theme: Theme) -> str:
    """The colour of what is in alarm, the same on every layer."""
    return "#d1242f" if theme == "light" else "#ff6b63"


def color_function(style: Style, theme: Theme, opacity: float) -> dict[str, Any]:
    """Arguments of the page's `color` function for the main colour of `style`."""
    arguments: dict[str, Any] = {
        "@@function": "color",
        "fallback": rgba(default_color(style, theme), opacity),
        "density": density_color(style, theme),
    }
    by = style.color_by
    if by is not None:
        arguments["property"] = by.property
        if by.stops is not None:
            arguments["stops"] = [[number, rgba(color, opacity)] for number, color in color_stops(by, theme)]
        else:
            arguments["values"] = [[v, rgba(c, opacity)] for v, c in safe_pairs(color_table(by, theme))]
    return arguments


def width_function(width_by: WidthBy, plain: float) -> dict[str, Any]:
    """Arguments of the page's `number` function for a width or radius in pixels."""
    return {
        "@@function": "number",
        "property": width_by.property,
        "values": safe_pairs(width_by.values),
        "fallback": plain if width_by.default is None else width_by.default,
    }


def safe_pairs(table: dict[str, Any]) -> list[list[Any]]:
    """A table as pairs, without values that would mean something in the view's own language."""
    return [[value, result] for value, result in table.items() if not value.startswith("@@")]
