"""Features: one at a time, and in the columnar batches that everything bulky travels in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from twin.schema import Schema

Value = str | int | float | bool | date | datetime | None


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature of a layer.

    Attributes:
        id: Public id, unique in its layer; None asks the store to give one.
        geometry: In CGCS2000 (EPSG:4490), lon/lat degrees; None where the place is unknown.
        properties: Values by name.
        version: Version of the layer at which this state was written; 0 before the store has seen it.
        valid_from, valid_to: When this state holds in the world; None is an open end.
    """

    id: str | None
    geometry: shapely.Geometry | None
    properties: dict[str, Value] = field(default_factory=dict)
    version: int = 0
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@dataclass(frozen=True)
class FeatureBatch:
    """Many features of one schema as columns of equal length n, in stable order.

    Attributes:
        schema: The properties present in `columns`, in that order (a query may ask for fewer than the layer has).
        fids: int64 (n,). Row numbers of the store: stable for the life of a feature, increasing in order of arrival.
        ids: n public ids; None where the store is to give one (on the way in only).
        wkb: n ISO WKB geometries in CGCS2000 lon/lat, or None for a feature without a place.
        columns: One list of n values per property.
        versions: n layer versions at which each row was written.
        valid_from, valid_to: n instants, or empty when nothing is known of validity in the whole batch.
    """

    schema: Schema
    fids: npt.NDArray[np.int64]
    ids: Sequence[str | None]
    wkb: Sequence[bytes | None]
    columns: dict[str, Sequence[Any]]
    versions: Sequence[int] = ()
    valid_from: Sequence[datetime | None] = ()
    valid_to: Sequence[datetime | None] = ()

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def geometries(self) -> npt.NDArray[np.object_]:
        """Shapely geometries, object (n,), None where there is none."""
        wkb = np.empty(len(self.wkb), dtype=object)
        wkb[:] = list(self.wkb)
        return np.asarray(shapely.from_wkb(wkb), dtype=object)

    def features(self) -> Iterator[Feature]:
        """The rows one by one, for code that handles few."""
        names = list(self.columns)
        columns = list(self.columns.values())
        for i, (id_, geometry) in enumerate(zip(self.ids, self.geometries, strict=True)):
            yield Feature(
                id=id_,
                geometry=geometry,
                properties={name: column[i] for name, column in zip(names, columns, strict=True)},
                version=self.versions[i] if self.versions else 0,
                valid_from=self.valid_from[i] if self.valid_from else None,
                valid_to=self.valid_to[i] if self.valid_to else None,
            )

    def slice(self, start: int, stop: int) -> FeatureBatch:
        """Rows `start` up to `stop`, as a batch."""
        return replace(
            self,
            fids=self.fids[start:stop],
            ids=self.ids[start:stop],
            wkb=self.wkb[start:stop],
            columns={name: column[start:stop] for name, column in self.columns.items()},
            versions=self.versions[start:stop],
            valid_from=self.valid_from[start:stop],
            valid_to=self.valid_to[start:stop],
        )

    @classmethod
    def of(cls, schema: Schema, features: Sequence[Feature]) -> FeatureBatch:
        """A batch made from single features, row numbers left to the store (zeros)."""
        return cls(
            schema=schema,
            fids=np.zeros(len(features), dtype=np.int64),
            ids=[f.id for f in features],
            wkb=[None if f.geometry is None else shapely.to_wkb(f.geometry, flavor="iso") for f in features],
            columns={p.name: [f.properties.get(p.name) for f in features] for p in schema},
            versions=[f.version for f in features],
            valid_from=[f.valid_from for f in features],
            valid_to=[f.valid_to for f in features],
        )
