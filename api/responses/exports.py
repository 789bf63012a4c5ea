"""A whole selection in a bulk format."""

from __future__ import annotations

from starlette.responses import Response

from api.deps import Parts
from api.errors import NotAcceptableError
from api.item_query import ItemsRequest


def export_answer(parts: Parts, wanted: ItemsRequest, headers: dict[str, str]) -> Response:
    raise NotAcceptableError("This format is not written yet.", value=wanted.format.name)
