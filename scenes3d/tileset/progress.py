"""How far a build is."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Told how a build goes on: the step, how much it has done, and of how much (bytes read, points, triangles, files, tiles)."""


def silent(step: str, done: int, total: int) -> None:
    """A `Progress` that tells nobody."""


class Counter:
    """Adds up what a step says it has done more."""

    def __init__(self, progress: Progress, step: str, total: int) -> None:
        self._progress, self._step, self._total, self._done = progress, step, total, 0

    def __call__(self, more: int) -> None:
        self._done += more
        self._progress(self._step, self._done, self._total)
