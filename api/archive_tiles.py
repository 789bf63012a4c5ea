"""Which tiles of an archive are cut anew: those that edits have touched since, of layers that live in this server's store."""

from __future__ import annotations

from hashlib import blake2b

from starlette.requests import Request
from starlette.responses import Response

from api.tile_desk import TileDesk
from tiles.address import Tile
from tiles.archive.overlay import Overlay, archived_layers
from tiles.archive.reader import Archive
from tiles.compression import Coding
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.service import TileSet
from tiles.source import TileLayer
from tiles.tilesets import MVT
from twin.errors import HeldLayerError, UnknownLayerError


def living_layers(request: Request, archive: Archive) -> tuple[TileLayer, ...]:
    """The layers of an archive that are in the store, as they stand; none where there is no store.

    Raises:
        HeldLayerError: if one of them is to be shown nowhere.
    """
    if _overlay(request) is None:
        return ()
    found: list[TileLayer] = []
    for archived in archived_layers(archive.metadata):
        try:
            found += _desk(request).service.describe([archived.id]).layers
        except HeldLayerError:
            raise
        except UnknownLayerError:  # it came from elsewhere, or has gone: what the archive has is all there is
            continue
    return tuple(found)


def touched_layers(request: Request, archive: Archive, tile: Tile) -> TileSet | None:
    """What a tile has to be cut from where the archive's is out of date; None where that is good. Raises as `living_layers`."""
    overlay, head = _overlay(request), archive.header
    if overlay is None or not head["min_zoom"] <= tile.z <= head["max_zoom"]:
        return None
    living = living_layers(request, archive)
    archived = {each.id: each for each in archived_layers(archive.metadata)}
    touched = any(overlay.is_touched(archived[layer.id], layer, tile) for layer in living)
    return TileSet(living) if touched else None


def live_answer(request: Request, layers: TileSet, tile: Tile, coding: Coding, headers: dict[str, str]) -> Response:
    """A tile that is cut now."""
    stored = _desk(request).service.tile(layers, tile, WEB_MERCATOR_QUAD, coding)
    if stored.provisional:
        headers = {**headers, "Cache-Control": "no-store"}
    else:
        headers = {**headers, "ETag": live_etag(layers, coding)}
    if not stored.body:
        return Response(status_code=204, headers=headers)
    if coding != "identity":
        headers["Content-Encoding"] = coding
    return Response(stored.body, headers=headers, media_type=MVT)


def live_etag(layers: TileSet, coding: Coding) -> str:
    """Changes with every write to one of the layers."""
    return f'W/"live-{blake2b(layers.stamp.encode(), digest_size=16).hexdigest()}-{coding}"'


def _overlay(request: Request) -> Overlay | None:
    overlay: Overlay | None = getattr(request.app.state, "archive_overlay", None)
    return overlay


def _desk(request: Request) -> TileDesk:
    desk: TileDesk = request.app.state.tile_desk
    return desk
