"""One tile of the ground as a triangle mesh, in the quantized-mesh format.

The ground is sampled at 65 by 65 places of the tile and of its eight neighbours. Heights are rounded to a step that the level
alone decides; the network (`tiles.terrain.rtin`) then keeps the samples it needs. So two tiles of a level that meet have the
same vertices along their edge, with the same bytes for height and normal, and no triangle of one ends in the middle of the
other's.

**What is promised**, for every sample of the tile: the mesh passes within `error_m(z)` of it, the bulge of the globe over flat
triangles included. Heights are those of the raster, in its vertical datum, taken for heights above the ellipsoid.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import orjson

from tiles.address import Tile
from tiles.terrain.availability import MESH_GRID, SIDE, error_m, mesh_ranges
from tiles.terrain.elevation import Floats
from tiles.terrain.ellipsoid import sagitta_m
from tiles.terrain.lattice import spacing_m
from tiles.terrain.quantized_mesh import UNITS, QuantizedVertices, encode_quantized_mesh
from tiles.terrain.rtin import needed_samples, triangles_of
from tiles.terrain.surface import Drawn, Surface
from twin.ellipsoid import earth_centred, metres_per_degree

_UNITS_OF = np.rint(np.arange(SIDE + 1) * (UNITS / SIDE)).astype(np.int32)
_STEPS_PER_ERROR = 32.0
# What is left of the error goes to the rounding of heights and places to the units of the format.
_SHARE_OF_NETWORK = 0.8


@dataclass(frozen=True, slots=True)
class MeshTile:
    """A tile as it goes out.

    Attributes:
        data: The quantized mesh, not compressed.
        vertices, triangles: How many.
        filled, outside: Samples of the tile, of 65 by 65, that lie in a wide void and beyond the raster.
    """

    data: bytes
    vertices: int
    triangles: int
    filled: int
    outside: int


def height_step_m(z: int) -> float:
    """The step heights of a level are rounded to, a power of two of a metre: at most a 32nd of the error."""
    return float(2.0 ** math.floor(math.log2(error_m(z) / _STEPS_PER_ERROR)))


def mesh_tile(surface: Surface, tile: Tile, *, normals: bool = True, metadata: bool = True) -> MeshTile:
    """The mesh of a tile of `MESH_GRID`.

    Args:
        surface: The ground.
        tile: Rows count from the north, as everywhere in `tiles`.
        normals, metadata: Which extensions of the format to write.

    Raises:
        TileOutsideGridError: if the grid has no such tile.
    """
    MESH_GRID.check(tile)
    lon, lat = _places(tile)
    level = surface.elevation.level_for(spacing_m(MESH_GRID, tile.z, SIDE))
    ground = surface.drawn(*np.meshgrid(lon, lat), level)
    own = np.s_[SIDE : 2 * SIDE + 1, SIDE : 2 * SIDE + 1]
    step = _step_for(ground.heights[own], tile.z)
    steps = np.rint(ground.heights / step)
    needed = needed_samples(steps * step, SIDE, *_limits(tile.z, step))
    at, triangles = triangles_of(needed[own])
    row, column = at[:, 0] + SIDE, at[:, 1] + SIDE
    vertices = _vertices(at, steps[row, column], step, lon[column], lat[row])
    data = encode_quantized_mesh(
        vertices,
        triangles,
        _normals(ground.heights, lon, lat, row, column) if normals else None,
        _metadata(surface, tile, ground) if metadata else None,
    )
    return MeshTile(data, len(at), len(triangles), int(ground.filled[own].sum()), int(ground.outside[own].sum()))


def _places(tile: Tile) -> tuple[Floats, Floats]:
    """Longitudes and latitudes of the sample columns and rows of a tile and its neighbours, from world-wide numbers alone."""
    columns, rows = MESH_GRID.matrix_size(tile.z)
    shares = _UNITS_OF[:-1] / UNITS
    across = np.concatenate([tile.x - 1 + shares, tile.x + shares, tile.x + 1 + shares, [tile.x + 2.0]])
    south = rows - 1 - tile.y
    up = np.concatenate([south - 1 + shares, south + shares, south + 1 + shares, [south + 2.0]])
    return -180.0 + np.mod(across, columns) * (360.0 / columns), (-90.0 + up * (180.0 / rows))[::-1]


def _step_for(heights: Floats, z: int) -> float:
    """The level's step, doubled where a tile's relief is beyond what the format can hold (8 km at level 12, 256 m from level 18 on)."""
    step = height_step_m(z)
    while np.ptp(heights) > step * (UNITS - 1):
        step *= 2.0
    return step


def _limits(z: int, step: float) -> tuple[Floats, Floats]:
    """How far samples may lie from triangles of each size: what the globe's bulge and the rounding leave."""
    cell = spacing_m(MESH_GRID, z, SIDE)
    left = _SHARE_OF_NETWORK * error_m(z) - step / 2.0
    sides = [2.0 * cell * (1 << level) for level in range(SIDE.bit_length() - 1)]
    return (
        np.array([left - sagitta_m(side) for side in sides]),
        np.array([left - sagitta_m(side * math.sqrt(2.0)) for side in sides]),
    )


def _vertices(at: npt.NDArray[np.int32], steps: Floats, step: float, lon: Floats, lat: Floats) -> QuantizedVertices:
    lowest = float(steps.min())
    positions = earth_centred(lon, lat, steps * step)
    middle = 0.5 * (positions.min(axis=0) + positions.max(axis=0))
    return QuantizedVertices(
        u=_UNITS_OF[at[:, 1]],
        v=_UNITS_OF[SIDE - at[:, 0]],
        height=(steps - lowest).astype(np.int32),
        lowest_m=lowest * step,
        highest_m=(lowest + UNITS) * step,
        positions=positions,
        centre=middle,
    )


def _normals(
    heights: Floats, lon: Floats, lat: Floats, row: npt.NDArray[np.int32], column: npt.NDArray[np.int32]
) -> Floats:
    """Unit normals of the sampled ground, Earth-centred, by central differences over two cells."""
    east_m, north_m = metres_per_degree(lat[row])
    cell = 180.0 / SIDE / round(180.0 / (lat[SIDE] - lat[2 * SIDE]))
    slope_east = (heights[row, column + 1] - heights[row, column - 1]) / (2.0 * cell * np.maximum(east_m, 1.0))
    slope_north = (heights[row - 1, column] - heights[row + 1, column]) / (2.0 * cell * north_m)
    lam, phi = np.radians(lon[column]), np.radians(lat[row])
    east = np.stack([-np.sin(lam), np.cos(lam), np.zeros_like(lam)], axis=-1)
    north = np.stack([-np.sin(phi) * np.cos(lam), -np.sin(phi) * np.sin(lam), np.cos(phi)], axis=-1)
    up = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=-1)
    normal = up - slope_east[:, None] * east - slope_north[:, None] * north
    return np.asarray(normal / np.linalg.norm(normal, axis=1, keepdims=True))


def _metadata(surface: Surface, tile: Tile, ground: Drawn) -> bytes:
    """What the tile says of itself: its error, tiles below it, datum and heights that nobody measured."""
    own = np.s_[SIDE : 2 * SIDE + 1, SIDE : 2 * SIDE + 1]
    below = []
    for ranged in mesh_ranges(surface.elevation, tile.z + 1):
        shift = ranged.z - tile.z
        west, east = max(ranged.west, tile.x << shift), min(ranged.east, ((tile.x + 1) << shift) - 1)
        north, south = max(ranged.north, tile.y << shift), min(ranged.south, ((tile.y + 1) << shift) - 1)
        if west > east or north > south:
            break
        below.append([type(ranged)(ranged.z, west, north, east, south).to_dict()])
    return orjson.dumps(
        {
            "available": below,
            "geometricerror": error_m(tile.z),
            "onemap:verticalDatum": surface.elevation.vertical_datum,
            "onemap:samples": (SIDE + 1) ** 2,
            "onemap:filled": int(ground.filled[own].sum()),
            "onemap:outside": int(ground.outside[own].sum()),
        }
    )
