"""The few polygons that rounding or cutting may break, put right by GEOS."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import shapely

from tiles.kernel.window import TileWindow
from tiles.mvt.shapes import cut_and_round
from tiles.snapshot.layout import POLYGONS, SHELL, Columns
from tiles.snapshot.paths import paths_of, ranges

# Tile units of mended polygons are kept from this number on, so that none is negative.
MENDED_ORIGIN = 1 << 20


def mended_columns(columns: Columns, chosen: npt.NDArray[np.int64], window: TileWindow) -> tuple[Columns, int]:
    """Columns of valid polygons in tile units, counted from `MENDED_ORIGIN`, under the same table of values.

    Args:
        columns: Where the polygons are.
        chosen: int64: their numbers.
        window: The tile.

    Returns:
        The columns, and how many vanish when rounded.
    """
    placed = _polygons_in_tile(columns, chosen, window)
    shapes = cut_and_round(placed, window)
    paths = paths_of(shapes.geometries)
    numbers = chosen[shapes.rows]
    x, y = (paths.coordinates + MENDED_ORIGIN).astype(np.uint32).T.copy()
    count = len(numbers)
    mended = replace(
        columns,
        fids=columns.fids[numbers],
        kinds=np.full(count, POLYGONS, dtype=np.uint8),
        first_zoom=np.zeros(count, dtype=np.uint8),
        boxes=np.ones((count, 4), dtype=np.uint32),
        centres=columns.centres[numbers],
        feature_paths=paths.feature_paths,
        path_vertices=paths.path_vertices,
        path_roles=paths.roles,
        x=x,
        y=y,
        row=y,  # in tile units the grids are alike
        vertex_zoom=np.zeros(len(x), dtype=np.uint8),
        codes=columns.codes[numbers],
    )
    return mended, shapes.too_small


def _polygons_in_tile(columns: Columns, chosen: npt.NDArray[np.int64], window: TileWindow) -> npt.NDArray[np.object_]:
    """Polygons as the kernel places them, thinned and in whole tile units, before the cut: object (c,), polygons and multipolygons.

    Neighbours that the kernel draws by itself have the same vertices along a shared border.
    """
    paths, _ = ranges(columns.feature_paths, chosen)
    vertices, sizes = ranges(columns.path_vertices, paths)
    needed = columns.vertex_zoom[vertices] <= window.zoom
    sizes = np.bincount(np.repeat(np.arange(len(paths)), sizes)[needed], minlength=len(paths))
    vertices = vertices[needed]
    ordinates = columns.y if window.is_mercator else columns.row
    xy = np.column_stack(
        [
            _units(axis[vertices], origin, window)
            for axis, origin in zip((columns.x, ordinates), window.origin, strict=True)
        ]
    )
    roles = columns.path_roles[paths]
    shell_of = np.flatnonzero(roles == SHELL)[np.cumsum(roles == SHELL) - 1]
    whole = (sizes >= 3) & (sizes[shell_of] >= 3)  # a shell that is no ring takes its holes along
    drawn, kept = np.repeat(whole, sizes), np.flatnonzero(whole)
    rings = shapely.linearrings(xy[drawn], indices=np.repeat(np.arange(len(kept)), sizes[kept]))
    shell = roles[kept] == SHELL
    polygons = shapely.polygons(np.atleast_1d(rings), indices=np.cumsum(shell) - 1)
    owner = np.repeat(np.arange(len(chosen)), columns.feature_paths[chosen + 1] - columns.feature_paths[chosen])[kept]
    result = np.empty(len(chosen), dtype=object)
    shapely.multipolygons(np.atleast_1d(polygons), indices=owner[shell], out=result)
    return result


def _units(values: npt.NDArray[np.uint32], origin: int, window: TileWindow) -> npt.NDArray[np.float64]:
    """World units to whole tile units, rounded as the kernel does."""
    half = (1 << window.bits) >> 1
    return (((values.astype(np.int64) - origin) * window.extent + half) >> window.bits).astype(np.float64)
