"""The place index and the finder of towns of the running server; made at the first request and kept with the app."""

from __future__ import annotations

import threading

from starlette.applications import Starlette
from starlette.requests import Request

from api.deps import parts_of
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


def close_place_index(app: Starlette) -> None:
    """End what the index does in the background, before its store is closed."""
    index: PlaceIndex | None = getattr(app.state, "place_index", None)
    if index is not None:
        index.close()
        app.state.place_index = None
