"""Tiles of terrain, made once and kept in memory as they go out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeGuard

from api.settings import Settings
from tiles.address import Tile
from tiles.cache import SingleFlightCache
from tiles.compression import compressed
from tiles.grids import Grid
from tiles.terrain.availability import MESH_GRID, SIDE, deepest_level, from_south, mesh_range
from tiles.terrain.documents import IMAGE_SIDE
from tiles.terrain.rgb import ImageKind, Packing, height_image
from tiles.terrain.shelf import Terrain, TerrainShelf
from twin.errors import TileOutsideGridError

# A share of the room that tiles of features have.
_SHARE_OF_MEMORY = 8


@dataclass(frozen=True, slots=True)
class TerrainTile:
    """A tile as it goes out.

    Attributes:
        body: Meshes gzipped, images as they are; empty where no height is known.
        filled, outside: Samples that lie in a wide void, and beyond the raster.
    """

    body: bytes
    filled: int
    outside: int

    @property
    def size(self) -> int:
        return len(self.body)


@dataclass(frozen=True)
class TerrainDesk:
    """The terrains of the server and their tiles."""

    shelf: TerrainShelf
    _cache: SingleFlightCache[TerrainTile] = field(repr=False)

    def mesh(self, terrain: Terrain, tile: Tile, extensions: frozenset[str]) -> TerrainTile:
        """A gzipped mesh; the row counts from the south.

        Raises:
            TileOutsideGridError: if the terrain has no such tile.
        """
        own = Tile(z=tile.z, x=tile.x, y=from_south(tile.z, tile.y))
        MESH_GRID.check(own)
        elevation = terrain.surface.elevation
        _check_level(own, deepest_level(MESH_GRID, elevation, SIDE))
        if not mesh_range(elevation, own.z).holds(own):
            raise TileOutsideGridError(
                "此处没有地形。The terrain has no such tile.",
                value=f"{tile.z}/{tile.x}/{tile.y}",
                limit=str(mesh_range(elevation, own.z).to_dict()),
                remedy="Ask for the tiles in available of layer.json; rows count from the south.",
            )

        def make() -> TerrainTile:
            from tiles.terrain.mesh import mesh_tile  # with the first mesh: the compiler comes along

            made = mesh_tile(
                terrain.surface, own, normals="octvertexnormals" in extensions, metadata="metadata" in extensions
            )
            return TerrainTile(compressed(made.data), made.filled, made.outside)

        return self._kept((terrain, "mesh", own, extensions), make)

    def image(self, terrain: Terrain, grid: Grid, tile: Tile, packing: Packing, kind: ImageKind) -> TerrainTile:
        """An image of heights; empty where none is known.

        Raises:
            TileOutsideGridError: if the grid has no such tile, or the raster no pixels for that level.
        """
        grid.check(tile)
        _check_level(tile, deepest_level(grid, terrain.surface.elevation, IMAGE_SIDE))

        def make() -> TerrainTile:
            made = height_image(terrain.surface, grid, tile, size=IMAGE_SIDE, packing=packing, kind=kind)
            return TerrainTile(made.data, made.filled, made.outside) if made else TerrainTile(b"", 0, IMAGE_SIDE**2)

        return self._kept((terrain, grid.id, tile, packing, kind), make)

    def close(self) -> None:
        self.shelf.close()

    def _kept(self, key: tuple[Terrain, *tuple[object, ...]], make: Callable[[], TerrainTile]) -> TerrainTile:
        terrain, *rest = key
        return self._cache.get_or_make((terrain.id, terrain.edition, *rest), make)


def terrain_desk(settings: Settings) -> TerrainDesk:
    """The terrains in the data folder; nothing is opened yet."""
    room = settings.tile_memory_mb * 1024 * 1024 // _SHARE_OF_MEMORY
    return TerrainDesk(TerrainShelf(settings.data_dir / "terrain"), SingleFlightCache(room))


def is_image_kind(text: str) -> TypeGuard[ImageKind]:
    return text in ("png", "webp")


def _check_level(tile: Tile, deepest: int) -> None:
    if tile.z > deepest:
        raise TileOutsideGridError(
            "级别超过高程数据的分辨率。The level is finer than the pixels of the raster.",
            value=tile.z,
            limit=f"0 to {deepest}",
            remedy="Draw the deepest level larger.",
        )
