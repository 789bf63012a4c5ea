"""The ground divided: faces between roads, rivers and borders, and what each face is used for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.town import zones
from data_samples.town.chance import Chance
from data_samples.town.curves import polygon_parts
from data_samples.town.frame import Geometries

_INSET_M = 6.0

USES: dict[str, tuple[tuple[str, str, float], ...]] = {
    zones.OLD: (("residential", "urban", 54), ("commercial", "shops", 26), ("education", "school", 6), ("medical", "hospital", 3), ("park", "park", 5), ("commercial", "offices", 3), ("other", "government", 3)),
    zones.CORE: (("residential", "urban", 60), ("commercial", "shops", 12), ("commercial", "offices", 8), ("education", "school", 7), ("medical", "hospital", 2), ("park", "park", 7), ("other", "government", 4)),
    zones.NEW: (("residential", "urban", 48), ("commercial", "offices", 18), ("commercial", "shops", 6), ("education", "school", 6), ("education", "university", 4), ("park", "park", 13), ("medical", "hospital", 2), ("residential", "villas", 3)),
    zones.HOMES: (("residential", "urban", 72), ("residential", "villas", 5), ("commercial", "shops", 6), ("education", "school", 7), ("park", "park", 7), ("medical", "hospital", 1.5), ("other", "government", 1.5)),
    zones.INDUSTRY: (("industrial", "works", 78), ("industrial", "logistics", 10), ("commercial", "offices", 3), ("residential", "urban", 4), ("park", "park", 2), ("grass", "meadow", 3)),
    zones.RESERVE: (("farmland", "cropland", 55), ("farmland", "vegetables", 20), ("grass", "meadow", 15), ("forest", "broadleaf", 10)),
    "centre": (("residential", "urban", 44), ("residential", "villas", 16), ("commercial", "shops", 12), ("education", "school", 6), ("medical", "hospital", 2), ("park", "park", 4), ("other", "government", 4), ("industrial", "works", 12)),
}  # fmt: skip
"""Uses of a block and how often each comes up, zone by zone."""


@dataclass(frozen=True, slots=True)
class Block:
    """A built-up block: `face` is its place among the faces, `shape` its ground without streets and water (metres)."""

    face: int
    zone: str
    kind: str
    use: str
    shape: shapely.Polygon


def zone_of_faces(
    chance: Chance, faces: Geometries, ring: shapely.Geometry, centres: list[shapely.Geometry]
) -> NDArray[np.str_]:
    """Zone of each face: one of `zones` inside the ring, "centre" in a town's centre, "" in the country."""
    middles = shapely.point_on_surface(faces)
    zone = zones.zone_at(chance, shapely.get_coordinates(middles))
    shapely.prepare(ring)
    inside = shapely.contains(ring, middles)
    zone = np.where(inside, zone, "")
    for centre in centres:
        shapely.prepare(centre)
        zone = np.where(~inside & shapely.contains(centre, middles), "centre", zone)
    return np.asarray(zone)


def draw_blocks(
    chance: Chance, faces: Geometries, zone: NDArray[np.str_], keep_out: Geometries, lakes: shapely.Geometry
) -> list[Block]:
    """Blocks of all built-up faces.

    Args:
        keep_out: Water and strips along rails and motorways, which no block may cover.
    """
    use = chance.uniform("block/use", len(faces))
    inner = shapely.buffer(faces, -_INSET_M, join_style="mitre", mitre_limit=2.5)
    tree = shapely.STRtree(keep_out)
    face_index, obstacle = tree.query(inner, predicate="intersects")
    shapely.prepare(lakes)
    by_lake = shapely.dwithin(lakes, faces, 40)
    blocks = []
    for i in np.flatnonzero(zone != ""):
        hits = obstacle[face_index == i]
        shape = inner[i].difference(shapely.union_all(keep_out[hits])) if len(hits) else inner[i]
        wet = 1 - shape.area / max(inner[i].area, 1.0)
        kind, kind_use = _use(str(zone[i]), float(use[i]))
        if zone[i] not in (zones.RESERVE, zones.INDUSTRY) and (wet > 0.16 or by_lake[i] or inner[i].area < 4500):
            kind, kind_use = "park", "park"
        parts = [shapely.simplify(part, 0.4) for part in polygon_parts(shape, 700)]
        blocks += [Block(int(i), str(zone[i]), kind, kind_use, part) for part in parts]
    return blocks


def _use(zone: str, chance: float) -> tuple[str, str]:
    table = USES[zone]
    limit = chance * sum(weight for *_, weight in table)
    for kind, use, weight in table:
        limit -= weight
        if limit < 0:
            return kind, use
    return table[0][0], table[0][1]
