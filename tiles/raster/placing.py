"""Where the pixels of a tile lie in a raster: exact at the nodes of a lattice, linear between them.

PROJ is asked for 17 x 17 places of a tile. Whether that is enough is judged from every second of them: half as many nodes make four
times the error, so what they miss at the nodes between is four times what all of them miss. Where that is too much, the
lattice becomes twice as fine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tiles.address import Tile
from tiles.grids import Grid
from tiles.raster.record import RasterRecord
from twin.bounds import Bounds
from twin.crs import CGCS2000, CRS, is_same_place, parse_crs, transform_points

Floats = npt.NDArray[np.float64]
Affine6 = tuple[float, float, float, float, float, float]

FIRST_NODES = 17
_MOST_NODES = 257
# In pixels of the level that is read.
_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True)
class TileFrame:
    """The pixels of a tile that are drawn.

    Attributes:
        grid, tile: Which tile.
        size: Pixels of a side.
        margin: Pixels around it that are drawn too, for what looks at neighbours.
    """

    grid: Grid
    tile: Tile
    size: int = 256
    margin: int = 0

    @property
    def side(self) -> int:
        """Pixels of a side with the margin."""
        return self.size + 2 * self.margin

    def lonlat(self, columns: Floats, rows: Floats) -> tuple[Floats, Floats]:
        """Longitudes of columns and latitudes of rows; whole numbers are the outer edges of pixels, 0 the first with the margin."""
        world = float(self.size << self.tile.z)
        lon = -180.0 + (self.tile.x * self.size + columns - self.margin) / world * (360.0 / self.grid.columns)
        lat = [self.grid.latitude(row) for row in ((self.tile.y * self.size + rows - self.margin) / world).tolist()]
        return lon, np.array(lat)

    def pixels_of(self, bounds: Bounds) -> tuple[int, int, int, int] | None:
        """First column, first row, end column, end row of the pixels that a box may touch; None where it touches none."""
        world = float(self.size << self.tile.z)
        east = bounds.east + 360.0 if bounds.crosses_antimeridian else bounds.east
        x, y = self.grid.forward(np.array([bounds.west, east]), np.array([bounds.north, bounds.south]))
        turn = self.grid.columns * world
        spans = []
        for shift in (-turn, 0.0, turn):
            first, last = (x * world + shift - self.tile.x * self.size + self.margin).tolist()
            if first < self.side and last > 0:
                spans.append((first, last))
        top, bottom = (y * world - self.tile.y * self.size + self.margin).tolist()
        if not spans or top >= self.side or bottom <= 0:
            return None
        return (
            max(0, math.floor(min(first for first, _ in spans)) - 1),
            max(0, math.floor(top) - 1),
            min(self.side, math.ceil(max(last for _, last in spans)) + 1),
            min(self.side, math.ceil(bottom) + 1),
        )


@lru_cache(maxsize=64)
def _crs(text: str) -> CRS:
    return parse_crs(text)


def crs_of(record: RasterRecord) -> CRS:
    """The system of an image."""
    return _crs(record.crs)


def to_pixels(lon: Floats, lat: Floats, crs: CRS, affine: Affine6, bounds: Bounds) -> tuple[Floats, Floats]:
    """Columns and rows, fractions included, of places in a raster; not finite where its projection does not reach."""
    if is_same_place(crs):
        # A raster that reaches over the antimeridian counts its longitudes on.
        middle = bounds.west + ((bounds.east - bounds.west) % 360.0) / 2.0
        x, y = middle + (lon - middle + 180.0) % 360.0 - 180.0, lat
    else:
        x, y = transform_points(lon, lat, parse_crs(CGCS2000), crs)
    a, b, c, d, e, f = affine
    size = a * e - b * d
    x, y = x - c, y - f
    with np.errstate(invalid="ignore"):
        return (e * x - b * y) / size, (a * y - d * x) / size


@lru_cache(maxsize=4096)
def pixels_per_pixel(grid: Grid, z: int, size: int, bounds: Bounds, crs: str, affine: Affine6) -> float:
    """Raster pixels along a pixel of a grid's level, at the middle of the raster: it depends on the level alone, so
    neighbouring tiles read the same overview.

    Args:
        size: Pixels of a tile's side.
        bounds, crs, affine: Of the raster: box, name of its system, columns and rows to coordinates.
    """
    east = bounds.east + 360.0 if bounds.crosses_antimeridian else bounds.east
    lon, lat = (bounds.west + east) / 2.0, (bounds.south + bounds.north) / 2.0
    world = float(size << z)
    _, row = grid.forward(np.array([lon]), np.array([lat]))
    half = 0.5 / world
    lons = lon + np.array([-half, half, 0.0, 0.0]) * (360.0 / grid.columns)
    lats = np.array([lat, lat, grid.latitude(float(row[0]) - half), grid.latitude(float(row[0]) + half)])
    columns, rows = to_pixels(lons, np.clip(lats, -90.0, 90.0), _crs(crs), affine, bounds)
    along = (columns[1] - columns[0], rows[1] - rows[0])
    down = (columns[3] - columns[2], rows[3] - rows[2])
    area = abs(float(along[0] * down[1] - along[1] * down[0]))
    # At the levels where a pixel is a good part of the world, the projection may not reach that far.
    return math.sqrt(area) if math.isfinite(area) and area > 0 else math.inf


def lattice(
    frame: TileFrame, box: tuple[int, int, int, int], crs: CRS, affine: Affine6, bounds: Bounds, scale: float
) -> Floats:
    """Columns and rows (nodes, nodes, 2) in a raster of a lattice over the pixels of `box`, corners at their outer edges.

    Args:
        scale: Pixels of the file to a pixel of the level that is read; what comes back is in pixels of the file.
    """
    nodes = FIRST_NODES
    while True:
        found = _nodes(frame, box, crs, affine, bounds, nodes)
        if nodes >= _MOST_NODES or _missed(found) / 4.0 <= _TOLERANCE * scale:
            return found
        nodes = 2 * nodes - 1


def _nodes(
    frame: TileFrame, box: tuple[int, int, int, int], crs: CRS, affine: Affine6, bounds: Bounds, nodes: int
) -> Floats:
    west, north, east, south = box
    lon, lat = frame.lonlat(np.linspace(west, east, nodes), np.linspace(north, south, nodes))
    lons = np.broadcast_to(lon, (nodes, nodes)).ravel()
    lats = np.broadcast_to(lat[:, None], (nodes, nodes)).ravel()
    columns, rows = to_pixels(lons, np.clip(lats, -90.0, 90.0), crs, affine, bounds)
    return np.stack([columns, rows], axis=-1).reshape(nodes, nodes, 2)


def _missed(nodes: Floats) -> float:
    """What every second node misses at the nodes between, at most, in pixels."""
    with np.errstate(invalid="ignore"):
        along = np.abs((nodes[:, :-2:2] + nodes[:, 2::2]) / 2.0 - nodes[:, 1::2])
        down = np.abs((nodes[:-2:2] + nodes[2::2]) / 2.0 - nodes[1::2])
    both = np.concatenate([along.ravel(), down.ravel()])
    both = both[np.isfinite(both)]
    return float(both.max()) if both.size else 0.0
