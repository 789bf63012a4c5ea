"""Many rays in batches over the processors, moved to the engine's own origin in float64 and handed over in float32."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from scenes3d.rays.port import Bools, Floats, Hits, Indices

Floats32 = npt.NDArray[np.float32]
_Found = TypeVar("_Found")

# Copies of a batch are some 40 bytes a ray; a batch is a second's work at most.
_BATCH = 250_000


class Engine(Protocol):
    """One engine: float32 in its own frame, one batch at a time, from several threads."""

    name: str

    def any_hit(self, origins: Floats32, directions: Floats32, reach: Floats32) -> Bools: ...

    def first(self, origins: Floats32, directions: Floats32, reach: Floats32) -> tuple[Floats32, Indices]: ...


@dataclass(frozen=True)
class Batched:
    """`scenes3d.rays.port.Rays` over an engine."""

    inner: Engine
    origin: Floats

    @property
    def engine(self) -> str:
        return self.inner.name

    def occluded(self, origins: Floats, directions: Floats, reach_m: Floats) -> Bools:
        parts = self._run(self.inner.any_hit, origins, directions, reach_m)
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.bool_)

    def first_hit(self, origins: Floats, directions: Floats, reach_m: Floats) -> Hits:
        parts = self._run(self.inner.first, origins, directions, reach_m)
        if not parts:
            return Hits(np.zeros(0), np.zeros(0, dtype=np.int32))
        distances = np.concatenate([part[0] for part in parts]).astype(np.float64)
        return Hits(distances, np.concatenate([part[1] for part in parts]))

    def _run(
        self,
        ask: Callable[[Floats32, Floats32, Floats32], _Found],
        origins: Floats,
        directions: Floats,
        reach_m: Floats,
    ) -> list[_Found]:
        def part(start: int) -> _Found:
            rows = slice(start, start + _BATCH)
            moved = (origins[rows] - self.origin).astype(np.float32)
            return ask(moved, directions[rows].astype(np.float32), reach_m[rows].astype(np.float32))

        starts = range(0, len(origins), _BATCH)
        if len(starts) < 2:
            return [part(start) for start in starts]
        with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="rays") as pool:
            return list(pool.map(part, starts))
