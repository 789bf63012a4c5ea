"""Real files read as the importer reads them, for tests of the guard."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import shapely

from twin.crs import parse_crs, to_cgcs2000
from twin.formats.reading import open_source
from twin.guard.sample import SampleTaker

Geometries = npt.NDArray[np.object_]


def geometries_of(path: Path) -> Geometries:
    """Every geometry of a file in CGCS2000, or in its own numbers where it does not say a CRS."""
    parts = []
    with open_source(path) as source:
        for batch in source.batches():
            wkb = np.array([w for w in batch.wkb if w is not None], dtype=object)
            read = shapely.from_wkb(wkb, on_invalid="ignore")
            parts.append(read if source.info.crs is None else to_cgcs2000(read, parse_crs(source.info.crs)))
    whole = np.concatenate(parts)
    return whole[~(shapely.is_missing(whole) | shapely.is_empty(whole))]


def moved(
    geometries: Geometries, move: Callable[..., tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]
) -> Geometries:
    """Geometries with `move` done to their columns of longitude and latitude."""
    done: Geometries = shapely.transform(geometries, lambda xy: np.column_stack(move(xy[:, 0], xy[:, 1])))
    return done


def sampled(geometries: Geometries) -> Geometries:
    """What the guard would look at, had they streamed by in batches."""
    taker = SampleTaker()
    for start in range(0, len(geometries), 1000):
        taker.take(geometries[start : start + 1000])
    return taker.geometries()
