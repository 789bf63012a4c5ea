"""What kind of place each part of the city proper is: old town, core, new district, industry, homes, land in reserve."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from data_samples.town.arithmetic import Floats, length_of
from data_samples.town.chance import Chance
from data_samples.town.frame import to_metres

OLD, CORE, NEW, INDUSTRY, HOMES, RESERVE = "old", "core", "new", "industry", "homes", "reserve"
BLOCK_HA = {OLD: 1.9, CORE: 3.0, NEW: 5.5, INDUSTRY: 11.0, HOMES: 4.2, RESERVE: 90.0}

_OLD_TOWN = ((119.997, 36.278, 1350),)
_CORE = ((120.008, 36.268, 3100),)
_NEW = ((120.043, 36.240, 2300), (120.074, 36.205, 2100), (120.0, 36.322, 750))
_GREEN_EDGE = (3300.0, 0.62)


def zone_at(chance: Chance, xy: Floats) -> NDArray[np.str_]:
    """Zone of each point (n, 2) inside the ring (metres)."""
    wobble = 1 + 0.16 * chance.noise("zones", 2100)(xy)
    x, y = xy[:, 0], xy[:, 1]
    zone = np.full(len(xy), HOMES, dtype="<U8")
    north = (y > 4300 + 500 * (wobble - 1)) | ((x > 6900) & (y > -800)) | ((x < -2600) & (y < -900))
    zone[north | ((x > 4300) & (y > 2900))] = INDUSTRY
    field = chance.noise("reserve", _GREEN_EDGE[0])(xy)
    far = length_of(x - 1000, y - 1800) > 4600
    zone[far & (field > _GREEN_EDGE[1])] = RESERVE
    for name, places in ((NEW, _NEW), (CORE, _CORE), (OLD, _OLD_TOWN)):
        for lon, lat, radius in places:
            zone[length_of(*(xy - to_metres([(lon, lat)])).T) < radius * wobble] = name
    return zone


def block_ha(chance: Chance, xy: Floats) -> Floats:
    """How large a block should be at each point, in hectares."""
    zones = zone_at(chance, xy)
    return np.array([BLOCK_HA[str(z)] for z in zones])
