"""The outline of the city and the bay: a few hand-placed corners, rounded, made uneven, and sized to the city's area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from data_samples.town.arithmetic import Floats
from data_samples.town.chance import Chance
from data_samples.town.curves import polygon_parts, smooth
from data_samples.town.frame import to_metres
from data_samples.town.gazetteer import CITY_AREA_KM2

CORNERS = (
    (119.95, 36.44), (119.98, 36.46), (120.01, 36.48), (120.04, 36.495), (120.08, 36.485), (120.11, 36.47),
    (120.15, 36.46), (120.175, 36.44), (120.20, 36.41), (120.205, 36.375), (120.195, 36.345), (120.21, 36.32),
    (120.19, 36.29), (120.155, 36.275), (120.138, 36.25), (120.128, 36.232), (120.116, 36.21), (120.125, 36.19),
    (120.14, 36.17), (120.135, 36.145), (120.10, 36.13), (120.07, 36.145), (120.04, 36.13), (120.01, 36.14),
    (119.99, 36.11), (119.985, 36.08), (119.96, 36.05), (119.93, 36.055), (119.90, 36.06), (119.88, 36.045),
    (119.86, 36.025), (119.83, 36.015), (119.79, 36.02), (119.75, 36.04), (119.72, 36.055), (119.69, 36.06),
    (119.66, 36.07), (119.635, 36.10), (119.645, 36.13), (119.67, 36.15), (119.70, 36.17), (119.74, 36.175),
    (119.78, 36.165), (119.81, 36.18), (119.815, 36.21), (119.83, 36.24), (119.825, 36.27), (119.84, 36.30),
    (119.87, 36.315), (119.895, 36.315), (119.895, 36.345), (119.91, 36.37), (119.90, 36.405), (119.925, 36.43),
)  # fmt: skip

FAR_SHORE = (
    (120.10, 36.13), (120.13, 36.115), (120.165, 36.105), (120.175, 36.075), (120.21, 36.06), (120.24, 36.035),
    (120.265, 36.02), (120.295, 36.035), (120.295, 36.06), (120.305, 36.085), (120.335, 36.10), (120.36, 36.135),
    (120.375, 36.17), (120.365, 36.215), (120.335, 36.225), (120.305, 36.195), (120.285, 36.165), (120.255, 36.165),
    (120.235, 36.185), (120.215, 36.215), (120.20, 36.245), (120.175, 36.265), (120.15, 36.268), (120.12, 36.245),
    (120.09, 36.21), (120.11, 36.16),
)  # fmt: skip

DAGU_COURSE = (
    (120.118, 36.50), (120.125, 36.475), (120.15, 36.445), (120.157, 36.415), (120.143, 36.385), (120.137, 36.355),
    (120.147, 36.325), (120.138, 36.30), (120.125, 36.275), (120.128, 36.25), (120.113, 36.228), (120.118, 36.205),
    (120.15, 36.185),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ground:
    """The bare land: everything in metres on the plan.

    Attributes:
        city: Land of the city, one polygon.
        sea: The bay, up to the city's coast.
        dagu: Middle line of the Dagu river, from beyond the northern border into the bay.
    """

    city: shapely.Polygon
    sea: shapely.Polygon
    dagu: shapely.LineString


def draw_ground(chance: Chance) -> Ground:
    """City, bay and the great river, drawn from the corners above."""
    city = _scaled(smooth(to_metres(CORNERS), 150, closed=True))
    shore = shapely.Polygon(_uneven(chance, smooth(to_metres(FAR_SHORE), 150, closed=True)))
    pushed = shapely.Polygon(_uneven(chance, np.asarray(city.exterior.coords)))
    border = max(polygon_parts(pushed.buffer(0)), key=lambda p: float(p.area))
    sea = max(polygon_parts(shore.difference(border)), key=lambda p: float(p.area))
    course = smooth(to_metres(DAGU_COURSE), 90)
    meander = chance.warp("dagu", (2600, 130), (900, 35))
    return Ground(border, sea, shapely.LineString(meander(course)))


def _scaled(ring: Floats) -> shapely.Polygon:
    """The ring, grown or shrunk about its middle to the area of the city."""
    polygon = shapely.Polygon(ring)
    factor = np.sqrt(CITY_AREA_KM2 * 1e6 / polygon.area)
    middle = np.array([polygon.centroid.x, polygon.centroid.y])
    return shapely.Polygon(
        shapely.get_coordinates(shapely.segmentize(shapely.Polygon((ring - middle) * factor + middle), 60))
    )


def _uneven(chance: Chance, ring: Floats) -> Floats:
    dense = shapely.get_coordinates(shapely.segmentize(shapely.Polygon(ring), 60))
    return chance.warp("border", (5200, 200), (1700, 60), (600, 12), (220, 3))(dense)
