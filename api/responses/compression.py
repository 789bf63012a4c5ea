"""Gzip for large answers, when the operator wants it and the client takes it."""

from __future__ import annotations

import gzip

from starlette.requests import Request
from starlette.responses import Response

from api.settings import Settings


def compressed(request: Request, answer: Response, settings: Settings) -> Response:
    """The same answer, gzipped at the cheapest level where it is large enough and the client accepts it.

    A page of 1000 features costs more to compress than to make: that is why the setting is off by default.
    """
    minimum = settings.compress_min_kb * 1024
    body = bytes(answer.body)
    if not minimum or len(body) < minimum or "gzip" not in request.headers.get("accept-encoding", ""):
        return answer
    answer.body = gzip.compress(body, compresslevel=1, mtime=0)
    answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Content-Length"] = str(len(answer.body))
    answer.headers["Vary"] = "Accept, Accept-Encoding"
    return answer
