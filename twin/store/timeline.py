"""Where a new state belongs on a feature's timeline, and the error for one that belongs nowhere.

A feature's timeline is a row of slices that never overlap. The newest is its head; the earlier ones stand in the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import Any

from twin.errors import OverlappingValidityError
from twin.validity import Validity

Row = tuple[Any, ...]

FID, ID, VERSION, VALID_FROM, VALID_TO = 0, 2, 3, 4, 5


class Place(Enum):
    """What a new state does to the head."""

    CORRECTS = auto()
    FOLLOWS = auto()
    PRECEDES = auto()


def place_of(new: Validity, head: Validity) -> Place | None:
    """How a new state stands to the head; None if it may not stand beside it."""
    if new.start == head.start:
        return Place.CORRECTS
    if new.begins_after(head):
        return Place.FOLLOWS
    return None if new.overlaps(head) else Place.PRECEDES


def same_slice(new: Validity, slices: Sequence[Validity], feature_id: str) -> int | None:
    """Index of the slice with the very same validity, which the new state corrects; None if it is a slice of its own.

    Raises:
        OverlappingValidityError: if it overlaps another one.
    """
    for i, known in enumerate(slices):
        if known == new:
            return i
        if known.overlaps(new):
            raise overlapping(feature_id, new, known)
    return None


def overlapping(feature_id: str, new: Validity, known: Validity) -> OverlappingValidityError:
    """The error that names both intervals."""
    return OverlappingValidityError(
        f"The feature '{feature_id}' would be in two states at once: {new} overlaps {known}.",
        value=str(new),
        limit=f"known already: {known}",
        remedy="Begin where the known state begins to correct it, later to follow it, or end where it begins to precede it; "
        "where the dates of the known state are wrong, say validity=correct; to take a state back, restore an earlier version.",
    )


def ended(row: Row, at: Any, version: int) -> Row:
    """A head as the slice it becomes when its successor begins at `at` (as the database keeps instants)."""
    end = at if row[VALID_TO] is None or row[VALID_TO] > at else row[VALID_TO]
    return (*row[:VERSION], version, row[VALID_FROM], end, *row[VALID_TO + 1 :])


def with_validity_of(row: Row, other: Row) -> Row:
    """`row` in the place of `other` on the timeline."""
    return (*row[:VALID_FROM], other[VALID_FROM], other[VALID_TO], *row[VALID_TO + 1 :])


def rounds(rows: Sequence[Row]) -> list[list[int]]:
    """Indexes of rows in turns, each id at most once a turn, earlier validity first."""
    turns: list[list[int]] = []
    taken: dict[str, int] = {}
    for i in sorted(range(len(rows)), key=lambda i: (rows[i][VALID_FROM] is not None, rows[i][VALID_FROM] or 0)):
        turn = taken.get(rows[i][ID], 0)
        taken[rows[i][ID]] = turn + 1
        if turn == len(turns):
            turns.append([])
        turns[turn].append(i)
    return [sorted(turn) for turn in turns]
