"""What each class of road is: how it is drawn, how wide, how fast, and which one wins where two share a line."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoadClass:
    """One class.

    Attributes:
        feature_class: GB/T 13923 code; the last two digits are our own extension.
        half_width_m: From the middle to the edge of the roadside, where no building may stand.
    """

    kind: str
    feature_class: str
    lanes: int
    maxspeed_kmh: int
    half_width_m: float


CLASSES: dict[str, RoadClass] = {
    "expressway": RoadClass("motorway", "420101", 4, 120, 22),
    "national": RoadClass("trunk", "420201", 4, 80, 16),
    "provincial": RoadClass("primary", "420301", 4, 80, 14),
    "urban-arterial": RoadClass("primary", "430201", 6, 60, 18),
    "county": RoadClass("secondary", "420401", 2, 60, 9),
    "urban-secondary": RoadClass("secondary", "430301", 4, 50, 12),
    "township": RoadClass("tertiary", "420501", 2, 40, 6),
    "urban-branch": RoadClass("residential", "430401", 2, 30, 8),
    "village": RoadClass("residential", "440101", 1, 30, 4),
    "lane": RoadClass("service", "440201", 1, 20, 2.5),
    "field": RoadClass("track", "440301", 1, 20, 3),
}
"""In order of rank: where two run on one line, the earlier stays."""
