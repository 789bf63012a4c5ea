"""Changing features: create, replace, update, delete, each one transaction that the policy has allowed.

Source: OGC 20-002 (Features part 4, draft); RFC 7396 (merge patch); RFC 9110, 13.1.1 (If-Match).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.crs_edge import EdgeCRS, edge_crs
from api.deps import parts_of
from api.errors import BadParameterError, UnsupportedMediaError
from api.etags import expected_version, feature_etag
from api.feature_body import parse_feature, parse_json_object, says_when
from api.item_operations import CREATE_ITEM, DELETE_ITEM, REPLACE_ITEM, UPDATE_ITEM
from api.layer_parts import actor_of, author_of, city_of, registry_of
from api.links import base_url, item_path, link
from api.merge_patch import merge
from api.negotiation import GEOJSON
from api.operation import ITEM_PATH, ITEMS_PATH, ThinRoute
from api.parameters import read_parameters
from api.responses.geojson import encode_feature, feature_objects
from layers.manifest import GeometryFaults
from layers.policy import Action
from layers.position_check import metres_outside
from twin.crs import CRS84
from twin.errors import BadFeatureError, Conflict, Finding, VersionConflictError
from twin.feature import Feature, FeatureBatch
from twin.store.port import Author, LayerRecord

router = APIRouter(tags=["features"], route_class=ThinRoute)
Reader = Callable[[dict[str, Any]], Feature]
MERGE_PATCH = "application/merge-patch+json"
_ATTEMPTS = 5


@router.post(ITEMS_PATH, summary="Create a feature", **CREATE_ITEM)
async def create(request: Request) -> Response:
    """A new feature; its id is the one it brings, or one that the store gives."""
    return await _with_body(request, _create, (GEOJSON.media_type, "application/json"))


@router.put(ITEM_PATH, summary="Replace a feature", **REPLACE_ITEM)
async def replace_item(request: Request) -> Response:
    """A new state of the whole feature; what the body does not name becomes unknown, but for the time.

    `time` says when the state holds: later than the present state, it follows that one, which ends there; the same beginning
    corrects it; before it, a past state is recorded. Without `time` the present state is corrected and its validity kept.
    With `validity=correct` it is the dates of the present state themselves that are put right.
    """
    return await _with_body(request, _replace, (GEOJSON.media_type, "application/json"))


@router.patch(ITEM_PATH, summary="Update a feature", **UPDATE_ITEM)
async def update(request: Request) -> Response:
    """Some members of a feature changed, the others kept; `time` works as in a replacement."""
    return await _with_body(request, _update, (MERGE_PATCH,))


@router.delete(ITEM_PATH, summary="Delete a feature", **DELETE_ITEM)
def delete(request: Request) -> Response:
    """The feature gone; its last state stays in the history."""
    record, author, _ = _opening(request, "delete feature")
    store, feature_id = parts_of(request).store, request.path_params["featureId"]
    expected = expected_version(request, record, store.get(record.id, feature_id))
    with store.write(record.id, author) as writer:
        writer.delete(feature_id, if_version=expected)
    return Response(status_code=204)


async def _with_body(
    request: Request, change: Callable[[Request, dict[str, Any]], Response], media_types: tuple[str, ...]
) -> Response:
    """Read the body here, where waiting is cheap, and change the store in a worker thread."""
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in media_types:
        raise UnsupportedMediaError(
            "The body comes in a media type that is not read here.",
            value=given or "no Content-Type",
            limit=", ".join(media_types),
            remedy=f"Send Content-Type: {media_types[0]}.",
        )
    body = await request.body()
    return await run_in_threadpool(lambda: change(request, parse_json_object(body)))


def _create(request: Request, document: dict[str, Any]) -> Response:
    record, author, crs = _opening(request, "create feature")
    repairs = _repairs(record)
    feature = _reader(request, record, crs, repairs)(document)
    with parts_of(request).store.write(record.id, author) as writer:
        made = replace(feature, id=writer.insert(feature), version=writer.version)
    answer = _told(request, made, _state(request, record, made, crs, 201), repairs)
    answer.headers["Location"] = base_url(request) + item_path(record.id, str(made.id))
    return answer


def _replace(request: Request, document: dict[str, Any]) -> Response:
    redates = _redates(request)
    record, author, crs = _opening(request, "replace feature")
    store, feature_id = parts_of(request).store, request.path_params["featureId"]
    expected = expected_version(request, record, store.get(record.id, feature_id))
    repairs = _repairs(record)
    feature = _same_id(_reader(request, record, crs, repairs)(document), feature_id)
    with store.write(record.id, author) as writer:
        writer.replace(feature, if_version=expected, dated=says_when(document), redates=redates)
        made = replace(feature, version=writer.version)
    return _told(request, made, _state(request, record, made, crs, 200), repairs)


def _update(request: Request, patch: dict[str, Any]) -> Response:
    """Merge and replace; without If-Match, try again when somebody else was faster."""
    redates = _redates(request)
    record, author, crs = _opening(request, "update feature")
    store, feature_id = parts_of(request).store, request.path_params["featureId"]
    for _ in range(_ATTEMPTS):
        current = store.get(record.id, feature_id)
        expected = expected_version(request, record, current)
        repairs = _repairs(record)
        feature, dated = _merged(current, patch, record, crs, _reader(request, record, crs, repairs))
        try:
            with store.write(record.id, author) as writer:
                writer.replace(_same_id(feature, feature_id), if_version=current.version, dated=dated, redates=redates)
                made = replace(feature, version=writer.version)
        except VersionConflictError:
            if expected is not None:
                raise
            continue
        return _told(request, made, _state(request, record, made, crs, 200), repairs)
    raise Conflict(
        "Others keep changing this feature.", value=feature_id, limit=f"{_ATTEMPTS} attempts", remedy="Try again."
    )


def _merged(
    current: Feature, patch: dict[str, Any], record: LayerRecord, crs: EdgeCRS, read: Reader
) -> tuple[Feature, bool]:
    """The current feature with the patch on top, and whether it says when it holds.

    A geometry that the patch does not name keeps every digit, and a time its very instants.
    """
    (shown,) = feature_objects(FeatureBatch.of(record.schema, [current]), crs, None)
    shown.pop("time", None)
    before = orjson.loads(orjson.dumps(shown, option=orjson.OPT_UTC_Z))
    merged = merge(before, patch)
    dated = says_when(merged)
    if "geometry" in patch:
        return read({"geometry": None} | merged), dated
    feature = read(merged | {"geometry": None})
    return replace(feature, geometry=current.geometry), dated


def _redates(request: Request) -> bool:
    """Whether `validity=correct` says that the dates of the present state were wrong."""
    wanted = request.query_params.get("validity", "timeline")
    if wanted not in ("timeline", "correct"):
        raise BadParameterError(
            "There is no such way to take the time.", value=wanted, limit="timeline|correct", remedy="Use one of these."
        )
    return wanted == "correct"


def _opening(request: Request, reason: str) -> tuple[LayerRecord, Author, EdgeCRS]:
    """What every change begins with: no stray parameters, a layer, a policy that allows it, a reference system."""
    read_parameters(request, ("validity",) if request.method in ("PUT", "PATCH") else ())
    parts, actor = parts_of(request), actor_of(request)
    layer_id = request.path_params["collectionId"]
    record = registry_of(request).layer(layer_id, actor)
    parts.policy.authorise(actor, Action.WRITE_FEATURES, layer_id)
    named = request.headers.get("content-crs", CRS84).strip().removeprefix("<").removesuffix(">")
    return record, author_of(request, reason), edge_crs(named, "Content-Crs")


def _reader(request: Request, record: LayerRecord, crs: EdgeCRS, repairs: list[Finding] | None) -> Reader:
    """Reads bodies as features of the layer, mended rings noted in `repairs`."""
    limits = parts_of(request).settings.validity_limits
    return partial(parse_feature, schema=record.schema, crs=crs, limits=limits, repairs=repairs)


def _told(request: Request, made: Feature, answer: Response, repairs: list[Finding] | None) -> Response:
    """The answer with a word on what was mended, and on a place outside the city: it is kept, and worth a look."""
    if repairs:
        answer.headers["OneMap-Repaired"] = " ".join(repair.problem for repair in repairs)
    far_m = metres_outside(city_of(request), made.geometry)
    if far_m > 0:
        answer.headers["OneMap-Outside-City"] = f"{far_m:.0f} m"
    return answer


def _repairs(record: LayerRecord) -> list[Finding] | None:
    """Where to note mended rings, if the layer's setting is to mend them; else they are refused."""
    return [] if record.document.get("geometry_faults") == GeometryFaults.REPAIR else None


def _same_id(feature: Feature, feature_id: str) -> Feature:
    if feature.id in (None, feature_id):
        return replace(feature, id=feature_id)
    finding = Finding("/id", str(feature.id), "The body has another id than the address.", "Leave the id out.")
    raise BadFeatureError("An id never changes.", value=feature.id, limit=feature_id, findings=(finding,))


def _state(request: Request, record: LayerRecord, feature: Feature, crs: EdgeCRS, status: int) -> Response:
    """The state just written; its tag is that of the feature as it now stands, which a past state leaves alone."""
    base = base_url(request)
    head = parts_of(request).store.get(record.id, str(feature.id))
    if head.version == feature.version:
        feature = head
    links = [link(base + item_path(record.id, str(feature.id)), "self", GEOJSON.media_type)]
    body = encode_feature(feature, record.schema, crs, links)
    headers = {"ETag": feature_etag(record, head), "Content-Crs": crs.header}
    return Response(body, status, headers=headers, media_type=GEOJSON.media_type)
