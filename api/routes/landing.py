"""The way in: landing page, conformance, the OpenAPI document and its human form."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from api.documents import landing_links, layer_title
from api.layer_parts import actor_of, registry_of
from api.links import base_url, self_links
from api.negotiation import HTML, PAGES, Format, negotiate
from api.openapi import OPENAPI_FORMATS, openapi_bytes, openapi_document, operations_by_tag
from api.operation import ThinRoute, answers, described, format_parameter, problems
from api.parameters import read_parameters
from api.responses.documents import json_answer
from api.responses.html import page
from api.routes.health import software_version

router = APIRouter(tags=["service"], route_class=ThinRoute)
_F = format_parameter(PAGES)
_ANSWERS = answers(PAGES) | problems(400, 406)


def _wanted(request: Request) -> Format:
    return negotiate(read_parameters(request, ("f",)), request.headers.get("accept"), PAGES)


@router.get("/", summary="Landing page", **described([_F], _ANSWERS, operation_id="getLandingPage"))
def landing(request: Request) -> Response:
    """What this service is and the ways into it."""
    chosen, base, parts = _wanted(request), base_url(request), parts_of(request)
    links = self_links(f"{base}/", (), PAGES, chosen) + landing_links(base)
    title = parts.settings.title
    if chosen is HTML:
        records = registry_of(request).layers(actor_of(request))
        layers = [{"record": record, "title": layer_title(record)} for record in records]
        return page(
            "landing.html", {"Vary": "Accept"}, base=base, title=title, layers=layers, version=software_version()
        )
    return json_answer(
        {
            "title": f"{title.zh} {title.en}",
            "description": "参考底图、部门图层与统一视图。 A reference base map, department layers and one fused view.",
            "links": links,
        }
    )


@router.get("/conformance", summary="Conformance", **described([_F], _ANSWERS, operation_id="getConformance"))
def conformance(request: Request) -> Response:
    """The conformance classes that are implemented here."""
    chosen, base = _wanted(request), base_url(request)
    classes = sorted(request.app.state.conformance)
    if chosen is HTML:
        return page("conformance.html", {"Vary": "Accept"}, base=base, classes=classes)
    return json_answer({"conformsTo": classes, "links": self_links(f"{base}/conformance", (), PAGES, chosen)})


@router.get("/api", summary="OpenAPI document", **described(operation_id="getApi", responses=answers(OPENAPI_FORMATS)))
def api(request: Request) -> Response:
    """This service as OpenAPI 3.0, whole and without references to other documents."""
    chosen = negotiate(read_parameters(request, ("f",)), request.headers.get("accept"), OPENAPI_FORMATS)
    if chosen is HTML:
        return docs(request)
    return Response(openapi_bytes(request), headers={"Vary": "Accept"}, media_type=chosen.media_type)


@router.get("/docs", summary="API documentation", **described(operation_id="getDocs", responses=answers((HTML,))))
def docs(request: Request) -> Response:
    """The same document for people."""
    document = openapi_document(request)
    return page("docs.html", base=base_url(request), document=document, groups=operations_by_tag(document))
