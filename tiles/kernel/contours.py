"""Outlines of what is high on a field of numbers: marching squares, rings told apart into shells and holes.

Source: W. E. Lorensen, H. E. Cline, "Marching Cubes: A High Resolution 3D Surface Construction Algorithm", 1987, in the plane. Where two
high corners of a square face each other they are taken as apart, so that a ring never touches itself.
"""

# mypy sees the callers; the kernels' types are numba's.
# mypy: disallow-untyped-defs=False, disallow-untyped-calls=False, disallow-untyped-decorators=False

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outlines:
    """Rings around what is high, without their closing vertices; holes follow their shell.

    Attributes:
        x, y: float64 (k,) vertices in cells: column and row of the field, 0 in the middle of the first cell.
        starts: int64 (m + 1,) where each ring begins.
        owners: int64 (m,) ascending: number of the connected patch that a ring bounds; the first ring of each is its shell.
        areas: float64 (m,) in cells.
        means: float64 (patches,) mean of the field over the cells of each patch.
    """

    x: Floats
    y: Floats
    starts: npt.NDArray[np.int64]
    owners: npt.NDArray[np.int64]
    areas: Floats
    means: Floats


def outlines(field: npt.NDArray[np.float32], level: float) -> Outlines:
    """The outlines of all patches on which the field is `level` or higher.

    Args:
        field: float32 (r, c); what lies beyond it is low.
        level: Above 0.
    """
    walled = np.zeros((field.shape[0] + 2, field.shape[1] + 2), dtype=np.float32)
    walled[1:-1, 1:-1] = field
    patches, count = _patches(walled, level)
    x, y, starts, owners = _trace(walled, level, patches)
    areas = np.abs(_areas(x, y, starts))
    # Of a patch, the ring round the largest area is its shell.
    order = np.lexsort((-areas, owners))
    sizes = np.diff(starts)[order]
    new_starts = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    chosen = np.repeat(starts[order] - new_starts[:-1], sizes) + np.arange(new_starts[-1])
    high = patches >= 0
    totals = np.bincount(patches[high], weights=walled[high], minlength=count)
    means = totals / np.maximum(np.bincount(patches[high], minlength=count), 1)
    return Outlines(x[chosen] - 1.0, y[chosen] - 1.0, new_starts, owners[order], areas[order], means)


@njit(nogil=True, cache=True)
def _patches(field, level):  # pragma: no cover - compiled
    """The number of the patch each cell belongs to, -1 for low ones; the number of patches. Cells hang together by their sides."""
    rows, columns = field.shape
    patches = np.full((rows, columns), -1, dtype=np.int64)
    stack = np.empty((rows * columns, 2), dtype=np.int32)
    count = 0
    for i in range(rows):
        for j in range(columns):
            if field[i, j] < level or patches[i, j] >= 0:
                continue
            patches[i, j] = count
            stack[0, 0], stack[0, 1] = i, j
            top = 0
            while top >= 0:
                r, c = stack[top, 0], stack[top, 1]
                top -= 1
                for side in range(4):
                    a = r + (1 if side == 0 else -1 if side == 1 else 0)
                    b = c + (1 if side == 2 else -1 if side == 3 else 0)
                    if 0 <= a < rows and 0 <= b < columns and patches[a, b] < 0 and field[a, b] >= level:
                        patches[a, b] = count
                        top += 1
                        stack[top, 0], stack[top, 1] = a, b
            count += 1
    return patches, count


@njit(nogil=True, cache=True)
def _trace(field, level, patches):  # pragma: no cover - compiled
    """Rings along the sides of cells' middles, the high side on the right: x, y, starts, owners."""
    rows, columns = field.shape
    total = rows * columns
    # Side 2n joins the middle of cell n to the next one in its row, side 2n + 1 to the one below.
    follows = np.full(2 * total, -1, dtype=np.int64)
    links = 0
    for i in range(rows - 1):
        for j in range(columns - 1):
            n = i * columns + j
            case = (
                (field[i, j] >= level)
                + 2 * (field[i, j + 1] >= level)
                + 4 * (field[i + 1, j + 1] >= level)
                + 8 * (field[i + 1, j] >= level)
            )
            if case == 0 or case == 15:
                continue
            top, right, bottom, left = 2 * n, 2 * (n + 1) + 1, 2 * (n + columns), 2 * n + 1
            links += 1
            # A square's links go round each high corner, or chain of high corners, by itself.
            if case == 1:
                follows[top] = left
            elif case == 2:
                follows[right] = top
            elif case == 3:
                follows[right] = left
            elif case == 4:
                follows[bottom] = right
            elif case == 5:
                follows[top] = left
                follows[bottom] = right
                links += 1
            elif case == 6:
                follows[bottom] = top
            elif case == 7:
                follows[bottom] = left
            elif case == 8:
                follows[left] = bottom
            elif case == 9:
                follows[top] = bottom
            elif case == 10:
                follows[right] = top
                follows[left] = bottom
                links += 1
            elif case == 11:
                follows[right] = bottom
            elif case == 12:
                follows[left] = right
            elif case == 13:
                follows[top] = right
            else:
                follows[left] = top
    x, y = np.empty(links, dtype=np.float64), np.empty(links, dtype=np.float64)
    starts = np.empty(links + 1, dtype=np.int64)
    owners = np.empty(links, dtype=np.int64)
    rings = vertices = 0
    for begin in range(2 * total):
        if follows[begin] < 0:
            continue
        starts[rings] = vertices
        side = begin
        while follows[side] >= 0:
            n = side >> 1
            i, j = n // columns, n % columns
            a, b = (i, j + 1) if side & 1 == 0 else (i + 1, j)
            t = (level - field[i, j]) / (field[a, b] - field[i, j])
            x[vertices], y[vertices] = j + t * (b - j), i + t * (a - i)
            vertices += 1
            owners[rings] = max(patches[i, j], patches[a, b])
            onward = follows[side]
            follows[side] = -1
            side = onward
        rings += 1
    starts[rings] = vertices
    return x[:vertices], y[:vertices], starts[: rings + 1], owners[:rings]


@njit(nogil=True, cache=True)
def _areas(x, y, starts):  # pragma: no cover - compiled
    areas = np.zeros(len(starts) - 1, dtype=np.float64)
    for ring in range(len(areas)):
        a = starts[ring + 1] - 1
        for b in range(starts[ring], starts[ring + 1]):
            areas[ring] += 0.5 * (x[a] * y[b] - x[b] * y[a])
            a = b
    return areas
