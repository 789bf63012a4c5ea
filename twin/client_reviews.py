"""Questions and decisions about where a layer lies, over HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def decision_document(
    decision: str | None, correction: str | Mapping[str, Any] | None, shift_m: Sequence[float] | None, reason: str
) -> dict[str, Any]:
    """The body of a review: a correction or a shift means `correct` where no decision is named."""
    wish = {"shift_m": [float(metres) for metres in shift_m]} if shift_m is not None else correction
    document: dict[str, Any] = {"decision": decision or ("correct" if wish else "accept"), "reason": reason}
    return document if wish is None else document | {"correction": wish}
