"""Jobs on disk: lost ones are said to be lost, the queue has an end, old ones go."""

from __future__ import annotations

import threading
from dataclasses import asdict

import orjson
import pytest

from layers.analysis.errors import QueueFullError, ResultNotReadyError, UnknownJobError
from layers.analysis.jobs import JobShelf, Status


def test_what_a_dead_process_left_is_said_to_be_lost(tmp_path):
    shelf = JobShelf(tmp_path / "jobs")
    job = shelf.start("flood", "somebody", (), lambda told: {})
    shelf.run(lambda: None)
    assert shelf.job(job.id).status is Status.SUCCESSFUL
    left = asdict(shelf.job(job.id)) | {"status": "running", "worker": "1:never", "finished": None}
    (tmp_path / "jobs" / job.id / "status.json").write_bytes(orjson.dumps(left))
    found = JobShelf(tmp_path / "jobs").job(job.id)
    assert (found.status, "lost" in found.message) == (Status.FAILED, True)
    with pytest.raises(ResultNotReadyError):
        shelf.result(job.id)
    shelf.close()


def test_a_shelf_that_closes_ends_what_waits_and_what_runs(tmp_path):
    shelf, begun = JobShelf(tmp_path / "jobs"), threading.Event()

    def work(told):
        begun.set()
        while True:
            told(0.5)

    running = shelf.start("flood", "somebody", (), work)
    waiting = shelf.start("flood", "somebody", (), lambda told: {})
    assert begun.wait(20)
    shelf.close()
    after = JobShelf(tmp_path / "jobs")
    assert [after.job(job.id).status for job in (running, waiting)] == [Status.FAILED, Status.FAILED]


def test_the_queue_has_an_end_and_leaves_nothing_behind(tmp_path):
    shelf, go_on = JobShelf(tmp_path / "jobs", workers=1, waiting=1), threading.Event()
    jobs = [shelf.start("flood", "somebody", (), lambda told: {"ok": go_on.wait(20)}) for _ in range(2)]
    with pytest.raises(QueueFullError):
        shelf.start("flood", "somebody", (), lambda told: {})
    with pytest.raises(QueueFullError):
        shelf.run(lambda: None)
    assert len(list((tmp_path / "jobs").iterdir())) == 2
    go_on.set()
    shelf.close()
    assert {JobShelf(tmp_path / "jobs").job(job.id).status for job in jobs} <= {Status.SUCCESSFUL, Status.FAILED}


def test_only_the_newest_are_kept_and_strange_names_are_no_jobs(tmp_path):
    shelf = JobShelf(tmp_path / "jobs", kept=2)
    for _ in range(5):
        shelf.start("flood", "somebody", (), lambda told: {})
        shelf.run(lambda: None)
    assert len(list(shelf.jobs())) <= 3
    for name in ("../jobs", "x", ""):
        with pytest.raises(UnknownJobError):
            shelf.job(name)
    shelf.close()


def test_an_error_of_ours_tells_nothing_of_the_inside(tmp_path):
    shelf = JobShelf(tmp_path / "jobs")
    job = shelf.start("flood", "somebody", (), lambda told: 1 / 0)
    shelf.run(lambda: None)
    assert (shelf.job(job.id).status, "division" in shelf.job(job.id).message) == (Status.FAILED, False)
    shelf.close()
