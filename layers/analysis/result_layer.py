"""The result of an analysis as an ordinary layer: registered like a stranger's, drawn, queried and exported like any other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from layers.analysis.verdicts import COLORS
from layers.policy import Action, Actor
from layers.registry import Registry
from twin.errors import BadAnalysisError, DuplicateLayerError, UnknownLayerError

if TYPE_CHECKING:
    from layers.analysis.running import Run

DEPARTMENT = "analysis"


def authorise_result(registry: Registry, actor: Actor, layer_id: str) -> None:
    """Ask, before any work, whether the layer may be made. Raises PolicyError, DuplicateLayerError."""
    registry.policy.authorise(actor, Action.REGISTER_LAYER, layer_id)
    try:
        registry.store.version(layer_id)
    except UnknownLayerError:
        return
    raise DuplicateLayerError(
        f"There is a layer '{layer_id}' already. 图层已存在。",
        value=layer_id,
        limit="one layer for each id",
        remedy="Choose another id for register_as.",
    )


def register_result(registry: Registry, actor: Actor, ready: Run, document: Mapping[str, Any]) -> str:
    """The id of the new layer.

    Raises:
        BadAnalysisError: if there is nothing to draw.
        PolicyError, DuplicateLayerError: as `authorise_result`.
        BadData: if the layer cannot be made; then there is none.
    """
    wanted = ready.question.register_as
    assert wanted is not None
    features = document["features"]
    if not features:
        raise BadAnalysisError(
            "The answer has nothing to draw, so there is no layer to make. 结果没有可制图要素。",
            value=wanted.id,
            remedy="Ask without register_as.",
        )
    title = {"zh": wanted.title or ready.process.title.zh, "en": wanted.title or ready.process.title.en}
    answer = document["answer"]
    statement = answer["errors"]["statement"]
    manifest = {
        "id": wanted.id,
        "title": title,
        "description": {
            "zh": f"{ready.process.title.zh}结果；{statement['zh']}",
            "en": f"Result of {ready.process.id}. {statement['en']}",
        },
        "department": DEPARTMENT,
        "department_title": {"zh": "空间分析", "en": "Analysis"},
        "owner": actor.name,
        "licence": "internal use",
        "attribution": rests_on(answer["sources"]),
        "crs": "EPSG:4490",
        "geometry_type": "Geometry",
        "schema": _columns(features),
        "tags": ["analysis-result"],
        "order": 900,
        "style": _style(features),
        "source": {"type": "inline", "features": {"type": "FeatureCollection", "features": list(features)}},
    }
    return registry.register(manifest, actor).record.id


def rests_on(sources: Sequence[Mapping[str, Any]]) -> str:
    """Sources with their versions in a line."""
    names = [
        f"{next((source[kind] for kind in ('layer', 'terrain', 'scene', 'file', 'ground') if source.get(kind)), '')}"
        f"@{source.get('version') or source.get('edition') or source.get('height_m') or source.get('bytes')}"
        for source in sources
    ]
    return ", ".join(names)[:500]


def _columns(features: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One property for each name; the type of its first known value."""
    found: dict[str, str] = {}
    for feature in features:
        for name, value in feature["properties"].items():
            if found.get(name, "") == "" or (found[name] == "integer" and isinstance(value, float)):
                found[name] = _type_of(value)
    return [{"name": name, "type": kind or "number"} for name, kind in found.items()]


def _type_of(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "" if value is None else "string"


def _style(features: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kind = {"Point": "circle", "MultiPoint": "circle", "LineString": "line"}.get(_kind(features), "fill")
    style: dict[str, Any] = {"kind": kind, "color": "#2e86c1"}
    words = {feature["properties"].get("verdict") for feature in features} - {None}
    if words:
        style["color_by"] = {"property": "verdict", "values": {word: COLORS[word] for word in sorted(words)}}
    return style


def _kind(features: Sequence[Mapping[str, Any]]) -> str:
    return next((str(feature["geometry"]["type"]) for feature in features if feature["geometry"]), "")
