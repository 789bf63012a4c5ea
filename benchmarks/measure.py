"""Measuring on Linux: one whole program, or the CPU that running servers use meanwhile."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Run:
    """One finished program, as the kernel accounts for it.

    Attributes:
        wall_s: Seconds by the clock.
        cpu_s: User and system seconds, those of its children included.
        peak_mb: Largest resident memory of a single process of it, in MB of 10^6 bytes.
        output: What it printed, both streams.
    """

    wall_s: float
    cpu_s: float
    peak_mb: float
    output: str


def run_program(
    command: Sequence[str | Path], env: Mapping[str, str] | None = None, timeout_s: float = 900, text: str = ""
) -> Run:
    """Run a program to its end; `text` is what it reads from its standard input.

    Raises:
        RuntimeError: if it fails or does not end in time; with the end of what it printed.
    """
    os.sync()  # what the program before it left to be written is not this one's work
    with tempfile.TemporaryFile() as sink, tempfile.TemporaryFile() as source:
        source.write(text.encode())
        source.seek(0)
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=source,
            stdout=sink,
            stderr=sink,
            env={**os.environ, **(env or {})},
            cwd=CHECKOUT,
        )
        watchdog = threading.Timer(timeout_s, process.kill)
        watchdog.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        watchdog.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        sink.seek(0)
        output = sink.read().decode("utf-8", "replace")
    if process.returncode != 0:
        reason = "ran out of time" if process.returncode == -signal.SIGKILL else f"ended with {process.returncode}"
        raise RuntimeError(f"{command[0]} {reason}\n{output[-4000:]}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, output)


def process_tree(root: int) -> list[int]:
    """Process ids of `root` and everything below it that is alive."""
    found = [root]
    for pid in found:
        with suppress(OSError):  # it ended while we looked
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                with suppress(OSError):
                    found += [int(child) for child in children.read_text().split()]
    return found


def parent_of(pid: int) -> int:
    """Process id of the parent."""
    return int(_stat(pid)[1])


def cpu_seconds(*roots: int) -> float:
    """CPU seconds used so far by process trees: living processes and the ended children that they have waited for."""
    total = 0
    for root in roots:
        for pid in process_tree(root):
            try:
                # From the third word on: state, parent, ...; 14 to 17 of the line are utime, stime, cutime, cstime.
                total += sum(int(word) for word in _stat(pid)[11:15])
            except OSError:
                continue
    return total / _TICKS


def resident_mb(root: int) -> float:
    """Resident memory of a process tree now, shared pages counted once for each process, in MB of 10^6 bytes."""
    pages = 0
    for pid in process_tree(root):
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _stat(pid: int) -> list[str]:
    """Words of /proc/<pid>/stat behind the program's name, which may itself hold blanks."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def median_run(runs: Sequence[Run]) -> Run:
    """The median of each figure."""
    return Run(
        statistics.median(run.wall_s for run in runs),
        statistics.median(run.cpu_s for run in runs),
        statistics.median(run.peak_mb for run in runs),
        runs[-1].output,
    )


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Median with the smallest and largest value: `1.32 (1.20-1.51)`."""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A Markdown table, as the README takes it."""
    print("\n| " + " | ".join(headings) + " |")
    print("| --- " + "| ---: " * (len(headings) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)
