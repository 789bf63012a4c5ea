"""The collector rests during an import and is back afterwards, whatever happens."""

from __future__ import annotations

import gc

import pytest

from twin.collector import collector_paused


def test_the_collector_rests_until_the_last_block_ends() -> None:
    assert gc.isenabled()
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_is_back_after_an_error() -> None:
    with pytest.raises(RuntimeError, match="broken"), collector_paused():
        raise RuntimeError("broken")
    assert gc.isenabled()


def test_off_before_stays_off() -> None:
    gc.disable()
    try:
        with collector_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
