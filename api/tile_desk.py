"""Tiles for somebody: the tile service, which knows no readers, behind the policy, which knows no tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

from api.deps import parts_of
from layers.policy import Actor, OpenPolicy, Policy, may_read, require_readable
from tiles.service import TileService, TileSet
from tiles.source import NOW
from twin.moment import Moment
from twin.store.versions import RevisionAsker, Revisions


@dataclass(frozen=True, slots=True)
class TileDesk:
    """What readers may see of a tile service.

    Attributes:
        service: Gives the tiles.
        policy: Asked for every layer of every tile.
        revisions: Gives the present revisions of the layers without waiting; None where the store cannot.
        asker: Asks for them where that takes a wire; None where `revisions` gives them.
        hot_bytes: Room for answers at hand.
    """

    service: TileService
    policy: Policy = field(default_factory=OpenPolicy)
    revisions: Callable[[], Revisions | None] = lambda: None
    asker: RevisionAsker | None = None
    hot_bytes: int = 64 * 1024 * 1024

    def describe(self, layer_ids: Sequence[str], actor: Actor, moment: Moment = NOW) -> TileSet:
        """Layers that `actor` may read. Raises as `TileService.describe`; a layer one may not know of is unknown."""
        for layer_id in layer_ids:
            require_readable(self.policy, actor, layer_id)
        return self.service.describe(layer_ids, moment)

    def describe_all(self, actor: Actor, moment: Moment = NOW) -> TileSet:
        """Every layer that `actor` may read. Raises as `TileService.describe_all`."""
        return self.service.describe_all(moment, lambda layer_id: may_read(self.policy, actor, layer_id))

    def with_edition(self, entry: Mapping[str, Any], actor: Actor, moment: Moment = NOW) -> dict[str, Any]:
        """A layer's entry of the catalogue and what the addresses of its tiles say in `v=`. Raises as `describe`."""
        return {**entry, "edition": self.describe([entry["id"]], actor, moment).edition}


def tile_desk_of(request: Request) -> TileDesk:
    """The tiles of the server that answers `request`, for those who may read them."""
    return TileDesk(request.app.state.tiles, parts_of(request).policy)
