"""The cache: once per key, bounded, safe between threads."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tiles.cache import SingleFlightCache


@dataclass(frozen=True)
class Blob:
    size: int


def test_a_result_is_made_once_and_then_kept() -> None:
    cache: SingleFlightCache[Blob] = SingleFlightCache(100_000)
    made: list[int] = []
    for _ in range(3):
        cache.get_or_make("a", lambda: made.append(1) or Blob(10))
    assert made == [1]


def test_the_least_recently_used_goes_first_and_the_bytes_stay_bounded() -> None:
    cache: SingleFlightCache[Blob] = SingleFlightCache(10_000)
    made: list[int] = []

    def ask(key: int) -> None:
        cache.get_or_make(key, lambda: made.append(key) or Blob(1600))

    for key in (1, 2, 3, 4, 5, 1, 6):  # five entries fit; 1 was used again, so 2 makes room for 6
        ask(key)
    assert cache.bytes_used <= 10_000
    made.clear()
    ask(1)
    ask(2)
    assert made == [2]


def test_a_giant_is_given_out_and_not_kept() -> None:
    cache: SingleFlightCache[Blob] = SingleFlightCache(10_000)
    cache.get_or_make("small", lambda: Blob(10))
    assert cache.get_or_make("giant", lambda: Blob(9_000)).size == 9_000
    assert len(cache) == 1


def test_a_cache_without_room_still_works() -> None:
    cache: SingleFlightCache[Blob] = SingleFlightCache(0)
    assert cache.get_or_make("a", lambda: Blob(1)) == Blob(1)
    assert (len(cache), cache.bytes_used) == (0, 0)


def test_many_threads_make_a_result_once() -> None:
    cache: SingleFlightCache[Blob] = SingleFlightCache(100_000)
    made: list[int] = []
    begun, everyone = threading.Event(), threading.Barrier(8)

    def slow() -> Blob:
        made.append(1)
        assert begun.wait(10)
        return Blob(7)

    def ask() -> Blob:
        everyone.wait(10)
        return cache.get_or_make("a", slow)

    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ask) for _ in range(8)]
        begun.set()
        assert {answer.result(10) for answer in answers} == {Blob(7)}
    assert made == [1]


def test_a_failure_reaches_everybody_and_is_forgotten() -> None:
    cache: SingleFlightCache[Blob] = SingleFlightCache(100_000)

    def fail() -> Blob:
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        cache.get_or_make("a", fail)
    assert cache.get_or_make("a", lambda: Blob(1)) == Blob(1)
