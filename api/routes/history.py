"""The history over HTTP: versions of a feature, what differs between two, one of them put back; who changed a layer, when and why.

Source: RFC 5829 (link relations for versions); design.md, section 3 (every write is a changeset).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.crs_edge import edge_crs
from api.deps import parts_of
from api.documents import layer_title
from api.errors import BadParameterError, MalformedBodyError, UnsupportedMediaError
from api.etags import expected_version, feature_etag, is_fresh
from api.history_documents import change_document, difference_document, touched_document, version_documents
from api.history_operations import (
    CHANGE_PATH,
    CHANGES_PATH,
    DIFF_PATH,
    GET_CHANGE,
    GET_CHANGES,
    GET_DIFF,
    GET_VERSION,
    GET_VERSIONS,
    RESTORE,
    RESTORE_PATH,
    VERSION_PATH,
    VERSIONS_PATH,
)
from api.layer_parts import MEBIBYTE, actor_of, author_of, city_of, layer_of, registry_of
from api.links import base_url, item_path, link, self_links, with_parameters
from api.negotiation import GEOJSON, HTML, ITEM, PAGES, Format, negotiate
from api.operation import ThinRoute
from api.parameters import parse_limit, read_parameters
from api.responses.documents import json_answer
from api.responses.geojson import encode_feature
from api.responses.html import page
from api.responses.item_pages import feature_rows
from api.uploads import read_object
from api.view_address import bounds_of, view_address
from layers.policy import Action
from twin.crs import CRS84, parse_crs
from twin.differences import difference
from twin.errors import UnknownFeatureError, UnknownVersionError
from twin.store.port import FeatureVersion, LayerRecord, Store

router = APIRouter(tags=["history"], route_class=ThinRoute)
_PAGE = 100
_LONGEST_REASON = 500


@router.get(VERSIONS_PATH, summary="Versions of a feature", **GET_VERSIONS)
def versions(request: Request) -> Response:
    """Every state a feature was in, newest first: who recorded it when and why, when it held, what came after."""
    parameters, chosen = _read(request, ("f", "limit", "before"), PAGES)
    record, feature_id, here = _feature_of(request)
    headers = _validators(record, chosen, parameters)
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    before = _number(parameters, "before")
    limit = parse_limit(parameters.get("limit"), _PAGE, parts_of(request).settings.limit_max)
    known = parts_of(request).store.history(record.id, feature_id, limit=limit + 1, before=before)
    documents = [entry for entry in version_documents(known, here) if before is None or entry["version"] < before]
    shown = documents[:limit]
    links = self_links(f"{here}/versions", list(parameters.items()), PAGES, chosen)
    links.append(link(here, "latest-version", GEOJSON.media_type))
    if len(documents) > limit:
        links.append(_next(f"{here}/versions", parameters, "before", shown[-1]["version"]))
    document = {"id": feature_id, "layer": record.id, "versions": shown, "links": links}
    if chosen is HTML:
        values = _page_values(request, record, links) | {"feature_id": feature_id, "here": here, "versions": shown}
        return page("versions.html", headers, **values)
    return json_answer(document, headers=headers)


@router.get(VERSION_PATH, summary="A feature as it stood at a version", **GET_VERSION)
def version(request: Request) -> Response:
    """The state that was the last word on the feature at that version of the layer."""
    parameters, chosen = _read(request, ("f",), ITEM)
    record, feature_id, here = _feature_of(request)
    number = _path_version(request, record)
    state = _at(parts_of(request).store, record.id, feature_id, number).feature
    headers = {
        "ETag": feature_etag(record, state, f"version {chosen.name}"),
        "Cache-Control": "no-cache",
        "Vary": "Accept",
    }
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    links = self_links(f"{here}/versions/{number}", list(parameters.items()), ITEM, chosen)
    links.append(link(here, "latest-version", GEOJSON.media_type))
    links.append(link(f"{here}/versions", "version-history", "application/json", "历次版本 Versions"))
    if chosen is HTML:
        place = bounds_of(np.array([state.geometry], dtype=object))
        others = registry_of(request).layers(actor_of(request))
        shown = view_address(base_url(request), record, others, place, feature_id)
        return page("item.html", headers, base=base_url(request), links=links, map=shown, **feature_rows(record, state))
    crs = edge_crs(CRS84)
    body = encode_feature(state, record.schema, crs, links)
    return Response(body, headers=headers | {"Content-Crs": crs.header}, media_type=GEOJSON.media_type)


@router.get(DIFF_PATH, summary="What differs between two versions of a feature", **GET_DIFF)
def diff(request: Request) -> Response:
    """Per property the old and the new value, the validity, and what happened to the shape, in metres."""
    parameters, chosen = _read(request, ("f", "from", "to"), PAGES)
    record, feature_id, here = _feature_of(request)
    headers = _validators(record, chosen, parameters)
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    earlier, later = _number(parameters, "from"), _number(parameters, "to")
    before, after = _pair(parts_of(request).store, record.id, feature_id, earlier, later)
    crs = city_of(request).projected_crs
    found = difference(before.feature, after.feature, record.schema, parse_crs(crs))
    links = self_links(f"{here}/diff", list(parameters.items()), PAGES, chosen)
    links.append(link(f"{here}/versions", "version-history", "application/json", "历次版本 Versions"))
    document = difference_document(before, after, found, crs, links)
    if chosen is HTML:
        values = _page_values(request, record, links) | {"feature_id": feature_id, "here": here, "diff": document}
        return page("difference.html", headers, **values)
    return json_answer(document, headers=headers)


@router.post(RESTORE_PATH, summary="Put an old version of a feature back", **RESTORE)
async def restore(request: Request) -> Response:
    """A new write that makes the feature again what it was; a deleted one comes back."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != "application/json":
        raise UnsupportedMediaError(
            "The body comes in a media type that is not read here.",
            value=given or "no Content-Type",
            limit="application/json",
            remedy="Send Content-Type: application/json.",
        )
    body = await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    return await run_in_threadpool(_restore, request, body)


def _restore(request: Request, body: Mapping[str, Any]) -> Response:
    read_parameters(request, ())
    record, feature_id, here = _feature_of(request)
    store, wanted = parts_of(request).store, body.get("version")
    parts_of(request).policy.authorise(actor_of(request), Action.WRITE_FEATURES, record.id)
    if isinstance(wanted, bool) or not isinstance(wanted, int) or not 0 < wanted < 2**63 or len(body) > 1:
        raise MalformedBodyError("The body names one version.", value=body, remedy='Send {"version": 3}.')
    _known_version(record, wanted)
    expected = None
    if "if-match" in request.headers:
        expected = expected_version(request, record, store.get(record.id, feature_id))
    author = author_of(request, f"restore version {wanted} of feature {feature_id}"[:_LONGEST_REASON])
    with store.write(record.id, author) as writer:
        writer.restore(feature_id, wanted, if_version=expected)
    state, crs = store.get(record.id, feature_id), edge_crs(CRS84)
    links = [link(here, "self", GEOJSON.media_type), link(f"{here}/versions", "version-history", "application/json")]
    headers = {"ETag": feature_etag(record, state), "Content-Crs": crs.header}
    return Response(encode_feature(state, record.schema, crs, links), headers=headers, media_type=GEOJSON.media_type)


@router.get(CHANGES_PATH, summary="Changesets of a collection", **GET_CHANGES)
def changes(request: Request) -> Response:
    """Who changed the layer, when, why and how much, newest first."""
    parameters, chosen = _read(request, ("f", "limit", "before"), PAGES)
    record = layer_of(request)
    headers = _validators(record, chosen, parameters)
    if is_fresh(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    limit = parse_limit(parameters.get("limit"), _PAGE, parts_of(request).settings.limit_max)
    found = parts_of(request).store.changesets(record.id, limit + 1, before=_number(parameters, "before"))
    here = f"{base_url(request)}/collections/{record.id}/changes"
    shown = [
        change_document(c) | {"links": [link(f"{here}/{c.version}", "item", "application/json")]} for c in found[:limit]
    ]
    links = self_links(here, list(parameters.items()), PAGES, chosen)
    if len(found) > limit:
        links.append(_next(here, parameters, "before", found[limit - 1].version))
    if chosen is HTML:
        return page("changes.html", headers, **_page_values(request, record, links), changes=shown)
    return json_answer({"layer": record.id, "changes": shown, "links": links}, headers=headers)


@router.get(CHANGE_PATH, summary="A changeset and the features it touched", **GET_CHANGE)
def change(request: Request) -> Response:
    """One write: who, when, why, and a page of the features it inserted, updated or deleted."""
    parameters = read_parameters(request, ("limit", "after"))
    record = layer_of(request)
    number, store, base = _path_version(request, record), parts_of(request).store, base_url(request)
    limit = parse_limit(parameters.get("limit"), _PAGE, parts_of(request).settings.limit_max)
    written = store.changeset(record.id, number)
    touched = store.touched(record.id, number, limit + 1, after=_number(parameters, "after", least=0) or 0)
    here = f"{base}/collections/{record.id}/changes/{number}"
    links = [link(with_parameters(here, parameters.items()), "self", "application/json")]
    if len(touched) > limit:
        links.append(_next(here, parameters, "after", touched[limit - 1].fid))
    features = [touched_document(entry, record.id, number, base) for entry in touched[:limit]]
    return json_answer(change_document(written) | {"layer": record.id, "features": features, "links": links})


def _read(request: Request, names: Sequence[str], offers: Sequence[Format]) -> tuple[dict[str, str], Format]:
    parameters = read_parameters(request, names)
    return parameters, negotiate(parameters, request.headers.get("accept"), offers)


def _feature_of(request: Request) -> tuple[LayerRecord, str, str]:
    """The layer, the feature's id, and the feature's address."""
    record, feature_id = layer_of(request), str(request.path_params["featureId"])
    return record, feature_id, base_url(request) + item_path(record.id, feature_id)


def _validators(record: LayerRecord, chosen: Format, parameters: Mapping[str, str]) -> dict[str, str]:
    state = f"{record.version} {record.created_at} {record.updated_at} {chosen.name} {sorted(parameters.items())}"
    return {"ETag": f'W/"{crc32(state.encode("utf-8", "replace")):x}"', "Cache-Control": "no-cache", "Vary": "Accept"}


def _next(here: str, parameters: Mapping[str, str], name: str, value: int) -> dict[str, str]:
    following = {**parameters, name: str(value)}
    return link(with_parameters(here, following.items()), "next", "application/json", "下一页 Next")


def _number(parameters: Mapping[str, str], name: str, least: int = 1) -> int | None:
    text = parameters.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= least):
        raise BadParameterError(
            f"'{name}' is a whole number.",
            value=text,
            limit=f"from {least} up",
            remedy=f"Take it from the list, {name}=3.",
        )
    return int(text)


def _path_version(request: Request, record: LayerRecord) -> int:
    text = str(request.path_params["version"])
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise _unknown_version(record, text)
    return _known_version(record, int(text))


def _known_version(record: LayerRecord, version: int) -> int:
    if version > record.version:
        raise _unknown_version(record, version)
    return version


def _unknown_version(record: LayerRecord, version: object) -> UnknownVersionError:
    return UnknownVersionError(
        f"The layer '{record.id}' has no version {version}.",
        value=version,
        limit=f"1 to {record.version}",
        remedy=f"GET /collections/{record.id}/changes lists them.",
    )


def _at(store: Store, layer_id: str, feature_id: str, version: int) -> FeatureVersion:
    """The last word on a feature at a version."""
    return _standing_at(store.history(layer_id, feature_id, limit=1, before=version + 1), feature_id, version)


def _standing_at(known: Sequence[FeatureVersion], feature_id: str, version: int) -> FeatureVersion:
    """The first of what is known up to a version, unless the feature was gone by then."""
    for entry in known:
        if not (entry.deleted and entry.ended is not None and entry.ended.version <= version):
            return entry
        break
    raise UnknownFeatureError(
        f"The feature '{feature_id}' did not exist at version {version}.",
        value=version,
        limit="from the version that inserted it on, while it is not deleted",
        remedy="Its versions are listed under …/versions.",
    )


def _pair(
    store: Store, layer_id: str, feature_id: str, earlier: int | None, later: int | None
) -> tuple[FeatureVersion, FeatureVersion]:
    """The two versions to compare; by default the last one and the one before it, or itself where it is the first."""
    known = store.history(layer_id, feature_id, limit=2, before=None if later is None else later + 1)
    after = known[0] if later is None else _standing_at(known, feature_id, later)
    return known[-1] if earlier is None else _at(store, layer_id, feature_id, earlier), after


def _page_values(request: Request, record: LayerRecord, links: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    return {
        "base": base_url(request),
        "record": record,
        "title": layer_title(record),
        "links": links,
        "next": next((entry["href"] for entry in links if entry["rel"] == "next"), None),
    }
