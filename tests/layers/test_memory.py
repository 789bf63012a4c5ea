"""Costly answers are computed once, also when many ask at the same moment, and never take all threads."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from layers.memory import Memory
from twin.errors import StoreBusyError


def test_the_same_question_is_computed_once_also_by_many_at_once():
    memory, asked = Memory(), []

    def compute():
        asked.append(1)
        time.sleep(0.05)
        return len(asked)

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: memory.recall("a", compute), range(6)))
    assert (answers, len(asked)) == ([1] * 6, 1)
    assert memory.recall("b", compute) == 2
    assert memory.recall("a", compute, seconds=0.0) == 3, "older than it may be"


def test_a_failure_is_not_remembered_and_the_oldest_answer_goes_first():
    memory = Memory(kept=2)
    with pytest.raises(ZeroDivisionError):
        memory.recall("a", lambda: 1 // 0)
    assert [memory.recall(key, lambda key=key: key) for key in "aba"] == ["a", "b", "a"]
    memory.recall("c", lambda: "c")
    assert memory.recall("a", lambda: "again") == "a"
    assert memory.recall("b", lambda: "again") == "again"


def test_who_would_wait_behind_too_many_is_told_so():
    memory, begun, go = Memory(waiting=0), Event(), Event()

    def slow():
        begun.set()
        return go.wait(10)

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(memory.recall, "a", slow)
        assert begun.wait(10)
        with pytest.raises(StoreBusyError, match="costly"):
            memory.recall("b", lambda: 1)
        go.set()
        assert first.result() is True
    assert memory.recall("b", lambda: 1) == 1
