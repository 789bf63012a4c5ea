"""How the feature resources describe themselves in the OpenAPI document: parameters, answers, and a route without overhead.

These routes read their query strings themselves (names depend on the layer, an unknown one is an error), so they say here
what FastAPI would otherwise have read from a signature.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from api.errors import PROBLEM_JSON, TITLES
from api.negotiation import Format

JsonObject = dict[str, Any]

PROBLEM_REF = {"$ref": "#/components/schemas/Problem"}
PROBLEM_SCHEMA: JsonObject = {
    "type": "object",
    "description": "What went wrong, in the shape of RFC 9457.",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable: match on it."},
        "detail": {"type": "string"},
        "value": {"type": "string", "description": "What was found."},
        "limit": {"type": "string", "description": "The rule it broke."},
        "remedy": {"type": "string", "description": "What to do."},
        "findings": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("where", "value", "problem", "remedy")},
            },
        },
    },
}


class ThinRoute(APIRoute):
    """A route whose endpoint takes the request and gives the answer; a plain function runs in a worker thread."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint = self.endpoint
        if inspect.iscoroutinefunction(endpoint):
            return endpoint

        async def handle(request: Request) -> Response:
            answer: Response = await run_in_threadpool(endpoint, request)
            return answer

        return handle


def query(name: str, schema: JsonObject, description: str, **more: Any) -> JsonObject:
    """A query parameter."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema, **more}


def path(name: str, description: str, example: str) -> JsonObject:
    """A path parameter."""
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": description,
        "schema": {"type": "string", "minLength": 1},
        "example": example,
    }


def header(name: str, description: str) -> JsonObject:
    """A request header."""
    return {"name": name, "in": "header", "required": False, "description": description, "schema": {"type": "string"}}


def format_parameter(offers: Sequence[Format]) -> JsonObject:
    names = [offer.name for offer in offers]
    return query("f", {"type": "string", "enum": names}, "Representation; stands above the Accept header.")


def answers(offers: Sequence[Format], schema: JsonObject | None = None, status: int = 200) -> JsonObject:
    """The good answer in each of its media types."""
    content = {}
    for offer in offers:
        described = schema or {"type": "object"}
        if offer.name == "json":
            content[offer.media_type] = {"schema": described}
        elif offer.media_type.startswith("text/"):
            content[offer.media_type] = {"schema": {"type": "string"}}
        else:
            content[offer.media_type] = {"schema": {"type": "string", "format": "binary"}}
    return {str(status): {"description": "Done.", "content": content}}


def problems(*statuses: int) -> JsonObject:
    """The declared error answers; every operation may also meet 500 and 503."""
    return {
        str(status): {"description": TITLES[status], "content": {PROBLEM_JSON: {"schema": PROBLEM_REF}}}
        for status in sorted({*statuses, 500, 503})
    }


def described(
    parameters: Sequence[JsonObject] = (),
    responses: JsonObject | None = None,
    body: JsonObject | None = None,
    operation_id: str = "",
) -> dict[str, Any]:
    """Keyword arguments of a route decorator that describe a thin route wholly by hand."""
    extra: JsonObject = {"parameters": list(parameters), "responses": responses or {}, "operationId": operation_id}
    if body is not None:
        extra["requestBody"] = body
    return {"openapi_extra": extra, "operation_id": operation_id or None, "response_class": Response}


COLLECTION_ID = path("collectionId", "Id of the collection: a layer's id.", "buildings")
FEATURE_ID = path("featureId", "Id of the feature.", "1")

# Paths as constants: thin routes take their path parameters from the request.
COLLECTION_PATH = "/collections/{collectionId}"
ITEMS_PATH = COLLECTION_PATH + "/items"
# A feature's id may hold any character, slashes included.
ITEM_PATH = ITEMS_PATH + "/{featureId:path}"
