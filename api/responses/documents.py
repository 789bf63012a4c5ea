"""JSON documents as answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response


def json_answer(
    document: Any, media_type: str = "application/json", status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`document` as JSON; the answer depends on Accept, and caches are told so."""
    sent = {"Vary": "Accept", **(headers or {})}
    return Response(orjson.dumps(document, option=orjson.OPT_UTC_Z), status, headers=sent, media_type=media_type)
