"""Compiles the kernels, or loads them where that has been done: `python -m tiles.kernel.warming` does so ahead of the first tile."""

from __future__ import annotations

import numpy as np
import shapely

from tiles.address import Tile
from tiles.generalise.block_columns import encode_blocks
from tiles.generalise.blocks import Blocks
from tiles.generalise.density_columns import encode_density
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.kernel.layer import Part, encode_columns
from tiles.kernel.search import meets_any
from tiles.kernel.window import TileWindow
from tiles.snapshot.building import build_columns
from twin.feature import FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema


def load_kernels() -> None:
    """Draw one tile of every kind of geometry, so that every kernel has been called with the types it meets."""
    schema = Schema(GeometryType.GEOMETRY, (Property("name", PropertyType.STRING),))
    shapes = [
        shapely.Point(120.01, 36.26),
        shapely.LineString([(120.0, 36.2), (120.1, 36.3), (120.2, 36.2)]),
        shapely.box(120.0, 36.2, 120.1, 36.3),
        shapely.box(120.0, 36.2, 120.1, 36.3).difference(shapely.box(120.02, 36.22, 120.03, 36.23)),
    ]
    batch = FeatureBatch(
        schema=schema,
        fids=np.arange(1, len(shapes) + 1, dtype=np.int64),
        ids=["1", "2", "3", "four"],
        wkb=[shape.wkb for shape in shapes],
        columns={"name": ["胶州", None, "a", "b"]},
    )
    blocks = Blocks(12)
    columns = build_columns([batch], schema, blocks=blocks)
    hidden = np.zeros(len(columns), dtype=np.uint8)
    for tile in (Tile(z=0, x=0, y=0), Tile(z=10, x=853, y=401)):
        parts, window = [Part(columns), Part(columns, hidden)], TileWindow(WEB_MERCATOR_QUAD, tile)
        encode_columns("warm", parts, window)
        encode_blocks("warm", parts, blocks, window)
        encode_density("warm", parts, window)
        box = np.array(window.mercator_box(), dtype=np.int64)
        meets_any(columns.tree_boxes, columns.tree_levels, columns.boxes, box)


if __name__ == "__main__":
    load_kernels()
