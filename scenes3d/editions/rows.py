"""The file beside a tile of buildings: what the tree needs to know of them, as JSON."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import orjson
import pyarrow as pa

from scenes3d.buildings.tiling import Rows
from scenes3d.glb.container import broken


def pack_rows(rows: Rows) -> bytes:
    """The bytes of the file; the same rows give the same bytes."""
    return orjson.dumps({"ids": rows.ids.to_pylist(), "codes": rows.codes.tolist(), "sizes_mm": rows.sizes_mm.tolist()})


def read_rows(path: Path) -> Rows:
    """The buildings of a tile.

    Raises:
        UnreadableFileError: if the file is lost or broken.
    """
    try:
        said = orjson.loads(path.read_bytes())
        return Rows(
            pa.array(said["ids"], pa.large_string()),
            np.array(said["codes"], np.uint64),
            np.array(said["sizes_mm"], np.int64),
        )
    except (OSError, orjson.JSONDecodeError, KeyError) as error:
        raise broken(path.name, f"{type(error).__name__}: {error}", "the rows of a tile") from error
