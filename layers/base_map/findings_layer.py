"""The findings of topology checks as an ordinary layer: drawn, queried and kept with its history like any other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from layers.policy import Action, Actor
from layers.registry import Registry
from twin.errors import DuplicateLayerError, UnknownLayerError
from twin.feature import Feature, FeatureBatch
from twin.query import FeatureQuery
from twin.store.port import LayerRecord
from twin.text import LocalText
from twin.topology.faults import TopologyFinding
from twin.topology.kinds import SEVERITY_TITLES, kinds

FINDINGS = "basemap-findings"
DEPARTMENT = "basemap-quality"
_ROWS = 5_000


def findings_manifest() -> dict[str, Any]:
    """The manifest of the layer; it is no part of the base map itself, so that releases do not hold it."""
    return {
        "id": FINDINGS,
        "title": {"zh": "基准底图检查结果", "en": "Findings of base map checks"},
        "description": {
            "zh": "最近一次拓扑检查发现的问题：缝隙、重叠、重复、悬挂等。每次检查重写，历史保留。",
            "en": "What the last topology check found: gaps, overlaps, duplicates, loose ends. Each check writes it anew; history stays.",
        },
        "department": DEPARTMENT,
        "department_title": {"zh": "基准底图质检", "en": "Base map quality"},
        "owner": "One Map",
        "licence": "internal use",
        "crs": "EPSG:4490",
        "geometry_type": "Geometry",
        "schema": [
            _coded("kind", "类型", "Kind", {kind.name: kind.title for kind in kinds().values()}),
            _coded("severity", "等级", "Severity", {s.value: title for s, title in SEVERITY_TITLES.items()}),
            _text("message", "说明", "Message in Chinese"),
            _text("message_en", "英文说明", "Message"),
            _text("layer", "图层", "Layer"),
            _text("feature", "要素", "Feature"),
            _text("other_layer", "另一图层", "Other layer"),
            _text("other", "另一要素", "Other feature"),
            {"name": "measure", "type": "number", "title": {"zh": "量值", "en": "Measure"}},
            _text("unit", "单位", "Unit of the measure"),
            {"name": "limit", "type": "number", "title": {"zh": "限值", "en": "Limit"}},
        ],
        "update_cadence": "irregular",
        "style": {
            "kind": "circle",
            "color": "#c0392b",
            "outline": "#7b241c",
            "outline_dark": "#f5b7b1",
            "outline_px": 2.5,
            "radius_px": 6,
            "color_by": {
                "property": "severity",
                "values": {"error": "#c0392b", "warning": "#e08e0b", "info": "#2e86c1"},
                "values_dark": {"error": "#e74c3c", "warning": "#f5b041", "info": "#5dade2"},
            },
            "min_zoom": 9,
        },
        "order": 900,
        "visible": False,
    }


def authorise_findings(registry: Registry, actor: Actor) -> None:
    """Ask the policy, before any work, whether the actor may write findings. Raises PolicyError."""
    registry.policy.authorise(actor, Action.WRITE_FEATURES, FINDINGS)
    if all(record.id != FINDINGS for record in registry.store.layers()):
        registry.policy.authorise(actor, Action.REGISTER_LAYER, FINDINGS)


def write_findings(
    registry: Registry, actor: Actor, findings: Sequence[TopologyFinding], judged: Collection[str] | None
) -> LayerRecord:
    """Leave in the layer exactly these findings, in one transaction; one that is still there keeps its row and its history.

    Args:
        judged: Layers that were checked: findings about others stay. None: everything was.

    Raises:
        PolicyError: if the actor may not write the layer, or may not make it the first time.
    """
    record = _layer(registry, actor)
    by_id = {finding.id: finding for finding in findings}
    with registry.write(FINDINGS, actor, f"topology check: {len(by_id)} findings") as writer:
        # Read inside the transaction: no other check writes meanwhile.
        for id_ in _standing(registry, record, judged):
            if id_ not in by_id:
                writer.delete(id_)
        rows = [_feature(finding) for finding in by_id.values()]
        for start in range(0, len(rows), _ROWS):
            writer.upsert(FeatureBatch.of(record.schema, rows[start : start + _ROWS]))
    return registry.store.layer(FINDINGS)


def _layer(registry: Registry, actor: Actor) -> LayerRecord:
    try:
        return registry.store.layer(FINDINGS)
    except UnknownLayerError:
        pass
    try:
        return registry.register(findings_manifest(), actor).record
    except DuplicateLayerError:  # another check has made it meanwhile
        return registry.store.layer(FINDINGS)


def _standing(registry: Registry, record: LayerRecord, judged: Collection[str] | None) -> list[str]:
    """Ids of the findings that this check may replace."""
    condition = None
    if judged is not None:
        condition = {"op": "in", "args": [{"property": "layer"}, sorted(judged)]}
    query = FeatureQuery(filter=condition, properties=(), geometry=False)
    return [str(id_) for batch in registry.store.iterate(record.id, query) for id_ in batch.ids]


def _feature(finding: TopologyFinding) -> Feature:
    return Feature(
        finding.id,
        finding.geometry,
        {
            "kind": finding.kind,
            "severity": finding.severity.value,
            "message": finding.message.zh,
            "message_en": finding.message.en,
            "layer": finding.layer,
            "feature": finding.feature,
            "other_layer": finding.other_layer,
            "other": finding.other,
            "measure": finding.measure,
            "unit": finding.unit,
            "limit": finding.limit,
        },
    )


def _text(name: str, zh: str, en: str) -> dict[str, Any]:
    return {"name": name, "type": "string", "title": {"zh": zh, "en": en}}


def _coded(name: str, zh: str, en: str, codes: dict[str, LocalText]) -> dict[str, Any]:
    return {
        **_text(name, zh, en),
        "codes": [{"value": value, "title": title.to_dict()} for value, title in codes.items()],
    }
