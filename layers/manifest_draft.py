"""Manifests filled in: a first draft for a file that comes without one, and the parts that data bring along."""

from __future__ import annotations

from typing import Any

from layers.manifest import Manifest, Text
from layers.style import Extrude, Style, default_style
from twin.schema import PropertyType, Schema
from twin.vertical import stated_vertical_datum

UNASSIGNED = "unassigned"
# What files call the height of a building in metres.
HEIGHT_NAMES = {"height_m", "height", "bldg_height", "building_height", "高度", "建筑高度", "楼高"}


def draft_manifest(layer_id: str, file_name: str, id_property: str | None = None) -> Manifest:
    """A manifest for a file nobody has described yet: it belongs to no department, and says so."""
    title = file_name.rsplit("/", 1)[-1].split(".", 1)[0] or layer_id
    return Manifest(
        id=layer_id,
        title=Text(zh=title, en=title),
        department=UNASSIGNED,
        department_title=Text(zh="未分配部门", en="Unassigned"),
        owner=UNASSIGNED,
        licence="unknown",
        id_property=id_property,
    )


def complete_document(manifest: Manifest, schema: Schema, crs: str | None) -> dict[str, Any]:
    """The document to keep for a layer: the manifest with the geometry type, schema, CRS, vertical datum and style it ended up with."""
    document = manifest.to_document()
    document["geometry_type"] = schema.geometry_type.value
    document["schema"] = [entry.to_dict() for entry in schema]
    document["crs"] = crs or document.get("crs") or "EPSG:4490"
    vertical = manifest.vertical_datum or stated_vertical_datum(document["crs"])
    if vertical is not None:
        document["vertical_datum"] = vertical
    if manifest.style is None:
        document["style"] = draft_style(schema, manifest.id).model_dump(mode="json", exclude_none=True)
    return document


def draft_style(schema: Schema, layer_id: str) -> Style:
    """The quiet default look; polygons that say how high they are also rise in the 3D view."""
    style = default_style(schema.geometry_type, layer_id)
    numbers = (p.name for p in schema if p.type in (PropertyType.NUMBER, PropertyType.INTEGER))
    height = next((name for name in numbers if name.lower() in HEIGHT_NAMES), None)
    if style.kind != "fill" or height is None:
        return style
    return style.model_copy(update={"extrude": Extrude(property=height)})
