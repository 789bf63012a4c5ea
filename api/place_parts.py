"""The place index and the finder of towns of the running server; made at the first request and kept with the app."""

from __future__ import annotations

import threading

import shapely
from starlette.applications import Starlette
from starlette.requests import Request

from api.deps import parts_of
from api.layer_parts import actor_of, city_of, registry_of
from layers.coded_layers import CodedLayers
from twin.errors import UnknownLayerError
from twin.places import open_place_index
from twin.places.port import PlaceIndex
from twin.places.towns import TownFinder

_opening = threading.Lock()


def place_index_of(request: Request) -> PlaceIndex:
    """The index over the server's store.

    Raises:
        StoreBrokenError: if the store's database has no full-text search.
    """
    state = request.app.state
    with _opening:
        if getattr(state, "place_index", None) is None:
            state.place_index = open_place_index(parts_of(request).store)
    index: PlaceIndex = state.place_index
    return index


def town_finder_of(request: Request) -> TownFinder:
    """The finder of towns over the server's store."""
    state = request.app.state
    with _opening:
        if getattr(state, "town_finder", None) is None:
            state.town_finder = TownFinder(parts_of(request).store)
    finder: TownFinder = state.town_finder
    return finder


def city_area_of(request: Request) -> shapely.Geometry | None:
    """The boundary of the city: the polygon of its code in the layer of divisions, as it stands; None where the one who asks sees none."""
    city, registry, actor = city_of(request), registry_of(request), actor_of(request)
    source = city.codes.divisions
    try:
        version = registry.layer(source.layer, actor).version
    except UnknownLayerError:
        return None
    state = request.app.state
    key = (source.layer, version)
    known: tuple[tuple[str, int], shapely.Geometry | None] | None = getattr(state, "city_area", None)
    if known is None or known[0] != key:
        layers = CodedLayers(registry, actor, parts_of(request).clock().date())
        drawn = [coded.feature.geometry for coded in layers.with_code(source, city.code)]
        areas = [shape for shape in drawn if shape is not None and shapely.get_dimensions(shape) == 2]
        area = shapely.union_all(areas) if areas else None
        shapely.prepare(area)
        known = state.city_area = (key, area)
    return known[1]


def close_place_index(app: Starlette) -> None:
    """End what the index does in the background, before its store is closed."""
    index: PlaceIndex | None = getattr(app.state, "place_index", None)
    if index is not None:
        index.close()
        app.state.place_index = None
