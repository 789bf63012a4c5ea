"""One feature of ten million vertices: CPU and memory of its snapshot and of its tiles, from the whole world to a house.

A coast round a circle of half a degree with 5,000 bays and 1.3 million teeth, as a polygon and as a line. There is no peer in the run: the
question is whether time and memory stay bounded.

    python benchmarks/tiles_huge.py [--vertices 10000000]
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

import numpy as np
import shapely
from machine import print_machine
from measure import CHECKOUT, print_table

sys.path.insert(0, str(CHECKOUT))

from tiles.grids import WEB_MERCATOR_QUAD
from tiles.kernel.layer import Part, encode_columns
from tiles.kernel.warming import load_kernels
from tiles.kernel.window import TileWindow
from tiles.snapshot.building import build_columns
from twin.feature import FeatureBatch
from twin.schema import GeometryType, Schema

LEVELS = (0, 3, 6, 8, 10, 12, 14, 16, 18)
MIDDLE, RADIUS_DEG = (119.0, 36.0), 0.5


def main() -> None:
    """Build, draw, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vertices", type=int, default=10_000_000)
    arguments = parser.parse_args()
    print_machine()
    load_kernels()
    turn = np.linspace(0, 2 * np.pi, arguments.vertices, endpoint=False)
    reach = RADIUS_DEG * (1 + 0.01 * np.sin(turn * 5_000) + 0.0005 * np.sin(turn * arguments.vertices * 0.13))
    ring = np.column_stack([MIDDLE[0] + reach * np.cos(turn), MIDDLE[1] + reach * np.sin(turn)])
    rows = [measured(kind, shapely.to_wkb(make(ring))) for kind, make in MAKERS.items()]
    print_table(["CPU s, memory added", "snapshot", *(f"z{level}" for level in LEVELS), "MB"], rows)


MAKERS = {"polygon": shapely.Polygon, "line": shapely.LineString}


def measured(kind: str, wkb: bytes) -> list[str]:
    """CPU seconds of the snapshot and of a tile at each level, and what they added to the largest memory in use."""
    schema = Schema(GeometryType.GEOMETRY, ())
    batch = FeatureBatch(schema=schema, fids=np.ones(1, dtype=np.int64), ids=["1"], wkb=[wkb], columns={})
    at_first = peak_mb()
    started = time.process_time()
    columns = build_columns([batch], schema)
    row = [kind, f"{time.process_time() - started:.1f}"]
    for level in LEVELS:
        tile = WEB_MERCATOR_QUAD.tile_at(MIDDLE[0] + RADIUS_DEG, MIDDLE[1], level)
        started = time.process_time()
        encode_columns(kind, [Part(columns)], TileWindow(WEB_MERCATOR_QUAD, tile))
        row.append(f"{time.process_time() - started:.2f}")
    return [*row, f"{peak_mb() - at_first:.0f}"]


def peak_mb() -> float:
    """Largest resident memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


if __name__ == "__main__":
    main()
