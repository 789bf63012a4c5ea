"""Work handed out: outcomes in order, few units at once, errors with the unit's name, and nobody left behind."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from counting_tasks import dies, odd_ones_fail, sleeps, squared, whose
from dask_cluster import running_cluster
from processes import wait_until
from twin.errors import BadCall, TooLargeError, Unavailable
from twin.tasks.cluster import Cluster, ClusterUnreachableError
from twin.tasks.here import IN_THREAD
from twin.tasks.opening import open_tasks
from twin.tasks.port import TaskFailedError, TaskLostError, Tasks, Unit
from twin.tasks.processes import Processes
from twin.tasks.threads import Threads

BUILDER = """
from counting_tasks import sleeps
from twin.tasks.port import Unit
from twin.tasks.processes import Processes
import os
for outcome in Processes(2).map(sleeps, [Unit("short", 0.0)] + [Unit("long", 600.0)] * 3):
    print(os.getpid(), flush=True)
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Tasks]:
    with running_cluster() as address:
        yield open_tasks(address)


@pytest.fixture(params=["thread", "threads", "processes", "cluster"])
def tasks(request) -> Tasks:
    if request.param == "cluster":
        return request.getfixturevalue("cluster")
    return {"thread": IN_THREAD, "threads": Threads(2), "processes": Processes(2)}[request.param]


def units(*numbers: float) -> Iterator[Unit]:
    return (Unit(f"unit {number}", number) for number in numbers)


def test_outcomes_come_in_order_and_units_are_asked_for_as_room_comes(tasks):
    asked = []

    def listed() -> Iterator[Unit[int]]:
        for number in range(40):
            asked.append(number)
            yield Unit(f"unit {number}", number)

    ahead = [len(asked) - done for done, _ in enumerate(tasks.map(squared, listed()))]
    assert list(tasks.map(squared, units(*range(40)))) == [number * number for number in range(40)]
    assert len(asked) == 40
    assert max(ahead) <= 2 * 2 + 1


def test_an_expected_error_keeps_its_kind_and_gains_the_units_name(tasks):
    outcomes = tasks.map(odd_ones_fail, units(1, 3, 4))
    assert next(outcomes) == 1
    with pytest.raises(TooLargeError, match="Take less") as caught:
        next(outcomes)
    assert caught.value.value == "unit 3: 3"
    assert caught.value.limit == "2"


def test_an_unexpected_error_names_the_unit_and_what_it_met(tasks):
    with pytest.raises(TaskFailedError, match="unit 5 failed: ZeroDivisionError: division by zero") as caught:
        list(tasks.map(odd_ones_fail, units(4, 5)))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_who_asks_may_stop_while_a_unit_is_at_work(tasks):
    asked = []

    def alive() -> None:
        asked.append(time.monotonic())
        if len(asked) == 2:
            raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        list(tasks.map(sleeps, units(0.0, 600.0) if tasks is IN_THREAD else units(1.0, 0.0), alive))
    assert time.monotonic() - started < 60


def test_processes_are_others_and_as_many_as_asked_for():
    found = set(Processes(2).map(whose, units(*range(30))))
    assert os.getpid() not in found
    assert 1 <= len(found) <= 2


def test_a_worker_that_is_killed_is_told_with_its_unit():
    with pytest.raises(TaskLostError) as caught:
        list(Processes(2).map(dies, units(1, 2, 3)))
    assert (caught.value.value or "").startswith("unit ")
    assert "fewer workers" in caught.value.remedy


def test_workers_go_when_the_one_who_asked_is_killed(spawn):
    program = spawn(BUILDER, env={"PYTHONPATH": os.pathsep.join([os.environ.get("PYTHONPATH", ""), *SERVICES])})
    parent = int(program.read_line())
    children = [int(word) for word in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
    assert len(children) >= 2
    program.kill()
    assert wait_until(lambda: not any(_sleeps_on(child) for child in children), 20)


SERVICES = [str(Path(__file__).parents[2] / "services"), str(Path(__file__).parents[3])]


def _sleeps_on(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize("word", ["", "0", "65", "-1", "two", "http://x", "1.5", "99999999999"])
def test_a_word_that_names_nobody_is_refused(word):
    with pytest.raises(BadCall, match="who does the work"):
        open_tasks(word)


def test_words_name_who_does_the_work():
    assert open_tasks("1") is IN_THREAD
    assert open_tasks("3") == Processes(3)
    assert open_tasks("tcp://10.0.0.5:8786") == Cluster("tcp://10.0.0.5:8786")


def test_a_cluster_that_is_not_there_is_named():
    with pytest.raises((ClusterUnreachableError, Unavailable)) as caught:
        list(open_tasks("tcp://127.0.0.1:9").map(squared, units(1)))
    assert "127.0.0.1:9" in (caught.value.value or "")
