"""When the rows of a file hold in the world: two columns that the manifest names, held against what can be meant.

Several rows of one id are slices of one feature. They may not overlap: which of the two would be true is not ours to guess.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.formats.port import RowBatch
from twin.formats.values import parse_date, parse_datetime
from twin.validity import Validity, ValidityLimits, instant_or_open

Refuse = Callable[[npt.NDArray[np.bool_], RowBatch, int, str, object, str], None]


@dataclass
class RowValidity:
    """Reads the validity of one batch after the other and remembers every id's slices.

    Attributes:
        from_column, to_column: Columns of the file; None where it has none, and that end is open.
        limits: Which times are believed.
        now: The present, against which they are held.
    """

    from_column: str | None
    to_column: str | None
    limits: ValidityLimits = field(default_factory=ValidityLimits)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    _slices: dict[str, list[Validity]] = field(default_factory=dict)

    def read(
        self, batch: RowBatch, ids: Sequence[str | None], keep: npt.NDArray[np.bool_], refuse: Refuse
    ) -> list[Validity]:
        """Validity of each row; rows that cannot be believed, or overlap another of their id, are struck from `keep`."""
        starts = self._instants(self.from_column, batch, keep, refuse, last=False)
        ends = self._instants(self.to_column, batch, keep, refuse, last=True)
        found = [Validity(start, end) for start, end in zip(starts, ends, strict=True)]
        for i, validity in enumerate(found):
            if keep[i]:
                self._judge(i, validity, ids[i], batch, keep, refuse)
        return found

    def _judge(
        self,
        i: int,
        validity: Validity,
        id_: str | None,
        batch: RowBatch,
        keep: npt.NDArray[np.bool_],
        refuse: Refuse,
    ) -> None:
        if validity.start is not None and validity.end is not None and validity.end < validity.start:
            refuse(keep, batch, i, "The validity ends before it begins.", str(validity), "Correct the two dates.")
            return
        fault = self.limits.fault(validity, self.now)
        if fault is not None:
            instant, limit, remedy = fault
            refuse(keep, batch, i, f"Such a time is not believed: {limit}.", instant_or_open(instant), remedy)
            return
        if id_ is None:
            return
        known = self._slices.setdefault(id_, [])
        other = next((slice_ for slice_ in known if slice_.overlaps(validity)), None)
        if other is None:
            known.append(validity)
            return
        value = f"{id_}: {validity} overlaps {other}"
        remedy = "Let each row of an id end where the next begins; the first row of each stretch is taken."
        refuse(keep, batch, i, "The validity overlaps that of another row of the same id.", value, remedy)

    def _instants(
        self, column: str | None, batch: RowBatch, keep: npt.NDArray[np.bool_], refuse: Refuse, *, last: bool
    ) -> list[datetime | None]:
        if column is None:
            return [None] * len(batch)
        instants: list[datetime | None] = []
        for i, value in enumerate(batch.columns[column]):
            try:
                instants.append(_instant(value, last=last))
            except (ValueError, OverflowError):
                instants.append(None)
                refuse(keep, batch, i, f"{column}: not a date or an instant", value, "Write 2024-05-01.")
        return instants


def _instant(value: Any, *, last: bool) -> datetime | None:
    """The instant in a cell; of a day its beginning, or where it is the last one, the beginning of the next.

    Raises:
        ValueError: if it is none.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    instant = parse_datetime(value) if isinstance(value, str) else None
    if instant is not None:
        return instant
    day = parse_date(value) if isinstance(value, str) else value
    if not isinstance(day, date):
        raise ValueError(value)  # noqa: TRY004 (one family of failure for the caller)
    begun = datetime.combine(day, time(), tzinfo=UTC)
    return begun + timedelta(days=1) if last else begun
