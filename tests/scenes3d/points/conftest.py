"""A small cloud made by arithmetic, and what reads it back from the tiles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from scenes3d.frames import Frame
from scenes3d.points.records import Chunk


@dataclass
class Waves:
    """A waving surface of `points` points round a place of the town, the first `knot` of them within a centimetre.

    After `fail_after` chunks it breaks, as a lost disk does.
    """

    points: int = 24_000
    chunk: int = 5_000
    edge_deg: float = 0.004
    coloured: bool = True
    knot: int = 0
    fail_after: int | None = None
    frame = Frame(120.0, 36.26, 20.0)

    def identity(self) -> Mapping[str, Any]:
        return {"points": self.points, "edge": self.edge_deg}

    def table(self) -> Chunk:
        """All points."""
        number = np.arange(self.points)
        draw = np.random.default_rng(7)
        east, north = draw.random((2, self.points)) * self.edge_deg
        east[: self.knot], north[: self.knot] = east[: self.knot] / 40_000, north[: self.knot] / 40_000
        colour = np.column_stack([number % 65_536, number * 7 % 65_536, number * 13 % 65_536]).astype(np.uint16)
        return Chunk(
            self.frame.lon + east,
            self.frame.lat + north,
            20 + 5 * np.sin(east * 4e4),
            colour if self.coloured else None,
            (number * 3 % 65_536).astype(np.uint16),
            (number % 19).astype(np.uint8),
        )

    def chunks(self) -> Iterator[Chunk]:
        table = self.table()
        for number, start in enumerate(range(0, self.points, self.chunk)):
            if number == self.fail_after:
                raise OSError("the disk went away")
            part = slice(start, start + self.chunk)
            colour = None if table.colour is None else table.colour[part]
            yield Chunk(
                table.lon[part], table.lat[part], table.height_m[part], colour, table.intensity[part],
                table.classification[part],
            )  # fmt: skip


@pytest.fixture
def files_of():
    """A function that gives all files of a folder by name."""

    def read(folder: Path) -> dict[str, bytes]:
        return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}

    return read


@pytest.fixture
def waves():
    """The class, so that a test makes the cloud it needs."""
    return Waves
