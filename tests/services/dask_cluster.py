"""A Dask cluster of two processes on this machine, where its package is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from loud_skips import skip_loudly


@contextmanager
def running_cluster() -> Iterator[str]:
    """Address of its scheduler; skips loudly without the package `distributed`."""
    try:
        import distributed
    except ImportError:
        skip_loudly("Dask (distributed)", "pip install 'onemap-twin[cluster]'")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, scheduler_port=0
    ) as started:
        yield started.scheduler_address
