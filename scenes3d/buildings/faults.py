"""What was wrong with footprints and heights: named, counted, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.text import LocalText

MOST_EXAMPLES = 20


class Fault(StrEnum):
    """One kind of trouble. Those that begin with a repair are in the scene; the others are left out of it."""

    NO_GEOMETRY = "no-geometry"
    NOT_A_POLYGON = "not-a-polygon"
    NOT_FINITE = "not-finite"
    ZERO_AREA = "zero-area"
    HEIGHT_MISSING = "height-missing"
    HEIGHT_UNREADABLE = "height-unreadable"
    HEIGHT_NOT_POSITIVE = "height-not-positive"
    HEIGHT_TOO_LARGE = "height-too-large"
    BASE_UNKNOWN = "base-unknown"
    SELF_CROSSING = "self-crossing"
    CLOCKWISE = "clockwise"
    HEIGHT_FROM_FLOORS = "height-from-floors"
    GROUND_UNKNOWN = "ground-unknown"
    ROOF_ASSUMED = "roof-shape-assumed"
    ROOF_SHAPE = "roof-shape-not-drawn"
    ROOF_OUTLINE = "roof-outline-unsuited"
    ROOF_DIRECTION = "roof-direction-unknown"
    ROOF_HEIGHT = "roof-height-unknown"
    ROOF_TOO_HIGH = "roof-height-too-large"

    @property
    def leaves_out(self) -> bool:
        """Whether the feature is not in the scene."""
        return self not in _REPAIRED

    @property
    def words(self) -> LocalText:
        return _TITLES[self]


_REPAIRED = {Fault.SELF_CROSSING, Fault.CLOCKWISE, Fault.HEIGHT_FROM_FLOORS, Fault.GROUND_UNKNOWN} | {
    fault for fault in Fault if fault.value.startswith("roof-")
}
_TITLES = {
    Fault.NO_GEOMETRY: LocalText("无几何，未建模", "no geometry: left out"),
    Fault.NOT_A_POLYGON: LocalText("不是面，未建模", "not a polygon: left out"),
    Fault.NOT_FINITE: LocalText("坐标不是数，未建模", "coordinates that are no numbers: left out"),
    Fault.ZERO_AREA: LocalText("面积为零，未建模", "no area: left out"),
    Fault.HEIGHT_MISSING: LocalText("无高度，未建模", "height unknown: left out"),
    Fault.HEIGHT_UNREADABLE: LocalText("高度无法识别，未建模", "height is no number: left out"),
    Fault.HEIGHT_NOT_POSITIVE: LocalText("高度为零或负，未建模", "height zero or negative: left out"),
    Fault.HEIGHT_TOO_LARGE: LocalText("高度超过 1000 米，未建模", "height above 1000 m: left out"),
    Fault.BASE_UNKNOWN: LocalText("建筑底部高程未知，未建模", "elevation of the foot unknown: left out"),
    Fault.SELF_CROSSING: LocalText("自相交，已修复", "crosses itself: repaired"),
    Fault.CLOCKWISE: LocalText("外环顺时针，已反转", "outer ring clockwise: turned round"),
    Fault.HEIGHT_FROM_FLOORS: LocalText("按层数推算高度", "height from the number of floors"),
    Fault.GROUND_UNKNOWN: LocalText("地面高程未知，按周边填补", "ground not measured: filled from around"),
    Fault.ROOF_ASSUMED: LocalText("仅有檐口高与屋脊高，按双坡顶建模", "eaves and ridge without a shape: gabled"),
    Fault.ROOF_SHAPE: LocalText("屋顶形状暂不支持，按平顶建模", "a roof of this shape is not drawn: flat"),
    Fault.ROOF_OUTLINE: LocalText("轮廓不适合该屋顶，按平顶建模", "the outline does not bear this roof: flat"),
    Fault.ROOF_DIRECTION: LocalText("坡向未知，按平顶建模", "where the roof falls to is unknown: flat"),
    Fault.ROOF_HEIGHT: LocalText("屋顶高度未知，按平顶建模", "height of the roof unknown: flat"),
    Fault.ROOF_TOO_HIGH: LocalText("屋顶高于建筑，按平顶建模", "roof higher than the building: flat"),
}


@dataclass
class BuildReport:
    """What became of the features of a layer.

    Attributes:
        seen, built: Features read, and features in the scene.
        counts: Features by fault; one feature may have several.
        examples: The first ids of each fault.
        pitched: Features in the scene with a pitched roof; None where roofs were not asked for.
    """

    seen: int = 0
    built: int = 0
    counts: dict[Fault, int] = field(default_factory=dict)
    examples: dict[Fault, list[str]] = field(default_factory=dict)
    pitched: int | None = None

    def add(self, fault: Fault, ids: Sequence[str | None], where: npt.NDArray[np.bool_]) -> None:
        """Count the features that a mask (n,) names."""
        found = np.flatnonzero(where)
        if not len(found):
            return
        self.counts[fault] = self.counts.get(fault, 0) + len(found)
        named = self.examples.setdefault(fault, [])
        named += [str(ids[row]) for row in found[: MOST_EXAMPLES - len(named)]]

    @property
    def left_out(self) -> int:
        return self.seen - self.built

    @property
    def lods(self) -> dict[str, int]:
        """Features in the scene by level of detail: flat roofs, and pitched ones."""
        pitched = self.pitched or 0
        return {"LOD1": self.built - pitched} | ({"LOD2": pitched} if pitched else {})

    def to_dict(self) -> dict[str, Any]:
        return {
            "seen": self.seen,
            "built": self.built,
            "left_out": self.left_out,
            **({} if self.pitched is None else {"lods": self.lods}),
            "faults": [
                {
                    "fault": fault.value,
                    "title": fault.words.to_dict(),
                    "left_out": fault.leaves_out,
                    "count": self.counts[fault],
                    "examples": self.examples[fault],
                }
                for fault in _in_order(self.counts)
            ],
        }


def _in_order(faults: Iterable[Fault]) -> list[Fault]:
    order = list(Fault)
    return sorted(faults, key=order.index)
