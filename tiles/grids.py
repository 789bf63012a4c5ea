"""The tiling schemes this server speaks, as an immutable registry with closed-form arithmetic.

The published documents of the same grids are JSON files in `tiles/tms`; a test holds the two together.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from tiles.address import Tile
from twin.bounds import Bounds
from twin.errors import TileOutsideGridError, UnknownGridError

Floats = npt.NDArray[np.float64]

# Half the side of the Web Mercator square: pi times the semi-major axis of WGS 84.
MERCATOR_EDGE_M = math.pi * 6_378_137.0
# Beyond it a Mercator ordinate grows without bound; such vertices lie outside every tile and are clipped away.
_MERCATOR_LAT_LIMIT_DEG = 89.9


@dataclass(frozen=True, slots=True)
class Grid:
    """A quadtree of tiles over the world.

    Attributes:
        id: Identifier of the TileMatrixSet.
        crs_uri: Reference system of the grid.
        columns, rows: Tiles at level 0.
        max_zoom: Deepest level.
        zoom_offset: What to add to a level to get the Web Mercator level whose tiles span as many degrees of longitude.
        edges: West, south, east, north of the whole grid in its own units, easting or longitude first.
        forward: Longitudes and latitudes (degrees) to tile columns and rows at level 0, fractions included.
        latitude: Row at level 0, fraction included, to latitude (degrees).
    """

    id: str
    crs_uri: str
    columns: int
    rows: int
    max_zoom: int
    zoom_offset: int
    edges: tuple[float, float, float, float]
    forward: Callable[[Floats, Floats], tuple[Floats, Floats]]
    latitude: Callable[[float], float]

    def matrix_size(self, z: int) -> tuple[int, int]:
        """Columns and rows at level `z`."""
        return self.columns << z, self.rows << z

    def check(self, tile: Tile) -> None:
        """Refuse an address that the grid does not have.

        Raises:
            TileOutsideGridError: if level, column or row lies outside.
        """
        if not 0 <= tile.z <= self.max_zoom:
            raise _outside(self, "level", tile.z, self.max_zoom)
        columns, rows = self.matrix_size(tile.z)
        if not 0 <= tile.x < columns:
            raise _outside(self, f"column at level {tile.z}", tile.x, columns - 1)
        if not 0 <= tile.y < rows:
            raise _outside(self, f"row at level {tile.z}", tile.y, rows - 1)

    def tile_bounds(self, tile: Tile) -> tuple[float, float, float, float]:
        """West, south, east, north of a tile in the units of the grid, without buffer.

        Raises:
            TileOutsideGridError: if the grid has no such tile.

        Source: OGC 17-083r4, annex D (tile bounding boxes from the point of origin and the cell size).
        """
        self.check(tile)
        west, _, east, north = self.edges
        side = (east - west) / (self.columns << tile.z)
        return (
            west + tile.x * side,
            north - (tile.y + 1) * side,
            west + (tile.x + 1) * side,
            north - tile.y * side,
        )

    def lonlat_bounds(self, tile: Tile, margin: float = 0.0) -> Bounds:
        """Box of a tile in longitude and latitude, grown on each side by `margin` tiles and cut at the world's edge.

        Raises:
            TileOutsideGridError: if the grid has no such tile.
        """
        self.check(tile)
        side_deg = 360.0 / (self.columns << tile.z)
        scale = 1 << tile.z
        north_row = max(tile.y - margin, 0.0) / scale
        south_row = min((tile.y + 1 + margin) / scale, float(self.rows))
        return Bounds(
            west=max(-180.0, -180.0 + (tile.x - margin) * side_deg),
            south=self.latitude(south_row),
            east=min(180.0, -180.0 + (tile.x + 1 + margin) * side_deg),
            north=self.latitude(north_row),
        )

    def tile_at(self, lon: float, lat: float, z: int) -> Tile:
        """The tile that holds a point; a point on an edge belongs to the tile east and south of it."""
        columns, rows = self.matrix_size(z)
        x, y = self.forward(np.array([lon]), np.array([lat]))
        scale = 1 << z
        return Tile(
            z=z,
            x=min(max(math.floor(float(x[0]) * scale), 0), columns - 1),
            y=min(max(math.floor(float(y[0]) * scale), 0), rows - 1),
        )


def grid_called(grid_id: str) -> Grid:
    """The grid of that id.

    Raises:
        UnknownGridError: if there is none.
    """
    try:
        return GRIDS[grid_id]
    except KeyError:
        raise UnknownGridError(
            f"There is no tiling scheme '{grid_id}'.",
            value=grid_id,
            limit="one of: " + ", ".join(GRIDS),
            remedy="Look at /tileMatrixSets for those this server has.",
        ) from None


def _mercator_forward(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    radians = np.radians(np.clip(lat, -_MERCATOR_LAT_LIMIT_DEG, _MERCATOR_LAT_LIMIT_DEG))
    return (lon + 180.0) / 360.0, 0.5 - np.arcsinh(np.tan(radians)) / (2.0 * math.pi)


def _mercator_latitude(row: float) -> float:
    return math.degrees(math.atan(math.sinh(math.pi * (1.0 - 2.0 * row))))


def _plain_forward(lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
    return (lon + 180.0) / 180.0, (90.0 - lat) / 180.0


def _plain_latitude(row: float) -> float:
    return 90.0 - 180.0 * row


def _outside(grid: Grid, what: str, value: int, last: int) -> TileOutsideGridError:
    return TileOutsideGridError(
        f"{grid.id} has no such tile: {what} is {value}.",
        value=value,
        limit=f"0 to {last}",
        remedy="Ask only for tiles inside the matrix; the limits of the data are in the tileset's metadata.",
    )


WEB_MERCATOR_QUAD = Grid(
    id="WebMercatorQuad",
    crs_uri="http://www.opengis.net/def/crs/EPSG/0/3857",
    columns=1,
    rows=1,
    max_zoom=24,
    zoom_offset=0,
    edges=(-MERCATOR_EDGE_M, -MERCATOR_EDGE_M, MERCATOR_EDGE_M, MERCATOR_EDGE_M),
    forward=_mercator_forward,
    latitude=_mercator_latitude,
)

WORLD_CRS84_QUAD = Grid(
    id="WorldCRS84Quad",
    crs_uri="http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    columns=2,
    rows=1,
    max_zoom=23,
    zoom_offset=1,
    edges=(-180.0, -90.0, 180.0, 90.0),
    forward=_plain_forward,
    latitude=_plain_latitude,
)

# It cuts the world like the registered grid of degrees; only the reference system and the depth are its own.
CGCS2000_QUAD = replace(
    WORLD_CRS84_QUAD, id="CGCS2000Quad", crs_uri="http://www.opengis.net/def/crs/EPSG/0/4490", max_zoom=18
)

GRIDS: Mapping[str, Grid] = MappingProxyType(
    {grid.id: grid for grid in (WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD, CGCS2000_QUAD)}
)
