"""What a subtree's table of metadata says of its tiles in place of what is worked out by halving: volumes and errors.

Source: OGC 22-025r4 (3D Tiles 1.1), section 7.6 (metadata of tiles); 3D Metadata Specification, binary table format;
3D Metadata Semantic Reference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_TYPES = {
    "INT8": "<i1", "UINT8": "<u1", "INT16": "<i2", "UINT16": "<u2", "INT32": "<i4", "UINT32": "<u4", "INT64": "<i8",
    "UINT64": "<u8", "FLOAT32": "<f4", "FLOAT64": "<f8",
}  # fmt: skip
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}
_VOLUMES = {
    "TILE_BOUNDING_REGION": ("region", 6),
    "TILE_BOUNDING_BOX": ("box", 12),
    "TILE_BOUNDING_SPHERE": ("sphere", 4),
}
_LOWEST, _HIGHEST, _ERROR = "TILE_MINIMUM_HEIGHT", "TILE_MAXIMUM_HEIGHT", "TILE_GEOMETRIC_ERROR"
_KNOWN = {**{name: width for name, (_, width) in _VOLUMES.items()}, _LOWEST: 1, _HIGHEST: 1, _ERROR: 1}


@dataclass(frozen=True)
class TileMetadata:
    """What is said of the tiles of a subtree.

    Attributes:
        rows: Row of the table for each place in the subtree; -1 where there is no tile.
        columns: Values (n, k) by semantic.
    """

    rows: npt.NDArray[np.int64]
    columns: Mapping[str, npt.NDArray[np.float64]]

    def said_of(self, number: int, volume: dict[str, Any]) -> dict[str, Any]:
        """The volume, and the error where one is said, of a tile whose volume was worked out as `volume`."""
        row = int(self.rows[number])
        found: dict[str, Any] = {"boundingVolume": volume}
        for semantic, (kind, _) in _VOLUMES.items():
            if semantic in self.columns:
                found["boundingVolume"] = {kind: self.columns[semantic][row].tolist()}
                break
        if "region" in found["boundingVolume"]:
            region = [*found["boundingVolume"]["region"]]
            for semantic, place in ((_LOWEST, 4), (_HIGHEST, 5)):
                if semantic in self.columns:
                    region[place] = float(self.columns[semantic][row, 0])
            found["boundingVolume"] = {"region": region}
        if _ERROR in self.columns:
            found["geometricError"] = float(self.columns[_ERROR][row, 0])
        return found


def read_tile_metadata(
    document: Mapping[str, Any],
    views: Sequence[bytes | memoryview],
    schema: Mapping[str, Any],
    tiles: npt.NDArray[np.bool_],
) -> TileMetadata:
    """The table of a subtree; without columns where there is none, or it says nothing that matters here.

    Args:
        tiles: Which places of the subtree have a tile.

    Raises:
        KeyError, IndexError, ValueError: if the table is not what the schema says.
    """
    rows = np.where(tiles, np.cumsum(tiles) - 1, -1)
    if "tileMetadata" not in document:
        return TileMetadata(rows, {})
    table = document["propertyTables"][document["tileMetadata"]]
    described = schema["classes"][table["class"]]["properties"]
    count = int(table["count"])
    if count < int(tiles.sum()):
        raise ValueError(f"a table of {count} rows for {int(tiles.sum())} tiles")
    columns: dict[str, npt.NDArray[np.float64]] = {}
    for key, place in table["properties"].items():
        said = described[key]
        semantic = said.get("semantic", "")
        width = _WIDTHS.get(said["type"], 0) * (int(said.get("count", 0)) if said.get("array") else 1)
        if _KNOWN.get(semantic) != width or said.get("componentType") not in _TYPES:
            continue
        dtype = np.dtype(_TYPES[said["componentType"]])
        values = np.frombuffer(views[place["values"]], dtype, count * width).reshape(count, width)
        columns[semantic] = values.astype(np.float64)
    return TileMetadata(rows, columns)
