"""The layer registry over HTTP: what there is, new layers, their manifests and their data."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Literal, cast

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.errors import BadParameterError, MalformedBodyError, UnsupportedMediaError
from api.layer_operations import (
    ACTOR,
    DATA_BODY,
    IMPORT_PARAMETERS,
    LAYER_ID,
    LAYER_PATH,
    MANIFEST_BODY,
    PATCH_BODY,
    json_answer_of,
    write_problems,
)
from api.layer_parts import MEBIBYTE, actor_of, checker_of, city_of, registry_of
from api.links import base_url
from api.operation import ThinRoute, described, problems, query
from api.parameters import parse_flag, read_parameters
from api.uploads import Received, read_object, received
from layers.catalogue import catalogue, layer_entry
from layers.importing import ImportOptions
from layers.sources import Upload

router = APIRouter(tags=["layers"], route_class=ThinRoute)
IMPORT_NAMES = tuple(parameter["name"] for parameter in IMPORT_PARAMETERS)


@router.get("/layers", summary="All layers", **described((), json_answer_of("Layers, city."), operation_id="getLayers"))
def list_layers(request: Request) -> Response:
    """Every layer's manifest and state, bottom of the map first, and the city they belong to.

    Layers that wait for a person's decision are listed too, with the reason in `standing`; no other address shows them.
    """
    read_parameters(request, ())
    return _json(catalogue(registry_of(request).registered(actor_of(request)), city_of(request)))


@router.post(
    "/layers",
    summary="Register a layer",
    **described([ACTOR], json_answer_of("The new layer.", 201) | write_problems(), MANIFEST_BODY, "registerLayer"),
)
async def register_layer(request: Request) -> Response:
    """A layer from its manifest, with its data (part `file`, or the manifest's source) in one transaction, or empty."""
    read_parameters(request, ())
    async with received_registration(request) as (document, upload):
        registered = await run_in_threadpool(registry_of(request).register, document, actor_of(request), upload)
    entry = layer_entry(registered.record)
    entry["import"] = None if registered.report is None else registered.report.to_document()
    return _json(entry, 201, {"Location": f"{base_url(request)}/layers/{registered.record.id}"})


@router.post(
    "/layers/check",
    summary="Try a registration",
    **described([ACTOR], json_answer_of("What would happen.") | write_problems(), MANIFEST_BODY, "checkLayer"),
)
async def check_layer(request: Request) -> Response:
    """What `POST /layers` with the same body would do. Writes nothing."""
    read_parameters(request, ())
    async with received_registration(request) as (document, upload):
        report = await run_in_threadpool(checker_of(request).check_new, document, upload)
    return _json(report.to_document())


@router.post(
    "/layers/osm",
    summary="Base map layers from OpenStreetMap",
    **described(
        [query("prefix", {"type": "string"}, "Begins the id of each layer.", example="andorra"), ACTOR],
        json_answer_of("One report for each layer.", 201) | write_problems(),
        {"required": True, "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        "importOsm",
    ),
)
async def import_osm(request: Request) -> Response:
    """Roads, water, buildings, land use, places and more out of one .osm.pbf file, each layer in its own transaction."""
    prefix = read_parameters(request, ("prefix",)).get("prefix", "")
    async with received(request, _upload_limit(request), "upload.osm.pbf") as body:
        upload = _file(body)
        reports = await run_in_threadpool(registry_of(request).import_osm, upload, prefix, actor_of(request))
    return _json({"imports": [report.to_document() for report in reports]}, 201)


@router.get(
    LAYER_PATH,
    summary="One layer",
    **described([LAYER_ID], json_answer_of("The layer.") | problems(400, 404), operation_id="getLayer"),
)
def show_layer(request: Request) -> Response:
    """A layer's manifest and state, its lineage, and why it is held where it is."""
    read_parameters(request, ())
    return _json(layer_entry(registry_of(request).registered_layer(_layer_id(request), actor_of(request))))


@router.patch(
    LAYER_PATH,
    summary="Change a layer's description",
    **described([LAYER_ID, ACTOR], json_answer_of("The layer.") | write_problems(), PATCH_BODY, "describeLayer"),
)
async def describe_layer(request: Request) -> Response:
    """A merge patch (RFC 7396) of the manifest; id, geometry type, schema and the like never change."""
    read_parameters(request, ())
    patch = await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    layer_id, registry, actor = _layer_id(request), registry_of(request), actor_of(request)
    record = await run_in_threadpool(registry.describe, layer_id, patch, actor)
    request.app.state.tiles.forget(layer_id)
    return _json(layer_entry(record))


@router.delete(
    LAYER_PATH,
    summary="Remove a layer",
    **described(
        [LAYER_ID, ACTOR], {"204": {"description": "Removed."}} | problems(400, 403, 404, 409), operation_id="dropLayer"
    ),
)
def drop_layer(request: Request) -> Response:
    """Remove a layer with its data and history; one that a release of the base map pins stays."""
    read_parameters(request, ())
    layer_id = _layer_id(request)
    registry_of(request).drop(layer_id, actor_of(request))
    request.app.state.tiles.forget(layer_id)
    return Response(status_code=204)


@router.put(
    LAYER_PATH + "/data",
    summary="Bring data into a layer",
    **described(
        [LAYER_ID, *IMPORT_PARAMETERS, ACTOR],
        json_answer_of("The report.") | write_problems(),
        DATA_BODY,
        "putLayerData",
    ),
)
async def put_data(request: Request) -> Response:
    """Add and update by id; with `mode=replace` exactly these rows remain. One transaction."""
    parameters = read_parameters(request, IMPORT_NAMES)
    options = _import_options(_layer_id(request), parameters)
    async with received(request, _upload_limit(request), parameters.get("filename")) as body:
        upload = _file(body)
        report = await run_in_threadpool(registry_of(request).load, upload, options, actor_of(request))
    return _json(report.to_document())


@router.post(
    LAYER_PATH + "/data",
    summary="Bring data into a layer",
    **described(
        [LAYER_ID, *IMPORT_PARAMETERS, ACTOR],
        json_answer_of("The report.") | write_problems(),
        DATA_BODY,
        "addLayerData",
    ),
)
async def post_data(request: Request) -> Response:
    """The same as PUT, for clients and forms that only post."""
    return await put_data(request)


@router.post(
    LAYER_PATH + "/check",
    summary="Try a delivery of data",
    **described(
        [LAYER_ID, *IMPORT_PARAMETERS, ACTOR],
        json_answer_of("What would happen.") | write_problems(),
        DATA_BODY,
        "checkLayerData",
    ),
)
async def check_data(request: Request) -> Response:
    """What `PUT /layers/{layerId}/data` with the same body would do. Writes nothing."""
    parameters = read_parameters(request, IMPORT_NAMES)
    options = _import_options(_layer_id(request), parameters)
    async with received(request, _upload_limit(request), parameters.get("filename")) as body:
        report = await run_in_threadpool(checker_of(request).check_data, _file(body), options)
    return _json(report.to_document())


@router.post(
    LAYER_PATH + "/refresh",
    summary="Read a layer's source again",
    **described([LAYER_ID, ACTOR], json_answer_of("The report.") | write_problems(), operation_id="refreshLayer"),
)
def refresh_layer(request: Request) -> Response:
    """Leave exactly what the source (inbox, ogc-features) holds now."""
    read_parameters(request, ())
    return _json(registry_of(request).refresh(_layer_id(request), actor_of(request)).to_document())


@asynccontextmanager
async def received_registration(request: Request) -> AsyncIterator[tuple[dict[str, Any], Upload | None]]:
    """The manifest and the file, if any, of a registration: JSON, or a form with the parts `manifest` and `file`.

    Raises:
        UnsupportedMediaError, MalformedBodyError: if it is neither.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json" or media_type.endswith("+json"):
        yield await read_object(request, _upload_limit(request)), None
        return
    if media_type != "multipart/form-data":
        raise UnsupportedMediaError(
            "A registration is JSON or a form.",
            value=media_type,
            limit="application/json, multipart/form-data",
            remedy="Send the manifest as JSON, or a form with the parts 'manifest' and 'file'.",
        )
    async with received(request, _upload_limit(request)) as body:
        document = body.manifest()
        if document is None:
            raise MalformedBodyError("The form has no part 'manifest'.", remedy="Add the manifest as JSON.")
        yield document, body.upload


def _layer_id(request: Request) -> str:
    return str(request.path_params["layerId"])


def _upload_limit(request: Request) -> int:
    return parts_of(request).settings.max_upload_mb * MEBIBYTE


def _file(body: Received) -> Upload:
    if body.upload is None:
        raise MalformedBodyError("No file came along.", remedy="Send it in the part 'file' of a form, or as the body.")
    return body.upload


def _import_options(layer_id: str, parameters: Mapping[str, str]) -> ImportOptions:
    mode = parameters.get("mode", "upsert")
    if mode not in ("upsert", "replace"):
        raise BadParameterError(
            "There is no such mode.", value=mode, limit="upsert|replace", remedy="Use one of these."
        )
    return ImportOptions(
        layer_id=layer_id,
        crs=parameters.get("crs"),
        id_property=parameters.get("id_property"),
        encoding=parameters.get("encoding"),
        source_layer=parameters.get("source_layer"),
        mode=cast("Literal['upsert', 'replace']", mode),
        repair=parse_flag(parameters["repair"], "repair") if "repair" in parameters else None,
        accept_because=_accepted(parameters),
    )


def _accepted(parameters: Mapping[str, str]) -> str | None:
    """The reason for taking data that look wrong; None where that is not asked for."""
    wish = parameters.get("datum_check", "check")
    if wish not in ("check", "accept"):
        raise BadParameterError(
            "There is no such way to check.", value=wish, limit="check|accept", remedy="Use one of these."
        )
    reason = parameters.get("reason", "").strip()
    if wish == "accept" and not reason:
        raise BadParameterError(
            "Taking data that may lie elsewhere needs a reason.",
            value="reason",
            limit="a few words that stay in the layer's lineage",
            remedy="Add reason=…, or leave datum_check=accept out.",
        )
    return reason if wish == "accept" else None


def _json(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    body = orjson.dumps(document, default=str)
    return Response(
        body, status, headers={"Cache-Control": "no-cache", **(headers or {})}, media_type="application/json"
    )
