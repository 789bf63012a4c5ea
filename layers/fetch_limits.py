"""How much may be fetched from another server at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Bounds on one fetch: seconds without an answer, bytes and pages in all."""

    timeout_s: float = 30.0
    max_bytes: int = 2 * 1024**3
    max_pages: int = 10_000
