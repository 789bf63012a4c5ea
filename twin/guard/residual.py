"""How far a layer lies from the base map, in one number: for the record of a correction."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from twin.guard.pieces import cut, flattened, metres_per_degree

_PIECE_M = 50.0
_MOST_PIECES = 4000
NEAR_M = 60.0


def residual(sample: npt.NDArray[np.object_], reference: npt.NDArray[np.object_]) -> tuple[float, float] | None:
    """Median distance in metres from a sample to the nearest lines of the base map, and the share within 60 m.

    Args:
        sample, reference: Lon/lat degrees, object (n,) and (m,), none missing; collections are taken apart.

    Returns:
        None where one of them has nothing. Never NaN.
    """
    known, _ = flattened(reference)
    if len(sample) == 0 or len(known) == 0:
        return None
    lat0 = float(np.median(shapely.bounds(sample)[:, 1]))
    scale = metres_per_degree(lat0)
    whole = np.tile(scale, 2) * shapely.total_bounds(sample)
    pieces = cut(sample, lat0, _PIECE_M, (whole[0], whole[1], whole[2], whole[3])).xy
    if len(pieces) > _MOST_PIECES:
        pieces = pieces[np.random.default_rng(0).permutation(len(pieces))[:_MOST_PIECES]]
    if len(pieces) == 0:
        return None
    lines = np.where(shapely.get_dimensions(known) == 2, shapely.boundary(known), known)
    flat = shapely.transform(lines, lambda xy: xy * scale)
    _, distance = shapely.STRtree(flat).query_nearest(shapely.points(pieces), return_distance=True, all_matches=False)
    return float(np.median(distance)), float((distance <= NEAR_M).mean())
