"""Tile answers at hand on the event loop: found by the words of the request, believed while the layers' revisions stand.

An answer is put here after it was made on the usual way. It is given again only after the present revisions were asked and
agree, and the policy was asked for each of its layers; so it is never older than a write that had been acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic

from layers.policy import Actor, Policy, may_read
from tiles.cache import BoundedEntries
from twin.store.versions import Revisions

Headers = list[tuple[bytes, bytes]]

# What an answer costs beside its body: key, headers, objects.
_OVERHEAD_BYTES = 1500
# Longer than a tile source believes a manifest that another process has changed.
_SETTLED_S = 3.0


@dataclass(slots=True)
class HotTile:
    """An answer as it goes out.

    Attributes:
        layer_ids: The layers in it.
        revisions: Theirs when it was made.
        agreed: The last revisions of all layers that were found to agree; compared by identity.
        etag: As sent.
        unchanged: Headers of the 304.
        status, headers, body: The whole answer; `headers` is None where only the 304 is known.
        until: Seconds of the clock after which it is made anew; infinite once its layers are settled.
    """

    layer_ids: tuple[str, ...]
    revisions: tuple[int | None, ...]
    agreed: Revisions
    etag: str
    unchanged: Headers
    status: int
    headers: Headers | None
    body: bytes
    until: float

    @property
    def size(self) -> int:
        return len(self.body)


@dataclass(slots=True)
class HotTiles:
    """The answers at hand, oldest out first. Lives on one event loop: nothing in it is locked.

    Attributes:
        policy: Asked for each layer of each answer.
        max_bytes: Room for answers.
        clock: Seconds that only grow.
    """

    policy: Policy
    max_bytes: int = 64 * 1024 * 1024
    clock: Callable[[], float] = monotonic
    _tiles: BoundedEntries[HotTile] = field(init=False)
    _moved: dict[str, tuple[int | None, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tiles = BoundedEntries(self.max_bytes, _OVERHEAD_BYTES)

    def find(self, key: Hashable, actor: Actor, now: Revisions) -> HotTile | None:
        """The answer of that key for this actor, if it is the one that would be made now."""
        tile = self._tiles.get(key)
        if tile is None:
            return None
        if tile.agreed is not now:
            if tile.revisions != tuple(map(now.get, tile.layer_ids)):
                self._tiles.drop(key)
                return None
            tile.agreed = now
        if tile.until < self.clock():
            self._tiles.drop(key)
            return None
        return tile if all(may_read(self.policy, actor, layer_id) for layer_id in tile.layer_ids) else None

    def notice(self, layer_ids: tuple[str, ...], now: Revisions) -> None:
        """Remember when each layer's revision was first seen."""
        for layer_id in layer_ids:
            if layer_id in now and self._moved.get(layer_id, (None, 0.0))[0] != now[layer_id]:
                self._moved[layer_id] = (now[layer_id], self.clock())

    def settled_until(self, layer_ids: tuple[str, ...]) -> float:
        """Until when an answer made now may be believed: for good, once its layers have stood for a while."""
        moved_at = max((self._moved[id_][1] for id_ in layer_ids if id_ in self._moved), default=-_SETTLED_S)
        settled_at = moved_at + _SETTLED_S
        return settled_at if self.clock() < settled_at else float("inf")

    def keep(self, key: Hashable, tile: HotTile) -> None:
        """Put an answer at hand, and let the oldest go where room is short."""
        self._tiles.keep(key, tile)

    @property
    def bytes_used(self) -> int:
        return self._tiles.bytes_used

    def __len__(self) -> int:
        return len(self._tiles)
