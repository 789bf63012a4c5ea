"""Every test below that takes `store` runs against both stores. A folder may put something into it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from twin.store.port import Store


@pytest.fixture
def store(reopen: Callable[[], Store]) -> Store:
    return reopen()
