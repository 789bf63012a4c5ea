"""Smooth lines through a few hand-placed points, and blobs round a centre."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import shapely

from data_samples.town.arithmetic import Floats, cosine, length_of, sine, turned
from data_samples.town.chance import Chance
from data_samples.town.frame import to_metres


def smooth(points: Floats, step_m: float = 120.0, *, closed: bool = False) -> Floats:
    """Points of a Catmull-Rom curve through `points` (metres), about `step_m` apart; ends are kept."""
    if closed:
        padded = np.vstack([points[-1], points, points[0], points[1]])
    else:
        padded = np.vstack([2 * points[0] - points[1], points, 2 * points[-1] - points[-2]])
    pieces = []
    for p0, p1, p2, p3 in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        count = max(2, int(np.ceil(length_of(*(p2 - p1)) / step_m)))
        t = (np.arange(count) / count)[:, None]
        pieces.append(
            0.5
            * (
                2 * p1
                + (p2 - p0) * t
                + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t * t
                + (3 * p1 - p0 - 3 * p2 + p3) * t * t * t
            )
        )
    last = pieces[0][:1] if closed else points[-1:]
    return np.vstack([*pieces, last])


def curve(lon_lat: Sequence[tuple[float, float]], step_m: float = 120.0) -> shapely.LineString:
    """A smooth line (metres) through points given in degrees."""
    return shapely.LineString(smooth(to_metres(lon_lat), step_m))


def blob(
    chance: Chance, name: str, centre: Floats, radius_m: float, aspect: float = 1.0, turn: float = 0.0
) -> shapely.Polygon:
    """A rounded, uneven patch of about the area of an ellipse with these axes; `turn` in radians."""
    angle = np.linspace(0, 2 * np.pi, 49)[:-1]
    radius = np.ones_like(angle)
    for k in range(2, 8):
        a, b = chance.uniform(f"{name}/{k}", 2, -1, 1)
        radius += (0.22 / k) * (a * cosine(k * angle) + b * sine(k * angle))
    x, y = radius * cosine(angle) * np.sqrt(aspect), radius * sine(angle) / np.sqrt(aspect)
    ring = turned(np.column_stack([x, y]), turn) * radius_m + centre
    return shapely.Polygon(ring)


def polygon_parts(geometry: shapely.Geometry, at_least_m2: float = 0.0) -> list[shapely.Polygon]:
    """The polygons inside any geometry, larger than `at_least_m2`."""
    return [p for p in flat(geometry) if p.geom_type == "Polygon" and p.area > at_least_m2]


def line_parts(geometry: shapely.Geometry, at_least_m: float = 0.0) -> list[shapely.LineString]:
    """The lines inside any geometry, longer than `at_least_m`."""
    return [p for p in flat(geometry) if p.geom_type == "LineString" and p.length > at_least_m]


def flat(geometry: shapely.Geometry) -> list[shapely.Geometry]:
    """The single geometries inside a collection, however deep."""
    if hasattr(geometry, "geoms"):
        return [part for child in geometry.geoms for part in flat(child)]
    return [] if geometry.is_empty else [geometry]
