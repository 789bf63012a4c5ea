"""A quarter of four buildings on two parcels in two grid cells, with floors, entrances and sensors: what relations tie together."""

from __future__ import annotations

import shapely

from twin.feature import Feature, FeatureBatch
from twin.relations.link import ALWAYS, NewLink, Ref, Window
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec, Store
from twin.text import LocalText

LON, LAT = 120.0, 36.27
CLERK = Author("clerk", "survey")
NAMED = (Property("name", PropertyType.STRING, LocalText("名称", "Name")),)


def ref(text: str) -> Ref:
    """`buildings/B1` as a reference."""
    layer, _, id_ = text.partition("/")
    return Ref(layer, id_)


def tie(source: str, kind: str, target: str, window: Window = ALWAYS, **properties: object) -> NewLink:
    """A declared link in one line: `tie("floors/F1", "floor-of", "buildings/B1")`."""
    return NewLink(kind, ref(source), ref(target), window, properties=properties)


def box(x: float, y: float, size: float = 0.0004) -> shapely.Geometry:
    """A square of `size` degrees (0.0004 is some 40 m), its corner at steps of 0.001 degrees from the quarter's corner."""
    west, south = LON + x * 0.001, LAT + y * 0.001
    return shapely.box(west, south, west + size, south + size)


def point(x: float, y: float) -> shapely.Geometry:
    return shapely.Point(LON + x * 0.001, LAT + y * 0.001)


def with_quarter(store: Store) -> Store:
    """Buildings B1 to B4 in a row; parcels P1 (under B1, B2), P2 (under B3, B4); cells C1, C2 over the parcels; floors B1-1 to
    B1-3; an entrance E1 of B1; sensors S1 (in B1), S2 (between B3 and B4), S3 outside of everything."""
    boxes = {f"B{i + 1}": box(i, 0) for i in range(4)}
    layers: dict[str, tuple[GeometryType, str, dict[str, shapely.Geometry]]] = {
        "buildings": (GeometryType.POLYGON, "basemap", boxes),
        "parcels": (GeometryType.POLYGON, "basemap", {"P1": box(-0.2, -0.2, 0.002), "P2": box(1.8, -0.2, 0.002)}),
        "cells": (GeometryType.POLYGON, "grid-governance", {"C1": box(-0.2, -0.2, 0.002), "C2": box(1.8, -0.2, 0.002)}),
        "floors": (GeometryType.POLYGON, "housing", {f"B1-{i}": box(0, 0) for i in (1, 2, 3)}),
        "entrances": (GeometryType.POINT, "housing", {"E1": point(0.2, 0.0)}),
        "sensors": (GeometryType.POINT, "iot", {"S1": point(0.2, 0.2), "S2": point(2.6, 0.2), "S3": point(9, 9)}),
    }
    for layer, (kind, department, shapes) in layers.items():
        spec = LayerSpec(layer, Schema(kind, NAMED), {"id": layer, "department": department, "title": {"en": layer}})
        features = [Feature(id_, shape, {"name": f"{layer} {id_}"}) for id_, shape in shapes.items()]
        with store.write(layer, CLERK, create=spec) as writer:
            writer.upsert(FeatureBatch.of(spec.schema, features))
    return store
