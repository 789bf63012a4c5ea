"""Property names that every store and format can keep."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

from twin.formats.port import Rename

MAX_BYTES = 60
_SPACE = re.compile(r"\s+")


def clean_names(originals: Iterable[str]) -> list[str]:
    r"""One name for each original: trimmed, without control characters, at most 60 bytes of UTF-8, unique without regard to case.

    >>> clean_names([" name ", "Name", "", "高度\n(m)"])
    ['name', 'Name_2', 'column_3', '高度 (m)']
    """
    taken: set[str] = set()
    names = []
    for number, original in enumerate(originals, start=1):
        base = _trim(original) or f"column_{number}"
        name, count = base, 1
        while name.casefold() in taken:
            count += 1
            suffix = f"_{count}"
            name = cut_utf8(base, MAX_BYTES - len(suffix)) + suffix
        taken.add(name.casefold())
        names.append(name)
    return names


def list_renames(originals: Sequence[str], names: Sequence[str]) -> tuple[Rename, ...]:
    """The pairs that differ."""
    return tuple(Rename(a, b) for a, b in zip(originals, names, strict=True) if a != b)


def cut_utf8(text: str, length: int) -> str:
    """`text` cut to at most `length` bytes of UTF-8, never inside a character."""
    return text.encode("utf-8", "replace")[:length].decode("utf-8", "ignore")


def _trim(original: str) -> str:
    spaced = _SPACE.sub(" ", original.replace("\ufeff", ""))
    printable = "".join(c for c in spaced if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})
    return cut_utf8(printable.strip(), MAX_BYTES).strip()
