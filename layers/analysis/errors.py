"""What can go wrong with analyses and their jobs, beside what a question itself can do wrong."""

from __future__ import annotations

from twin.errors import NotFound, Unavailable


class UnknownProcessError(NotFound):
    """No analysis of that id."""

    code = "unknown-process"


class UnknownJobError(NotFound):
    """No job of that id, or none that the one who asks may know of."""

    code = "unknown-job"


class ResultNotReadyError(NotFound):
    """The result of a job that has not come to its end."""

    code = "result-not-ready"


class QueueFullError(Unavailable):
    """More work waits than the server takes."""

    code = "queue-full"
