"""What a layer wishes for its low zooms: the `tiles` part of its manifest (checked in `layers/tile_wishes.py`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tiles.density import COUNT
from tiles.generalise.clusters import Clustered
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.text import LocalText

ALARMS = "_alarms"
OTHERS = "_others"
UNKNOWN_STATUS = "_unknown"
DEEPEST_CLUSTERS = 22
_UNKNOWN_TITLE = LocalText(zh="状态未知", en="Status unknown")

_POINTS = (GeometryType.POINT, GeometryType.MULTIPOINT)


@dataclass(frozen=True, slots=True)
class Clusters:
    """How points are clustered.

    Attributes:
        below: Web Mercator level below which they are.
        status: Property whose values are counted for each cluster; None for plain counts.
        statuses: The values counted by name, in the order of the schema's codes.
        alarms: Those of them that are never clustered out of sight.
    """

    below: int
    status: str | None = None
    statuses: tuple[str | int, ...] = ()
    alarms: tuple[str | int, ...] = ()

    def count_names(self) -> tuple[str, ...]:
        """Properties with the counts by status: of each known value, of values that the schema lacks, of unknown ones."""
        if self.status is None:
            return ()
        return (*(status_count(value) for value in self.statuses), OTHERS, UNKNOWN_STATUS)

    def alarm_mask(self) -> npt.NDArray[np.bool_]:
        """(s,) whether each status is an alarm: the known ones, then others and unknown, which are none."""
        return np.array([*(value in self.alarms for value in self.statuses), False, False])


def cluster_values(clustered: Clustered, wish: Clusters) -> dict[str, list[int | None]]:
    """Properties of the clusters; None for a status that no point of a cluster has."""
    values: dict[str, list[int | None]] = {COUNT: clustered.counts.tolist()}
    if wish.status is not None:
        values[ALARMS] = clustered.statuses[:, wish.alarm_mask()].sum(axis=1).tolist()
        for column, name in enumerate(wish.count_names()):
            values[name] = [count or None for count in clustered.statuses[:, column].tolist()]
    return values


def cluster_properties(schema: Schema, wish: Clusters) -> tuple[Property, ...]:
    """What clusters carry, with words for people: a count by status has the title of its code."""
    count = Property(COUNT, PropertyType.INTEGER, title=LocalText(zh="要素数量", en="Number of features"))
    if wish.status is None:
        return (count,)
    codes = schema.property(wish.status).codes
    titles = (*(code.title for code in codes), LocalText(zh="其他状态", en="Other status"), _UNKNOWN_TITLE)
    alarms = Property(ALARMS, PropertyType.INTEGER, title=LocalText(zh="报警数量", en="Number in alarm"))
    by_status = zip(wish.count_names(), titles, strict=True)
    return (count, alarms, *(Property(name, PropertyType.INTEGER, title=title) for name, title in by_status))


def status_count(value: str | int) -> str:
    """Name of the property of a cluster that counts one status."""
    return f"_status_{value}"


def clusters_of(document: Mapping[str, Any], schema: Schema, density_below: int) -> Clusters | None:
    """The clusters a manifest asks for; None where it asks for none, or the layer is not one of points.

    Args:
        document: The manifest as it is stored.
        schema: Properties that travel in tiles; a status that is none of them is not counted.
        density_below: The level below which the layer's features are too many for a tile: clusters reach at least as far.
    """
    wish = document.get("tiles")
    below = wish.get("clusters_below") if isinstance(wish, Mapping) else None
    if not isinstance(wish, Mapping) or not isinstance(below, int) or schema.geometry_type not in _POINTS:
        return None
    status = next((prop for prop in schema if prop.name == wish.get("status")), None)
    below = max(below, density_below)
    if status is None:
        return Clusters(below)
    values = tuple(code.value for code in status.codes)
    alarms = wish.get("alarms") or ()
    return Clusters(below, status.name, values, tuple(value for value in values if value in alarms))
