"""The reader's choices of a view, read from the query string of `/view/spec`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from api.errors import BadParameterError
from api.parameters import parse_when
from layers.city import Home
from layers.compose import Camera, ViewMoment, ViewOptions
from layers.style import Theme
from layers.viewing.options import Language
from twin.moment import parse_as_of

PARAMETERS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("theme", {"type": "string", "enum": ["light", "dark"]}, "Colours of the view."),
    ("lang", {"type": "string", "enum": ["zh", "en"]}, "Language of the reader."),
    ("view", {"type": "string", "enum": ["2d", "3d"]}, "Flat, or with raised buildings."),
    ("layers", {"type": "string"}, "Ids of the layers that are switched on, with commas; without it the usual ones."),
    ("opacity", {"type": "string"}, "id:number pairs with commas, each number from 0 to 1."),
    ("at", {"type": "string"}, "lon,lat,zoom or lon,lat,zoom,pitch,bearing; degrees, zoom of 512-pixel tiles."),
    ("datetime", {"type": "string"}, "Day or instant the world is shown at (valid time); without it, now."),
    ("as_of", {"type": "string"}, "Day or instant whose records are shown (system time); without it, now."),
)


def read_options(parameters: Mapping[str, str], home: Home, root_path: str = "") -> ViewOptions:
    """The options of a view.

    Raises:
        BadParameterError: naming the parameter that cannot be read.
        BadMomentError, BadIntervalError: if a date is none.
    """
    layers = parameters.get("layers")
    return ViewOptions(
        theme=cast("Theme", _one_of("theme", parameters.get("theme", "light"), ("light", "dark"))),
        language=cast("Language", _one_of("lang", parameters.get("lang", "zh"), ("zh", "en"))),
        three_d=_one_of("view", parameters.get("view", "2d"), ("2d", "3d")) == "3d",
        layers=None if layers is None else frozenset(filter(None, layers.split(","))),
        opacity=_opacity(parameters.get("opacity", "")),
        camera=_camera(parameters.get("at"), home),
        tiles_base=root_path,
        moment=_moment(parameters),
    )


def _moment(parameters: Mapping[str, str]) -> ViewMoment:
    """Both dates as they were written, once they are known to be dates."""
    if "datetime" in parameters:
        parse_when(parameters["datetime"])
    if "as_of" in parameters and isinstance(parse_as_of(parameters["as_of"], datetime.now(UTC)), int):
        raise BadParameterError(
            "A view shows many layers, and each counts its own versions.",
            value=parameters["as_of"],
            limit="a day or an instant",
            remedy="Write as_of=2024-05-01 or as_of=2024-05-01T08:00:00Z.",
        )
    return ViewMoment(parameters.get("datetime", ""), parameters.get("as_of", ""))


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise BadParameterError(
            f"'{name}' cannot be '{value}'.", value=value, limit="|".join(allowed), remedy="Use one of these."
        )
    return value


def _opacity(text: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for pair in filter(None, text.split(",")):
        layer_id, _, number = pair.partition(":")
        value = _number(number)
        if not layer_id or value is None or not 0 <= value <= 1:
            raise BadParameterError(
                "'opacity' is a list of id:number pairs.",
                value=pair,
                limit="0 to 1",
                remedy="Write opacity=roads:0.5,water:1.",
            )
        found[layer_id] = value
    return found


def _camera(text: str | None, home: Home) -> Camera:
    if text is None:
        return Camera(home.lon, home.lat, home.zoom)
    numbers = [_number(part) for part in text.split(",")]
    known = [number for number in numbers if number is not None]
    if len(known) != len(numbers) or len(known) not in (3, 5) or abs(known[0]) > 180 or abs(known[1]) > 85.06:
        raise BadParameterError(
            "'at' is lon,lat,zoom or lon,lat,zoom,pitch,bearing.",
            value=text,
            limit="lon -180 to 180, lat -85.06 to 85.06",
            remedy="Write at=120.0046,36.2788,12.5.",
        )
    return Camera(*known)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
