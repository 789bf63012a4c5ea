"""Who does the work, by the word of a setting; what speaks to others is loaded when others are named."""

from __future__ import annotations

from twin.errors import BadCall
from twin.tasks.here import IN_THREAD
from twin.tasks.port import Tasks

MOST_PROCESSES = 64


def open_tasks(word: str) -> Tasks:
    """`1` for this thread, another number for so many processes, `tcp://host:port` or `tls://…` for a Dask scheduler.

    Raises:
        BadCall: if it is none of these.
    """
    if word.startswith(("tcp://", "tls://")):
        from twin.tasks.cluster import Cluster

        return Cluster(word)
    if word.isascii() and word.isdigit() and 1 <= int(word[:9]) <= MOST_PROCESSES and len(word) <= 9:
        if int(word) == 1:
            return IN_THREAD
        from twin.tasks.processes import Processes

        return Processes(int(word))
    raise BadCall(
        "This says not who does the work. 无法识别的任务设置。",
        value=word,
        limit=f"a number of processes, 1 to {MOST_PROCESSES}, or the address of a Dask scheduler",
        remedy="Write ONEMAP_TASKS=4, or ONEMAP_TASKS=tcp://10.0.0.5:8786.",
    )
