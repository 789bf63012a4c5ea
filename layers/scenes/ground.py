"""The ground that buildings stand on: a terrain of the server, or none, and then every foot is at 0, which is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tiles.terrain.shelf import TerrainShelf
from tiles.terrain.surface import Surface
from twin.ellipsoid import Floats
from twin.errors import BadCall
from twin.vertical import UNKNOWN

if TYPE_CHECKING:
    from scenes3d.buildings.cleaning import Ground

NO_TERRAIN = "none"


@dataclass(frozen=True, slots=True)
class Standing:
    """What the feet of a scene stand on.

    Attributes:
        terrain: Id of the terrain; empty where there is none.
        edition: Of the terrain: heights taken from another one are others.
        vertical_datum: What heights count from.
        ground: Gives heights; None where every foot is at 0.
    """

    terrain: str = ""
    edition: str = ""
    vertical_datum: str = UNKNOWN
    ground: Ground | None = None

    @property
    def words(self) -> str:
        return f"terrain {self.terrain}" if self.terrain else "0 m everywhere: no terrain"


def standing_on(shelf: TerrainShelf, terrain: str | None) -> Standing:
    """The ground of that name; None takes the only terrain there is, "none" takes none.

    Raises:
        UnknownTerrainError: if there is no such terrain.
        BadCall: if none is named and there are several.
    """
    known = shelf.ids()
    if terrain is None and len(known) > 1:
        raise BadCall(
            "有多个地形，请指明。There are several terrains to stand on.",
            value=", ".join(known),
            limit="one terrain",
            remedy="Name it with --terrain ID, or say --terrain none.",
        )
    chosen = terrain if terrain is not None else next(iter(known), NO_TERRAIN)
    if chosen in ("", NO_TERRAIN):
        return Standing()
    held = shelf.terrain(chosen)
    return Standing(held.id, held.edition, held.surface.elevation.vertical_datum, _of(held.surface))


def _of(surface: Surface) -> Ground:
    def ground(lon: Floats, lat: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
        drawn = surface.drawn(lon, lat)
        return drawn.heights, drawn.filled | drawn.outside

    return ground
