"""Whether a layer may be shown: held layers wait for a person and are in no output.

The standing is kept in the layer's document, so that it changes in the transaction that gives reason to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from twin.errors import HeldLayerError
from twin.text import LocalText

STANDING = "standing"


class State(StrEnum):
    """PUBLISHED: shown to whoever may read it. HELD: waits for a person's decision. REJECTED: a person said no."""

    PUBLISHED = "published"
    HELD = "held"
    REJECTED = "rejected"


def state_of(document: Mapping[str, Any]) -> State:
    """Where a layer stands; a document that says nothing is that of a published layer."""
    standing = document.get(STANDING)
    return State(standing["state"]) if isinstance(standing, Mapping) else State.PUBLISHED


def is_shown(document: Mapping[str, Any]) -> bool:
    """Whether the layer may be in items, tiles, styles, views and exports."""
    return state_of(document) is State.PUBLISHED


def standing(state: State, since: datetime, belief: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the document says of it."""
    return {"state": state.value, "since": since.isoformat(), "belief": None if belief is None else dict(belief)}


def require_shown(layer_id: str, document: Mapping[str, Any]) -> None:
    """Stop whoever wants to show a layer that is not published.

    Raises:
        HeldLayerError: with the reason, and the way to the decision.
    """
    state = state_of(document)
    if state is State.PUBLISHED:
        return
    belief = document[STANDING].get("belief") or {}
    text = LocalText.parse(belief.get("text"))
    word, zh = ("held", "待人工审核") if state is State.HELD else ("rejected", "已被拒绝")
    raise HeldLayerError(
        f"The layer '{layer_id}' is {word} and shown nowhere until a person decides"
        + (f": it {text.en}." if text.en else ".")
        + f" 图层“{layer_id}”{zh}，审核前不公开"
        + (f"：{text.zh}。" if text.zh else "。"),
        value=layer_id,
        limit="published layers",
        remedy=f"See GET /layers/{layer_id}, then decide with POST /layers/{layer_id}/review.",
    )
