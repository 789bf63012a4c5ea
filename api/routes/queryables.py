"""What a layer's features hold, what filters may name, and what an answer can be sorted by: three JSON Schemas."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.documents import layer_title, schema_document
from api.layer_parts import layer_of
from api.links import base_url
from api.negotiation import HTML, SCHEMAS, negotiate
from api.operation import COLLECTION_ID, COLLECTION_PATH, ThinRoute, answers, described, format_parameter, problems
from api.parameters import read_parameters
from api.responses.documents import json_answer
from api.responses.html import page

router = APIRouter(tags=["collections"], route_class=ThinRoute)
_PARAMETERS = [COLLECTION_ID, format_parameter(SCHEMAS)]
_ANSWERS = answers(SCHEMAS) | problems(400, 404, 406)
_TITLES = {
    "queryables": ("可查询属性", "Queryables"),
    "sortables": ("可排序属性", "Sortables"),
    "schema": ("数据结构", "Schema"),
}


@router.get(
    COLLECTION_PATH + "/queryables",
    summary="Queryables",
    **described(_PARAMETERS, _ANSWERS, operation_id="getQueryables"),
)
def queryables(request: Request) -> Response:
    """The properties that filters and query parameters may name."""
    return _schema_answer(request, "queryables")


@router.get(
    COLLECTION_PATH + "/sortables",
    summary="Sortables",
    **described(_PARAMETERS, _ANSWERS, operation_id="getSortables"),
)
def sortables(request: Request) -> Response:
    """The properties that `sortby` may name."""
    return _schema_answer(request, "sortables")


@router.get(
    COLLECTION_PATH + "/schema",
    summary="Schema",
    **described(_PARAMETERS, _ANSWERS, operation_id="getSchema"),
)
def schema(request: Request) -> Response:
    """The properties that a feature holds, and which of them it must have."""
    return _schema_answer(request, "schema")


def _schema_answer(request: Request, role: str) -> Response:
    chosen = negotiate(read_parameters(request, ("f",)), request.headers.get("accept"), SCHEMAS)
    base, record = base_url(request), layer_of(request)
    if chosen is HTML:
        return page(
            "schema.html",
            {"Vary": "Accept"},
            base=base,
            record=record,
            title=layer_title(record),
            role=role,
            role_title=_TITLES[role],
        )
    document = schema_document(record, f"{base}/collections/{record.id}/{role}", role=role)
    return json_answer(document, chosen.media_type)
