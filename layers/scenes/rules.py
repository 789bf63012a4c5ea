"""Which properties of a layer are the height and the roof: for the height the one that its style raises it by, else those called so."""

from __future__ import annotations

from collections.abc import Mapping

from scenes3d.buildings.heights import FLOOR_HEIGHT_M, HeightRule
from scenes3d.buildings.roof_rule import RoofRule
from twin.errors import BadCall, BadManifestError
from twin.schema import GeometryType, PropertyType
from twin.store.port import LayerRecord

_HEIGHTS = ("height_m", "height", "building:height", "bldg_height", "高度", "建筑高度", "楼高")
_FLOORS = ("floors", "levels", "building:levels", "floor_count", "storeys", "stories", "层数", "楼层数", "地上层数")
_ROOFS = {
    "shape": ("roof:shape", "roof_shape", "屋顶形状", "屋顶类型", "屋面类型"),
    "height": ("roof:height", "roof_height", "roof_height_m", "屋顶高度"),
    "levels": ("roof:levels", "roof_levels"),
    "angle": ("roof:angle", "roof_angle", "屋面坡度"),
    "direction": ("roof:direction", "roof_direction", "坡向"),
    "orientation": ("roof:orientation", "roof_orientation", "屋脊走向"),
    "eaves": ("eaves_m", "eaves_height", "檐口高度", "檐口高", "檐高"),
    "ridge": ("ridge_m", "ridge_height", "屋脊高度", "屋脊高", "脊高"),
}
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


def roof_rule(layer: LayerRecord, named: Mapping[str, str] | None = None) -> RoofRule | None:
    """What tells the roofs of a layer; None where nothing does, and all are flat.

    Args:
        named: Property by what it tells (`RoofRule`); None looks for properties called so, an empty one asks for flat roofs.

    Raises:
        BadCall: if something is named that a roof has not.
        UnknownPropertyError: if the layer has no property of a name that was given.
    """
    unknown = sorted(set(named or ()) - set(_ROOFS))
    if unknown:
        raise BadCall(
            "屋顶没有此项。Roofs are not told by this.",
            value=", ".join(unknown),
            limit=", ".join(_ROOFS),
            remedy="Name for instance shape=PROPERTY and height=PROPERTY.",
        )
    if named is not None:
        for name in named.values():
            layer.schema.property(name)
        rule = RoofRule(**named)
    else:
        rule = RoofRule(**{what: _named(layer, words) for what, words in _ROOFS.items()})
    return rule if rule.tells else None


def _named(layer: LayerRecord, words: tuple[str, ...]) -> str:
    known = {said.name.lower(): said.name for said in layer.schema if said.type in _NUMBERS}
    return next((known[word] for word in words if word in known), "")
