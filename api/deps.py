"""What every route may use: the parts of the running server, reached through the request."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from api.settings import Settings
from twin.store.port import Author, Store


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one server.

    Attributes:
        settings: Read once at start.
        store: Where layers live.
    """

    settings: Settings
    store: Store


def parts_of(request: Request) -> Parts:
    """The parts of the server that answers `request`."""
    parts: Parts = request.app.state.parts
    return parts


def author_of(request: Request) -> Author:
    """Who writes. Until there is a sign-in, everybody is anonymous."""
    return Author("anonymous", reason=request.headers.get("x-reason", "")[:500])
