"""The published documents of the tiling schemes (OGC 17-083r4, JSON encoding)."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from tiles.grids import GRIDS, Grid, grid_called

# The OGC registry names two of them; our own grid is named by the address at which this server publishes it.
_REGISTRY = "http://www.opengis.net/def/tilematrixset/OGC/1.0/"
_REGISTERED = {grid_id: _REGISTRY + grid_id for grid_id in ("WebMercatorQuad", "WorldCRS84Quad")}


def matrix_set_document(grid_id: str) -> dict[str, Any]:
    """The TileMatrixSet document of a grid.

    Raises:
        UnknownGridError: if there is no such grid.
    """
    return dict(_document(grid_called(grid_id).id))


def matrix_set_uri(grid: Grid, base_url: str) -> str:
    """URI that identifies the grid: the OGC registry's where it has one, else its address on this server."""
    return _REGISTERED.get(grid.id, f"{base_url}/tileMatrixSets/{grid.id}")


def matrix_set_titles() -> dict[str, str]:
    """Title of each grid by its id, in the order of the registry."""
    return {grid_id: str(_document(grid_id)["title"]) for grid_id in GRIDS}


@cache
def _document(grid_id: str) -> dict[str, Any]:
    text = files("tiles").joinpath("tms", f"{grid_id}.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
