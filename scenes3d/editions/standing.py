"""All buildings of an edition as the tree sees them, and which tile each is in: what an edit is worked out from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from scenes3d.buildings.footprints import Footprints, Ints
from scenes3d.buildings.tiling import Rows, rows_of
from scenes3d.editions.edition import Cell, Entry

_CHANGED = -1


@dataclass(frozen=True)
class Standing:
    """Buildings, and the number of the tile of an edition that each is in; -1 for those that an edit has touched.

    Attributes:
        tiles: int64 (n,).
    """

    rows: Rows
    tiles: Ints

    @classmethod
    def of(cls, tiles: Sequence[Rows]) -> Standing:
        """The buildings of an edition's tiles, in the order of its entries."""
        lengths = [len(rows.codes) for rows in tiles]
        return cls(Rows.joined(tiles), np.repeat(np.arange(len(tiles)), lengths))

    def edited(self, touched: Collection[str], changed: Footprints | None) -> Standing:
        """Without the touched ones, and with those of them that stand now."""
        stays = ~np.asarray(pc.is_in(self.rows.ids, pa.array(sorted(touched), pa.large_string())))
        kept = self.rows.take(np.flatnonzero(stays))
        new = [rows_of(changed)] if changed is not None and len(changed) else []
        added = [np.full(len(rows.codes), _CHANGED) for rows in new]
        return Standing(Rows.joined([kept, *new]), np.concatenate([self.tiles[stays], *added]))

    def in_tiles(self, order: Ints, counts: Ints) -> Standing:
        """The same buildings in the order of another edition's tiles, which hold so many each."""
        return Standing(self.rows.take(order), np.repeat(np.arange(len(counts)), counts))

    def unchanged(self, members: Ints, cell: Cell, entries: Sequence[Entry]) -> Entry | None:
        """The tile that holds exactly these buildings already."""
        first = int(self.tiles[members[0]])
        if first == _CHANGED or entries[first].cell != cell or entries[first].count != len(members):
            return None
        return entries[first] if (self.tiles[members] == first).all() else None
