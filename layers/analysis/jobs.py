"""Jobs: analyses and builds that run beside the requests, each with a folder of its own that outlives the process.

A job is what its `status.json` says. Results are written before the status says that they are there. What was not done when
a server ended is said to be lost, never run again by itself: the next process that looks finds nobody at work on it.
"""

from __future__ import annotations

import logging
import os
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from layers.analysis.errors import QueueFullError, ResultNotReadyError, UnknownJobError
from twin.errors import OneMapError
from twin.files import put_file

log = logging.getLogger(__name__)
_STATUS, _RESULT, _FILE, _STOP = "status.json", "result.json", "result.bin", "stop"
_LOST = "lost when the server ended · 服务停止，任务丢失"
_DISMISSED = "dismissed · 已取消"


class Status(StrEnum):
    """In the words of OGC 18-062r2, 7.13.2."""

    ACCEPTED = "accepted"
    RUNNING = "running"
    SUCCESSFUL = "successful"
    FAILED = "failed"
    DISMISSED = "dismissed"

    @property
    def is_final(self) -> bool:
        return self in (Status.SUCCESSFUL, Status.FAILED, Status.DISMISSED)


@dataclass(frozen=True, slots=True)
class Job:
    """One analysis as it stands.

    Attributes:
        layers: What it reads: who may not read all of it may not know of the job.
        drafts: Layers whose scenes it reads before they are published: who may not review them may not know of it either.
        progress: Percent.
        problem: What went wrong, as code, message, value, limit, remedy; of a failed job.
        worker: Process that works on it, by number and start; a number alone may be somebody else's by now.
        document: Whether results are asked for as a document that names them; form: what they are, in the words of who asked.
    """

    id: str
    process: str
    actor: str
    layers: tuple[str, ...]
    created: str
    status: Status = Status.ACCEPTED
    message: str = ""
    started: str | None = None
    finished: str | None = None
    updated: str = ""
    progress: int = 0
    problem: Mapping[str, str] | None = None
    worker: str = ""
    document: bool = False
    drafts: tuple[str, ...] = ()
    form: str = ""


class DismissedError(Exception):
    """Somebody does not want the answer any more."""


@dataclass
class JobShelf:
    """The jobs of a folder. Thread-safe; several processes may share the folder.

    Attributes:
        folder: One folder for each job; made when there is one.
        workers: Analyses at the same time in this process; waiting: how many more may wait.
        kept: Jobs that are over are kept up to this number, the newest.
        name: Of its threads.
    """

    folder: Path
    workers: int = 1
    waiting: int = 20
    kept: int = 200
    name: str = "analysis"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _pool: ThreadPoolExecutor = field(init=False, repr=False)
    _places: threading.BoundedSemaphore = field(init=False, repr=False)
    _closing: threading.Event = field(default_factory=threading.Event, repr=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self) -> None:
        self._pool = ThreadPoolExecutor(self.workers, thread_name_prefix=self.name)
        self._places = threading.BoundedSemaphore(self.workers + self.waiting)

    def close(self) -> None:
        """Stop what runs, and say so of every job that is not done."""
        self._closing.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        for job in list(self.jobs()):
            if not job.status.is_final and job.worker == _myself():
                self._end(job, Status.FAILED, _LOST)

    def run(self, work: Callable[[], Any]) -> Any:
        """The outcome of work that somebody waits for; it takes its turn with the jobs.

        Raises:
            QueueFullError: if too many wait already.
        """
        return self._submit(work).result()

    def start(
        self,
        process: str,
        actor: str,
        layers: tuple[str, ...],
        work: Callable[[Callable[[float], None]], Mapping[str, Any] | bytes],
        *,
        document: bool = False,
        drafts: tuple[str, ...] = (),
        over: Callable[[], None] = lambda: None,
        form: str = "",
    ) -> Job:
        """A new job. `work` is given what hears its progress; that raises when the job is dismissed. It gives a document or a file.

        Args:
            over: Called when the work is over, or was dismissed before its turn.

        Raises:
            QueueFullError: if too many wait already.
        """
        now = self._now()
        job = Job(
            str(uuid.uuid4()),
            process,
            actor,
            layers,
            now,
            updated=now,
            worker=_myself(),
            document=document,
            drafts=drafts,
            form=form,
        )
        home = self.folder / job.id
        home.mkdir(parents=True)
        self._write(job)
        try:
            self._submit(lambda: self._work(job, work, over))
        except QueueFullError:
            shutil.rmtree(home)
            raise
        self._tidy()
        return job

    def jobs(self) -> Iterator[Job]:
        """All jobs, the newest first."""
        found = []
        for path in self.folder.glob(f"*/{_STATUS}") if self.folder.is_dir() else ():
            with suppress(UnknownJobError):
                found.append(self.job(path.parent.name))
        yield from sorted(found, key=lambda job: (job.created, job.id), reverse=True)

    def job(self, job_id: str) -> Job:
        """One job. Raises UnknownJobError."""
        path = self.folder / job_id / _STATUS
        try:
            uuid.UUID(job_id)
            said = orjson.loads(path.read_bytes())
        except (ValueError, OSError) as error:
            raise unknown_job(job_id) from error
        job = Job(
            **{
                **said,
                "status": Status(said["status"]),
                "layers": tuple(said["layers"]),
                "drafts": tuple(said.get("drafts", ())),
            }
        )
        if not job.status.is_final and not _is_at_work(job.worker):
            return self._end(job, Status.FAILED, _LOST)
        return job

    def result(self, job_id: str) -> bytes:
        """What a successful job gave: a document as JSON, or a file.

        Raises:
            UnknownJobError: if there is no such job.
            ResultNotReadyError: if it is not done, or was dismissed.
        """
        job = self.job(job_id)
        if job.status is not Status.SUCCESSFUL:
            raise ResultNotReadyError(
                "The job has no result. 任务没有结果。",
                value=f"{job.id}: {job.status.value}",
                limit="a successful job",
                remedy="Look at GET /jobs/{id} until its status is successful.",
            )
        file = self.folder / job.id / _FILE
        return (file if file.is_file() else self.folder / job.id / _RESULT).read_bytes()

    def dismiss(self, job_id: str) -> Job:
        """Stop a job, or forget one that is over with its result. Raises UnknownJobError."""
        job = self.job(job_id)
        if job.status.is_final:
            shutil.rmtree(self.folder / job.id, ignore_errors=True)
            return replace(job, status=Status.DISMISSED, message="removed · 已删除")
        with self._turn:
            (self.folder / job.id / _STOP).touch()
            return self._end(job, Status.DISMISSED, _DISMISSED)

    def _submit(self, work: Callable[[], Any]) -> Future[Any]:
        if not self._places.acquire(blocking=False):
            raise QueueFullError(
                "Too much work waits. 排队的任务过多。",
                value=f"{self.workers + self.waiting} at work or waiting",
                limit=f"{self.waiting} waiting",
                remedy="Try again later.",
            )
        try:
            future = self._pool.submit(work)
        except BaseException:
            self._places.release()
            raise
        future.add_done_callback(lambda _: self._places.release())
        return future

    def _work(
        self,
        job: Job,
        work: Callable[[Callable[[float], None]], Mapping[str, Any] | bytes],
        over: Callable[[], None],
    ) -> None:
        last = -1

        def told(share: float) -> None:
            nonlocal job, last
            home = self.folder / job.id
            with self._turn:
                if self._closing.is_set() or not home.is_dir() or (home / _STOP).exists():
                    raise DismissedError
                percent = min(int(share * 100), 99)
                if percent > last:
                    last = percent
                    job = replace(job, status=Status.RUNNING, progress=percent, updated=self._now())
                    self._write(job)

        try:
            job = replace(job, started=self._now())
            try:
                told(0.0)
                result = work(told)
            finally:
                over()
            told(1.0)
            if isinstance(result, bytes):
                put_file(self.folder / job.id / _FILE, result)
            else:
                put_file(self.folder / job.id / _RESULT, orjson.dumps(result))
            self._end(replace(job, progress=100), Status.SUCCESSFUL, "done · 完成")
        except DismissedError:
            if self._closing.is_set():
                self._end(job, Status.FAILED, _LOST)
            else:
                self._end(job, Status.DISMISSED, _DISMISSED)
        except OneMapError as error:
            self._end(replace(job, problem=problem_of(error)), Status.FAILED, error.message)
        except Exception:
            log.exception("Job %s of %s failed.", job.id, job.process)
            self._end(job, Status.FAILED, "An internal error; the server's log says more. 内部错误。")

    def _end(self, job: Job, status: Status, message: str) -> Job:
        now = self._now()
        ended = replace(job, status=status, message=message, finished=now, updated=now)
        with suppress(FileNotFoundError):  # it has been removed meanwhile
            self._write(ended)
        return ended

    def _write(self, job: Job) -> None:
        put_file(self.folder / job.id / _STATUS, orjson.dumps(job))

    def _tidy(self) -> None:
        over = [job for job in self.jobs() if job.status.is_final]
        for job in over[self.kept :]:
            shutil.rmtree(self.folder / job.id, ignore_errors=True)

    def _now(self) -> str:
        return self.clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unknown_job(job_id: str) -> UnknownJobError:
    """The words for a job that is not there, and for one that somebody may not know of."""
    return UnknownJobError(
        f"There is no job '{job_id}'. 没有该任务。", value=job_id, remedy="GET /jobs lists them; old ones are removed."
    )


def problem_of(error: OneMapError) -> dict[str, str]:
    """An expected error as it is kept with a job."""
    said = {"code": error.code, "message": error.message, "limit": error.limit, "remedy": error.remedy}
    return said | ({} if error.value is None else {"value": error.value})


def _myself() -> str:
    return f"{os.getpid()}:{_born(os.getpid())}"


def _is_at_work(worker: str) -> bool:
    number, _, born = worker.partition(":")
    return bool(number) and _born(int(number)) == born


def _born(number: int) -> str:
    """When a process started, in ticks of the kernel; empty where there is none. Off Linux, its number must do."""
    try:
        return Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except OSError:
        if Path("/proc/self").exists():
            return ""
    try:
        os.kill(number, 0)
    except OSError:
        return ""
    return "alive"
