"""Which property of a layer is the height: the one that its style raises it by, else one that is called so."""

from __future__ import annotations

from scenes3d.buildings.heights import FLOOR_HEIGHT_M, HeightRule
from twin.errors import BadManifestError
from twin.schema import GeometryType, PropertyType
from twin.store.port import LayerRecord

_HEIGHTS = ("height_m", "height", "building:height", "bldg_height", "高度", "建筑高度", "楼高")
_FLOORS = ("floors", "levels", "building:levels", "floor_count", "storeys", "stories", "层数", "楼层数", "地上层数")
_AREAS = {GeometryType.POLYGON, GeometryType.MULTIPOLYGON, GeometryType.GEOMETRY, GeometryType.GEOMETRYCOLLECTION}
_NUMBERS = {PropertyType.NUMBER, PropertyType.INTEGER, PropertyType.STRING}


def height_rule(
    layer: LayerRecord,
    height: str | None = None,
    floors: str | None = None,
    floor_height_m: float | None = None,
    base: str | None = None,
) -> HeightRule:
    """The rule for a layer; what is named stands, what is not is looked for.

    Raises:
        BadManifestError: if the layer has no areas, or nothing that could be a height.
        UnknownPropertyError: if it has no property of a name that was given.
    """
    if layer.schema.geometry_type not in _AREAS:
        raise BadManifestError(
            "只有面图层才能建模。Buildings are raised from polygons.",
            value=f"{layer.id}: {layer.schema.geometry_type.value}",
            limit="Polygon or MultiPolygon",
            remedy="Name the layer that holds the footprints.",
        )
    for name in (height, floors, base):
        if name:
            layer.schema.property(name)
    extrude = (layer.document.get("style") or {}).get("extrude") or {}
    scale = 1.0
    if height is None and extrude.get("property") in layer.schema.names:
        height, scale = str(extrude["property"]), float(extrude.get("scale") or 1.0)
    rule = HeightRule(
        height=height if height is not None else _named(layer, _HEIGHTS),
        floors=floors if floors is not None else _named(layer, _FLOORS),
        scale=scale,
        floor_height_m=FLOOR_HEIGHT_M if floor_height_m is None else floor_height_m,
        base=base or "",
    )
    if not rule.height and not rule.floors:
        raise BadManifestError(
            "图层没有高度或层数字段。The layer has neither heights nor numbers of floors.",
            value=", ".join(layer.schema.names[:40]),
            limit="a property with metres or floors",
            remedy="Name it: onemap scenes build LAYER --height PROPERTY, or --floors PROPERTY; or measure heights in a point cloud: "
            "onemap scenes heights LAYER CLOUD.laz --into ID.",
        )
    return rule


def _named(layer: LayerRecord, words: tuple[str, ...]) -> str:
    known = {said.name.lower(): said.name for said in layer.schema if said.type in _NUMBERS}
    return next((known[word] for word in words if word in known), "")
