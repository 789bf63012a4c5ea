"""What the database is asked for, as a small tree over index terms; each database spells it in its own way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Term:
    """Names that hold an index term, or with `prefix` any term that begins so."""

    text: str
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """Names for which every part holds."""

    parts: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """Names for which at least one part holds."""

    parts: tuple[Expression, ...]


Expression = Term | All | Some


def all_of(parts: Iterable[Expression | None]) -> Expression | None:
    """Every part; None among them asks for nothing and is left out."""
    kept = tuple(dict.fromkeys(part for part in parts if part is not None))
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else All(kept)


def some_of(parts: Iterable[Expression | None]) -> Expression | None:
    """At least one part; None where there is none."""
    kept = tuple(dict.fromkeys(part for part in parts if part is not None))
    if not kept:
        return None
    return kept[0] if len(kept) == 1 else Some(kept)
