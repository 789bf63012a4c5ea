"""Collections: every layer, described."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.crs_edge import OFFERED
from api.documents import collection_document, layer_title
from api.layer_parts import actor_of, layer_of, registry_of
from api.links import base_url, self_links
from api.negotiation import HTML, PAGES, negotiate
from api.operation import COLLECTION_ID, COLLECTION_PATH, ThinRoute, answers, described, format_parameter, problems
from api.parameters import read_parameters
from api.responses.documents import json_answer
from api.responses.html import page
from api.view_address import view_address

router = APIRouter(tags=["collections"], route_class=ThinRoute)
_F = format_parameter(PAGES)


@router.get(
    "/collections",
    summary="All collections",
    **described([_F], answers(PAGES) | problems(400, 406), operation_id="getCollections"),
)
def collections(request: Request) -> Response:
    """Every layer as a collection."""
    chosen = negotiate(read_parameters(request, ("f",)), request.headers.get("accept"), PAGES)
    base, records = base_url(request), registry_of(request).layers(actor_of(request))
    if chosen is HTML:
        layers = [{"record": record, "title": layer_title(record)} for record in records]
        return page("collections.html", {"Vary": "Accept"}, base=base, layers=layers)
    found = []
    for record in records:
        document = collection_document(record, base)
        document["links"] = self_links(f"{base}/collections/{record.id}", (), PAGES, PAGES[0]) + document["links"]
        found.append(document)
    return json_answer(
        {"links": self_links(f"{base}/collections", (), PAGES, chosen), "crs": list(OFFERED), "collections": found}
    )


@router.get(
    COLLECTION_PATH,
    summary="One collection",
    **described([COLLECTION_ID, _F], answers(PAGES) | problems(400, 404, 406), operation_id="getCollection"),
)
def collection(request: Request) -> Response:
    """One layer as a collection."""
    chosen = negotiate(read_parameters(request, ("f",)), request.headers.get("accept"), PAGES)
    base, record = base_url(request), layer_of(request)
    document = collection_document(record, base)
    document["links"] = self_links(f"{base}/collections/{record.id}", (), PAGES, chosen) + document["links"]
    if chosen is HTML:
        return page(
            "collection.html",
            {"Vary": "Accept"},
            base=base,
            record=record,
            title=layer_title(record),
            document=document,
            map=view_address(base, record, registry_of(request).layers(actor_of(request)), record.bounds),
        )
    return json_answer(document)
