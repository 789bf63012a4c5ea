"""Codes that are rows of decimal digits with fields of fixed width."""

from __future__ import annotations

from collections.abc import Sequence

from twin.errors import BadCodeError


def split_digits(text: str, widths: Sequence[int], system: str) -> list[str]:
    """The fields of a code.

    Raises:
        BadCodeError: if it is not as many decimal digits as the fields have together.

    >>> split_digits("370281001001001", (6, 3, 3, 3), "unit grid")
    ['370281', '001', '001', '001']
    """
    length = sum(widths)
    if not (text.isascii() and text.isdigit() and len(text) == length):
        raise BadCodeError(
            f"'{text}' is not a code of the {system}.",
            value=text,
            limit=f"{length} digits: {' + '.join(map(str, widths))}",
            remedy="Write all digits, leading zeros included.",
        )
    ends = [sum(widths[: i + 1]) for i in range(len(widths))]
    return [text[end - width : end] for end, width in zip(ends, widths, strict=True)]


def field_digits(value: str | int, width: int, name: str) -> str:
    """A field with its leading zeros.

    Raises:
        BadCodeError: if it does not fit.

    >>> field_digits(7, 3, "sequence")
    '007'
    """
    text = str(value)
    if not (text.isascii() and text.isdigit() and len(text) <= width):
        raise BadCodeError(
            f"This {name} does not fit its field.",
            value=text,
            limit=f"{width} digits",
            remedy="Give a whole number that is not too large.",
        )
    return text.zfill(width)
