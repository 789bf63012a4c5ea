"""Work that a running server does meanwhile: asked how far it is, waited for, stopped."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twin.errors import Unavailable

if TYPE_CHECKING:
    import httpx

_PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class ServerJob:
    """A job of the server."""

    send: Callable[..., httpx.Response]
    id: str

    def status(self) -> dict[str, Any]:
        """How far it is."""
        document: dict[str, Any] = self.send("GET", f"/jobs/{self.id}").json()
        return document

    def dismiss(self) -> None:
        """Stop it, or forget it with its result; what is served stays."""
        self.send("DELETE", f"/jobs/{self.id}")

    def _document(self, timeout_s: float, late: str) -> dict[str, Any]:
        """The result when it is there; `late` is said where it is not in time."""
        end = time.monotonic() + timeout_s
        while self.status()["status"] in ("accepted", "running"):
            if time.monotonic() > end:
                raise Unavailable(late, value=self.id, limit=f"{timeout_s:.0f} s", remedy="Wait longer.")
            time.sleep(_PAUSE_S)
        document: dict[str, Any] = self.send("GET", f"/jobs/{self.id}/results").json()
        return document
