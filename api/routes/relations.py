"""Relations over HTTP: links between features by their ids, their types, their integrity, and what a feature is tied to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from zlib import crc32

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.errors import MalformedBodyError, UnsupportedMediaError
from api.etags import is_fresh, link_expected_version
from api.layer_parts import MEBIBYTE, actor_of, desk_of, layer_of
from api.links import base_url, item_path, link, self_links, with_parameters
from api.negotiation import HTML, PAGES, negotiate
from api.operation import ThinRoute
from api.paging import decode_token, encode_token
from api.parameters import parse_flag, read_parameters
from api.relation_documents import (
    derived_document,
    link_answer,
    report_document,
    resolution_document,
    rows_of,
    surroundings_document,
    type_document,
)
from api.relation_operations import (
    ADD_RELATIONS,
    ADD_TYPE,
    CHANGE_RELATION,
    CHECK_RELATIONS,
    DERIVE_RELATIONS,
    DROP_TYPE,
    END_RELATION,
    GET_ITEM_RELATIONS,
    GET_RELATION,
    GET_RELATION_VERSIONS,
    GET_RELATIONS,
    GET_TYPES,
    ITEM_RELATIONS_PATH,
    LINK_PATH,
    MAX_DEPTH,
    RESOLVE_ENTITY,
    TYPE_PATH,
)
from api.relation_query import (
    parse_count,
    parse_known,
    parse_link_id,
    parse_link_query,
    parse_moment,
    text_member,
    version_then,
)
from api.responses.documents import json_answer
from api.responses.html import page
from api.uploads import read_body, read_object
from layers.relating import RelationDesk
from layers.surroundings import feature_titles, surroundings
from twin.query import Position
from twin.relations.documents import LinkRows, amended, link_document, parse_links, read_csv
from twin.relations.link import LinkSource, Ref

router = APIRouter(tags=["relations"], route_class=ThinRoute)

_LIST_NAMES = ("layer", "id", "type", "direction", "datetime", "as_of", "limit", "token")
_ITEM_NAMES = ("type", "direction", "datetime", "as_of", "depth", "limit", "f")
_PATCHES = ("application/merge-patch+json", "application/json")


@router.get("/relations", summary="Links between features", **GET_RELATIONS)
def list_relations(request: Request) -> Response:
    """A page of links in order of arrival: of a layer, of a feature, of some types, at some time."""
    parameters = read_parameters(request, _LIST_NAMES)
    desk, actor = desk_of(request), actor_of(request)
    wanted = parse_link_query(parameters, desk)
    for layer in {wanted.layer, wanted.end.layer if wanted.end else None} - {None}:
        desk.layer(str(layer), actor)
    etag = _etag(request, desk, str(sorted(desk.hidden(actor))))
    if is_fresh(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    limit = parse_count(parameters.get("limit"), "limit", 100, parts_of(request).settings.limit_max)
    asked = repr(replace(wanted, hidden=frozenset()))
    after = decode_token(parameters["token"], asked).fid if "token" in parameters else None
    found = desk.find(replace(wanted, limit=limit + 1, after=after), actor)
    base = base_url(request)
    settled = parameters if wanted.version is None else parameters | {"as_of": str(wanted.version)}
    kept = [(key, value) for key, value in settled.items() if key != "token"]
    links = [link(with_parameters(f"{base}/relations", parameters.items()), "self", "application/json")]
    if len(found) > limit:
        token = encode_token(Position((), found[limit - 1].row), asked)
        following = with_parameters(f"{base}/relations", [*kept, ("token", token)])
        links.append(link(following, "next", "application/json", "下一页 Next"))
    shown = [link_answer(entry, base) for entry in found[:limit]]
    document = {"relations": shown, "numberReturned": len(shown), "version": desk.relations.version(), "links": links}
    return json_answer(document, headers={"ETag": etag, "Cache-Control": "no-cache"})


@router.post("/relations", summary="Record links", **ADD_RELATIONS)
async def add_relations(request: Request) -> Response:
    """One link, several as `{"links": […]}`, or a CSV of pairs; checked together, in one transaction."""
    parameters = read_parameters(request, ("partial",))
    partial = parse_flag(parameters.get("partial"), "partial")
    limit = parts_of(request).settings.max_body_mb * MEBIBYTE
    if _media_type(request) == "text/csv":
        rows: LinkRows = parse_links(read_csv(_text(await read_body(request, limit))), LinkSource.IMPORTED)
        return await run_in_threadpool(_record, request, rows, partial)
    _require(request, ("application/json",))
    document = await read_object(request, limit)
    if "links" not in document:
        return await run_in_threadpool(_record_one, request, document)
    if not isinstance(document["links"], list) or len(document) > 1:
        raise MalformedBodyError("'links' is a list of links, alone.", remedy='Send {"links": [{…}, {…}]}.')
    return await run_in_threadpool(_record, request, parse_links(document["links"]), partial)


@router.get("/relations/types", summary="Relation types", **GET_TYPES)
def list_types(request: Request) -> Response:
    """What may be tied to what: the types that ship, and those the city has added."""
    read_parameters(request, ())
    types = [type_document(kind) for kind in desk_of(request).types().values()]
    etag = f'"{crc32(repr(types).encode()):x}"'
    if is_fresh(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return json_answer({"types": types}, headers={"ETag": etag, "Cache-Control": "no-cache"})


@router.post("/relations/types", summary="Add a relation type", **ADD_TYPE)
async def add_type(request: Request) -> Response:
    """A type of the city's own."""
    read_parameters(request, ())
    _require(request, ("application/json",))
    document = await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    made = await run_in_threadpool(desk_of(request).add_type, document, actor_of(request))
    return json_answer(type_document(made), status=201)


@router.delete(TYPE_PATH, summary="Take a relation type away", **DROP_TYPE)
def drop_type(request: Request) -> Response:
    """A type that the city has added and of which no link stands."""
    read_parameters(request, ())
    desk_of(request).drop_type(str(request.path_params["typeId"]), actor_of(request))
    return Response(status_code=204)


@router.get("/relations/check", summary="Integrity of all links", **CHECK_RELATIONS)
def check(request: Request) -> Response:
    """Ends that are gone, successors followed, rings, numbers, layers, and ends that lie far apart."""
    read_parameters(request, ())
    desk, actor = desk_of(request), actor_of(request)
    # All that the report depends on: links, types, layers, and what may be spoken of.
    may_see = f"{_layer_states(request)} {sorted(desk.hidden(actor))}"
    key = ("integrity", desk.relations.version(), repr(desk.types()), may_see)
    report = parts_of(request).memory.recall(key, lambda: desk.check(actor).to_document())
    return json_answer(report, headers={"Cache-Control": "no-cache"})


@router.get("/relations/resolve", summary="An entity at a moment", **RESOLVE_ENTITY)
def resolve_entity(request: Request) -> Response:
    """What an entity is now, or was then: followed over splits, merges and new ids."""
    parameters = read_parameters(request, ("layer", "id", "at"))
    desk = desk_of(request)
    entity = Ref(text_member(parameters, "layer"), text_member(parameters, "id"))
    desk.layer(entity.layer, actor_of(request))
    moment = parse_moment(parameters.get("at"), entity.layer, desk)
    found = desk.resolve(entity, moment, actor_of(request))
    return json_answer(resolution_document(found, base_url(request)), headers={"Cache-Control": "no-cache"})


@router.post("/relations/derive", summary="Derive links from geometry", **DERIVE_RELATIONS)
async def derive(request: Request) -> Response:
    """Certain ones become links with `source` derived; uncertain ones are told; what was declared is never touched."""
    read_parameters(request, ())
    _require(request, ("application/json",))
    document = await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    return await run_in_threadpool(_derive, request, document)


@router.get(LINK_PATH, summary="One link", **GET_RELATION)
def show_relation(request: Request) -> Response:
    """A link that stands, with the tag that a change must name in If-Match."""
    read_parameters(request, ())
    found = desk_of(request).get(_link_id(request), actor_of(request))
    etag = f'"{found.version}"'
    if is_fresh(request, etag):
        return Response(status_code=304, headers={"ETag": etag})
    return json_answer(link_answer(found, base_url(request)), headers={"ETag": etag, "Cache-Control": "no-cache"})


@router.get(LINK_PATH + "/versions", summary="Every state of a link", **GET_RELATION_VERSIONS)
def show_versions(request: Request) -> Response:
    """Newest first; one that has ended keeps its past."""
    read_parameters(request, ())
    states = desk_of(request).history(_link_id(request), actor_of(request))
    return json_answer({"versions": [link_document(state) for state in states]}, headers={"Cache-Control": "no-cache"})


@router.patch(LINK_PATH, summary="Change a link", **CHANGE_RELATION)
async def change_relation(request: Request) -> Response:
    """When it holds, its confidence, its properties; ends and type never change."""
    read_parameters(request, ())
    _require(request, _PATCHES)
    patch = await read_object(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    return await run_in_threadpool(_change, request, patch)


@router.delete(LINK_PATH, summary="End a link", **END_RELATION)
def end_relation(request: Request) -> Response:
    """The link no longer stands; its states stay readable."""
    read_parameters(request, ())
    desk, actor, link_id = desk_of(request), actor_of(request), _link_id(request)
    expected = link_expected_version(request, desk.get(link_id, actor).version)
    desk.end(link_id, actor, expected)
    return Response(status_code=204)


@router.get(ITEM_RELATIONS_PATH, summary="What a feature is tied to", **GET_ITEM_RELATIONS)
def item_relations(request: Request) -> Response:
    """Links of a feature by type and direction, with titles; `depth` follows them onward."""
    parameters = read_parameters(request, _ITEM_NAMES)
    chosen = negotiate(parameters, request.headers.get("accept"), PAGES)
    record, desk, actor = layer_of(request), desk_of(request), actor_of(request)
    feature = Ref(record.id, str(request.path_params["featureId"]))
    version, moment = parse_known(parameters.get("as_of"), desk, feature.layer)
    desk.store.get(*feature, as_of=version_then(moment, desk, feature.layer))
    depth = parse_count(parameters.get("depth"), "depth", 1, MAX_DEPTH)
    limit = parse_count(parameters.get("limit"), "limit", 100, 1_000)
    etag = _etag(request, desk, chosen.name + _layer_states(request))
    if is_fresh(request, etag):
        return Response(status_code=304, headers={"ETag": etag, "Vary": "Accept"})
    wanted = replace(parse_link_query(parameters, desk, feature), version=version)
    found = surroundings(desk, feature, wanted, actor, depth=depth, limit=limit, moment=moment)
    base, title = base_url(request), feature_titles(desk, [feature], moment).get(feature, "")
    here = f"{base}{item_path(*feature)}"
    links = self_links(f"{here}/relations", list(parameters.items()), PAGES, chosen)
    links.append(link(here, "up", "application/geo+json", title or feature.id))
    headers = {"ETag": etag, "Cache-Control": "no-cache", "Vary": "Accept"}
    if chosen is HTML:
        rows = rows_of(found.groups, base)
        return page(
            "relations.html", headers, base=base, record=record, feature=feature, title=title, rows=rows, links=links
        )
    return json_answer(surroundings_document(feature, title, found, links, base), headers=headers)


def _record_one(request: Request, document: Mapping[str, Any]) -> Response:
    desk, actor = desk_of(request), actor_of(request)
    (link_id,) = desk.record(parse_links([document]), actor, "link recorded").ids
    made, base = desk.get(link_id, actor), base_url(request)
    headers = {"Location": f"{base}/relations/{link_id}", "ETag": f'"{made.version}"'}
    return json_answer(link_answer(made, base), status=201, headers=headers)


def _record(request: Request, rows: LinkRows, partial: bool) -> Response:
    report = desk_of(request).record(rows, actor_of(request), "links recorded", partial=partial)
    return json_answer(report_document(report), status=201)


def _derive(request: Request, document: Mapping[str, Any]) -> Response:
    stray = set(document) - {"type", "from", "to", "within_m", "dry_run"}
    within_m, dry_run = document.get("within_m"), document.get("dry_run", False)
    is_number = within_m is None or (isinstance(within_m, int | float) and not isinstance(within_m, bool))
    if stray or not isinstance(dry_run, bool) or not is_number or not 0 <= (within_m or 0) <= 100_000:
        raise MalformedBodyError(
            "The body has a member that is not expected here.",
            value=", ".join(sorted(stray)) or f"within_m={within_m}, dry_run={dry_run}",
            limit="type, from, to; within_m from 0 to 100000; dry_run true or false",
            remedy='Send {"type": "in-grid-cell", "from": "sensors", "to": "grid-cells"}.',
        )
    type_id, from_layer, to_layer = (text_member(document, name) for name in ("type", "from", "to"))
    derived = desk_of(request).derive(
        type_id, from_layer, to_layer, actor_of(request), within_m=within_m or None, dry_run=dry_run
    )
    return json_answer(derived_document(derived))


def _change(request: Request, patch: Mapping[str, Any]) -> Response:
    desk, actor, link_id = desk_of(request), actor_of(request), _link_id(request)
    expected = link_expected_version(request, desk.get(link_id, actor).version)
    state = desk.amend(link_id, lambda stands: amended(stands, patch), actor, expected)
    return json_answer(link_answer(state, base_url(request)), headers={"ETag": f'"{state.version}"'})


def _link_id(request: Request) -> int:
    return parse_link_id(str(request.path_params["relationId"]))


def _etag(request: Request, desk: RelationDesk, more: str) -> str:
    """Weak: the same links, asked the same way by somebody who may see the same."""
    sum_ = crc32(f"{request.url.path}?{request.url.query}|{base_url(request)}|{more}".encode())
    return f'W/"{desk.relations.version()}-{sum_:x}"'


def _layer_states(request: Request) -> str:
    """Versions of all layers that the one who asks may know of: titles and successors come from any of them."""
    desk, hidden = desk_of(request), desk_of(request).hidden(actor_of(request))
    return str([(r.id, r.version, r.updated_at) for r in desk.store.layers() if r.id not in hidden])


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _require(request: Request, media_types: tuple[str, ...]) -> None:
    given = _media_type(request)
    if given not in media_types:
        raise UnsupportedMediaError(
            "The body comes in a media type that is not read here.",
            value=given or "no Content-Type",
            limit=", ".join(media_types),
            remedy=f"Send Content-Type: {media_types[0]}.",
        )


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBodyError(f"This is not UTF-8: {error.reason}.", remedy="Save the file as UTF-8.") from error
