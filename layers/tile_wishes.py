"""How a layer is thinned for low zooms: the `tiles` part of a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from tiles.generalise.blocks import DEEPEST_BLOCKS
from tiles.generalise.wishes import DEEPEST_CLUSTERS
from twin.errors import Finding

_AREAS = ("Polygon", "MultiPolygon")
_LINES = ("LineString", "MultiLineString")
_POINTS = ("Point", "MultiPoint")


class TileWishes(BaseModel):
    """What tiles of low zooms show where they cannot show every feature.

    Attributes:
        clusters_below: Points are clustered below this level of WebMercatorQuad, in place of the density grid.
        status: Property with `codes` whose values are counted for each cluster.
        alarms: Those of its values that are never clustered out of sight: such points are drawn as themselves, too.
        blocks_below: Small polygons are merged into blocks of built-up ground below this level, in place of the density grid; 0 for never.
        class_property: Property of lines whose value says from which level each is drawn; values of OpenStreetMap's `highway` have
            levels already.
        class_zooms: Levels of WebMercatorQuad for other values, or in place of the usual ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    clusters_below: Annotated[int, Field(ge=0, le=DEEPEST_CLUSTERS)] | None = None
    status: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    alarms: Annotated[tuple[str | int, ...], Field(max_length=100)] = ()
    blocks_below: Annotated[int, Field(ge=0, le=DEEPEST_BLOCKS)] | None = None
    class_property: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    class_zooms: (
        Annotated[dict[str, Annotated[int, Field(ge=0, le=DEEPEST_CLUSTERS)]], Field(max_length=100)] | None
    ) = None


def tile_findings(document: Mapping[str, Any]) -> list[Finding]:
    """Places in `tiles` that do not go with the rest: clusters of what is no point, statuses and alarms that no code names."""
    wishes = document.get("tiles")
    if not isinstance(wishes, Mapping):
        return []
    return [
        *_cluster_findings(wishes, document),
        *_status_findings(wishes, document),
        *_class_findings(wishes, document),
        *_block_findings(wishes, document),
    ]


def _cluster_findings(wishes: Mapping[str, Any], document: Mapping[str, Any]) -> list[Finding]:
    below, kind = wishes.get("clusters_below"), document.get("geometry_type")
    findings = []
    if below is not None and isinstance(kind, str) and kind not in _POINTS:
        remedy = "Leave clusters_below out, or give the layer the geometry type Point."
        findings.append(Finding("/tiles/clusters_below", str(below), "Only points are clustered.", remedy))
    if below is None and wishes.get("status") is not None:
        remedy = 'Add "clusters_below", such as 14.'
        findings.append(Finding("/tiles/status", str(wishes["status"]), "Statuses are counted in clusters.", remedy))
    if wishes.get("status") is None and wishes.get("alarms"):
        remedy = 'Add "status", the property that holds them.'
        findings.append(Finding("/tiles/alarms", str(wishes["alarms"]), "Alarms are values of a status.", remedy))
    return findings


def _status_findings(wishes: Mapping[str, Any], document: Mapping[str, Any]) -> list[Finding]:
    """Only where a schema is given: data that come along may bring one."""
    entries, status = document.get("schema"), wishes.get("status")
    if not isinstance(entries, list) or not isinstance(status, str):
        return []
    coded = {str(e.get("name")): e.get("codes") for e in entries if isinstance(e, Mapping) and e.get("codes")}
    codes = coded.get(status)
    if not isinstance(codes, list):
        remedy = (
            f"Use one of: {', '.join(list(coded)[:30])}." if coded else "Give the property its codes in the schema."
        )
        return [Finding("/tiles/status", status, "The schema has no property of this name with codes.", remedy)]
    values = [code.get("value") for code in codes if isinstance(code, Mapping)]
    remedy = f"Use one of: {', '.join(str(value) for value in values[:30])}."
    alarms = wishes.get("alarms")
    return [
        Finding(f"/tiles/alarms/{i}", str(alarm), "The status has no such code.", remedy)
        for i, alarm in enumerate(alarms if isinstance(alarms, list) else ())
        if alarm not in values
    ]


def _class_findings(wishes: Mapping[str, Any], document: Mapping[str, Any]) -> list[Finding]:
    name, kind, entries = wishes.get("class_property"), document.get("geometry_type"), document.get("schema")
    if name is None:
        if not wishes.get("class_zooms"):
            return []
        remedy = 'Add "class_property", the property that holds them.'
        return [Finding("/tiles/class_zooms", str(wishes["class_zooms"]), "Classes are values of a property.", remedy)]
    if isinstance(kind, str) and kind not in _LINES:
        remedy = "Leave class_property out, or give the layer the geometry type LineString."
        return [Finding("/tiles/class_property", str(name), "Only lines are selected by class.", remedy)]
    names = (
        [str(e.get("name")) for e in entries if isinstance(e, Mapping)] if isinstance(entries, list) else [str(name)]
    )
    if str(name) in names:
        return []
    remedy = f"Use one of: {', '.join(names[:30])}."
    return [Finding("/tiles/class_property", str(name), "The schema has no property of this name.", remedy)]


def _block_findings(wishes: Mapping[str, Any], document: Mapping[str, Any]) -> list[Finding]:
    below, kind = wishes.get("blocks_below"), document.get("geometry_type")
    if below is None or not isinstance(kind, str) or kind in _AREAS:
        return []
    remedy = "Leave blocks_below out, or give the layer the geometry type Polygon."
    return [Finding("/tiles/blocks_below", str(below), "Only polygons are merged into blocks.", remedy)]
