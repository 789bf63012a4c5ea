"""Which axis comes first, told by the bodies themselves: roofs that point down say that east and north were exchanged.

Files whose CRS puts north first are written either way. Outer surfaces run counter-clockwise seen from outside only where the axes
are read as they were meant; a file in which most bodies say otherwise is believed over its header.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from scenes3d.models.surfaces import Feature
from twin.ellipsoid import Floats

_CLOSED = 1e-3
# Grounds tell nothing: exporters turn them either way.
_ROOF = "RoofSurface"


def signed_volume(feature: Feature) -> float:
    """Volume inside the surfaces of a feature in its own units cubed, negative where they are seen from inside; 0 where they leave gaps.

    By the divergence theorem: a third of the sum of each polygon's area as a vector times one of its points.
    """
    rings = [ring for surface in feature.surfaces for ring in surface.rings if len(ring) >= 3]
    if not rings:
        return 0.0
    middle = np.mean([ring[0] for ring in rings], axis=0)
    areas = np.array([_area(ring) for ring in rings])
    total = float(np.abs(areas).sum())
    if total == 0.0 or float(np.abs(areas.sum(axis=0)).max()) > _CLOSED * total:
        return 0.0
    return float((areas * np.array([ring[0] - middle for ring in rings])).sum() / 3)


def votes_for_exchange(features: Iterable[Feature]) -> int:
    """How many more features are right with their first two axes exchanged than as they stand."""
    turns = [np.nan_to_num(_upright(feature) or signed_volume(feature)) for feature in features]
    return -int(np.sign(turns).sum())


def _upright(feature: Feature) -> float:
    """Square units by which roofs look up more than down; 0 where nobody says what is a roof."""
    roofs = [surface.rings[0] for surface in feature.surfaces if surface.part == _ROOF and len(surface.rings[0]) >= 3]
    return float(sum(_area(ring)[2] for ring in roofs))


def _area(ring: Floats) -> Floats:
    local = ring - ring[0]
    return np.asarray(np.cross(local, np.roll(local, -1, axis=0)).sum(axis=0) / 2)
