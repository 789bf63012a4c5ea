"""The base map as a product over HTTP: releases, what changed between them, and the check of its topology."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.basemap_documents import findings_document, parse_check_request, parse_release_request, release_links
from api.basemap_operations import (
    CHECK_BASEMAP,
    GET_FINDINGS,
    GET_RELEASE,
    GET_REPORT,
    GET_STALE,
    LIST_RELEASES,
    MAKE_RELEASE,
    RELEASE_PATH,
    RELEASES,
    VERIFY_RELEASE,
)
from api.deps import parts_of
from api.errors import UnsupportedMediaError
from api.etags import is_fresh
from api.layer_parts import MEBIBYTE, actor_of, city_of, registry_of
from api.links import base_url
from api.negotiation import HTML, PAGES, negotiate
from api.operation import ThinRoute
from api.parameters import read_parameters
from api.responses.documents import json_answer
from api.responses.html import page
from api.uploads import read_object
from layers.base_map.checking import CheckRequest, check_base_map
from layers.base_map.reading import ReleaseDesk
from layers.base_map.releasing import ReleaseRequest, make_release
from twin.basemap.checksum import document_checksum
from twin.store.values import now

router = APIRouter(tags=["basemap"], route_class=ThinRoute)
_NO_CACHE = {"Cache-Control": "no-cache"}


@router.get(RELEASES, summary="Releases of the base map", **LIST_RELEASES)
def list_releases(request: Request) -> Response:
    """All releases in short, newest first; `current` is the one that new layers are checked against."""
    read_parameters(request, ())
    base, releases = base_url(request), _desk(request).releases()
    for entry in releases:
        entry["href"] = f"{base}{RELEASES}/{entry['name']}"
    current = releases[0]["name"] if releases else None
    return json_answer({"releases": releases, "current": current}, headers=_NO_CACHE)


@router.post(RELEASES, summary="Release the base map", **MAKE_RELEASE)
async def add_release(request: Request) -> Response:
    """Check the topology, pin every layer at its version, tell what changed, and write it down for good."""
    wanted = parse_release_request(await _object(request))
    return await run_in_threadpool(_release, request, wanted)


@router.get(RELEASE_PATH, summary="One release", **GET_RELEASE)
def show_release(request: Request) -> Response:
    """Layers with version, extent, datum, stated accuracy and checksum, links to their pinned state, and what is behind the newest release."""
    read_parameters(request, ())
    desk = _desk(request)
    document = desk.release(_name(request))
    document["stale_layers"] = desk.stale()
    etag = f'"{document_checksum(document)[:32]}"'
    headers = {"ETag": etag, **_NO_CACHE}
    if is_fresh(request, etag):
        return Response(status_code=304, headers=headers)
    document["links"] = release_links(base_url(request), document["name"], document["layers"])
    return json_answer(document, headers=headers)


@router.get(RELEASE_PATH + "/report", summary="What a release changed", **GET_REPORT)
def show_report(request: Request) -> Response:
    """Features added, removed, moved and described otherwise, layer by layer; for people with `f=html`."""
    parameters = read_parameters(request, ("since", "f"))
    offer = negotiate(parameters, request.headers.get("accept"), PAGES)
    desk = _desk(request)
    report = desk.report(_name(request), parameters.get("since"))
    if offer is not HTML:
        return json_answer(report, headers=_NO_CACHE)
    release = desk.release(_name(request))
    return page("release_report.html", headers=_NO_CACHE, base=base_url(request), report=report, release=release)


@router.get(RELEASE_PATH + "/verify", summary="Verify a release", **VERIFY_RELEASE)
def verify(request: Request) -> Response:
    """Every checksum computed again from the store; says which layer differs."""
    read_parameters(request, ())
    return json_answer(_desk(request).verify(_name(request)).to_dict(), headers=_NO_CACHE)


@router.get("/basemap/stale", summary="Layers behind the newest release", **GET_STALE)
def list_stale(request: Request) -> Response:
    """Layers of departments that were last checked against an older release of the base map, or never."""
    read_parameters(request, ())
    desk = _desk(request)
    current = next((entry["name"] for entry in desk.releases()), None)
    return json_answer({"current": current, "layers": desk.stale()}, headers=_NO_CACHE)


@router.post("/basemap/check", summary="Check the base map", **CHECK_BASEMAP)
async def check(request: Request) -> Response:
    """Gaps, overlaps, duplicates, loose ends and more; the findings replace those in the layer `basemap-findings`."""
    wanted = parse_check_request(await _object(request))
    return await run_in_threadpool(_check, request, wanted)


@router.get("/basemap/findings", summary="The last check", **GET_FINDINGS)
def show_findings(request: Request) -> Response:
    """Summary of the last check, and where its findings can be looked at; `check` is null before the first."""
    read_parameters(request, ())
    return json_answer(findings_document(_desk(request).last_check(), base_url(request)), headers=_NO_CACHE)


def _release(request: Request, wanted: ReleaseRequest) -> Response:
    # The store's clock, to the millisecond: what was written in the second before belongs to the release.
    release, _ = make_release(registry_of(request), city_of(request), actor_of(request), wanted, at=now())
    base, desk = base_url(request), _desk(request)
    document = desk.release(release.name) | {"report": desk.report(release.name)}
    document["links"] = release_links(base, release.name, document["layers"])
    return json_answer(document, status=201, headers={"Location": f"{base}{RELEASES}/{release.name}"})


def _check(request: Request, wanted: CheckRequest) -> Response:
    at = parts_of(request).clock()
    report = check_base_map(registry_of(request), city_of(request), actor_of(request), wanted, at=at)
    return json_answer(findings_document(report.to_dict(), base_url(request)))


async def _object(request: Request) -> dict[str, object]:
    """The body of a request that takes a JSON object. Raises UnsupportedMediaError, MalformedBodyError, TooLargeError."""
    read_parameters(request, ())
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaError(
            "The body is JSON.", value=media_type, limit="application/json", remedy="Send application/json."
        )
    return await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)


def _desk(request: Request) -> ReleaseDesk:
    memory = parts_of(request).memory
    return ReleaseDesk.open(registry_of(request), actor_of(request), city_of(request).projected_crs, memory)


def _name(request: Request) -> str:
    return str(request.path_params["release"])
