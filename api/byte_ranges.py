"""A file by ranges of bytes. Source: RFC 9110, sections 13.1 and 14.

One range at a time: of several the whole is given, as a server may. So it is for a unit that is not bytes, as a server must.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from api.errors import problem
from api.etags import is_fresh

_CHUNK = 1 << 20
_SEVERAL = re.compile(r"bytes\s*=.*,.*", re.IGNORECASE | re.DOTALL)
_ONE = re.compile(r"bytes\s*=\s*([0-9]{0,19})-([0-9]{0,19})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteSource:
    """What is given by ranges.

    Attributes:
        size: Bytes of all of it.
        read: Gives bytes by start and length.
        etag: Strong validator.
        media_type: Of all of it.
    """

    size: int
    read: Callable[[int, int], bytes]
    etag: str
    media_type: str


def answer_bytes(request: Request, source: ByteSource, headers: dict[str, str]) -> Response:
    """All of it (200), the range asked for (206), nothing new (304), or what is wrong with the range (400, 416)."""
    headers = headers | {"ETag": source.etag, "Accept-Ranges": "bytes"}
    if is_fresh(request, source.etag):
        return Response(status_code=304, headers=headers)
    asked = request.headers.get("range")
    if asked is None or request.headers.get("if-range", source.etag) != source.etag or _is_ignored(asked):
        return _stream(source, 0, source.size, 200, headers)
    match = _ONE.fullmatch(asked)
    found = match and _span(match[1], match[2], source.size)
    if not found:
        return problem(
            400,
            "bad-range",
            "The header Range cannot be read.",
            value=asked[:200],
            limit="bytes=first-last, bytes=first- or bytes=-length",
            remedy="Ask for one range whose first byte is not behind its last.",
        )
    start, end = found
    if start >= end:
        return problem(
            416,
            "range-beyond-the-end",
            "The range lies behind the end.",
            value=asked[:200],
            limit=f"{source.size} bytes",
            remedy="Ask for bytes before the end.",
            headers={"Content-Range": f"bytes */{source.size}"},
        )
    headers |= {"Content-Range": f"bytes {start}-{end - 1}/{source.size}"}
    return _stream(source, start, end, 206, headers)


def _is_ignored(asked: str) -> bool:
    return not asked.lower().startswith("bytes") or _SEVERAL.fullmatch(asked) is not None


def _span(first: str, last: str, size: int) -> tuple[int, int] | None:
    """Start and end of a range, an empty one where nothing of it is there; None where it is none."""
    if first and last:
        return None if int(last) < int(first) else (int(first), min(int(last) + 1, size))
    if first:
        return int(first), size
    return (max(size - int(last), 0), size) if last else None


def _stream(source: ByteSource, start: int, end: int, status: int, headers: dict[str, str]) -> Response:
    headers = headers | {"Content-Length": str(end - start)}
    if end - start <= _CHUNK:
        return Response(source.read(start, end - start), status, headers, source.media_type)
    return StreamingResponse(_chunks(source, start, end), status, headers, source.media_type)


def _chunks(source: ByteSource, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, _CHUNK):
        yield source.read(at, min(_CHUNK, end - at))
