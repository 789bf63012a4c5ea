"""Both stores behind one fixture, and layers drawn in metres of the city's own plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from twin.crs import parse_crs, to_cgcs2000
from twin.feature import Feature, FeatureBatch
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec, Store

METRES = "EPSG:4549"


@pytest.fixture
def draw(store: Store) -> Callable[..., None]:
    """Makes a layer of shapes given in metres of EPSG:4549; ids are 1 to n, text columns by name."""

    def make(layer_id: str, shapes: Sequence[Any], columns: dict[str, Sequence[Any]] | None = None) -> None:
        names = columns or {}
        schema = Schema(
            GeometryType.GEOMETRY,
            tuple(Property(name, _kind(values)) for name, values in names.items()),
        )
        places = np.empty(len(shapes), dtype=object)
        places[:] = list(shapes)
        features = [
            Feature(str(i + 1), shape, {name: values[i] for name, values in names.items()})
            for i, shape in enumerate(to_cgcs2000(places, parse_crs(METRES)))
        ]
        with store.write(layer_id, Author("test"), create=LayerSpec(layer_id, schema)) as writer:
            writer.upsert(FeatureBatch.of(schema, features))

    return make


def _kind(values: Sequence[Any]) -> PropertyType:
    return PropertyType.BOOLEAN if any(isinstance(value, bool) for value in values) else PropertyType.STRING
