"""A point on its way into the octree: six 32-bit words, places counted in quanta of the scene's frame.

Word 0 to 2 are x, y, z (east, north, up) in quanta of 2⁻¹³ m, 0.12 mm, so that ±262 km fit; word 3 holds red and green, word 4 blue
and intensity (16 bits each, the first in the low half), word 5 the classification. Whole numbers make the octree exact: a cell is a shift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

QUANTUM_M = 2.0**-13
REACH_M = 2.0**31 * QUANTUM_M
WORDS = 6
RECORD_BYTES = WORDS * 4

Records = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Points as their source gives them, after their coordinates were moved to CGCS2000.

    Attributes:
        lon: Degrees, (n,) float64.
        lat: Degrees, (n,) float64.
        height_m: Metres above the scene's vertical datum, (n,) float64.
        colour: Red, green, blue as delivered, (n, 3) uint16; None where the source has none.
        intensity: (n,) uint16.
        classification: ASPRS codes, (n,) uint8.
    """

    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    height_m: npt.NDArray[np.float64]
    colour: npt.NDArray[np.uint16] | None
    intensity: npt.NDArray[np.uint16]
    classification: npt.NDArray[np.uint8]


def places(records: Records) -> npt.NDArray[np.int32]:
    """x, y, z in quanta, (n, 3)."""
    return records[:, :3]


def colours(records: Records) -> npt.NDArray[np.uint16]:
    """Red, green, blue, (n, 3)."""
    first, second = records[:, 3].view(np.uint32), records[:, 4].view(np.uint32)
    return np.column_stack([first & 0xFFFF, first >> 16, second & 0xFFFF]).astype(np.uint16)


def intensities(records: Records) -> npt.NDArray[np.uint16]:
    """(n,)."""
    return (records[:, 4].view(np.uint32) >> 16).astype(np.uint16)


def classifications(records: Records) -> npt.NDArray[np.uint8]:
    """(n,)."""
    return (records[:, 5] & 0xFF).astype(np.uint8)
