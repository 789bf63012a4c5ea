"""What has changed in a layer since a version: for copies of a layer that follow it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa

from twin.feature import FeatureBatch
from twin.store.dialect import Dialect
from twin.store.tables import FID, GEOM, ID, SLICE, STANDING, SUPERSEDED, VERSION, LayerTables


@dataclass(frozen=True, slots=True)
class Changes:
    """The difference between a version of a layer and what stands now.

    Attributes:
        version: What stands now.
        touched: int64, ascending: row numbers that were changed, deleted or inserted since; what a copy holds of them is out of date.
        rows: Those of them that stand, as they stand.
    """

    version: int
    touched: npt.NDArray[np.int64]
    rows: FeatureBatch


@dataclass(frozen=True, slots=True)
class ChangedBoxes:
    """Where a layer has changed since a version.

    Attributes:
        version: What stands now.
        boxes: float64 (n, 4) west, south, east, north, in degrees, each once: of what stands and was written since, and of
            what stood and does no more.
    """

    version: int
    boxes: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ChangedRows:
    """Row numbers touched, and the public ids of those that stand."""

    touched: npt.NDArray[np.int64]
    standing: tuple[str, ...]


def read_changed_rows(connection: sa.Connection, tables: LayerTables, since: int, most: int) -> ChangedRows | None:
    """What was written after a version; None where it is more than `most` rows. Slices before a head do not count."""
    current, history = tables.current, tables.history
    written = connection.execute(
        sa.select(current.c[FID], current.c[ID]).where(current.c[VERSION] > since).limit(most + 1)
    ).fetchall()
    ended = connection.execute(
        sa.select(history.c[FID])
        .where(history.c[SLICE] == 0, history.c[SUPERSEDED] > since, history.c[SUPERSEDED] < STANDING)
        .distinct()
        .limit(most + 1)
    ).scalars()
    touched = {fid for fid, _ in written}.union(ended)
    if len(touched) > most:
        return None
    return ChangedRows(np.array(sorted(touched), dtype=np.int64), tuple(str(public) for _, public in written))


def read_changed_boxes(
    connection: sa.Connection, tables: LayerTables, dialect: Dialect, since: int, most: int
) -> npt.NDArray[np.float64] | None:
    """See `ChangedBoxes.boxes`; None where more than `most` rows were written, or ended, since a version."""
    current, history = tables.current, tables.history
    written = sa.select(current.c[GEOM]).where(current.c[VERSION] > since)
    ended = sa.select(history.c[GEOM]).where(
        history.c[SLICE] == 0, history.c[SUPERSEDED] > since, history.c[SUPERSEDED] < STANDING
    )
    found = []
    for statement in (written, ended):
        kept = connection.execute(statement.limit(most + 1)).scalars().all()
        if len(kept) > most:
            return None
        boxes = shapely.bounds(shapely.from_wkb(np.array(dialect.decode_geometries(kept), dtype=object)))
        found.append(boxes.reshape(-1, 4))
    together = np.concatenate(found)
    return np.unique(together[np.isfinite(together).all(axis=1)], axis=0)
