"""Arrays of codes as matrices of characters, and back: one pass over bytes in place of a Python string for each code."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import numpy.typing as npt

from twin.codes.angles import Flags, Strings, Whole
from twin.errors import BadCodeError

Bytes = npt.NDArray[np.uint8]
CodePoints = npt.NDArray[np.uint32]


def text_matrix(count: int, length: int) -> CodePoints:
    """Room for `count` codes of `length` characters, (count, length), to be filled with ASCII."""
    return np.empty((count, length), dtype=np.uint32)


def strings_of_bytes(matrix: CodePoints, kept: Flags | None = None) -> Strings:
    """The codes of a filled matrix as strings (n,), without copying; those not `kept` are empty."""
    strings = matrix.view(f"<U{matrix.shape[1]}")[:, 0]
    if kept is not None and not kept.all():
        strings[~kept] = ""
    return strings


def digits_of(codes: npt.ArrayLike, lengths: Collection[int], system: str) -> tuple[Bytes, Strings]:
    """The characters of codes of one length, (length, n), and the codes as strings (n,).

    Characters that are not ASCII come out as 0, which is no digit and no letter of any code.

    Raises:
        BadCodeError: if the lengths differ, or are not among `lengths`.
    """
    texts = np.atleast_1d(np.asarray(codes, dtype=np.str_))
    found = np.char.str_len(texts)
    length = int(found[0]) if len(found) else min(lengths)
    wrong = found != length if length in lengths else np.ones(len(texts), dtype=bool)
    if wrong.any():
        text = str(texts[int(np.argmax(wrong))])
        raise BadCodeError(
            f"'{text}' does not have as many characters as a code of {system}.",
            value=f"{len(text)} characters",
            limit="all of one length: " + ", ".join(map(str, sorted(lengths))) + " characters",
            remedy="Give whole codes, of one level at a time.",
        )
    exact = np.ascontiguousarray(texts, dtype=f"<U{length}")
    points = exact.view(np.uint32).reshape(len(texts), length).T
    return np.where(points < 128, points, 0).astype(np.uint8), exact


def letters(line: Bytes, alphabet: str, texts: Strings, place: int) -> Whole:
    """The position in `alphabet` of the character at one place of each code, (n,).

    Raises:
        BadCodeError: naming the first code whose character is not in it.
    """
    table = np.full(256, -1, dtype=np.int64)
    table[np.frombuffer(alphabet.encode(), dtype=np.uint8)] = np.arange(len(alphabet))
    values = table[line]
    if (values < 0).any():
        text = str(texts[int(np.argmin(values))])
        raise BadCodeError(
            f"'{text}' is not a code of this system: character {place} does not fit.",
            value=text,
            limit=f"one of {alphabet} at place {place}",
            remedy="Compare it with its source; letters are capitals.",
        )
    return values
