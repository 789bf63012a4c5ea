"""What the attributes of a building say of its roof, in the words of OpenStreetMap and of Chinese surveys.

Source: OpenStreetMap, Simple 3D Buildings: `roof:shape`, `roof:height`, `roof:levels`, `roof:angle`, `roof:direction`,
`roof:orientation`; a building's height includes its roof, its number of floors does not.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from scenes3d.buildings.heights import numbers
from twin.ellipsoid import Floats
from twin.feature import FeatureBatch


class RoofShape(IntEnum):
    """How a roof is built. OTHER: one that is said and not drawn; UNSAID: nothing is said."""

    FLAT = 0
    GABLED = 1
    SKILLION = 2
    HIPPED = 3
    PYRAMIDAL = 4
    OTHER = 5
    UNSAID = 6


_WORDS = {
    RoofShape.FLAT: ("flat", "no", "平顶", "平屋顶", "平屋面"),
    RoofShape.GABLED: ("gabled", "gable", "pitched", "双坡", "双坡屋顶", "两坡", "人字", "人字顶", "悬山", "硬山"),
    RoofShape.SKILLION: ("skillion", "lean_to", "shed", "单坡", "单坡屋顶", "一面坡"),
    RoofShape.HIPPED: ("hipped", "hip", "四坡", "四坡屋顶", "庑殿", "庑殿顶"),
    RoofShape.PYRAMIDAL: ("pyramidal", "pyramid", "攒尖", "攒尖顶", "四角攒尖"),
}
_SHAPES = {word: shape for shape, words in _WORDS.items() for word in words}
_POINTS = ("N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE", "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW")
_BEARINGS = {word: 22.5 * number for number, word in enumerate(_POINTS)} | {
    word: 45.0 * number for number, word in enumerate(("北", "东北", "东", "东南", "南", "西南", "西", "西北"))
}
_ACROSS = ("across", "横向", "垂直")


@dataclass(frozen=True, slots=True)
class RoofRule:
    """Properties that tell the roof; an empty name stands for none.

    Attributes:
        shape: Its shape, in words.
        height, levels, angle: How high it is from eaves to ridge: metres, floors, or degrees from the level.
        direction: Where it falls to: degrees clockwise from north, or a point of the compass.
        orientation: "along" or "across": which way the ridge of a gabled roof runs; along the longer side where unsaid.
        eaves, ridge: Metres above the ground.
    """

    shape: str = ""
    height: str = ""
    levels: str = ""
    angle: str = ""
    direction: str = ""
    orientation: str = ""
    eaves: str = ""
    ridge: str = ""

    def to_dict(self) -> dict[str, str]:
        """The properties that are named."""
        return {what: name for what, name in asdict(self).items() if name}

    @property
    def tells(self) -> bool:
        """Whether roofs can come of it: a shape, or eaves below a ridge."""
        return bool(self.shape or (self.eaves and self.ridge))


@dataclass(frozen=True)
class SaidRoofs:
    """What n features say; numbers are float64 (n,), NaN where nothing is said.

    Attributes:
        shapes: `RoofShape` of each, int8 (n,).
        bearing: Degrees clockwise from north.
        across: bool (n,).
    """

    shapes: np.ndarray[tuple[int, ...], np.dtype[np.int8]]
    height: Floats
    levels: Floats
    angle: Floats
    bearing: Floats
    across: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
    eaves: Floats
    ridge: Floats

    @property
    def tells_one(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Where a roof is told that is not flat, by its shape or by eaves below a ridge: bool (n,)."""
        by_shape = (self.shapes != RoofShape.FLAT) & (self.shapes != RoofShape.UNSAID)
        by_heights = (self.shapes == RoofShape.UNSAID) & (self.ridge - self.eaves > 0)
        return np.asarray(by_shape | by_heights)


def said_roofs(batch: FeatureBatch, rule: RoofRule) -> SaidRoofs:
    """What the attributes of a batch say. A number that is none is not said."""
    count = len(batch)

    def column(name: str) -> Sequence[Any]:
        return batch.columns[name] if name else [None] * count

    def metres(name: str) -> Floats:
        return numbers(column(name))[0]

    return SaidRoofs(
        shapes=np.array([_shape(value) for value in column(rule.shape)], dtype=np.int8),
        height=metres(rule.height),
        levels=metres(rule.levels),
        angle=metres(rule.angle),
        bearing=np.array([_bearing(value) for value in column(rule.direction)], dtype=np.float64),
        across=np.array([_text(value).lower() in _ACROSS for value in column(rule.orientation)], dtype=bool),
        eaves=metres(rule.eaves),
        ridge=metres(rule.ridge),
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _shape(value: Any) -> RoofShape:
    word = _text(value).lower()
    return _SHAPES.get(word, RoofShape.OTHER) if word else RoofShape.UNSAID


def _bearing(value: Any) -> float:
    word = _text(value)
    if word.upper() in _BEARINGS:
        return _BEARINGS[word.upper()]
    try:
        bearing = float(word)
    except ValueError:
        return math.nan
    return bearing % 360.0 if math.isfinite(bearing) else math.nan
