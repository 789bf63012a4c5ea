"""Where coordinates of a reference system mean a place: the registered areas of use, and what lies beyond them.

Beyond its area a projection still gives numbers, and so does the shift of a foreign datum; but nobody measured in it there.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt
import shapely

from twin.bounds import Bounds
from twin.crs import CRS, datum_of, horizontal_part, is_same_place, offset_datum_of, unbound

# A projection may be used this far beyond its registered area: half of the area's width or height, at most 3 degrees.
_AREA_MARGIN = 0.5
_AREA_MARGIN_DEG = 3.0
# Registered boxes that hold much where the datum was never used. The box of Pulkovo 1942 holds north China, because Tajikistan
# is in it: files from there that say Pulkovo 1942 are Beijing 1954 by another name. Russia's south is at 41.18 degrees.
_SOUTHERN_EDGE = {4284: 41.18}


def valid_area(crs: CRS, *, overlap: bool = True) -> Bounds | None:
    """The lon/lat box in which coordinates of a system mean a place; None for CGCS2000 and WGS 84, and where nobody says.

    That of a projection is its registered area of use, wider by half of itself, at most 3 degrees, on each side: neighbouring
    zones overlap in practice. That of a geographic system is its area as it stands. `west > east` where it crosses the antimeridian.
    Without `overlap` that of a projection is the registered area itself.

    >>> valid_area(parse_crs("EPSG:4549")).as_tuple()[::2]
    (117.0, 123.0)
    """
    flat = horizontal_part(crs)
    area = None if is_same_place(flat) or offset_datum_of(flat) is not None else _registered_area(flat)
    if area is None:
        return None
    if flat.is_geographic:
        south = _SOUTHERN_EDGE.get(datum_of(flat)[0] or 0, area.south)
        return Bounds(area.west, south, area.east, area.north)
    if area.crosses_antimeridian or not overlap:
        return area
    across = min(_AREA_MARGIN_DEG, (area.east - area.west) * _AREA_MARGIN)
    along = min(_AREA_MARGIN_DEG, (area.north - area.south) * _AREA_MARGIN)
    return Bounds(
        max(-180.0, area.west - across),
        max(-90.0, area.south - along),
        min(180.0, area.east + across),
        min(90.0, area.north + along),
    )


def are_within(area: Bounds | None, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Which boxes, (n, 4) lon/lat, lie in an area of `valid_area`; NaN lies nowhere. Without an area every finite box does."""
    if area is None:
        return np.asarray(np.isfinite(boxes).all(axis=1))
    west, south, east, north = boxes.T
    with np.errstate(invalid="ignore"):
        along = (south >= area.south) & (north <= area.north)
        if area.crosses_antimeridian:
            # Either end on either side: what is cut at the antimeridian has a box round the whole earth.
            return np.asarray(
                along & ((west >= area.west) | (west <= area.east)) & ((east >= area.west) | (east <= area.east))
            )
        return np.asarray(along & (west >= area.west) & (east <= area.east))


def beyond_validity(
    given: npt.NDArray[np.object_], moved: npt.NDArray[np.object_], source: CRS
) -> npt.NDArray[np.bool_]:
    """Which geometries left the area where `source` is valid, or PROJ's reach, on their way to CGCS2000.

    Args:
        given: Geometries (n,) in `source`.
        moved: The same, as `to_cgcs2000` gave them.
        source: Their system; of systems without a `valid_area` only PROJ's reach counts.

    Returns:
        Boolean (n,); False where there is no geometry or its given coordinates are NaN or infinite already.
    """
    finite = np.isfinite(shapely.bounds(given)).all(axis=1)
    box = shapely.bounds(moved)
    reached = np.isfinite(box).all(axis=1)
    return np.asarray(finite & ~(reached & are_within(valid_area(source), box)))


def area_in_words(crs: CRS) -> str:
    """The valid area for the end of a sentence: " (west, south, east, north)" in degrees, "" where nobody says."""
    area = valid_area(crs)
    return "" if area is None else f" ({', '.join(f'{edge:g}' for edge in area.as_tuple())})"


@lru_cache(maxsize=256)
def _registered_area(flat: CRS) -> Bounds | None:
    """The area of use of the register, also for a system as files write it, without its code: looked up once, it takes some 60 ms."""
    plain = unbound(flat)
    area = plain.area_of_use
    if area is None:
        code = plain.to_epsg()
        area = None if code is None else CRS.from_epsg(code).area_of_use
    return None if area is None else Bounds(area.west, area.south, area.east, area.north)
