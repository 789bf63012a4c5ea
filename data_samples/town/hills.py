"""Wooded hills of the south and south-west."""

from __future__ import annotations

import shapely

from data_samples.town.chance import Chance
from data_samples.town.curves import blob, polygon_parts
from data_samples.town.frame import to_metres

HILLS = (
    (119.965, 36.075, 2300, 0.8), (119.92, 36.065, 1700, 1.5), (119.87, 36.055, 1800, 1.2), (119.83, 36.03, 1500, 2.0),
    (119.79, 36.03, 1300, 1.4), (119.745, 36.055, 1300, 1.3), (119.69, 36.075, 1100, 1.6), (119.985, 36.105, 1100, 0.8),
    (119.88, 36.135, 900, 1.6), (119.84, 36.065, 1000, 0.9), (120.075, 36.142, 1000, 1.7), (119.905, 36.085, 900, 1.0),
)  # fmt: skip


def draw_hills(chance: Chance, land: shapely.Geometry) -> shapely.Geometry:
    """Ground that is hilly, with a ragged edge (metres)."""
    rough = chance.warp("hills", (1600, 160), (600, 60), (240, 20))
    patches = []
    for i, (lon, lat, radius, aspect) in enumerate(HILLS):
        patch = blob(chance, f"hill/{i}", to_metres([(lon, lat)])[0], radius, aspect, 0.4)
        patches.append(shapely.transform(shapely.segmentize(patch, 60), rough).buffer(0))
    parts = polygon_parts(shapely.union_all(patches).simplify(12).intersection(land), 20_000)
    return shapely.union_all(parts)
