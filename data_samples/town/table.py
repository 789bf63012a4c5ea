"""A layer's rows as columns beside their shapes, still in metres."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from data_samples.town.frame import Geometries


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of one layer.

    Attributes:
        columns: Name and values, in the order of the file; None is missing.
        shapes: One geometry a row, in metres (see `frame`).
    """

    layer_id: str
    columns: Mapping[str, Sequence[Any]]
    shapes: Geometries

    def __len__(self) -> int:
        return len(self.shapes)


def table(layer_id: str, names: Sequence[str], rows: Sequence[Sequence[Any]], *, numbered: bool = True) -> Table:
    """Rows whose last value is the shape, as columns; `numbered` puts an id from 1 in front."""
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = [row[-1] for row in rows]
    columns: dict[str, Sequence[Any]] = {"id": list(range(1, len(rows) + 1))} if numbered else {}
    for k, name in enumerate(names):
        columns[name] = [row[k] for row in rows]
    return Table(layer_id, columns, shapes)
