"""What a writer is given: batches, their schema, the CRS of their geometries, and the name of the id column."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from twin.crs import CRS, is_lon_lat_by_definition, parse_crs
from twin.feature import FeatureBatch
from twin.schema import PropertyType, Schema

_ARROW = {
    PropertyType.STRING: pa.string(),
    PropertyType.INTEGER: pa.int64(),
    PropertyType.NUMBER: pa.float64(),
    PropertyType.BOOLEAN: pa.bool_(),
    PropertyType.DATE: pa.date32(),
    PropertyType.DATETIME: pa.timestamp("ms", "UTC"),
}


@dataclass(frozen=True)
class Content:
    """Features on their way into a file.

    Attributes:
        batches: Rows; their `wkb` is in `crs_text`, x (lon, easting) before y, as files have it.
        schema: Geometry type and properties; batches may lack some of the columns.
        crs_text: CRS to write into the file.
        layer: Name of the layer inside the file.
    """

    batches: Iterable[FeatureBatch]
    schema: Schema
    crs_text: str
    layer: str

    @property
    def crs(self) -> CRS:
        return parse_crs(self.crs_text)

    @property
    def crs_for_gdal(self) -> str:
        """The CRS as GDAL takes it; CRS84 becomes EPSG:4326, which files hold longitude first anyway."""
        if is_lon_lat_by_definition(self.crs):
            return "EPSG:4326"
        authority = self.crs.to_authority(min_confidence=100)
        return ":".join(authority) if authority else str(self.crs.to_wkt())

    def free_name(self, *candidates: str) -> str:
        """The first of these names that no property has, without regard to case."""
        taken = {name.casefold() for name in self.schema.names}
        for name in candidates:
            if name.casefold() not in taken:
                return name
        number = next(n for n in range(2, len(taken) + 3) if f"{candidates[0]}_{n}".casefold() not in taken)
        return f"{candidates[0]}_{number}"

    @property
    def id_name(self) -> str:
        """Name of the column with the public ids."""
        return self.free_name("id", "_id", "feature_id")


def column(batch: FeatureBatch, name: str) -> list[Any]:
    """Values of one property; unknown throughout where the batch does not carry it."""
    values = batch.columns.get(name)
    return [None] * len(batch) if values is None else list(values)


def arrow_schema(content: Content, geometry_name: str) -> pa.Schema:
    """Id, properties, geometry as Arrow fields."""
    fields = [(content.id_name, pa.string()), *((p.name, _ARROW[p.type]) for p in content.schema)]
    return pa.schema([*fields, (geometry_name, pa.binary())])


def arrow_batch(batch: FeatureBatch, content: Content, schema: pa.Schema, wkb: list[bytes | None]) -> pa.RecordBatch:
    """One batch as an Arrow record batch of `schema`."""
    values = [list(batch.ids), *(column(batch, p.name) for p in content.schema), wkb]
    arrays = [pa.array(v, kind, from_pandas=True) for v, kind in zip(values, schema.types, strict=True)]
    return pa.record_batch(arrays, schema=schema)


def iter_geometries(content: Content) -> Iterator[tuple[FeatureBatch, npt.NDArray[np.object_]]]:
    """Batches beside their shapely geometries."""
    for batch in content.batches:
        yield batch, shapely.from_wkb(np.array([*batch.wkb, None], dtype=object))[:-1]
