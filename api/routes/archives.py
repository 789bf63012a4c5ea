"""Tile archives (PMTiles): the list, what is in one, its tiles, and the file itself by ranges of bytes.

The file is what it was when it was built. Its tiles are not older than any write: those that edits have touched since are cut anew.

An archive that records its layers (`onemap tiles build`) is given to those who may read all of them; any other to everybody.
"""

from __future__ import annotations

from zlib import crc32

import orjson
from fastapi import APIRouter
from pmtiles.tile import Compression, TileType
from starlette.requests import Request
from starlette.responses import Response

from api.archive_tiles import live_answer, live_etag, living_layers, touched_layers
from api.byte_ranges import ByteSource, answer_bytes
from api.codings import accepts_gzip
from api.deps import parts_of
from api.etags import is_fresh
from api.layer_parts import ACTOR_HEADER, actor_of
from api.links import base_url
from api.operation import ThinRoute, described, path, problems
from api.parameters import read_parameters
from layers.policy import may_read
from tiles.address import Tile
from tiles.archive.overlay import archived_layers
from tiles.archive.reader import Archive
from tiles.archive.shelf import SUFFIX, ArchiveShelf, ShelvedArchive, UnknownArchiveError
from tiles.compression import Coding
from tiles.tilejson import joined_bounds
from tiles.tilesets import MVT
from twin.errors import HeldLayerError, UnreadableFileError

router = APIRouter(tags=["archives"], route_class=ThinRoute)

_KINDS = {TileType.MVT: MVT, TileType.PNG: "image/png", TileType.JPEG: "image/jpeg", TileType.WEBP: "image/webp"}
_ARCHIVE = path("archive", "Name of the archive: its file's name without .pmtiles.", "city")
_CACHING = {"Cache-Control": "no-cache", "Vary": f"Accept-Encoding, {ACTOR_HEADER}"}
_JSON = {"content": {"application/json": {"schema": {"type": "object"}}}}
# As constants: thin routes take their path parameters from the request.
_TILE_PATH = "/archives/{archive}/{z}/{x}/{y}"
_FILE_PATH = "/archives/{archive}" + SUFFIX
_DOCUMENT_PATH = "/archives/{archive}"


@router.get(
    "/archives",
    summary="Tile archives",
    **described([], {"200": {"description": "The archives.", **_JSON}}, operation_id="getArchives"),
)
def archives(request: Request) -> Response:
    """Every archive that may be read; one that is broken is named with the reason."""
    read_parameters(request, [])
    found: list[dict[str, object]] = []
    for name in _shelf(request).names():
        address = f"{base_url(request)}/archives/{name}"
        try:
            shelved = _shown(request, name)
        except (UnknownArchiveError, HeldLayerError):
            continue
        except UnreadableFileError as error:
            found.append({"id": name, "problem": str(error)})
            continue
        found.append({"id": name, **_summary(shelved.archive), "tilejson": address, "file": f"{address}{SUFFIX}"})
    return Response(orjson.dumps({"archives": found}), media_type="application/json")


@router.get(
    _FILE_PATH,
    summary="A tile archive as a file",
    **described(
        [_ARCHIVE],
        {
            "200": {"description": "The whole file."},
            "206": {"description": "The bytes of the header `Range`."},
            "304": {"description": "Not changed since the ETag that was sent."},
        }
        | problems(400, 404, 416, 422),
        operation_id="getArchiveFile",
    ),
)
def archive_file(request: Request) -> Response:
    """For clients that read archives themselves, by ranges of bytes. Source: RFC 9110, section 14."""
    shelved = _shown(request, str(request.path_params["archive"]))
    kept = shelved.archive
    source = ByteSource(kept.size, kept.read, shelved.etag("file"), "application/vnd.pmtiles")
    return answer_bytes(request, source, _CACHING)


@router.get(
    _DOCUMENT_PATH,
    summary="TileJSON of an archive",
    **described(
        [_ARCHIVE],
        {"200": {"description": "TileJSON 3.0.", **_JSON}} | problems(404, 422),
        operation_id="getArchive",
    ),
)
def archive(request: Request) -> Response:
    """What the archive holds, and where its tiles are."""
    read_parameters(request, [])
    shelved = _readable(request, str(request.path_params["archive"]))
    kept = shelved.archive
    document = {
        "tilejson": "3.0.0",
        **{key: value for key, value in kept.metadata.items() if key not in ("type", "format")},
        **_summary(kept),
        **_wider(request, kept),
        "scheme": "xyz",
        "tiles": [f"{base_url(request)}/archives/{shelved.name}/{{z}}/{{x}}/{{y}}{_ending(kept)}"],
    }
    body = orjson.dumps(document)
    headers = _CACHING | {"ETag": shelved.etag(f"json-{crc32(body):x}")}
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type="application/json")


@router.get(
    _TILE_PATH,
    summary="A tile of an archive",
    **described(
        [
            _ARCHIVE,
            *(
                path(name, meaning, example)
                for name, meaning, example in (("z", "Level.", "14"), ("x", "Column.", "13654"))
            ),
            path("y", "Row, with or without an ending such as .mvt.", "6418.mvt"),
        ],
        {
            "200": {"description": "The tile."},
            "204": {"description": "Nothing is there."},
            "304": {"description": "Not changed since the ETag that was sent."},
        }
        | problems(400, 404, 422),
        operation_id="getArchiveTile",
    ),
)
def archive_tile(request: Request) -> Response:
    """One tile, as it is kept where the client takes it so."""
    asked = request.path_params
    shelved = _readable(request, str(asked["archive"]))
    kept = shelved.archive
    row, dot, ending = str(asked["y"]).partition(".")
    if dot + ending not in ("", _ending(kept)):
        raise UnknownArchiveError(
            f"The archive '{shelved.name}' has no tiles of this kind.",
            value=dot + ending,
            limit=_ending(kept) or "no ending",
            remedy="See its TileJSON for the address of its tiles.",
        )
    tile = Tile.parse(z=str(asked["z"]), x=str(asked["x"]), y=row)
    stored = kept.tile(tile)
    takes_gzip = accepts_gzip(request.headers.get("accept-encoding", ""))
    if (layers := touched_layers(request, kept, tile)) is not None:
        coding: Coding = "gzip" if takes_gzip else "identity"
        if is_fresh(request, live_etag(layers, coding)) and request.headers["if-none-match"].strip() != "*":
            return Response(status_code=304, headers=_CACHING | {"ETag": live_etag(layers, coding)})
        return live_answer(request, layers, tile, coding, _CACHING)
    if stored is None:
        return Response(status_code=204, headers=_CACHING)
    as_kept = takes_gzip and kept.header["tile_compression"] is Compression.GZIP
    headers = _CACHING | {"ETag": shelved.etag("gzip" if as_kept else "identity")}
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if as_kept:
        headers |= {"Content-Encoding": "gzip"}
    body = stored if as_kept else kept.plain(stored)
    return Response(body, headers=headers, media_type=_KINDS.get(kept.header["tile_type"], "application/octet-stream"))


def _shelf(request: Request) -> ArchiveShelf:
    shelf: ArchiveShelf = request.app.state.archives
    return shelf


def _readable(request: Request, name: str) -> ShelvedArchive:
    """The archive, for those who may read every layer in it; to others it is not there."""
    shelved = _shelf(request).get(name)
    actor, policy = actor_of(request), parts_of(request).policy
    if all(may_read(policy, actor, layer.id) for layer in archived_layers(shelved.archive.metadata)):
        return shelved
    raise UnknownArchiveError(f"There is no archive '{name}'.", value=name, remedy="See /archives for the list.")


def _shown(request: Request, name: str) -> ShelvedArchive:
    """The same, unless a layer in it waits for a person's decision. Raises HeldLayerError."""
    shelved = _readable(request, name)
    living_layers(request, shelved.archive)
    return shelved


def _summary(archive: Archive) -> dict[str, object]:
    head = archive.header
    edges = (head["min_lon_e7"], head["min_lat_e7"], head["max_lon_e7"], head["max_lat_e7"])
    return {
        "name": archive.metadata.get("name", archive.path.stem),
        "minzoom": head["min_zoom"],
        "maxzoom": head["max_zoom"],
        "bounds": [edge / 1e7 for edge in edges],
        "bytes": archive.size,
    }


def _wider(request: Request, archive: Archive) -> dict[str, list[float]]:
    """The box with what has been added to the layers since; nothing where they are not here."""
    now = joined_bounds(living_layers(request, archive))
    if now is None:
        return {}
    head = archive.header
    west, south, east, north = (head[edge] / 1e7 for edge in ("min_lon_e7", "min_lat_e7", "max_lon_e7", "max_lat_e7"))
    return {"bounds": [min(west, now.west), min(south, now.south), max(east, now.east), max(north, now.north)]}


def _ending(archive: Archive) -> str:
    return {TileType.MVT: ".mvt", TileType.PNG: ".png", TileType.JPEG: ".jpg", TileType.WEBP: ".webp"}.get(
        archive.header["tile_type"], ""
    )
