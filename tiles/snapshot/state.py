"""What a tile is cut from: columns of one version, and over them what has changed since."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tiles.snapshot.files import Snapshot
from tiles.snapshot.layout import Columns

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sheet:
    """Columns, some of whose features are out of date.

    Attributes:
        columns: The features.
        hidden: uint8 (n,) 1 for features that are out of date; None where none is.
    """

    columns: Columns
    hidden: npt.NDArray[np.uint8] | None = None

    def without(self, touched: Ints) -> Sheet:
        """The sheet with the rows of these numbers out of date as well."""
        outdated = np.isin(self.columns.fids, touched)
        if not outdated.any():
            return self
        hidden = outdated.astype(np.uint8)
        return replace(self, hidden=hidden if self.hidden is None else hidden | self.hidden)


@dataclass(frozen=True, slots=True)
class State:
    """A layer as its tiles show it. Never changed: an edit makes another one.

    Attributes:
        make: What was copied and how, see `TileLayer.make`.
        base_version: Version of the copy. It may hold later rows, too; those are among the next changes again.
        version: Version that all sheets together show.
        base: The copy.
        edits: What was written since, one sheet for each time that was looked at, the latest last.
        edited: Number of rows read for `edits`.
    """

    make: str
    base_version: int
    version: int
    base: Sheet
    edits: tuple[Sheet, ...] = ()
    edited: int = 0

    @classmethod
    def of(cls, snapshot: Snapshot) -> State:
        """A copy nobody has written over yet."""
        return cls(snapshot.make, snapshot.version, snapshot.version, Sheet(snapshot.columns))

    @property
    def sheets(self) -> tuple[Sheet, ...]:
        """All sheets; each feature stands on one of them."""
        return (self.base, *self.edits)

    def without_edits(self) -> State:
        """The copy as it was made."""
        return replace(self, version=self.base_version, base=Sheet(self.base.columns), edits=(), edited=0)

    def with_changes(self, version: int, touched: Ints, fresh: Columns) -> State:
        """The state after all changes since `version`.

        Args:
            version: What stands now.
            touched: int64: row numbers that are out of date here.
            fresh: Those of them that stand.
        """
        edits = tuple(sheet.without(touched) for sheet in self.edits)
        if len(fresh):
            edits += (Sheet(fresh),)
        return replace(
            self,
            version=version,
            base=self.base.without(touched),
            edits=edits,
            edited=self.edited + len(touched),
        )
