"""Reference systems at the edge: the ones a client may ask for, in the axis order they are registered with.

Source: OGC 18-058r1 (Features part 2), 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from twin.bounds import Bounds
from twin.crs import (
    CGCS2000,
    CRS,
    CRS84,
    bounds_to_cgcs2000,
    crs_uri,
    from_cgcs2000,
    is_northing_first,
    is_same_place,
    parse_crs,
    swap_axes,
    to_cgcs2000,
    transform_points,
)
from twin.errors import BadBoundsError, UnknownCRSError

STORAGE_CRS = "http://www.opengis.net/def/crs/EPSG/0/4490"
OFFERED = (
    CRS84,
    *(f"http://www.opengis.net/def/crs/EPSG/0/{code}" for code in (4326, 4490, 4549, 3857)),
)
_LON_LAT = parse_crs(CGCS2000)


@dataclass(frozen=True)
class EdgeCRS:
    """One system that clients may use.

    Attributes:
        uri: As listed in `crs` of a collection.
        crs: The system.
        northing_first: Whether latitude or northing comes first on the wire.
        same_place: Whether its coordinates are CGCS2000 degrees but for their order.
        decimals: Digits behind the point that stand for a tenth of a millimetre.
    """

    uri: str
    crs: CRS
    northing_first: bool
    same_place: bool
    decimals: int

    @property
    def header(self) -> str:
        """Value of the Content-Crs header."""
        return f"<{self.uri}>"

    def outward(self, geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
        """CGCS2000 lon/lat geometries (n,) as this system writes them."""
        moved = geometries if self.same_place else from_cgcs2000(geometries, self.crs)
        return swap_axes(moved) if self.northing_first else moved

    def outward_pairs(self, xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Lon/lat pairs (n, 2) as this system writes them; infinite outside the projection's reach."""
        moved = xy if self.same_place else np.column_stack(transform_points(xy[:, 0], xy[:, 1], _LON_LAT, self.crs))
        return moved[:, ::-1] if self.northing_first else moved

    def inward(self, geometries: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
        """Geometries (n,) written in this system, in CGCS2000 lon/lat."""
        return to_cgcs2000(swap_axes(geometries) if self.northing_first else geometries, self.crs)

    def bounds(self, numbers: Sequence[float]) -> Bounds:
        """The lon/lat box of four numbers in this system's axis order.

        Raises:
            BadBoundsError: if the box is upside down, or inside out where that has no meaning.
        """
        first_minimum, first_maximum = (numbers[1], numbers[3]) if self.northing_first else (numbers[0], numbers[2])
        if not self.same_place and first_minimum > first_maximum:
            raise BadBoundsError(
                "The box is inside out.",
                value=",".join(map(str, numbers)),
                limit="only boxes in degrees may cross the antimeridian",
                remedy="Give the lower corner first, then the upper corner, in the axis order of bbox-crs.",
            )
        if self.same_place:
            a, b, c, d = numbers
            return Bounds(b, a, d, c) if self.northing_first else Bounds(a, b, c, d)
        return bounds_to_cgcs2000(numbers, self.crs, declared_order=True)


def edge_crs(text: str, parameter: str = "crs") -> EdgeCRS:
    """The offered system that `text` (a URI, or a short name such as EPSG:4549) means.

    Raises:
        UnknownCRSError: if it is none of the offered ones.
    """
    found = _find(text.strip().removeprefix("[").removesuffix("]"))
    if found is None:
        raise UnknownCRSError(
            f"'{parameter}' names no reference system that is offered here.",
            value=text,
            limit=", ".join(OFFERED),
            remedy="Use one of the URIs listed in `crs` of the collection.",
        )
    return found


@lru_cache(maxsize=128)
def _find(text: str) -> EdgeCRS | None:
    if len(text) > 200:
        return None
    if text not in OFFERED:
        try:
            uri = crs_uri(parse_crs(text))
        except UnknownCRSError:
            return None
        if uri not in OFFERED:
            return None
        text = uri
    crs = parse_crs(text)
    same_place = is_same_place(crs)
    return EdgeCRS(text, crs, is_northing_first(crs), same_place, 9 if same_place else 4)
