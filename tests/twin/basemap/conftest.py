"""Both stores behind one fixture, and two small base-map layers in it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from twin.store.port import Store
from two_layers import fill


@pytest.fixture
def store(reopen: Callable[[], Store]) -> Store:
    """A store with the layers of `two_layers`."""
    opened = reopen()
    fill(opened)
    return opened
