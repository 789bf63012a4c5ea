"""What a delivery was built to, and how its record, its tileset and its layer of outlines say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from layers.scenes.fault_words import with_words
from scenes3d.editions.edition import Edition
from twin.crs import CGCS2000

Box = tuple[float, float, float, float, float, float]
"""West, south, east, north in degrees, lowest and highest in metres."""


@dataclass(frozen=True)
class Built:
    """Tiles that stand in a scene's folder, and what is known of them.

    Attributes:
        kind: "points", "model", "mesh" or "tileset".
        outlines: GeoJSON features, one for each file, with the file's name as their id.
        sources: Files with checksums and what their coordinates were taken for.
        plan: The edition without its version.
    """

    kind: str
    lod: str
    vertical_datum: str
    outlines: list[dict[str, Any]]
    sources: list[dict[str, Any]]
    plan: Edition

    def edition(self, version: int) -> Edition:
        plan = self.plan
        return Edition(
            version, plan.entries, plan.made, plan.extras | {"layerVersion": version}, with_words(plan.report)
        )


def extras_of(datum: str, sources: list[dict[str, Any]]) -> dict[str, Any]:
    """What a tileset says of itself beyond the standard."""
    return {
        "horizontalDatum": f"CGCS2000 ({CGCS2000}), taken as WGS 84",
        "verticalDatum": datum,
        "ground": "as delivered",
        "sources": sources,
    }


def outline_of(name: str, box: Box, **said: int) -> dict[str, Any]:
    """A row of the layer of outlines: the box of a file, as GeoJSON."""
    west, south, east, north, low, high = box
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"file": name, "lowest_m": round(low, 3), "highest_m": round(high, 3), **said},
    }
