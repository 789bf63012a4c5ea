"""The control-point report of a scene: residuals in plane and height at surveyed points, kept beside the scene and named in its record.

Heights come from the scene itself: a plane fitted to a cloud round the point, or where the vertical of the point meets a mesh, a model or
a roof. In plane only a person can say where a surveyed corner lies in a scene: `scene_x`, `scene_y` of the survey tell it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from layers.policy import Action, Actor
from layers.scenes.control_points import BadControlPointsError, ControlWish, Survey, read_survey
from layers.scenes.desk import Scene, SceneDesk
from layers.scenes.record import MEASURED_ACCURACY, now_text
from layers.scenes.serving import ServedEdition
from scenes3d.accuracy.points import ControlPoints, Found, Heights
from scenes3d.accuracy.summary import GROSS, Limits, summarise
from scenes3d.editions.folder import edition_opener
from scenes3d.frames import Floats
from twin.errors import BadLimitError, NotFound

POINTS = "points"
_ASIDE_M = 1.0


class UnmeasuredSceneError(NotFound):
    """Nobody has checked the scene against surveyed points since it was built."""

    code = "unmeasured-scene"


@dataclass(frozen=True, slots=True)
class CheckWish:
    """How points are compared with a scene.

    Attributes:
        radius_m: Points of a cloud so near in plane tell its height.
        reach_m: So far above or below a point its surface may lie.
    """

    survey: ControlWish
    radius_m: float = 1.0
    reach_m: float = 3.0
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        allowed = (self.limits.plane_m, self.limits.height_m)
        for name, value, low, high in (
            ("radius_m", self.radius_m, 0.05, 50.0),
            ("reach_m", self.reach_m, 0.05, 200.0),
            *((name, limit, 1e-3, 1e3) for name, limit in zip(("limit_plane_m", "limit_z_m"), allowed, strict=True)),
        ):
            if value is not None and not low <= value <= high:
                raise BadLimitError(
                    f"{name} 超出范围。This is out of range.",
                    value=f"{name}={value}",
                    limit=f"{low} to {high} m",
                    remedy="Give metres within the range.",
                )


def check_scene(desk: SceneDesk, scene_id: str, wish: CheckWish, actor: Actor) -> dict[str, Any]:
    """Compare a scene with surveyed points, and keep the report as the scene's measured accuracy.

    Raises:
        UnknownSceneError: if there is none.
        PolicyError: if the actor may not describe the scene's layer.
        BadControlPointsError: if not one of the points lies where the scene is.
        OneMapError: as `read_survey` says.
    """
    scene = desk.scene(scene_id, actor)
    desk.policy.authorise(actor, Action.DESCRIBE_LAYER, scene.layer.id)
    survey = read_survey(desk, wish.survey, str(scene.record["vertical_datum"]), actor)
    served = desk.served(scene)
    heights = _heights(scene, served, survey.points, wish)
    residuals = survey.points.offsets()
    read = ~np.isfinite(residuals[:, 2])
    residuals[read, 2] = heights.above_m[read]
    if not np.isfinite(residuals).any():
        raise _nowhere(scene, served, survey)
    report = _report(scene, served, survey, heights, residuals, wish, actor)
    with scene.folder.writing():
        record = dict(scene.folder.record() or scene.record)
        scene.folder.save_accuracy(report)
        short = {name: report[name] for name in ("at", "by", "version", "source", "limits", "summary")}
        scene.folder.save_record(record | {MEASURED_ACCURACY: short})
    return report


def kept_report(scene: Scene) -> dict[str, Any]:
    """The last report of a scene.

    Raises:
        UnmeasuredSceneError: if there is none since the scene was built.
    """
    report = scene.folder.accuracy() if MEASURED_ACCURACY in scene.record else None
    if report is None:
        raise UnmeasuredSceneError(
            f"场景“{scene.id}”建成后尚未用控制点检查。The scene '{scene.id}' has not been checked since it was built.",
            value=scene.id,
            remedy=f"Check it: onemap scenes check-points {scene.id} FILE.",
        )
    return report


def _heights(scene: Scene, served: ServedEdition, points: ControlPoints, wish: CheckWish) -> Heights:
    # With the first check: readers of tiles bring pyarrow.
    from scenes3d.accuracy.clouds import cloud_heights, cloud_points
    from scenes3d.accuracy.surfaces import surface_heights
    from scenes3d.tileset.finest import meeting_places, triangles_meeting

    opened = edition_opener(scene.folder, served.edition)
    meets = meeting_places(points.lon, points.lat, wish.radius_m + _ASIDE_M)
    if scene.record["kind"] == POINTS:
        return cloud_heights(points, cloud_points("tileset.json", opened, meets), wish.radius_m, wish.reach_m)
    return surface_heights(points, triangles_meeting("tileset.json", opened, meets), wish.reach_m)


def _report(
    scene: Scene,
    served: ServedEdition,
    survey: Survey,
    heights: Heights,
    residuals: Floats,
    wish: CheckWish,
    actor: Actor,
) -> dict[str, Any]:
    points, limits, of_points = survey.points, wish.limits, scene.record["kind"] == POINTS
    summary = summarise(residuals, limits)
    measured = np.isfinite(points.offsets()[:, 2])
    found = [Found.MEASURED if given else told for given, told in zip(measured, heights.found, strict=True)]
    entries = _entries(points, heights, residuals, summary.gross, found, counted=of_points)
    used = np.isfinite(residuals[:, 2]) | np.isfinite(residuals[:, 0])
    counted = Counter(told.value for told in found)
    return {
        "scene": scene.id,
        "version": served.edition.version,
        "behind": served.behind,
        "at": now_text(),
        "by": actor.name,
        "source": survey.source,
        "method": {
            "height": "cloud-plane" if of_points else "surface-ray",
            "radius_m": wish.radius_m if of_points else None,
            "reach_m": wish.reach_m,
            "rays": heights.engine or None,
            "sign": "scene less survey",
            "mean_square": "sum / 2n" if limits.equal_accuracy else "sum / n",
        },
        "limits": {
            "plane_m": limits.plane_m,
            "height_m": limits.height_m,
            "gross": f"more than {GROSS:g} times the limit",
        },
        "summary": {
            "points": len(points),
            "used": int(used.sum()),
            "outside": int((~used).sum()),
            "height_from": dict(sorted(counted.items())),
            **_rounded(summary.figures),
        },
        "points": entries,
    }


def _entries(
    points: ControlPoints,
    heights: Heights,
    residuals: Floats,
    gross: npt.NDArray[np.bool_],
    found: Sequence[Found],
    *,
    counted: bool,
) -> list[dict[str, Any]]:
    """What the report says of each point.

    Args:
        residuals: Metres east, north, up (n, 3), scene less survey; NaN where not known.
        gross: Whether one is more than twice the limit, bool (n,).
        found: Where the height of each came from.
        counted: Whether points of a cloud tell the height, so that their number says something.
    """
    return [
        {
            "id": points.ids[row],
            "name": points.names[row],
            "lon": round(float(points.lon[row]), 9),
            "lat": round(float(points.lat[row]), 9),
            "height_m": _number(points.height_m[row]),
            "dx_m": _number(residuals[row, 0]),
            "dy_m": _number(residuals[row, 1]),
            "plane_m": _number(math.hypot(*residuals[row, :2])),
            "dz_m": _number(residuals[row, 2]),
            "height_from": found[row].value,
            "cloud_points": int(heights.points[row]) if counted else None,
            "fit_m": _number(heights.fit_m[row]),
            "gross": bool(gross[row]),
        }
        for row in range(len(points))
    ]


def _nowhere(scene: Scene, served: ServedEdition, survey: Survey) -> BadControlPointsError:
    region, points = served.edition.region, survey.points
    west, south, low, east, north, high = region.to_box() if region is not None else [math.nan] * 6
    return BadControlPointsError(
        f"没有一个控制点落在场景“{scene.id}”上。Not one of the {len(points)} points lies on the scene.",
        value=f"{points.ids[0]}: {points.lon[0]:.6f}, {points.lat[0]:.6f}, {points.height_m[0]:.2f} m",
        limit=f"{west:.6f} to {east:.6f}, {south:.6f} to {north:.6f}, {low:.1f} to {high:.1f} m",
        remedy="Check CRS and datum. In survey tables X is often the northing: name the columns easting and northing. "
        "A scene that is off by more than reach_m needs a larger one.",
    )


def _number(value: float) -> float | None:
    """To a tenth of a millimetre; None where it is not known."""
    return round(float(value), 4) if math.isfinite(value) else None


def _rounded(figures: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _rounded(value) if isinstance(value, Mapping) else _number(value) if isinstance(value, float) else value
        for name, value in figures.items()
    }
