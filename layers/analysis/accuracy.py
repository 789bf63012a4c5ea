"""The error of an answer in figures and in a sentence: from the resolution, the earth's curve, and what owners state of their data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from layers.analysis.question import Question, SightQuestion
from scenes3d.analysis.accuracy import (
    REFRACTION_WANDERS,
    curvature_drop_m,
    interpolation_m,
    plane_error_m,
    refraction_error_m,
    together_m,
)
from scenes3d.analysis.ground import Ground
from twin.local_frame import LocalFrame
from twin.text import LocalText
from twin.vertical import UNKNOWN

_NAMES = {
    "terrain": LocalText("地形高程", "heights of the terrain"),
    "buildings": LocalText("建筑高度", "heights of buildings"),
    "scenes": LocalText("三维场景", "scenes"),
    "datum": LocalText("高程基准不明", "the vertical datum, which is unknown"),
}


@dataclass(frozen=True)
class Accuracy:
    """What an answer is good to.

    Attributes:
        reach_m: How far anything is looked at.
        interpolation_m: Ground between samples, 95 %.
        stated: Standard errors that somebody states, by what they are of; None where nobody does.
        earth: Of lines of sight: how the earth's curve was taken.
    """

    reach_m: float
    interpolation_m: float | None
    stated: dict[str, float | None]
    earth: dict[str, Any]

    @property
    def height_m(self) -> float:
        """All that is known together, at the end of the reach."""
        return together_m(self.interpolation_m, *self.stated.values(), self.earth.get("refractionError_m"))

    @property
    def unknown(self) -> list[str]:
        return [name for name, value in self.stated.items() if value is None]

    def to_document(self) -> dict[str, Any]:
        return {
            "reach_m": self.reach_m,
            "height_m": self.height_m,
            "interpolation_m": self.interpolation_m,
            **{f"{name}_m": value for name, value in self.stated.items() if name != "datum"},
            **self.earth,
            "notQuantified": self.unknown,
        }

    def statement(self) -> LocalText:
        """The figures in words."""
        zh = f"在 {self.reach_m:,.0f} 米处，已知误差合计高程 {self.height_m:.2f} 米"
        en = f"At {self.reach_m:,.0f} m the errors that are known come to {self.height_m:.2f} m in height"
        if self.earth.get("curvature") == "curved":
            drop, wander = self.earth["curvatureDrop_m"], self.earth["refractionError_m"]
            zh += f"（已计地球曲率与折光 k={self.earth['refraction']:g}，合 {drop:.2f} 米；k 差 {REFRACTION_WANDERS:g} 时偏 {wander:.2f} 米）"
            en += (
                f" (the earth's curve with refraction k = {self.earth['refraction']:g} is taken in, {drop:.2f} m;"
                f" {wander:.2f} m where k is off by {REFRACTION_WANDERS:g})"
            )
        elif self.earth.get("curvature") == "flat":
            zh += f"（未计地球曲率，合 {self.earth['curvatureLeftOut_m']:.2f} 米）"
            en += f" (a flat earth, as asked for: {self.earth['curvatureLeftOut_m']:.2f} m are left out)"
        if self.unknown:
            names = [_NAMES[name] for name in self.unknown]
            zh += "；未计入：" + "、".join(name.zh for name in names)
            en += "; nobody states the errors of " + ", ".join(name.en for name in names)
        return LocalText(zh + "。", en + ".")


def accuracy_of(
    question: Question, frame: LocalFrame, ground: Ground, used: Sequence[dict[str, Any]], reach_m: float, datum: str
) -> Accuracy:
    """What an answer is good to.

    Args:
        used: Sources as the answer names them.
        datum: Vertical datum of all of them.
    """
    terrain = next((entry for entry in used if "terrain" in entry), None)
    stated: dict[str, float | None] = {}
    if terrain is not None:
        stated["terrain"] = question.terrain_error_m
    buildings = getattr(question, "buildings", None)
    for entry in used:
        if "layer" in entry and entry["layer"] == buildings:
            stated["buildings"] = entry.get("vertical_accuracy_m")
        elif "scene" in entry and entry["triangles"]:
            known, own = stated.get("scenes", 0.0), entry.get("accuracy_m")
            stated["scenes"] = None if known is None or own is None else max(known, float(own))
    if datum == UNKNOWN and terrain is not None:
        stated["datum"] = None
    between = interpolation_m(ground, None if terrain is None else terrain["pixel_m"])
    return Accuracy(reach_m, between, stated, _earth(question, frame, reach_m))


def _earth(question: Question, frame: LocalFrame, reach_m: float) -> dict[str, Any]:
    if not isinstance(question, SightQuestion):
        return {}
    radius = frame.radius_m
    if question.bend is None:
        return {"curvature": "flat", "curvatureLeftOut_m": curvature_drop_m(reach_m, radius, 0.0)}
    return {
        "curvature": "curved",
        "refraction": question.bend,
        "earthRadius_m": radius,
        "curvatureDrop_m": curvature_drop_m(reach_m, radius, question.bend),
        "refractionError_m": refraction_error_m(reach_m, radius),
        "planeError_m": plane_error_m(reach_m, radius),
    }
