"""What every engine for rays can do: is something in the way, and what is hit first.

Coordinates are float64 metres of a local frame (`twin.local_frame`), heights included. Engines work in float32: each moves
the triangles and the rays to the middle of the triangles first, in float64, so that nothing is lost far from the frame's
origin: 1 mm at 10 km from that middle.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

NOTHING = -1
# A ray that starts on a surface does not hit it there.
START_M = 1e-3


@dataclass(frozen=True, slots=True)
class Triangles:
    """A bag of triangles.

    Attributes:
        vertices: float64 (v, 3), metres.
        faces: int32 (t, 3), rows of `vertices`.
    """

    vertices: Floats
    faces: Indices

    @property
    def middle(self) -> Floats:
        """The centre of the box of all vertices, (3,); zeros where there are none."""
        if not len(self.vertices):
            return np.zeros(3)
        middle: Floats = (self.vertices.min(axis=0) + self.vertices.max(axis=0)) / 2
        return middle


@dataclass(frozen=True, slots=True)
class Hits:
    """What rays hit first.

    Attributes:
        distance_m: float64 (n,), infinite where nothing is hit within reach.
        triangle: int32 (n,), `NOTHING` there.
    """

    distance_m: Floats
    triangle: Indices


class Rays(Protocol):
    """Triangles ready to be asked. Thread-safe."""

    @property
    def engine(self) -> str:
        """Name and version of the engine, for the record."""

    def occluded(self, origins: Floats, directions: Floats, reach_m: Floats) -> Bools:
        """Whether anything lies on each ray, (n,).

        Args:
            origins: (n, 3) metres.
            directions: (n, 3) of length one.
            reach_m: (n,) how far to look; may be infinite. What lies nearer than `START_M` is not seen.
        """

    def first_hit(self, origins: Floats, directions: Floats, reach_m: Floats) -> Hits:
        """What each ray hits first; arguments as `occluded`."""
