"""The few polygons that rounding or cutting may break, put right by GEOS."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import shapely

from tiles.kernel.aside import Pile
from tiles.kernel.window import TileWindow
from tiles.mvt.shapes import cut_and_round
from tiles.snapshot.layout import POLYGONS, SHELL, Columns
from tiles.snapshot.paths import paths_of

# Tile units of mended polygons are kept from this number on, so that none is negative.
MENDED_ORIGIN = 1 << 20


def mended_columns(columns: Columns, pile: Pile, window: TileWindow) -> tuple[Columns, int]:
    """Columns of valid polygons in tile units, counted from `MENDED_ORIGIN`, under the same table of values.

    What is mended has been placed, thinned and cut by the kernel: parts elsewhere cost nothing, and neighbours that the kernel draws by itself
    have the same vertices along a shared border.

    Args:
        columns: Where the polygons are.
        pile: What the kernel put aside of them.
        window: The tile.

    Returns:
        The columns, and how many vanish when rounded.
    """
    shapes = cut_and_round(_polygons(pile), window)
    paths = paths_of(shapes.geometries)
    numbers = pile.numbers[shapes.rows]
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


def _polygons(pile: Pile) -> npt.NDArray[np.object_]:
    """What was put aside, in tile units: object (c,), multipolygons."""
    polygons, rings, vertices = pile.sizes.tolist()
    xy = np.column_stack([pile.x[:vertices], pile.y[:vertices]]).astype(np.float64)
    sizes = np.diff(pile.starts[: rings + 1])
    shell = pile.shells[:rings] == SHELL
    owner = np.repeat(np.arange(polygons), np.diff(pile.first_rings[: polygons + 1]))
    outlines = np.atleast_1d(shapely.linearrings(xy, indices=np.repeat(np.arange(rings), sizes)))
    parts = np.atleast_1d(shapely.polygons(outlines, indices=np.cumsum(shell) - 1))
    return np.asarray(np.atleast_1d(shapely.multipolygons(parts, indices=owner[shell])), dtype=object)
