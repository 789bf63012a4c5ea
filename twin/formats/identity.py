"""Public ids of rows, taken from a column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import compress
from typing import Any

from twin.errors import UnknownPropertyError
from twin.formats.port import Rejection, RowBatch
from twin.formats.values import as_text

NO_ID = "the column that gives the id is empty"


def id_column_of(wanted: str | None, columns: Sequence[tuple[str, str]], layer: str) -> tuple[str | None, str | None]:
    """Name in the file and name of the property that gives the ids; two Nones when the caller names none.

    Args:
        wanted: What the caller says: a name as in the file or as cleaned.
        columns: Pairs of both names.
        layer: For the message.

    Raises:
        UnknownPropertyError: if there is no such column.
    """
    if wanted is None:
        return None, None
    for source, name in columns:
        if wanted in (source, name):
            return source, name
    raise UnknownPropertyError(
        f"'{layer}' has no column '{wanted}' to take the ids from.",
        value=wanted,
        limit="one of: " + ", ".join(name for _, name in columns[:40]),
        remedy="Name a column of the file, or leave id_property out.",
    )


def id_texts(values: Sequence[Any]) -> list[str | None]:
    """Ids as text: whole floats lose their point, empty ones are None.

    >>> id_texts([7, 7.0, " a ", "", None])
    ['7', '7', 'a', None, None]
    """
    return [id_text(value) for value in values]


def id_text(value: Any) -> str | None:
    """One id as text; None where it is empty."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = as_text(value)
    return (text.strip() or None) if text is not None else None


def reject_without_id(batch: RowBatch) -> RowBatch:
    """The batch with the rows that have no id moved to the rejected ones."""
    assert batch.ids is not None
    if None not in batch.ids:
        return batch
    keep = [id_ is not None for id_ in batch.ids]
    bad = [Rejection(row, NO_ID) for row, good in zip(batch.rows, keep, strict=True) if not good]
    return select_rows(batch, keep, bad)


def select_rows(batch: RowBatch, keep: Sequence[bool], rejected: Sequence[Rejection]) -> RowBatch:
    """The rows of `batch` where `keep` is true, with these rejections added."""
    return replace(
        batch,
        rows=list(compress(batch.rows, keep)),
        ids=None if batch.ids is None else list(compress(batch.ids, keep)),
        wkb=list(compress(batch.wkb, keep)),
        columns={name: list(compress(values, keep)) for name, values in batch.columns.items()},
        rejected=batch.rejected + tuple(rejected),
    )
