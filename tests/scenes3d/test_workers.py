"""Tiles made by other processes or a cluster are those made in this one, byte for byte."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from dask_cluster import running_cluster
from scenes3d.editions import building as editions
from scenes3d.editions.building import build_edition
from scenes3d.editions.edition import Edition
from scenes3d.editions.folder import SceneFolder
from scenes3d.frames import Frame
from scenes3d.models import building as models
from scenes3d.models.building import build_model
from scenes3d.models.shaping import Faults, Shape
from scenes3d.points.building import CloudOptions, build_cloud
from scenes3d.points.records import Chunk
from twin.ellipsoid import earth_centred
from twin.tasks.here import IN_THREAD
from twin.tasks.opening import open_tasks
from twin.tasks.processes import Processes


@pytest.fixture(scope="module")
def cluster():
    with running_cluster() as address:
        yield open_tasks(address)


@pytest.fixture(params=["processes", "cluster"])
def others(request):
    """Two other processes."""
    return Processes(2) if request.param == "processes" else request.getfixturevalue("cluster")


def checksums(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


@pytest.fixture(autouse=True)
def _small_builds_are_handed_out_too(monkeypatch):
    monkeypatch.setattr(editions, "PAYS_FROM", 0)
    monkeypatch.setattr(models, "PAYS_FROM", 0)


def test_buildings(town, tmp_path, others):
    plan = Edition(1, (), {"copyright": "自然资源局"})
    made = [
        build_edition(SceneFolder(tmp_path / str(tasks.workers)), town, plan, tasks=tasks)
        for tasks in (IN_THREAD, others)
    ]
    assert made[0] == made[1]
    assert len(made[0].entries) > 10
    assert checksums(tmp_path / "1") == checksums(tmp_path / "2")


def test_models(tmp_path, others):
    def shape(number: int) -> Shape:
        lon, lat = 120 + number % 50 * 2e-4, 36 + number // 50 * 2e-4
        earth = earth_centred(lon + np.array([0, 1e-4, 0]), lat + np.array([0, 0, 1e-4]), np.array([0.0, 0.0, number]))
        up = np.tile(np.array([[0.0, 0.0, 1.0]], np.float32), (3, 1))
        corners = np.array([[0, 1, 2]], np.uint32)
        box = (lon, lat, lon + 1e-4, lat + 1e-4, 0.0, float(number))
        return Shape(f"s{number}", "Building", 2.0, {"name": f"{number}号"}, earth, up, corners, box, 50.0)

    shapes = [shape(number) for number in range(1_500)]
    made = [
        build_model(shapes, Faults(), SceneFolder(tmp_path / str(tasks.workers)), 1, {}, tasks)[0]
        for tasks in (IN_THREAD, others)
    ]
    assert made[0] == made[1]
    assert len(made[0].entries) > 2
    assert checksums(tmp_path / "1") == checksums(tmp_path / "2")


class Ramp:
    """A ramp of points."""

    points = 9_000
    frame = Frame(120.0, 36.26)

    def identity(self):
        return {}

    def chunks(self):
        place = np.arange(self.points, dtype=np.float64)
        shades = (place % 500).astype(np.uint16)
        classes = (place % 7).astype(np.uint8)
        lon, lat = 120 + place % 100 * 1e-5, 36.26 + place // 100 * 1e-5
        yield Chunk(lon, lat, place / 100, None, shades, classes)


def test_clouds(tmp_path, others):
    options = CloudOptions(bin_points=2_000, take_all=200)
    made = [build_cloud(Ramp(), tmp_path / str(tasks.workers), options, tasks=tasks) for tasks in (IN_THREAD, others)]
    assert made[0] == made[1]
    files = checksums(tmp_path / "1")
    assert len(files) > 10
    assert files == checksums(tmp_path / "2")
