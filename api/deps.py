"""What every route may use: the parts of the running server, reached through the request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import BoundedSemaphore

from starlette.requests import Request

from api.settings import Settings
from layers.memory import Memory
from layers.policy import OpenPolicy, Policy
from twin.store.port import Store


def utc_now() -> datetime:
    """The time of day, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of one server.

    Attributes:
        settings: Read once at start.
        store: Where layers live.
        policy: Asked before every write.
        clock: What time it is.
        export_slots: How many bulk answers may be written at the same time.
        memory: Costly answers that many may ask for.
    """

    settings: Settings
    store: Store
    policy: Policy = field(default_factory=OpenPolicy)
    clock: Callable[[], datetime] = utc_now
    export_slots: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(4))
    memory: Memory = field(default_factory=Memory)


def parts_of(request: Request) -> Parts:
    """The parts of the server that answers `request`."""
    parts: Parts = request.app.state.parts
    return parts
