"""What a tile is cut from: columns of one version, and over them what has changed since."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tiles.snapshot.layout import Columns


@dataclass(frozen=True, slots=True)
class State:
    """A layer as its tiles show it. Never changed: an edit makes another one.

    Attributes:
        make: What was copied and how; a layer that was made anew, or travels with other properties, has another one.
        base_version: Version of the columns. They may hold later rows, too; those are among the next changes again.
        version: Version that columns, mask and fresh rows show together.
        columns: The copy.
        hidden: uint8 (n,) 1 for features that are out of date; None where none is.
        fresh: Rows written since; None where none stands.
    """

    make: str
    base_version: int
    version: int
    columns: Columns
    hidden: npt.NDArray[np.uint8] | None = None
    fresh: Columns | None = None

    @classmethod
    def of(cls, make: str, version: int, columns: Columns) -> State:
        """A copy nobody has written over yet."""
        return cls(make, version, version, columns)

    def with_changes(self, version: int, touched: npt.NDArray[np.int64], fresh: Columns) -> State:
        """The state after all changes since `base_version`.

        Args:
            version: What stands now.
            touched: int64: row numbers that are out of date in the copy.
            fresh: Those of them that stand.
        """
        outdated = np.isin(self.columns.fids, touched)
        return replace(
            self,
            version=version,
            hidden=outdated.astype(np.uint8) if outdated.any() else None,
            fresh=fresh if len(fresh) else None,
        )
