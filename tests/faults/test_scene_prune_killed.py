"""Pruning killed by SIGKILL before every single change it makes to the disk: the folder is whole, and the next run ends the work."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from box_town import box_town
from scenes3d.buildings.cleaning import footprints_of
from scenes3d.buildings.faults import BuildReport
from scenes3d.buildings.footprints import Footprints
from scenes3d.buildings.heights import HeightRule
from scenes3d.editions.building import build_edition
from scenes3d.editions.edition import Edition
from scenes3d.editions.folder import SceneFolder
from scenes3d.editions.sweeping import retire, sweep

GRACE = timedelta(hours=1)

# Each child dies before its n-th change; the parent is single-threaded, so forking is safe. The last one lives to the end.
PRUNE_AND_DIE = """
import os, shutil, signal, sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from scenes3d.editions.folder import SceneFolder
from scenes3d.editions.sweeping import retire, sweep

root, step = Path(sys.argv[1]), 0
while True:
    copy = shutil.copytree(root / "whole", root / f"killed-{step}")
    child = os.fork()
    if child == 0:
        left = [step]
        def dying(change):
            def changed(*arguments, **named):
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                left[0] -= 1
                return change(*arguments, **named)
            return changed
        for name in ("unlink", "rename", "replace"):
            setattr(Path, name, dying(getattr(Path, name)))
        shutil.rmtree = dying(shutil.rmtree)
        folder = SceneFolder(copy)
        with folder.writing():
            retire(folder, [1, 2])
            sweep(folder, datetime.now(UTC) + timedelta(hours=2), timedelta(hours=1))
        os._exit(0)
    _, status = os.waitpid(child, 0)
    step += 1
    if os.WIFEXITED(status):
        break
print(step, flush=True)
"""


@pytest.fixture
def whole(tmp_path: Path) -> SceneFolder:
    """Three editions of a growing town, a folder of files that nobody names, and a draft that somebody left."""
    folder = SceneFolder(tmp_path / "whole")
    town = Footprints.concatenated(
        [footprints_of(batch, HeightRule("height"), None, BuildReport()) for batch in box_town(90)]
    )
    for version, count in ((1, 30), (2, 60), (3, 90)):
        plan = Edition(version, (), {"rule": "height"}, {}, {})
        folder.save(build_edition(folder, town.take(np.arange(count)), plan))
    lost = folder.path / "files/0123456789abcdef"
    lost.mkdir(parents=True)
    (lost / "r.glb").write_bytes(b"x")
    (folder.path / "tiles/ab").mkdir(exist_ok=True)
    (folder.path / "tiles/ab/.ab.glb.1.1.part").write_bytes(b"x")
    return folder


def files_of(folder: SceneFolder) -> set[str]:
    return {str(path.relative_to(folder.path)) for path in folder.path.rglob("*") if path.is_file()}


def assert_whole(folder: SceneFolder) -> None:
    """Every list that is there can be read, and every tile and its rows."""
    for path in [*folder.lists(), *folder.retired()]:
        edition = Edition.from_bytes(path.read_bytes(), path.name)
        for entry in edition.entries:
            assert folder.read_tile(entry.content) is not None
        folder.standing(edition.entries)


def test_a_kill_before_any_step_leaves_a_whole_folder(spawn: Callable[..., Any], whole: SceneFolder) -> None:
    steps = int(spawn(PRUNE_AND_DIE, whole.path.parent).read_line())
    assert steps > 10
    ended = files_of(SceneFolder(whole.path.parent / f"killed-{steps - 1}"))
    assert not any(name.startswith("files/") or name.endswith(".part") for name in ended)
    assert sum(name.endswith(".glb") for name in ended) == len(whole.edition(3).entries)
    for step in range(steps):
        folder = SceneFolder(whole.path.parent / f"killed-{step}")
        assert_whole(folder)
        assert folder.versions()[-1] == 3
        with folder.writing():
            retire(folder, [version for version in folder.versions() if version < 3])
            sweep(folder, datetime.now(UTC) + 2 * GRACE, GRACE)
        assert_whole(folder)
        assert files_of(folder) == ended, step
        shutil.rmtree(folder.path)
