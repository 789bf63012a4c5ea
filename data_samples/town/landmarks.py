"""Buildings that everybody knows: the terminal of the airport and the halls of the railway stations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import shapely

from data_samples.town.airport import Airport
from data_samples.town.arithmetic import length_of
from data_samples.town.blocks import Block
from data_samples.town.buildings import Buildings
from data_samples.town.frame import to_metres

STATIONS = (
    ("胶州站", "Jiaozhou Railway Station", 120.003, 36.289, 14.0),
    ("胶州北站", "Jiaozhou North Railway Station", 119.999, 36.3285, 24.0),
)
"""Name, rough place and height of the hall."""
_TERMINAL_M = 42.0


def draw_landmarks(airport: Airport, blocks: list[Block]) -> tuple[Buildings, list[Block]]:
    """The landmark buildings, and the blocks with those of the stations given over to them (metres)."""
    blocks = list(blocks)
    shapes = np.array([b.shape for b in blocks], dtype=object)
    large = np.flatnonzero((shapely.area(shapes) > 9000) & (shapely.area(shapes) < 90_000))
    halls = []
    for _, _, lon, lat, _ in STATIONS:
        place = shapely.Point(to_metres([(lon, lat)])[0])
        i = int(large[shapely.distance(shapes[large], place).argmin()])
        blocks[i] = replace(blocks[i], kind="transport", use="station")
        halls.append(_hall(blocks[i].shape))
    heights = np.array([_TERMINAL_M, *[station[-1] for station in STATIONS]])
    uses = np.array(["airport", *["station"] * len(STATIONS)])
    floors = np.maximum(1, heights // 9).astype(np.int64)
    halls_and_terminal = np.array([airport.terminal, *halls], dtype=object)
    return Buildings(halls_and_terminal, np.full(len(uses), "public"), uses, floors, heights), blocks


def _hall(block: shapely.Polygon) -> shapely.Polygon:
    """A long hall along the longer side of its block, clear of the streets."""
    envelope = shapely.get_coordinates(shapely.oriented_envelope(block))
    middle = envelope[:4].mean(axis=0)
    along, across = envelope[1] - envelope[0], envelope[2] - envelope[1]
    if length_of(*along) < length_of(*across):
        along, across = across, along
    along, across = along * 0.33, across * 0.13
    return shapely.Polygon(
        [middle - along - across, middle + along - across, middle + along + across, middle - along + across]
    )
