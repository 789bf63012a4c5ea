"""Polygons that the kernel does not write, put aside with their rings in tile units for `tiles.kernel.mending`."""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from tiles.kernel.writing import wider

Ints = npt.NDArray[np.int64]


class Pile(NamedTuple):
    """Polygons and multipolygons with their rings, one after the other, each array longer than what is used of it.

    Attributes:
        sizes: int64 (3,) how many polygons, rings and vertices there are.
        numbers: int64: the number of each polygon among the features.
        first_rings: int64: where the rings of each begin, and the end of the last.
        starts: int64: where the vertices of each ring begin, and the end of the last.
        shells: uint8: 1 for a shell, which its holes follow.
        x, y: int64: vertices in tile units, a ring's last one not repeated.
    """

    sizes: Ints
    numbers: Ints
    first_rings: Ints
    starts: Ints
    shells: npt.NDArray[np.uint8]
    x: Ints
    y: Ints


@njit(nogil=True, cache=True)
def empty_pile():  # pragma: no cover - compiled
    return Pile(
        np.zeros(3, dtype=np.int64),
        np.zeros(16, dtype=np.int64),
        np.zeros(16, dtype=np.int64),
        np.zeros(16, dtype=np.int64),
        np.zeros(16, dtype=np.uint8),
        np.zeros(64, dtype=np.int64),
        np.zeros(64, dtype=np.int64),
    )


@njit(nogil=True, cache=True)
def put_aside(pile, number, rings, starts, shells, count):  # pragma: no cover - compiled
    """The pile with one polygon more, of `count` rings; see `tiles.kernel.judging.are_sound` for the arrays."""
    polygons, first, vertex = pile.sizes[0], pile.sizes[1], pile.sizes[2]
    n = starts[count]
    grown = Pile(
        pile.sizes,
        _room(pile.numbers, polygons, 1),
        _room(pile.first_rings, polygons + 1, 1),
        _room(pile.starts, first + 1, count),
        _room(pile.shells, first, count),
        _room(pile.x, vertex, n),
        _room(pile.y, vertex, n),
    )
    grown.numbers[polygons] = number
    grown.first_rings[polygons + 1] = first + count
    for r in range(count):
        grown.shells[first + r] = shells[r]
        grown.starts[first + r + 1] = vertex + starts[r + 1]
    for i in range(n):
        grown.x[vertex + i], grown.y[vertex + i] = rings[i, 0], rings[i, 1]
    grown.sizes[0], grown.sizes[1], grown.sizes[2] = polygons + 1, first + count, vertex + n
    return grown


@njit(nogil=True, cache=True)
def _room(buffer, filled, more):  # pragma: no cover - compiled
    return buffer if filled + more <= len(buffer) else wider(buffer, filled, 2 * (filled + more))
