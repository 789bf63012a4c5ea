"""What the guard believes of a layer, in numbers and in words of both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import atan2, degrees, hypot, isfinite
from typing import Any

from twin.text import LocalText

_WINDS = (
    *(("东", "east"), ("东北", "north-east"), ("北", "north"), ("西北", "north-west")),
    *(("西", "west"), ("西南", "south-west"), ("南", "south"), ("东南", "south-east")),
)


class Verdict(StrEnum):
    """FITS: lies on the base map where it says. UNKNOWN: nothing speaks for or against it. SUSPICIOUS: lies elsewhere."""

    FITS = "fits"
    UNKNOWN = "unknown"
    SUSPICIOUS = "suspicious"


class Hypothesis(StrEnum):
    """What the coordinates may really be."""

    AS_STATED = "as-stated"
    GCJ02 = "gcj-02"
    BD09 = "bd-09"
    WGS84 = "wgs-84"
    SHIFTED = "shifted"
    SWAPPED = "swapped-axes"
    PROJECTION = "other-projection"
    UNIT = "other-unit"
    HEMISPHERE = "other-hemisphere"
    PACKED = "degrees-minutes-packed"
    ORIGIN = "all-at-zero"
    GARBAGE = "garbage"


@dataclass(frozen=True, slots=True)
class Belief:
    """One judgement.

    Attributes:
        hypothesis: What the coordinates are taken to be.
        text: The judgement in one sentence.
        confidence: How sure, 0 to 1; 0 for UNKNOWN. A monotone measure of strength, not calibrated: 0.9 does not say that nine of ten
            such beliefs are right.
        share: Share of `counted` that says so, 0 to 1.
        counted: How many features (or places, see `unit`) had something to say.
        of: How many there are in the sample.
        unit: "features" or "places".
        shift_m: How far the layer lies off, east and north in metres; None where that means nothing.
        correction: What `review` takes to mend it: "GCJ-02", "EPSG:4528", "swap-axes", {"shift_m": [dx, dy]}; None if nothing does.
        compared_with: Layers of the base map that bore witness.
        partly: Only a part of the layer lies elsewhere, the rest where it says.
        evidence: Scores behind the judgement, see `twin.guard.comparing`.
    """

    verdict: Verdict
    hypothesis: Hypothesis
    text: LocalText
    confidence: float = 0.0
    share: float = 0.0
    counted: int = 0
    of: int = 0
    unit: str = "features"
    shift_m: tuple[float, float] | None = None
    correction: str | Mapping[str, Any] | None = None
    compared_with: tuple[str, ...] = ()
    partly: bool = False
    evidence: Mapping[str, float] | None = None

    @property
    def suspicious(self) -> bool:
        return self.verdict is Verdict.SUSPICIOUS

    def to_document(self) -> dict[str, Any]:
        """The belief as JSON values."""
        document: dict[str, Any] = {
            "verdict": self.verdict.value,
            "hypothesis": self.hypothesis.value,
            "text": self.text.to_dict(),
            "confidence": round(self.confidence, 3),
            "share": round(self.share, 3),
            "counted": self.counted,
            "of": self.of,
            "unit": self.unit,
            "compared_with": list(self.compared_with),
        }
        if self.shift_m is not None:
            document["shift_m"] = [round(metres, 1) for metres in self.shift_m]
        if self.correction is not None:
            document["correction"] = self.correction
        if self.partly:
            document["partly"] = True
        if self.evidence:
            document["evidence"] = {
                name: round(float(score), 4) for name, score in self.evidence.items() if isfinite(score)
            }
        return document


def direction(shift_m: tuple[float, float]) -> LocalText:
    """A shift in words.

    >>> direction((460.0, 12.0)).en, direction((-300.0, -310.0)).zh
    ('460 m east', '向西南偏 431 米')
    """
    wind = round(degrees(atan2(shift_m[1], shift_m[0])) / 45) % 8
    metres = f"{hypot(*shift_m):.0f}"
    return LocalText(f"向{_WINDS[wind][0]}偏 {metres} 米", f"{metres} m {_WINDS[wind][1]}")


def nothing_to_compare(why: LocalText | None = None) -> Belief:
    """Nothing speaks for or against the layer: that is no reason to hold it."""
    text = why or LocalText("没有可比对的底图内容", "nothing on the base map to compare with")
    return Belief(Verdict.UNKNOWN, Hypothesis.AS_STATED, text)
