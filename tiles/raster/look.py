"""How a raster is drawn: what a caller asks for, filled up with what suits the raster."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeVar, cast, get_args

import numpy as np
import numpy.typing as npt

from tiles.raster.expression import Expression, parse_expression
from tiles.raster.record import RasterRecord, require_bands
from twin.errors import BadLookError
from twin.vertical import UNKNOWN

Relief = Literal["hillshade", "contour"]
Resampling = Literal["bilinear", "nearest", "cubic", "lanczos", "average", "mode"]
Range = tuple[float, float]
_Choice = TypeVar("_Choice", bound=str)

RELIEFS: tuple[Relief, ...] = get_args(Relief)
RESAMPLINGS: tuple[Resampling, ...] = get_args(Resampling)
PARAMETERS = (
    "bands",
    "expression",
    "rescale",
    "colormap",
    "algorithm",
    "azimuth",
    "altitude",
    "exaggeration",
    "interval",
    "nodata",
    "resampling",
)
# Tints for land that is mostly low, light enough to lay a map over: meadow, straw, earth, rock, snow.
_LAND = ("a9c99b", "c5d9a8", "e2e6b8", "efe2ae", "e0c88f", "cda874", "b68d68", "a98f80", "cfc6bf", "f6f4f2")
LAND = "land"
_BYTES: Range = (0.0, 255.0)


@dataclass(frozen=True, slots=True)
class Look:
    """How a raster is drawn.

    Attributes:
        bands: Bands that are read, from 1.
        expression: Arithmetic over them; None where they are drawn as they are.
        ranges: What becomes darkest and lightest, one for each channel; empty where it has to be found in the data.
        colormap: Name of a colour map for a single channel; None for greys, or the file's own palette.
        palette: Whether the file's own colours are drawn.
        relief: Shaded relief or contour lines of the only channel, taken for heights.
        azimuth, altitude: Where the light stands, degrees clockwise from north and above the horizon.
        exaggeration: Factor on heights of a shaded relief.
        interval: Between contour lines, in the unit of the raster.
        nodata: Value of unknown pixels, over the raster's own word.
        resampling: Between pixels.
    """

    bands: tuple[int, ...]
    expression: Expression | None = None
    ranges: tuple[Range, ...] = ()
    colormap: str | None = None
    palette: bool = False
    relief: Relief | None = None
    azimuth: float = 315.0
    altitude: float = 45.0
    exaggeration: float = 1.0
    interval: float = 10.0
    nodata: float | None = None
    resampling: Resampling = "bilinear"

    @property
    def channels(self) -> int:
        """Channels that are drawn: 1 or 3."""
        count = len(self.expression.text.split(";")) if self.expression else len(self.bands)
        return 3 if count == 3 else 1

    @property
    def margin(self) -> int:
        """Pixels around a tile that are needed."""
        return 0 if self.relief is None else 1

    @property
    def is_photo(self) -> bool:
        """Whether its tiles look like a photograph, so that lossy compression suits them."""
        return not self.palette and self.colormap is None and self.relief != "contour"


def read_look(record: RasterRecord, parameters: Mapping[str, str]) -> Look:
    """The look that `parameters` ask for; other names among them are not looked at.

    Args:
        record: The image that is drawn, on whose bands the look depends.
        parameters: Those of `PARAMETERS` that are asked for, as text.

    Raises:
        BadLookError: if a value cannot be read, or they do not fit together.
    """
    expression = parse_expression(parameters["expression"]) if "expression" in parameters else None
    if expression is not None and "bands" in parameters:
        raise _refused(
            "bands 与 expression 只能用一个。", "Either bands or expression.", "bands and expression", "one of the two"
        )
    bands = expression.bands if expression else _bands(record, parameters.get("bands"))
    require_bands(record, bands)
    relief = _one_of("algorithm", parameters.get("algorithm"), RELIEFS)
    channels = len(expression.text.split(";")) if expression else len(bands)
    if channels not in (1, 3):
        raise _refused("请选一个或三个波段。", "One band, or three.", str(channels), "1 or 3 bands or results")
    if relief and channels != 1:
        raise _refused(
            "地形渲染只需一个波段。", "A relief is drawn of one band.", str(channels), "bands=1, for instance"
        )
    own = record.meaning.get("colormap") if channels == 1 and expression is None and relief is None else None
    colormap = _colormap(parameters.get("colormap", own))
    if colormap and channels != 1:
        raise _refused("色带只用于单波段。", "A colour map is for a single band.", colormap, "bands=1, for instance")
    plain = expression is None and relief is None and colormap is None and "rescale" not in parameters
    palette = plain and record.bands[bands[0] - 1].colour == "palette"
    return Look(
        bands=bands,
        expression=expression,
        ranges=_ranges(record, bands, channels, expression, parameters.get("rescale")),
        colormap=colormap,
        palette=palette,
        relief=relief,
        azimuth=_number("azimuth", parameters, 315.0, 0.0, 360.0),
        altitude=_number("altitude", parameters, 45.0, 0.0, 90.0),
        exaggeration=_number("exaggeration", parameters, 1.0, 0.01, 1000.0),
        interval=_number("interval", parameters, _interval(record, bands), 1e-6, 1e9),
        nodata=_nodata(parameters.get("nodata", None if expression else record.meaning.get("undrawn"))),
        resampling=_one_of("resampling", parameters.get("resampling"), RESAMPLINGS) or "bilinear",
    )


def measured_look(record: RasterRecord, parameters: Mapping[str, str]) -> Look:
    """What is measured: the bands or the expression that `parameters` name, or else every band but the opacity. Raises as `read_look`."""
    if "bands" in parameters or "expression" in parameters:
        return read_look(record, parameters)
    return Look(record.colour_bands, nodata=_nodata(parameters.get("nodata")))


def channel_names(record: RasterRecord, look: Look) -> list[str]:
    """Of each channel: the band's name, or the expression."""
    if look.expression is not None:
        return look.expression.text.split(";")
    return [record.bands[band - 1].name for band in look.bands]


def is_elevation(record: RasterRecord) -> bool:
    """Whether its values are heights: one band, of which somebody said what they count from."""
    return len(record.colour_bands) == 1 and record.vertical_datum != UNKNOWN and not record.meaning


@cache
def colormap_names() -> tuple[str, ...]:
    """Names of the colour maps, sorted; with `_r` at the end, the other way round."""
    from rio_tiler.colormap import cmap

    return tuple(sorted([*cmap.list(), LAND]))


@cache
def colour_table(name: str) -> npt.NDArray[np.uint8]:
    """(256, 4), uint8: red, green, blue, opacity."""
    if name == LAND:
        stops = np.array([[*bytes.fromhex(tint), 255] for tint in _LAND], dtype=np.float64)
        steps = np.linspace(0.0, len(stops) - 1.0, 256)
        return np.stack([np.interp(steps, np.arange(len(stops)), part) for part in stops.T], axis=-1).astype(np.uint8)
    # Imported here: half a second that the start of a server need not wait for.
    from rio_tiler.colormap import cmap

    colours = cmap.get(name)
    table = np.zeros((256, 4), dtype=np.uint8)
    for value in range(256):
        colour = cast("tuple[int, ...]", cast("Mapping[int, object]", colours).get(value, (0, 0, 0, 0)))
        table[value] = colour
    table.setflags(write=False)
    return table


def _bands(record: RasterRecord, text: str | None) -> tuple[int, ...]:
    if text is None:
        by_colour = {band.colour: number for number, band in enumerate(record.bands, 1)}
        if {"red", "green", "blue"} <= set(by_colour):
            return by_colour["red"], by_colour["green"], by_colour["blue"]
        drawn = record.colour_bands
        return drawn[:3] if len(drawn) >= 3 else drawn[:1]
    parts = text.split(",")
    if not all(part.isascii() and part.isdigit() and len(part) <= 4 for part in parts) or len(parts) > 3:
        raise _refused("波段无法识别。", "These are no bands.", text, "one number or three, such as bands=4,3,2")
    return tuple(int(part) for part in parts)


def _ranges(
    record: RasterRecord, bands: tuple[int, ...], channels: int, expression: Expression | None, text: str | None
) -> tuple[Range, ...]:
    if text is None:
        return () if expression else tuple(_usual_range(record, band) for band in bands)
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    pairs = list(zip(numbers[::2], numbers[1::2], strict=False))
    fits = len(numbers) in (2, 2 * channels) and all(math.isfinite(n) and abs(n) < 1e30 for n in numbers)
    if not fits or not all(low < high for low, high in pairs):
        raise _refused(
            "拉伸范围无法识别。",
            "This is no range.",
            text,
            f"low,high, once or for each of {channels} bands, low < high",
        )
    return tuple(pairs * (channels // len(pairs)))


def _usual_range(record: RasterRecord, number: int) -> Range:
    band = record.bands[number - 1]
    if band.dtype == "uint8" or band.low is None or band.high is None:
        return _BYTES
    return (band.low, band.high) if band.low < band.high else (band.low, band.low + 1.0)


def _interval(record: RasterRecord, bands: tuple[int, ...]) -> float:
    """A round number that makes some twenty lines of the raster's range."""
    low, high = _usual_range(record, bands[0])
    step = max((high - low) / 20.0, 1e-3)
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= step * 0.999)


def _colormap(name: str | None) -> str | None:
    if name is None:
        return None
    if name.lower() not in colormap_names():
        raise _refused(
            "没有这个色带。",
            "There is no such colour map.",
            name,
            "viridis, terrain, rdylgn, …; GET /rasters/{id} lists them all",
        )
    return name.lower()


def _nodata(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        return float(text)
    except ValueError:
        raise _refused("无效值不是数字。", "The nodata value is no number.", text, "a number, or nan") from None


def _number(name: str, parameters: Mapping[str, str], usual: float, low: float, high: float) -> float:
    text = parameters.get(name)
    if text is None:
        return usual
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not low <= number <= high:
        raise _refused(f"{name} 超出范围。", f"{name} is no number in range.", text, f"{low:g} to {high:g}")
    return number


def _one_of(name: str, text: str | None, choices: tuple[_Choice, ...]) -> _Choice | None:
    if text is None:
        return None
    for choice in choices:
        if text == choice:
            return choice
    raise _refused(f"没有这个 {name}。", f"There is no such {name}.", text, ", ".join(choices))


def _refused(zh: str, en: str, value: str, limit: str) -> BadLookError:
    return BadLookError(
        f"{zh}{en}",
        value=value,
        limit=limit,
        remedy="See the description of the parameters at /docs. 参数说明见 /docs。",
    )
