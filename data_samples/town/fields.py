"""The country between the villages: fields cut to parcels, woods on the hills, meadows along the river."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from data_samples.town.arithmetic import turned
from data_samples.town.chance import Chance
from data_samples.town.curves import polygon_parts
from data_samples.town.frame import Geometries

_PARCEL_HA = 17.0
_DIRECTIONS = np.radians([-14.0, -8.0, -3.0, 2.0, 7.0, 13.0])
_SMALLEST_M2 = 2500.0


@dataclass(frozen=True, slots=True)
class Parcel:
    kind: str
    use: str
    shape: shapely.Polygon


def draw_parcels(chance: Chance, faces: Geometries, taken: Geometries, hills: shapely.Geometry) -> list[Parcel]:
    """Fields and woods on the ground of `faces` that nothing in `taken` covers (metres)."""
    free = _without(faces, taken)
    wooded = shapely.intersection(free, hills)
    open_land = shapely.difference(free, hills)
    woods = [
        Parcel("forest", "pine" if p.area > 4e5 else "broadleaf", p)
        for w in wooded
        for p in polygon_parts(w, _SMALLEST_M2)
    ]
    land = np.array([p for o in open_land for p in polygon_parts(o, _SMALLEST_M2)], dtype=object)
    middles = shapely.get_coordinates(shapely.centroid(land))
    lie = chance.noise("fields/lie", 5200)(middles)
    group = np.clip(((lie + 1.6) / 3.2 * len(_DIRECTIONS)).astype(int), 0, len(_DIRECTIONS) - 1)
    cut = [_cut(chance, f"fields/{k}", land[group == k], angle) for k, angle in enumerate(_DIRECTIONS)]
    parcels = np.concatenate(cut)
    return woods + [Parcel("farmland", use, p) for use, p in zip(_crops(chance, parcels, hills), parcels, strict=True)]


def _without(faces: Geometries, taken: Geometries) -> Geometries:
    """Each face minus what stands on it."""
    face, obstacle = shapely.STRtree(taken).query(faces, predicate="intersects")
    result = faces.copy()
    for i in np.unique(face):
        result[i] = faces[i].difference(shapely.union_all(taken[obstacle[face == i]]))
    return result


def _cut(chance: Chance, name: str, land: Geometries, angle: float) -> Geometries:
    """Land cut in two along its longer side until each part is about a parcel."""
    waiting = shapely.transform(land, lambda xy: turned(xy, -angle))
    done: list[shapely.Polygon] = []
    for level in range(16):
        limit = 1.4e4 * _PARCEL_HA
        large = shapely.area(waiting) > limit
        done += list(waiting[~large])
        waiting = waiting[large]
        if not len(waiting):
            break
        west, south, east, north = shapely.bounds(waiting).T
        wide = (east - west) > (north - south)
        share = chance.uniform(f"{name}/{level}", len(waiting), 0.4, 0.6)
        x, y = west + share * (east - west), south + share * (north - south)
        first = shapely.box(-1e6, -1e6, np.where(wide, x, 1e6), np.where(wide, 1e6, y))
        halves = np.concatenate([shapely.intersection(waiting, first), shapely.difference(waiting, first)])
        waiting = np.array([p for half in halves for p in polygon_parts(half, _SMALLEST_M2)], dtype=object)
    parts: Geometries = shapely.transform(np.array(done, dtype=object), lambda xy: turned(xy, angle))
    return parts


def _crops(chance: Chance, parcels: Geometries, hills: shapely.Geometry) -> list[str]:
    middles = shapely.get_coordinates(shapely.centroid(parcels))
    garden = chance.noise("fields/garden", 4800)(middles) + chance.uniform("fields/mix", len(parcels), -0.8, 0.8)
    shapely.prepare(hills)
    near_hills = shapely.dwithin(hills, shapely.points(middles), 900)
    orchard = near_hills & (chance.uniform("fields/orchard", len(parcels)) < 0.45)
    return [
        "orchard" if o else "vegetables" if g > 1.15 else "greenhouse" if g < -1.75 else "cropland"
        for g, o in zip(garden, orchard, strict=True)
    ]
