"""One city object of CityGML: attributes, and the surfaces of its finest level of detail with what they are a part of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

import numpy as np

from scenes3d.models.surfaces import Feature, Surface, Value
from scenes3d.sources.citymodels.gml_rings import Polygon
from twin.ellipsoid import Floats

_LOD = re.compile(r"^lod(\d)")
_PART = re.compile(r"(Surface|Door|Window)$")
_GEOMETRY = re.compile(r"^(Multi|Composite|Orientable|Triangulated)Surface$|^(Surface|Tin|Solid|MultiSolid|Shell)$")
# Coordinates of a symbol's own plane, or of what lies inside a house: not drawn.
_SKIPPED = re.compile(r"ImplicitRepresentation$|^(interiorRoom|interiorFurniture|relativeGMLGeometry)$")
_FINEST = 3
_MOST_ATTRIBUTES = 64
_ATTRIBUTE_DEPTH = 3


@dataclass
class _Found:
    """What one walk over an object meets: polygons by level of detail, and which part of the house a reference speaks of."""

    polygons: dict[int, Polygon]
    surfaces: dict[int, list[tuple[str, Polygon, bool]]] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)


def read_object(element: Element, polygons: dict[int, Polygon], number: int, northing_first: bool) -> Feature:
    """The feature of an element.

    Args:
        polygons: By `id` of their element.
        number: Of the feature in the file, its id where it has none.
        northing_first: Whether numbers come latitude or northing first.
    """
    found = _Found(polygons)
    _walk(element, found, None, "", turned=False)
    finest = max((lod for lod in found.surfaces if lod <= _FINEST), default=0)
    surfaces = tuple(
        Surface(
            tuple(_ring(ring, northing_first, turned) for ring in polygon.rings),
            part or found.parts.get(polygon.name, ""),
        )
        for part, polygon, turned in found.surfaces.get(finest, ())
        if polygon.rings
    )
    name = next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == "id"), f"object-{number}")
    return Feature(name, _local(element), surfaces, float(finest), _attributes(element))


def _local(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _walk(element: Element, found: _Found, lod: int | None, part: str, *, turned: bool) -> None:
    """Depth is bounded by the parser."""
    local = _local(element)
    if _SKIPPED.search(local):
        return
    level = _LOD.match(local)
    if level:
        lod = int(level[1])
    elif _PART.search(local) and not _GEOMETRY.match(local):
        part = local
    if local == "OrientableSurface" and element.get("orientation") == "-":
        turned = not turned
    polygon = found.polygons.get(id(element))
    if polygon is not None:
        # A surface that says no level, such as a TIN, is of the first.
        found.surfaces.setdefault(1 if lod is None else lod, []).append((part, polygon, turned))
        return
    reference = element.get("{http://www.w3.org/1999/xlink}href", "")
    if part and reference.startswith("#"):
        found.parts[reference[1:]] = part
    for child in element:
        _walk(child, found, lod, part, turned=turned)


def _ring(ring: Floats, northing_first: bool, turned: bool) -> Floats:
    ordered = ring[:, [1, 0, 2]] if northing_first else ring
    return np.ascontiguousarray(ordered[::-1] if turned else ordered)


def _attributes(element: Element) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for name, value in _leaves(element, 0):
        if len(found) >= _MOST_ATTRIBUTES:
            break
        found.setdefault(name, value)
    return found


def _leaves(element: Element, depth: int) -> Iterator[tuple[str, str]]:
    """Properties with a text and nothing below, generic attributes by their own name; nothing of geometry or of parts."""
    for child in element:
        local = _local(child)
        if _LOD.match(local) or local in {
            "boundedBy",
            "boundary",
            "consistsOfBuildingPart",
            "buildingPart",
            "address",
            "tin",
        }:
            continue
        generic = _generic(child)
        if generic is not None:
            yield generic
        elif len(child) == 0:
            text = (child.text or "").strip()
            if text:
                yield local, text
        elif depth < _ATTRIBUTE_DEPTH:
            yield from _leaves(child, depth + 1)


def _generic(element: Element) -> tuple[str, str] | None:
    """`<gen:stringAttribute name="n"><gen:value>` of version 2, `<gen:StringAttribute><gen:name><gen:value>` of version 3."""
    if not _local(element).endswith("Attribute"):
        return None
    texts: Mapping[str, str] = {_local(child): (child.text or "").strip() for child in element}
    name = element.get("name") or texts.get("name")
    value = texts.get("value")
    return (name, value) if name and value else None
