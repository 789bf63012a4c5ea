"""Residuals of control points as an ordinary layer: points that are larger and redder the more the scene is off, drawn like any other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from layers.policy import Actor
from layers.registry import Registry

_DEPARTMENT = "analysis"
# Borders between sizes, in metres or in shares of the limit.
_METRES = (0.05, 0.1, 0.2, 0.5)
_SHARES = (0.5, 1.0, 1.5, 2.0)
_SIZES = (4.0, 6.0, 8.5, 11.5, 15.0)
_COLORS = ("#2c7fb8", "#41b6c4", "#fecc5c", "#fd8d3c", "#bd0026")
_UNKNOWN = "unknown"
_COLUMNS = (
    ("name", "string", "点名", "Name"),
    ("height_m", "number", "控制点高程 (m)", "Surveyed height (m)"),
    ("dx_m", "number", "东向残差 (m)", "Residual east (m)"),
    ("dy_m", "number", "北向残差 (m)", "Residual north (m)"),
    ("plane_m", "number", "平面残差 (m)", "Residual in plane (m)"),
    ("bearing_deg", "number", "平面残差方位 (°)", "Bearing of it (°)"),
    ("dz_m", "number", "高程残差 (m)", "Residual in height (m)"),
    ("size", "string", "大小分级", "Size class"),
    ("height_from", "string", "高程来源", "Height from"),
    ("gross", "boolean", "粗差", "Gross error"),
)


def register_residuals(registry: Registry, actor: Actor, layer_id: str, report: Mapping[str, Any]) -> str:
    """Make a layer of a report's residuals; its id.

    Raises:
        PolicyError, DuplicateLayerError, BadManifestError: if it cannot be made.
    """
    classes = _classes(report["limits"])
    features = [_feature(point, report["limits"], classes) for point in report["points"]]
    scene = report["scene"]
    manifest = {
        "id": layer_id,
        "title": {"zh": f"{scene} 控制点残差", "en": f"Residuals of {scene}"},
        "description": {
            "zh": f"场景 {scene} 第 {report['version']} 版与控制点之差（场景减控制点），检查于 {report['at']}。",
            "en": f"Scene {scene} at version {report['version']} less surveyed points, checked at {report['at']}.",
        },
        "department": _DEPARTMENT,
        "department_title": {"zh": "空间分析", "en": "Analysis"},
        "owner": actor.name,
        "licence": "internal use",
        "attribution": str(report["source"]["name"]),
        "crs": "EPSG:4490",
        "geometry_type": "Point",
        "schema": [{"name": name, "type": kind, "title": {"zh": zh, "en": en}} for name, kind, zh, en in _COLUMNS],
        "tags": ["analysis-result"],
        "order": 900,
        "style": {
            "kind": "circle",
            "color": "#8e8e8e",
            "outline": "#ffffff",
            "color_by": {"property": "size", "values": dict(zip(classes, _COLORS, strict=True))},
            "width_by": {"property": "size", "values": dict(zip(classes, _SIZES, strict=True)), "default": _SIZES[0]},
        },
        "source": {"type": "inline", "features": {"type": "FeatureCollection", "features": features}},
    }
    return registry.register(manifest, actor).record.id


def _classes(limits: Mapping[str, Any]) -> list[str]:
    """Names of the five sizes, the smallest first."""
    unit, borders = (" × limit", _SHARES) if _limited(limits) else (" m", _METRES)
    return [f"≤ {border:g}{unit}" for border in borders] + [f"> {borders[-1]:g}{unit}"]


def _limited(limits: Mapping[str, Any]) -> bool:
    return limits["plane_m"] is not None or limits["height_m"] is not None


def _feature(point: Mapping[str, Any], limits: Mapping[str, Any], classes: list[str]) -> dict[str, Any]:
    plane, height = point["plane_m"], point["dz_m"]
    if _limited(limits):
        shares = [
            abs(value) / limit
            for value, limit in ((plane, limits["plane_m"]), (height, limits["height_m"]))
            if value is not None and limit is not None
        ]
        borders = _SHARES
    else:
        shares, borders = [abs(value) for value in (plane, height) if value is not None], _METRES
    size = classes[sum(max(shares) > border for border in borders)] if shares else _UNKNOWN
    bearing = None if plane is None else round(math.degrees(math.atan2(point["dx_m"], point["dy_m"])) % 360, 1)
    said = {name: point.get(name) for name, *_ in _COLUMNS} | {"size": size, "bearing_deg": bearing}
    place = {"type": "Point", "coordinates": [point["lon"], point["lat"]]}
    return {"type": "Feature", "id": point["id"], "geometry": place, "properties": said}
