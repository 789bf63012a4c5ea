"""Fixtures of the tests about low zooms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tiles.kernel import readiness
from twin.store.sql import SqlStore


@pytest.fixture(scope="module", autouse=True)
def _kernels() -> None:
    assert readiness.wait_for_kernels()


@pytest.fixture
def store(reopen: Callable[[], SqlStore]) -> SqlStore:
    return reopen()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "snapshots"
