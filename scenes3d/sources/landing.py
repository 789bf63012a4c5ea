"""Does a source land where the scene is? A wrong CRS, feet for metres or a shifted datum show here, before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from scenes3d.sources.reference import Floats
from twin.bounds import Bounds
from twin.ellipsoid import metres_per_degree
from twin.errors import BadGeometryError, SuspiciousDatumError

# Nothing built by people stands lower than the Dead Sea's shore or higher than Everest.
LOWEST_M, HIGHEST_M = -450.0, 9000.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where sources are expected.

    Attributes:
        name: Of the city, for messages.
        bounds: Its box, CGCS2000 degrees.
        beyond_m: How far from the box a source may lie.
        ground: Elevations (n,) of the terrain at longitudes and latitudes (n,), NaN where nobody measured; None without terrain.
        off_ground_m: How far from the terrain the middle of a source's heights may lie.
        remedy: What to do about a source that lands elsewhere.
    """

    name: str
    bounds: Bounds
    beyond_m: float = 50_000.0
    ground: Callable[[Floats, Floats], Floats] | None = None
    off_ground_m: float = 500.0
    remedy: str = "Check --crs, or import it with --accept-because and a reason."


def require_landing(lon: Floats, lat: Floats, height_m: Floats, name: str, place: Place | None) -> None:
    """Pass a sample of a source's points, degrees and metres (n,).

    Raises:
        BadGeometryError: if none is a place on earth.
        SuspiciousDatumError: if they lie far from `place`, far from its terrain, or at heights nobody builds at.
    """
    with np.errstate(invalid="ignore"):
        good = np.isfinite(lon) & np.isfinite(lat) & np.isfinite(height_m) & (np.abs(lat) <= 90) & (np.abs(lon) <= 180)
    if not good.any():
        raise BadGeometryError(
            "没有一个点是地球上的位置。None of the points is a place on earth in the CRS that was said.",
            value=name,
            limit="longitudes -180 to 180, latitudes -90 to 90",
            remedy="Check the CRS: --crs.",
        )
    east, north, up = (float(np.median(values[good])) for values in (lon, lat, height_m))
    here = f"{name}: {east:.5f}E {north:.5f}N, {up:,.1f} m"
    if not LOWEST_M <= up <= HIGHEST_M:
        raise SuspiciousDatumError(
            f"高程 {up:,.0f} 米不可能。Its points lie at {up:,.0f} m, where nothing is built.",
            value=here,
            limit=f"{LOWEST_M:,.0f} to {HIGHEST_M:,.0f} m",
            remedy="Check the CRS, the vertical datum and the unit of heights: --crs, --vertical-datum, --height-unit.",
        )
    if place is None:
        return
    metres = _metres_outside(place.bounds, east, north)
    if metres > place.beyond_m:
        middle = (place.bounds.west + place.bounds.east) / 2, (place.bounds.south + place.bounds.north) / 2
        raise SuspiciousDatumError(
            f"距{place.name}约 {metres / 1000:,.0f} 公里。It lands {metres / 1000:,.0f} km from {place.name}, "
            f"which is at {middle[0]:.5f}E {middle[1]:.5f}N.",
            value=here,
            limit=f"{place.beyond_m / 1000:,.0f} km from {place.name}",
            remedy=place.remedy,
        )
    if place.ground is not None:
        _require_near_ground(lon[good], lat[good], height_m[good], here, place)


def _require_near_ground(lon: Floats, lat: Floats, height_m: Floats, here: str, place: Place) -> None:
    assert place.ground is not None
    ground = place.ground(lon, lat)
    known = np.isfinite(ground)
    if not known.any():
        return
    off = float(np.median(height_m[known] - ground[known]))
    if abs(off) > place.off_ground_m:
        terrain = float(np.median(ground[known]))
        raise SuspiciousDatumError(
            f"与地形相差 {off:,.0f} 米。It lies {off:,.0f} m from the terrain, which is at {terrain:,.1f} m there.",
            value=here,
            limit=f"{place.off_ground_m:,.0f} m from the terrain",
            remedy="Check the vertical datum and the unit of heights: --vertical-datum, --height-unit.",
        )


def _metres_outside(box: Bounds, lon: float, lat: float) -> float:
    """By the shortest way in a plane at the box's latitude: a hint beyond some 500 km."""
    apart = max(0.0, box.west - lon, lon - box.east), max(0.0, box.south - lat, lat - box.north)
    per_degree = metres_per_degree((box.south + box.north) / 2)
    return float(np.hypot(apart[0] * per_degree[0], apart[1] * per_degree[1]))
