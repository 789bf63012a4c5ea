"""From which level on a line is drawn, by its class: motorways across the province, footpaths at the door.

The classes are those of OpenStreetMap's key `highway`, which the base map's `kind` uses, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.schema import GeometryType, Schema

# Web Mercator levels from which a class is drawn. Source: the levels at which openstreetmap-carto (roads.mss) shows each.
STANDARD_ZOOMS: Mapping[str, int] = {
    "motorway": 5,
    "trunk": 6,
    "primary": 8,
    "secondary": 9,
    "tertiary": 10,
    "motorway_link": 11,
    "trunk_link": 11,
    "primary_link": 11,
    "secondary_link": 12,
    "tertiary_link": 12,
    "unclassified": 12,
    "residential": 12,
    "living_street": 13,
    "pedestrian": 13,
    "service": 14,
    "track": 13,
    "cycleway": 13,
    "bridleway": 14,
    "path": 14,
    "footway": 14,
    "steps": 15,
}
# What has no class, or one that no table knows, is drawn with the small roads: unknown is neither important nor nothing.
_OTHERS_FROM = STANDARD_ZOOMS["unclassified"]
_LINES = (GeometryType.LINESTRING, GeometryType.MULTILINESTRING)


@dataclass(frozen=True, slots=True)
class LineClasses:
    """Levels by class.

    Attributes:
        property: Whose values are the classes.
        zooms: Class and Web Mercator level, sorted by class.
    """

    property: str
    zooms: tuple[tuple[str, int], ...]

    def first_zooms(self, values: Sequence[Any]) -> npt.NDArray[np.uint8]:
        """The level from which a line with each of these values is drawn: uint8 (n,)."""
        table = dict(self.zooms)
        return np.fromiter((table.get(str(value), _OTHERS_FROM) for value in values), dtype=np.uint8, count=len(values))


def classes_of(document: Mapping[str, Any], schema: Schema) -> LineClasses | None:
    """The classes a manifest names; None where it names none, or the layer is not one of lines, or the property does not travel.

    Args:
        document: The manifest as it is stored.
        schema: Properties that travel in tiles.
    """
    wish = document.get("tiles")
    name = wish.get("class_property") if isinstance(wish, Mapping) else None
    if not isinstance(wish, Mapping) or schema.geometry_type not in _LINES or name not in schema.names:
        return None
    own = wish.get("class_zooms")
    zooms = {**STANDARD_ZOOMS, **({str(k): int(v) for k, v in own.items()} if isinstance(own, Mapping) else {})}
    return LineClasses(str(name), tuple(sorted(zooms.items())))
