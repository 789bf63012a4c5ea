"""Right-triangulated irregular networks: which samples of a lattice a mesh needs, and its triangles. Compiled.

A tile is a square of `side` by `side` cells cut along its diagonal; a triangle is cut through the middle of its longest side
wherever the samples in it stray too far from its plane, and with it the triangle on the other side of that edge. The world is
one such network: tiles are judged together with their neighbours, so both sides of a common edge are cut at the same samples,
and nothing depends on which tile is asked for. What a vertex asks of others reaches less than one tile beyond an edge.

Source: W. Evans, D. Kirkpatrick, G. Townsend, "Right-Triangulated Irregular Networks", Algorithmica 30, 2001.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Floats = npt.NDArray[np.float64]


def needed_samples(heights: Floats, side: int, edge_limits: Floats, diagonal_limits: Floats) -> npt.NDArray[np.bool_]:
    """Which samples of whole tiles beside each other a mesh within the limits needs, corners of tiles left out.

    Args:
        heights: float64 (rows, columns) metres; rows and columns are a multiple of `side`, and one.
        side: Cells along a side of a tile, a power of two.
        edge_limits: float64 (levels,) how far in metres a sample may lie from the plane of a triangle whose longest side is
            2 << level cells along a row or column. A limit below zero cuts the triangle whatever its samples are.
        diagonal_limits: float64 (levels,) the same for triangles whose shorter sides are 2 << level cells long.

    Returns:
        bool like `heights`. Right for the tiles that have all eight neighbours; of the others, their outer parts are not.
    """
    needed = np.zeros(heights.shape, dtype=np.bool_)
    _mark(heights, side, edge_limits, diagonal_limits, needed)
    return needed


def triangles_of(needed: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Vertices and triangles of one tile.

    Args:
        needed: bool (side + 1, side + 1) of `needed_samples`.

    Returns:
        int32 (n, 2) row and column of each vertex in the order of first use, and int32 (m, 3) vertices of each triangle,
        counter-clockwise where rows go down.
    """
    rows, columns = needed.shape
    at = np.full((rows, columns), -1, dtype=np.int32)
    vertices = np.empty((rows * columns, 2), dtype=np.int32)
    triangles = np.empty((2 * (rows - 1) * (columns - 1), 3), dtype=np.int32)
    n, m = _emit(needed, at, vertices, triangles)
    return vertices[:n].copy(), triangles[:m].copy()


@njit(nogil=True, cache=True)
def _mark(heights, side, edge_limits, diagonal_limits, needed):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    rows, columns = heights.shape
    s, level = 1, 0
    while s < side:
        _mark_edges(heights, s, edge_limits[level], needed)
        for row in range(s, rows, 2 * s):
            for column in range(s, columns, 2 * s):
                # Diagonals of four squares meet in the middle of the four; the tile's own goes from north-west to south-east.
                falls = 2 * s == side or (row // (2 * s)) % 2 == (column // (2 * s)) % 2
                turn = s if falls else -s
                if not needed[row, column]:
                    needed[row, column] = _strays_in_half(
                        heights, row - s, column + turn, 2 * s, 1, -1 if falls else 1, diagonal_limits[level]
                    ) or _strays_in_half(
                        heights, row + s, column - turn, 2 * s, -1, 1 if falls else -1, diagonal_limits[level]
                    )
                if needed[row, column] and 2 * s < side:
                    needed[row - s, column + turn] = True
                    needed[row + s, column - turn] = True
        s *= 2
        level += 1


@njit(nogil=True, cache=True)
def _mark_edges(heights, s, limit, needed):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    """Middles of edges of 2 s cells along a row or a column, and the middles of squares that they ask for."""
    rows, columns = heights.shape
    for row in range(0, rows, s):
        upright = (row // s) % 2 == 1
        for column in range(0 if upright else s, columns, 2 * s):
            down, right = (1, 0) if upright else (0, 1)
            before, after = row - s * right, column - s * down
            behind, beyond = row + s * right, column + s * down
            first, second = before >= 0 and after >= 0, behind < rows and beyond < columns
            if not needed[row, column]:
                needed[row, column] = (first and _strays_beside(heights, row, column, s, down, right, -1, limit)) or (
                    second and _strays_beside(heights, row, column, s, down, right, 1, limit)
                )
            if needed[row, column]:
                if first:
                    needed[before, after] = True
                if second:
                    needed[behind, beyond] = True


@njit(nogil=True, cache=True)
def _strays_beside(heights, row, column, s, down, right, way, limit):  # type: ignore[no-untyped-def] # pragma: no cover
    """Whether a sample strays from the triangle on an edge's one side: the edge runs `s` cells either way of its middle."""
    if limit < 0.0:
        return True
    start = heights[row - s * down, column - s * right]
    end = heights[row + s * down, column + s * right]
    middle, slope = 0.5 * (start + end), (end - start) / (2.0 * s)
    rise = (heights[row + way * s * right, column + way * s * down] - middle) / s
    for out in range(s):
        r, c = row + way * out * right, column + way * out * down
        base = middle + rise * out
        for along in range(-(s - out), s - out + 1):
            if abs(heights[r + along * down, c + along * right] - base - slope * along) > limit:
                return True
    return False


@njit(nogil=True, cache=True)
def _strays_in_half(heights, row, column, leg, down, right, limit):  # type: ignore[no-untyped-def] # pragma: no cover
    """Whether a sample strays from half a square: right angle at row and column, legs of `leg` cells `down` and `right`."""
    if limit < 0.0:
        return True
    apex = heights[row, column]
    fall = (heights[row + leg * down, column] - apex) / leg
    along = (heights[row, column + leg * right] - apex) / leg
    for i in range(leg + 1):
        for j in range(leg - i + 1):
            if abs(heights[row + i * down, column + j * right] - apex - fall * i - along * j) > limit:
                return True
    return False


@njit(nogil=True, cache=True)
def _emit(needed, at, vertices, triangles):  # type: ignore[no-untyped-def] # pragma: no cover - compiled
    last = needed.shape[0] - 1
    n, m = 0, 0
    # Ends of the longest side, then the right angle; each triangle in work holds its smaller sister on the stack.
    stack = np.empty((64, 6), dtype=np.int32)
    stack[0] = np.array([0, 0, last, last, 0, last], dtype=np.int32)
    stack[1] = np.array([last, last, 0, 0, last, 0], dtype=np.int32)
    depth = 2
    while depth > 0:
        depth -= 1
        ar, ac, br, bc, cr, cc = stack[depth]
        mr, mc = (ar + br) // 2, (ac + bc) // 2
        if (ar + br) % 2 == 0 and (ac + bc) % 2 == 0 and needed[mr, mc]:
            stack[depth] = np.array([cr, cc, ar, ac, mr, mc], dtype=np.int32)
            stack[depth + 1] = np.array([br, bc, cr, cc, mr, mc], dtype=np.int32)
            depth += 2
            continue
        for k, (r, c) in enumerate(((ar, ac), (br, bc), (cr, cc))):
            if at[r, c] < 0:
                at[r, c] = n
                vertices[n, 0], vertices[n, 1] = r, c
                n += 1
            triangles[m, k] = at[r, c]
        m += 1
    return n, m
