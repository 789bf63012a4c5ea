"""Rasters for somebody: the book and the service, which know no readers, behind the policy; and the query strings of `/rasters`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request

from api.deps import parts_of
from api.moments import parse_moment
from api.settings import Settings
from layers.policy import Actor, OpenPolicy, Policy, may_read
from tiles.raster.book import ALL, RasterBook, Shown, unknown_raster
from tiles.raster.record import RasterRecord
from tiles.raster.service import RasterService, raster_service
from twin.errors import BadMomentError
from twin.store.port import Store
from twin.store.sql import SqlStore

# A share of the room that tiles of features have.
_SHARE_OF_MEMORY = 4


@dataclass(frozen=True)
class RasterDesk:
    """The rasters of the server for those who may see them.

    Attributes:
        service: Draws them.
        policy: Asked for every raster, by its id.
        book: Of the images; None where the store keeps none.
    """

    service: RasterService
    policy: Policy = field(default_factory=OpenPolicy)
    book: RasterBook | None = None

    def ids(self, actor: Actor) -> list[str]:
        """Ids of the rasters that `actor` may see."""
        found = [] if self.book is None else self.book.ids()
        return [raster_id for raster_id in found if may_read(self.policy, actor, raster_id)]

    def images(self, raster_id: str, actor: Actor, shown: Shown = ALL) -> tuple[RasterRecord, ...]:
        """Images of a raster, newest first; none where there is none of that time.

        Raises:
            UnknownRasterError: if there is no such raster, or `actor` may not know of it.
        """
        if self.book is None or not may_read(self.policy, actor, raster_id):
            raise unknown_raster(raster_id)
        return self.book.images(raster_id, shown)

    def some_images(self, raster_id: str, actor: Actor, shown: Shown = ALL) -> tuple[RasterRecord, ...]:
        """As `images`, one at least. Raises UnknownRasterError also where there is none of that time."""
        images = self.images(raster_id, actor, shown)
        if not images and self.book is not None:
            self.book.dataset(raster_id, shown)
        return images

    def close(self) -> None:
        self.service.close()


def raster_desk(store: Store, settings: Settings, policy: Policy) -> RasterDesk:
    """The rasters beside a store; nothing is opened yet."""
    book = RasterBook(store, settings.raster_dir) if isinstance(store, SqlStore) else None
    return RasterDesk(raster_service((settings.tile_memory_mb << 20) // _SHARE_OF_MEMORY), policy, book)


def raster_desk_of(request: Request) -> RasterDesk:
    """The rasters of the server that answers `request`."""
    desk: RasterDesk = request.app.state.rasters
    return desk


def parse_shown(request: Request, parameters: Mapping[str, str]) -> Shown:
    """Which images `datetime` and `as_of` mean.

    `datetime` is the day that an image shows: an instant or a day stands for what was the newest then, an interval for the images of
    its days. `as_of` is when it came: what was imported later does not show.

    Raises:
        BadMomentError, BadIntervalError: if they cannot be read.
    """
    if "as_of" not in parameters and "datetime" not in parameters:
        return ALL
    moment = parse_moment(parameters, parts_of(request).store)
    if moment.as_of is not None and not isinstance(moment.as_of, datetime):
        raise BadMomentError(
            "影像没有版本号，请给出时间。Rasters have no versions.",
            value=parameters["as_of"],
            limit="an instant or a date",
            remedy="Write as_of=2024-05-01, or datetime= for the day that an image shows.",
        )
    interval = moment.interval
    since = interval.start if interval is not None and "/" in parameters["datetime"] else None
    until = None if interval is None else interval.end
    return Shown(until and until.date(), since and since.date(), moment.as_of)
