"""Codes over HTTP: every code of a place, the place of every code, the codes of an area, and the lists behind them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.code_documents import (
    code_rows,
    collection_of,
    edition_document,
    feature_of,
    place_rows,
    systems_document,
    with_addresses,
)
from api.code_operations import (
    ADD_EDITION,
    CODE_PATH,
    COVER_AREA,
    EDITION_PATH,
    GET_CLASSES,
    GET_CODE,
    GET_CODES,
    GET_EDITIONS,
    GET_SYSTEMS,
)
from api.code_query import AREA_NAMES, POINT_NAMES, parse_box, parse_covering, parse_day, parse_geometry, parse_place
from api.deps import parts_of
from api.errors import BadParameterError, MalformedBodyError
from api.layer_parts import MEBIBYTE, actor_of, place_codes_of, registry_of
from api.links import base_url
from api.negotiation import GEOJSON, HTML, ITEM, PAGES, negotiate
from api.operation import ThinRoute
from api.parameters import read_parameters
from api.responses.documents import json_answer
from api.responses.html import page
from api.uploads import read_body
from api.view_address import code_view_address
from layers.policy import Action
from twin.codes.classes import ClassCatalogue, Kind
from twin.codes.division_editions import EditionHead, read_divisions_csv
from twin.codes.port import CodeReading

router = APIRouter(tags=["codes"], route_class=ThinRoute)
_NAMES = tuple(dict.fromkeys((*POINT_NAMES, *AREA_NAMES, "code")))
_FRESH = {"Cache-Control": "no-cache"}


@router.get("/codes", summary="The codes of a place or an area", **GET_CODES)
def codes(request: Request) -> Response:
    """Sheets, BeiDou cells, divisions and unit grid cell of a point (`lon`, `lat`), the codes of a `bbox`, or what a `code` says."""
    parameters = read_parameters(request, _NAMES)
    ways = [name for name in ("bbox", "code") if name in parameters]
    if ways and ("lon" in parameters or "lat" in parameters or len(ways) > 1):
        raise BadParameterError(
            "A point, an area or a code.", value=", ".join(parameters), limit="one of the three", remedy="Ask for each."
        )
    if "bbox" in parameters:
        return _area(request, parse_box(parameters["bbox"]), parameters)
    if "code" in parameters:
        return _code(request, parameters["code"], parameters)
    chosen = negotiate(parameters, request.headers.get("accept"), PAGES)
    base = base_url(request)
    if chosen is HTML and "lon" not in parameters and "lat" not in parameters:
        return page(
            "codes_place.html", {"Vary": "Accept"}, base=base, document=None, rows=[], systems=_systems(request)
        )
    place, day = parse_place(parameters), _day(request, parameters)
    document = with_addresses(place_codes_of(request).at(place, day, actor_of(request)), base)
    if chosen is HTML:
        rows = list(place_rows(document))
        return page(
            "codes_place.html", _FRESH | {"Vary": "Accept"}, base=base, document=document, rows=rows, systems=[]
        )
    return json_answer(document, headers=_FRESH)


@router.post("/codes", summary="The codes of an area", **COVER_AREA)
async def cover_area(request: Request) -> Response:
    """The codes that a GeoJSON geometry or feature in the body lies in, as a FeatureCollection."""
    parameters = read_parameters(request, tuple(name for name in AREA_NAMES if name not in ("bbox", "f")))
    geometry = parse_geometry(await read_body(request, parts_of(request).settings.max_body_mb * MEBIBYTE))
    return await run_in_threadpool(_area, request, geometry, parameters)


@router.get("/codes/systems", summary="Code systems", **GET_SYSTEMS)
def systems(request: Request) -> Response:
    """What code systems there are, with an example of each, and the editions of component and matter classes."""
    chosen = negotiate(read_parameters(request, ("f",)), request.headers.get("accept"), PAGES)
    document = systems_document(place_codes_of(request).systems, place_codes_of(request).classes, base_url(request))
    if chosen is HTML:
        return page(
            "codes_place.html",
            {"Vary": "Accept"},
            base=base_url(request),
            document=None,
            rows=[],
            systems=document["systems"],
        )
    return json_answer(document)


@router.get("/codes/components", summary="Component and matter classes", **GET_CLASSES)
def component_classes(request: Request) -> Response:
    """The classes of city components and matters of one edition."""
    parameters = read_parameters(request, ("edition", "kind", "at", "f"))
    chosen = negotiate(parameters, request.headers.get("accept"), PAGES)
    catalogue = place_codes_of(request).classes
    edition = catalogue.edition(parameters.get("edition") or _in_force(catalogue, _day(request, parameters)))
    if "kind" in parameters and parameters["kind"] not in list(Kind):
        raise BadParameterError(
            "There is no such kind.", value=parameters["kind"], limit="|".join(Kind), remedy="Use one of these."
        )
    classes = edition.of_kind(Kind(parameters["kind"]) if "kind" in parameters else None)
    if chosen is HTML:
        return page("codes_classes.html", {"Vary": "Accept"}, base=base_url(request), edition=edition, classes=classes)
    return json_answer({**edition.to_dict(), "classes": [known.to_dict() for known in classes]})


@router.get("/codes/divisions", summary="Editions of the division list", **GET_EDITIONS)
def division_editions(request: Request) -> Response:
    """Every edition of the list of administrative divisions, the latest first."""
    read_parameters(request, ())
    return json_answer(
        {"editions": [edition_document(entry) for entry in place_codes_of(request).divisions.editions()]}
    )


@router.put(EDITION_PATH, summary="A new edition of the division list", **ADD_EDITION)
async def add_division_edition(request: Request) -> Response:
    """Take a table (CSV with `code` and `name`) in as an edition, in one transaction; what would hold twice at a time is refused."""
    parameters = read_parameters(request, ("valid_from", "valid_to", "source"))
    if "valid_from" not in parameters:
        raise BadParameterError(
            "An edition needs its first day.", limit="valid_from=YYYY-MM-DD", remedy="Give valid_from."
        )
    today = parts_of(request).clock().date()
    start = parse_day(parameters["valid_from"], today)
    end = parse_day(parameters["valid_to"], today) if "valid_to" in parameters else None
    head = EditionHead(str(request.path_params["edition"]), start, end, parameters.get("source", ""))
    actor = actor_of(request)
    registry_of(request).policy.authorise(actor, Action.WRITE_REFERENCE_DATA, "divisions")
    body = await read_body(request, parts_of(request).settings.max_body_mb * MEBIBYTE)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedBodyError(
            "The table is not UTF-8.", value=f"byte {error.start}", remedy="Save it as UTF-8."
        ) from error
    divisions = (await run_in_threadpool(place_codes_of, request)).divisions
    edition = await run_in_threadpool(read_divisions_csv, text, head)
    recorded = await run_in_threadpool(divisions.add, edition, actor.author(f"edition {head.id}"))
    return json_answer(edition_document(recorded), status=201)


@router.get(CODE_PATH, summary="What a code says", **GET_CODE)
def code(request: Request) -> Response:
    """The place and the meaning of a code; a code that fits several systems comes with every reading of it."""
    parameters = read_parameters(request, ("system", "at", "f"))
    return _code(request, str(request.path_params["code"]), parameters)


def _code(request: Request, text: str, parameters: dict[str, str]) -> Response:
    chosen = negotiate(parameters, request.headers.get("accept"), ITEM)
    base, day = base_url(request), _day(request, parameters)
    readings = place_codes_of(request).read(text, day, actor_of(request), parameters.get("system"))
    if chosen is HTML:
        return _code_page(request, text, readings)
    (first, *others) = readings
    document = feature_of(first, base) if not others else collection_of(readings, base, ambiguous=True)
    return json_answer(document, GEOJSON.media_type, headers=_FRESH)


def _code_page(request: Request, text: str, readings: Sequence[CodeReading]) -> Response:
    base = base_url(request)
    records = registry_of(request).layers(actor_of(request))
    entries = [
        {"title": reading.title, "rows": code_rows(reading), "map": code_view_address(base, reading.geometry, records)}
        for reading in readings
    ]
    return page("codes_code.html", _FRESH | {"Vary": "Accept"}, base=base, code=text, readings=entries)


def _area(request: Request, geometry: Any, parameters: dict[str, str]) -> Response:
    negotiate(parameters, request.headers.get("accept"), (GEOJSON,))
    wanted = parse_covering(parameters)
    found = place_codes_of(request).covering(geometry, wanted, _day(request, parameters), actor_of(request))
    return Response(
        orjson.dumps(collection_of(found, base_url(request), system=wanted.system)),
        headers=_FRESH,
        media_type=GEOJSON.media_type,
    )


def _day(request: Request, parameters: dict[str, str]) -> date:
    return parse_day(parameters.get("at"), parts_of(request).clock().date())


def _in_force(catalogue: ClassCatalogue, day: date) -> str:
    """The edition in force on a day; the newest where none says that it is."""
    for edition in catalogue.editions.values():
        if (edition.valid_from is None or edition.valid_from <= day) and (
            edition.valid_to is None or day < edition.valid_to
        ):
            return edition.id
    return next(iter(catalogue.editions))


def _systems(request: Request) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = systems_document(
        place_codes_of(request).systems, place_codes_of(request).classes, base_url(request)
    )["systems"]
    return found
