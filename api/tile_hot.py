"""Tile answers, and the descriptions of layers, at hand on the event loop: believed while the layers' revisions stand.

An answer is put here after it was made. It is given again only after the present revisions were asked and agree, and the policy
was asked for each of its layers; so it is never older than a write that had been acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from time import monotonic

from api.tile_answer import Answer, Headers, has_it
from layers.policy import Actor, Policy, may_read
from tiles.cache import BoundedEntries
from tiles.service import TileSet
from twin.store.versions import Revisions

# What an answer costs beside its body: key, headers, objects.
_OVERHEAD_BYTES = 1500
# What the description of a tile's layers costs.
_SET_BYTES = 2000
_SETS_KEPT_BYTES = 2 * 1024 * 1024
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
        heads: By status, how HTTP/1.1 begins such an answer; put together when first sent that way.
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
    heads: dict[int, bytes] = field(default_factory=dict)

    @property
    def size(self) -> int:
        return len(self.body)

    def wire(self, if_none_match: str | None, more: Headers) -> tuple[bytes, bytes] | None:
        """`answer` with more headers, always the same ones, as HTTP/1.1 writes it: head without the blank line, and body."""
        answer = self.answer(if_none_match)
        if answer is None:
            return None
        head = self.heads.get(answer.status)
        if head is None:
            head = self.heads[answer.status] = answer.head(more)
        return head, answer.body

    def answer(self, if_none_match: str | None) -> Answer | None:
        """The answer to a client; None where only the 304 is at hand and the client has something else."""
        if if_none_match is not None and has_it(if_none_match, self.etag):
            return Answer(304, self.unchanged)
        return None if self.headers is None else Answer(self.status, self.headers, self.body)


@dataclass(slots=True)
class HotSet:
    """Described layers, as a `HotTile` is an answer."""

    layers: TileSet
    layer_ids: tuple[str, ...]
    revisions: tuple[int | None, ...]
    agreed: Revisions
    until: float
    size: int = _SET_BYTES


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
    _sets: BoundedEntries[HotSet] = field(init=False)
    _moved: dict[str, tuple[int | None, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tiles = BoundedEntries(self.max_bytes, _OVERHEAD_BYTES)
        self._sets = BoundedEntries(_SETS_KEPT_BYTES, 0)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._tiles

    def knows(self, layer_ids: tuple[str, ...]) -> bool:
        """Whether these layers have been described together."""
        return layer_ids in self._sets

    def find(self, key: Hashable, actor: Actor, now: Revisions) -> HotTile | None:
        """The answer of that key for this actor, if it is the one that would be made now."""
        tile = self._tiles.get(key)
        if tile is None:
            return None
        if not self._stands(tile, now):
            self._tiles.drop(key)
            return None
        return tile if all(may_read(self.policy, actor, layer_id) for layer_id in tile.layer_ids) else None

    def find_layers(self, layer_ids: tuple[str, ...], actor: Actor, now: Revisions) -> TileSet | None:
        """The layers as they would be described now, if they have been and this actor may read all of them."""
        known = self._sets.get(layer_ids)
        if known is None:
            return None
        if not self._stands(known, now):
            self._sets.drop(layer_ids)
            return None
        return known.layers if all(may_read(self.policy, actor, layer_id) for layer_id in layer_ids) else None

    def notice(self, layer_ids: tuple[str, ...], now: Revisions) -> None:
        """Remember when each layer's revision was first seen; before anything is made that is to be kept under `now`."""
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

    def keep_layers(self, layer_ids: tuple[str, ...], layers: TileSet, now: Revisions) -> None:
        """Put described layers at hand; they were described after `now` was asked."""
        revisions = tuple(map(now.get, layer_ids))
        self._sets.keep(layer_ids, HotSet(layers, layer_ids, revisions, now, self.settled_until(layer_ids)))

    def _stands(self, entry: HotTile | HotSet, now: Revisions) -> bool:
        """Whether its layers are those it was made from."""
        if entry.agreed is not now:
            if entry.revisions != tuple(map(now.get, entry.layer_ids)):
                return False
            entry.agreed = now
        return entry.until >= self.clock()

    @property
    def bytes_used(self) -> int:
        return self._tiles.bytes_used

    def __len__(self) -> int:
        return len(self._tiles)
