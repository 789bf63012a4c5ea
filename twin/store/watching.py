"""The port for whoever must know when features go: asked inside the transaction that removes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import sqlalchemy as sa

from twin.store.port import Author
from twin.store.tables import LayerTables


@dataclass(frozen=True, slots=True)
class Removal:
    """Features about to be gone once the transaction commits.

    Attributes:
        tables: The layer's tables as the transaction sees them: what stands in `current` has come back or never went.
        ids: Features that were deleted; None when all were, so that only `current` tells.
        layer_goes: The layer itself is dropped.
        author: Who removes them; None where nobody is named.
    """

    layer_id: str
    tables: LayerTables
    ids: frozenset[str] | None
    author: Author | None = None
    layer_goes: bool = False


class RemovalWatcher(Protocol):
    """Told of every removal of features, however it comes about: one by one, by a delivery that replaces, or by the layer's end."""

    def before_removal(self, connection: sa.Connection, removal: Removal) -> None:
        """Write along in the same transaction, or raise a Conflict to undo all of it."""
