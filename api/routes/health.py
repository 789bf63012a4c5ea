"""Whether the server and its store are alive."""

from __future__ import annotations

import logging
from importlib.metadata import PackageNotFoundError, version

import orjson
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api.deps import parts_of
from twin.errors import OneMapError

log = logging.getLogger(__name__)
router = APIRouter(tags=["service"])


@router.get("/health")
def health(request: Request) -> Response:
    """200 with the version and the number of layers; 503 when the store does not answer."""
    try:
        layers = len(parts_of(request).store.layers())
    except (OneMapError, OSError) as error:
        log.warning("The store does not answer: %s", error)
        return _answer(503, {"status": "store-down", "version": software_version()})
    return _answer(200, {"status": "ok", "version": software_version(), "layers": layers})


def software_version() -> str:
    """Version of the installed distribution; "dev" in a bare checkout."""
    try:
        return version("onemap-twin")
    except PackageNotFoundError:
        return "dev"


def _answer(status: int, body: dict[str, object]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return Response(orjson.dumps(body), status, headers=headers, media_type="application/json")
