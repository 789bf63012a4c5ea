"""How a filter is refused: always with the value, the limit and the remedy."""

from __future__ import annotations

from twin.errors import BadFilterError

MAX_LENGTH = 20_000
MAX_DEPTH = 40
MAX_PARTS = 40_000


def bad_filter(message: str, value: object, limit: str = "", remedy: str = "") -> BadFilterError:
    """The error to raise for one fault in a filter."""
    return BadFilterError(message, value=value, limit=limit, remedy=remedy)


def too_deep(depth: int) -> BadFilterError:
    """The error for a filter nested deeper than `MAX_DEPTH`."""
    return bad_filter(
        "The filter is nested too deeply.",
        f"{depth} levels",
        f"{MAX_DEPTH} levels",
        "Flatten it: a AND b AND c needs no brackets.",
    )
