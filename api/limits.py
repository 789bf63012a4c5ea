"""Limits that hold before any route is reached: length of the address, size of the body."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import AddressTooLongError, problem_of
from api.settings import Settings
from twin.errors import TooLargeError

UPLOAD_PREFIXES = ("/layers", "/scenes")


class RequestLimits:
    """ASGI middleware that refuses what is too long or too large, as early as it is known."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.url_length_max = settings.url_length_max
        self.max_body = settings.max_body_mb * 1024 * 1024
        self.max_upload = settings.max_upload_mb * 1024 * 1024

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        length = len(scope.get("raw_path") or b"") + len(scope.get("query_string") or b"")
        if length > self.url_length_max:
            await problem_of(_address_too_long(length, self.url_length_max))(scope, receive, send)
            return
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        limit = self.max_upload if scope["path"].startswith(UPLOAD_PREFIXES) else self.max_body
        declared = _declared_length(scope)
        if declared is not None and declared > limit:
            answer = problem_of(_too_large(f"{declared} bytes", limit))
            answer.headers["Connection"] = "close"  # nobody will read the rest
            await answer(scope, receive, send)
            return
        await self.app(scope, _counted(receive, limit), send)


def _declared_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else None
    return None


def _counted(receive: Receive, limit: int) -> Receive:
    """`receive`, refusing the body once more than `limit` bytes have come (chunked bodies declare no length)."""
    seen = 0

    async def counted() -> Message:
        nonlocal seen
        message = await receive()
        if message["type"] == "http.request":
            seen += len(message.get("body", b""))
            if seen > limit:
                raise HTTPException(
                    413, f"The body is larger than {limit // (1024 * 1024)} MB.", {"Connection": "close"}
                )
        return message

    return counted


def _too_large(value: str, limit: int) -> TooLargeError:
    return TooLargeError(
        "The body is too large.",
        value=value,
        limit=f"{limit // (1024 * 1024)} MB",
        remedy="Send less at once; the operator can raise ONEMAP_MAX_BODY_MB or ONEMAP_MAX_UPLOAD_MB.",
    )


def _address_too_long(length: int, limit: int) -> AddressTooLongError:
    return AddressTooLongError(
        "The address is too long.",
        value=f"{length} bytes",
        limit=f"{limit} bytes",
        remedy="Shorten the filter; the operator can raise ONEMAP_URL_LENGTH_MAX.",
    )
