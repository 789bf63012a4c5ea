"""Chance that never changes: the same seed and the same name of a draw give the same numbers on every machine.

Numbers come from the SplitMix64 mixer over a counter, so they depend on no library's generator and on no order of calls.
Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from data_samples.town.arithmetic import Floats, cosine, sine

Warp = Callable[[Floats], Floats]


def _mix(z: NDArray[np.uint64]) -> NDArray[np.uint64]:
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Chance:
    """All random choices of one town, drawn by name."""

    seed: int

    def uniform(self, name: str, n: int, low: float = 0.0, high: float = 1.0) -> Floats:
        """`n` numbers in [low, high)."""
        start = np.uint64((self.seed * 0x9E3779B97F4A7C15 + (zlib.crc32(name.encode()) << 32)) % 2**64)
        step = np.uint64(0x9E3779B97F4A7C15)
        bits = _mix(start + (np.arange(n, dtype=np.uint64) + np.uint64(1)) * step)
        unit = (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return low + (high - low) * unit

    def integers(self, name: str, n: int, low: int, high: int) -> NDArray[np.int64]:
        """`n` whole numbers from `low` to `high`, both possible."""
        return np.floor(self.uniform(name, n, low, high + 1)).astype(np.int64)

    def pick(self, name: str, n: int, weights: Sequence[float]) -> NDArray[np.int64]:
        """`n` positions in `weights`, each as likely as its weight."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        return np.searchsorted(edges / edges[-1], self.uniform(name, n), side="right").astype(np.int64)

    def noise(self, name: str, wavelength_m: float, waves: int = 7) -> Callable[[Floats], Floats]:
        """A smooth field of about unit size: a sum of plane waves; takes points (n, 2), returns (n,)."""
        angle = self.uniform(name + "/angle", waves, 0, 2 * np.pi)
        phase = self.uniform(name + "/phase", waves, 0, 2 * np.pi)
        length = wavelength_m * self.uniform(name + "/length", waves, 0.75, 1.35)
        along_x, along_y = cosine(angle) * (2 * np.pi / length), sine(angle) * (2 * np.pi / length)

        def field(xy: Floats) -> Floats:
            heights = sine(xy[:, :1] * along_x + xy[:, 1:] * along_y + phase)
            return np.asarray(heights.sum(axis=1) * np.sqrt(2.0 / waves))

        return field

    def warp(self, name: str, *octaves: tuple[float, float]) -> Warp:
        """A gentle push of points, octave by octave (wavelength, size, both metres): shared points stay shared."""
        fields = [
            (self.noise(f"{name}/{i}/x", length), self.noise(f"{name}/{i}/y", length), size)
            for i, (length, size) in enumerate(octaves)
        ]

        def push(xy: Floats) -> Floats:
            shift = sum((size * np.column_stack([fx(xy), fy(xy)]) for fx, fy, size in fields), np.zeros_like(xy))
            return xy + shift

        return push
