"""The one table from errors to status codes, and the one shape of an error answer: `application/problem+json`.

Source: RFC 9457 (problem details for HTTP APIs).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import orjson
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from twin.errors import (
    BadCall,
    BadData,
    Conflict,
    Finding,
    Forbidden,
    NotFound,
    OneMapError,
    TileOutsideGridError,
    TooLargeError,
    Unavailable,
    UnknownGridError,
    VersionConflictError,
    shorten,
)

log = logging.getLogger(__name__)

PROBLEM_JSON = "application/problem+json"


class UnknownParameterError(BadCall):
    """A query parameter that this resource does not have."""

    code = "unknown-parameter"


class BadParameterError(BadCall):
    """A query parameter whose value cannot be read."""

    code = "bad-parameter"


class BadTokenError(BadCall):
    """A paging token that is broken, changed, or of another query."""

    code = "bad-token"


class MalformedBodyError(BadCall):
    """A body that is not JSON, or not the JSON it should be."""

    code = "malformed-body"


class NotAcceptableError(BadCall):
    """A representation was asked for that this resource does not have."""

    code = "not-acceptable"


class UnsupportedMediaError(BadCall):
    """A body arrived in a media type that this resource does not read."""

    code = "unsupported-media-type"


class AddressTooLongError(BadCall):
    """A request target above the configured length."""

    code = "address-too-long"


# First match wins: a class stands above its base.
STATUS: tuple[tuple[type[OneMapError], int], ...] = (
    (NotAcceptableError, 406),
    (UnsupportedMediaError, 415),
    (AddressTooLongError, 414),
    (TooLargeError, 413),
    (VersionConflictError, 412),
    (TileOutsideGridError, 404),
    (UnknownGridError, 404),
    (BadCall, 400),
    (BadData, 422),
    (NotFound, 404),
    (Conflict, 409),
    (Forbidden, 403),
    (Unavailable, 503),
)

# What OGC API Processes calls its exceptions (18-062r2, 7.9 to 7.13); every other type is a URN of ours.
_PROCESSES = "http://www.opengis.net/def/exceptions/ogcapi-processes-1/1.0/"
TYPES = {
    "unknown-process": _PROCESSES + "no-such-process",
    "unknown-job": _PROCESSES + "no-such-job",
    "result-not-ready": _PROCESSES + "result-not-ready",
}

TITLES = {
    400: "Bad request",
    403: "Refused",
    404: "Not found",
    405: "Method not allowed",
    406: "No such representation",
    409: "Conflict",
    412: "Changed since you read it",
    413: "Too large",
    414: "Address too long",
    415: "Media type not supported",
    416: "No such range",
    422: "Data cannot be taken",
    500: "Internal error",
    503: "Not available now",
}


def status_of(error: OneMapError) -> int:
    """HTTP status of an expected error; 500 for one that belongs to no family."""
    return next((status for family, status in STATUS if isinstance(error, family)), 500)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    value: str | None = None,
    limit: str = "",
    remedy: str = "",
    findings: tuple[Finding, ...] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error answer. `code` is stable; `value`, `limit` and `remedy` are left out when there are none."""
    body: dict[str, Any] = {
        "type": TYPES.get(code, f"urn:onemap:error:{code}"),
        "title": TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    body |= {key: text for key, text in (("value", value), ("limit", limit), ("remedy", remedy)) if text}
    if findings:
        body["findings"] = [finding.to_dict() for finding in findings]
    return Response(_dump(body), status, headers=dict(headers or {}), media_type=PROBLEM_JSON)


def problem_of(error: OneMapError) -> Response:
    """The answer to an expected error. A 5xx keeps its reason to the log."""
    status = status_of(error)
    if status >= 500:
        log.error("%s: %s", type(error).__name__, error)
        headers = {"Retry-After": "5"} if status == 503 else None
        return problem(status, error.code, "The server could not do this now.", headers=headers)
    return problem(
        status,
        error.code,
        error.message,
        value=error.value,
        limit=error.limit,
        remedy=error.remedy,
        findings=error.findings,
    )


def install_error_handlers(app: FastAPI) -> None:
    """Make every failure of `app` a problem+json answer."""
    app.add_exception_handler(OneMapError, _on_expected)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_expected(request: Request, error: Exception) -> Response:
    assert isinstance(error, OneMapError)
    return problem_of(error)


async def _on_validation(request: Request, error: Exception) -> Response:
    """Declared parameters that cannot be read are bad calls (400); a declared body that cannot be taken is 422."""
    assert isinstance(error, RequestValidationError)
    found = tuple(_finding(entry) for entry in error.errors())
    if any(entry.get("type") == "json_invalid" for entry in error.errors()):
        return problem(400, MalformedBodyError.code, "The body is not JSON.", findings=found)
    in_body = any(entry.get("loc", ("",))[0] == "body" for entry in error.errors())
    if in_body:
        return problem(422, BadData.code, "The body does not fit its description.", findings=found)
    return problem(400, BadParameterError.code, "A parameter cannot be read.", findings=found)


def _finding(entry: Mapping[str, Any]) -> Finding:
    where = "/".join(str(part) for part in entry.get("loc", ()))
    return Finding(
        where=where,
        value=shorten(entry.get("input")),
        problem=str(entry.get("msg", "not valid")),
        remedy="See the description of this parameter at /docs.",
    )


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not-found", 405: "method-not-allowed", 413: TooLargeError.code}.get(error.status_code, "http-error")
    detail = {
        404: "There is nothing at this address.",
        405: f"{request.method} is not offered at this address.",
    }.get(error.status_code, str(error.detail) if error.status_code < 500 else "The server could not do this.")
    return problem(error.status_code, code, detail, headers=error.headers)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, "internal-error", "Something went wrong on the server; its log has the reason.")


def _dump(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:  # lone surrogates in an echoed value
        return orjson.dumps(_printable(body))


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, dict):
        return {key: _printable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_printable(item) for item in value]
    return value
