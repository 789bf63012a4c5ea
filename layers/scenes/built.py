"""What a delivery was built to, and how its record, its tileset and its layer of outlines say so."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layers.scenes.fault_words import with_words
from scenes3d.editions.edition import FILES, Edition
from scenes3d.editions.folder import SceneFolder
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


def place_for(folder: SceneFolder, identity: bytes) -> tuple[str, Path]:
    """Name and folder of the tileset of a delivery; the same delivery, taken for the same, has the same.

    Args:
        identity: What tells it from every other: checksums, and what its coordinates are taken for.
    """
    name = hashlib.sha256(identity).hexdigest()[:16]
    target = folder.path / FILES / name
    target.parent.mkdir(parents=True, exist_ok=True)
    return name, target


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
