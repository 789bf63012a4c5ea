"""Which paths are tiles, told apart by splitting text: the first thing that happens to every request."""

from __future__ import annotations

from dataclasses import dataclass

from tiles.grids import GRIDS, WEB_MERCATOR_QUAD

_SUFFIX = ".mvt"


@dataclass(frozen=True, slots=True)
class TilePath:
    """The parts of a tile's path, not yet judged.

    Attributes:
        ids: Layers; empty where the whole data set is meant.
        grid: Id of the tiling scheme.
        z, x, y: Level, column and row as written.
        ogc: Whether the path has OGC API Tiles' form.
    """

    ids: tuple[str, ...]
    grid: str
    z: str
    x: str
    y: str
    ogc: bool


def match_tile_path(path: str) -> TilePath | None:
    """The parts of a tile's path; None for a path that is something else.

    >>> match_tile_path("/tiles/roads,water/14/13654/6418.mvt").ids
    ('roads', 'water')
    """
    if path.startswith("/tiles/"):
        return _dataset_path(path.split("/")[2:])
    if path.startswith("/collections/"):
        parts = path.split("/")[2:]
        if len(parts) == 6 and parts[1] == "tiles":
            layer_id, _, grid, z, row, column = parts
            return TilePath(ids=(layer_id,), grid=grid, z=z, x=column, y=row, ogc=True)
    return None


def _dataset_path(parts: list[str]) -> TilePath | None:
    if len(parts) in (4, 5) and parts[-1].endswith(_SUFFIX):
        ids, *rest, z, x, y = parts
        grid = rest[0] if rest else WEB_MERCATOR_QUAD.id
        return TilePath(ids=tuple(ids.split(",")), grid=grid, z=z, x=x, y=y.removesuffix(_SUFFIX), ogc=False)
    if len(parts) == 4 and parts[0] in GRIDS:
        grid, z, row, column = parts
        return TilePath(ids=(), grid=grid, z=z, x=column, y=row, ogc=True)
    return None
