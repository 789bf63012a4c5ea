"""Tilesets of hills, built once for each way of painting."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from painted_hills import Hills
from scenes3d.meshes.building import MeshOptions, MeshReport, build_mesh

OPTIONS = MeshOptions(most_triangles=1_500)


@dataclass(frozen=True)
class BuiltHills:
    """Where the tileset is, and what was said of it."""

    folder: Path
    report: MeshReport


@pytest.fixture(scope="session", params=["image", "colour", ""])
def hills(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> BuiltHills:
    """The tileset of the hills, four levels, painted in each way."""
    folder = tmp_path_factory.mktemp("hills")
    report = build_mesh(Hills(folder, request.param), folder / "out", OPTIONS)
    return BuiltHills(folder / "out", report)
