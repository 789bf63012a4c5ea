"""GeoParquet 1.1: WKB, PROJJSON, box and types in the metadata, zstd.

Source: GeoParquet 1.1.0, "File metadata" and "Column metadata".
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from twin.formats.writers.content import Content, arrow_batch, arrow_schema, iter_geometries
from twin.geometry import GEOMETRY_NAMES

_ROW_GROUP = 65_536


def write_geoparquet(content: Content, path: Path) -> int:
    """The rows of `content` as one GeoParquet file."""
    geometry = content.free_name("geometry", "geom", "wkb_geometry")
    schema = arrow_schema(content, geometry)
    count, kinds = 0, set[str]()
    box = [math.inf, math.inf, -math.inf, -math.inf]
    with pq.ParquetWriter(path, schema, compression="zstd", version="2.6") as writer:
        for batch, geometries in iter_geometries(content):
            table = pa.Table.from_batches([arrow_batch(batch, content, schema, list(batch.wkb))])
            writer.write_table(table, row_group_size=_ROW_GROUP)
            kinds |= _kinds(geometries)
            box = _grown(box, geometries)
            count += len(batch)
        writer.add_key_value_metadata({"geo": json.dumps(_metadata(content, geometry, kinds, box))})
    return count


def _metadata(content: Content, geometry: str, kinds: set[str], box: list[float]) -> dict[str, Any]:
    column: dict[str, Any] = {
        "encoding": "WKB",
        "crs": content.crs.to_json_dict(),
        "geometry_types": sorted(kinds),
    }
    if box[0] <= box[2]:
        column["bbox"] = box
    return {"version": "1.1.0", "primary_column": geometry, "columns": {geometry: column}}


def _kinds(geometries: Any) -> set[str]:
    known = geometries[~shapely.is_missing(geometries)]
    pairs = np.unique(shapely.get_type_id(known) * 2 + shapely.has_z(known))
    return {GEOMETRY_NAMES[pair // 2] + (" Z" if pair % 2 else "") for pair in pairs.tolist()}


def _grown(box: list[float], geometries: Any) -> list[float]:
    bounds = shapely.bounds(geometries)
    bounds = bounds[~np.isnan(bounds).any(axis=1)]
    if not len(bounds):
        return box
    low, high = bounds[:, :2].min(axis=0).tolist(), bounds[:, 2:].max(axis=0).tolist()
    return [min(box[0], low[0]), min(box[1], low[1]), max(box[2], high[0]), max(box[3], high[1])]
