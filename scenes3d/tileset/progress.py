"""How far a build is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told how a build goes on: the step, how much it has done, and of how much (bytes read, points, triangles, files, tiles)."""


# Where steps begin, and how much of all each is; the last one is the longest, whatever it is called.
_LAST = (0.5, 0.5)
_SHARES = {"read": (0.0, 0.3), "spread": (0.3, 0.2), "cut": _LAST, "tiles": _LAST, "written": (1.0, 0.0)}


def share_of(step: str, done: int, total: int) -> float:
    """How much of a whole build is done, 0…1, by what a `Progress` is told."""
    start, share = _SHARES[step]
    return start + share * min(done / max(total, 1), 1.0)


def silent(step: str, done: int, total: int) -> None:
    """A `Progress` that tells nobody."""


class Counter:
    """Adds up what a step says it has done more."""

    def __init__(self, progress: Progress, step: str, total: int) -> None:
        self._progress, self._step, self._total, self._done = progress, step, total, 0

    def __call__(self, more: int) -> None:
        self._done += more
        self._progress(self._step, self._done, self._total)
