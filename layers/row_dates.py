"""Dates in the columns of a file that can hardly be meant: kept, counted, and told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
import numpy.typing as npt

from layers.import_report import ReasonTally
from twin.text import LocalText
from twin.validity import Validity, ValidityLimits

REMEDY = LocalText(
    "请在源数据中更正日期，不明时留空。", "Correct the date in the source, or leave it empty where it is not known."
)


def count_unlikely(
    name: str,
    values: Sequence[Any],
    rows: Sequence[int],
    keep: npt.NDArray[np.bool_],
    limits: ValidityLimits,
    now: datetime,
    tally: ReasonTally,
) -> None:
    """Count the dates of a column that lie before or after what is believed of times at all; looked at one by one only if there are any.

    Args:
        values: `date`, `datetime` or None; a `datetime` without zone is UTC.
        rows: Number of each row in the file.
        keep: Rows that are taken; what is refused anyway is not counted twice.
    """
    earliest, latest = limits.earliest, now + limits.end_ahead
    known = [(_instant(value), i) for i, value in enumerate(values) if isinstance(value, date) and keep[i]]
    if not known or (min(known)[0] >= earliest and max(known)[0] <= latest):
        return
    for instant, i in known:
        if limits.fault(Validity(None, instant), now) is not None:
            reason = LocalText(
                f"{name}：日期早于 {earliest:%Y-%m-%d} 或晚于 {latest:%Y-%m-%d}，该行已保留。",
                f"{name}: a date before {earliest:%Y-%m-%d} or after {latest:%Y-%m-%d}; the row was kept.",
            )
            tally.add(reason, rows[i], values[i].isoformat(), REMEDY)


def _instant(value: date) -> datetime:
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return datetime.combine(value, time(), tzinfo=UTC)
