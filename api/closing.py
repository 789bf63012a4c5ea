"""Whether the server is about to stop: told to answers without end, which would otherwise be waited for and then cut off."""

from __future__ import annotations

from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

_NAME = "onemap.closing"


@dataclass
class Closing:
    """Set once, when connections are being closed; whoever answers without end looks at it now and then."""

    begun: bool = False

    def in_state(self) -> dict[str, Any]:
        """As the lifespan hands it to the server's protocol. Source: ASGI lifespan 2.0, "Lifespan State"."""
        return {_NAME: self}


def begin_closing(state: MutableMapping[str, Any]) -> None:
    """Tell the application that gave this lifespan state; one that gave none is not told."""
    closing = state.get(_NAME)
    if isinstance(closing, Closing):
        closing.begun = True
