"""From which level up polygons are drawn one by one; below it, small ones grow together into blocks of built-up ground."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.text import LocalText

COVER = "_cover"
# Deeper, a house is many cells wide: it is drawn as itself, or counted where there are too many.
DEEPEST_BLOCKS = 15
_POLYGONS = (GeometryType.POLYGON, GeometryType.MULTIPOLYGON)


@dataclass(frozen=True, slots=True)
class Blocks:
    """How polygons are merged.

    Attributes:
        below: Web Mercator level below which they are.
    """

    below: int


def blocks_of(document: Mapping[str, Any], schema: Schema, density_below: int) -> Blocks | None:
    """The blocks of a layer; None where its polygons are drawn one by one on every level, or it is not one of polygons.

    A layer whose polygons are too many for the tiles of a level has blocks there without asking; `"blocks_below": 0` declines.

    Args:
        document: The manifest as it is stored.
        schema: Of the layer.
        density_below: The level below which the layer's features are too many for a tile: blocks reach at least as far.
    """
    wish = document.get("tiles")
    asked = wish.get("blocks_below") if isinstance(wish, Mapping) else None
    if schema.geometry_type not in _POLYGONS or asked == 0:
        return None
    below = min(max(asked if isinstance(asked, int) else 0, density_below), DEEPEST_BLOCKS)
    return Blocks(below) if below > 0 else None


def block_property() -> Property:
    """What blocks carry: the part of their ground that is covered."""
    return Property(COVER, PropertyType.INTEGER, title=LocalText(zh="覆盖率", en="Covered ground"), unit="%")
