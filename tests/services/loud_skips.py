"""Skips that nobody can overlook: what this machine could not test, listed at the end of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NoReturn

import pytest

MARK = "NOT TESTED: "


def skip_loudly(missing: str, remedy: str) -> NoReturn:
    """Skip the test that asked, and have the end of the run say so.

    Args:
        missing: What is not here, as a noun phrase.
        remedy: The command or step that brings it.

    Raises:
        pytest.skip.Exception: always.
    """
    pytest.skip(f"{MARK}{missing} — {remedy}")


def loud_lines(skip_reasons: Iterable[str]) -> list[str]:
    """One line for each thing that is missing, with the number of tests that needed it; quiet skips are left out."""
    tally = Counter(reason.split(MARK, 1)[1] for reason in skip_reasons if MARK in reason)
    return [f"{count} test{'' if count == 1 else 's'} not run: {what}" for what, count in sorted(tally.items())]
