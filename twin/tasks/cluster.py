"""Units of work done by a Dask cluster. `distributed` is an extra (`onemap-twin[cluster]`), loaded when a cluster is named.

Its workers need the same version of this program, and for work on files, as builds of scenes are, the same files at the same paths.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any

from twin.errors import Unavailable
from twin.tasks.port import Alive, R, T, Unit, lost, of_unit, still_wanted

_AHEAD = 2
_PATIENCE_S = 0.4
_CONNECT_S = 10


class ClusterUnreachableError(Unavailable):
    """No scheduler answers at the address, or it has no workers."""

    code = "cluster-unreachable"


@dataclass(frozen=True, slots=True)
class Cluster:
    """The workers of a scheduler, `tcp://host:port`."""

    address: str

    @property
    def workers(self) -> int:
        """Threads of all workers."""
        with _client(self.address) as client:
            return sum(client.nthreads().values())

    def map(
        self, function: Callable[[T], R], units: Iterable[Unit[T]], alive: Alive = still_wanted
    ) -> Generator[R, None, None]:
        """As `Tasks.map`.

        Raises:
            ClusterUnreachableError: if there is no cluster.
        """
        with _client(self.address) as client:
            room = _AHEAD * sum(client.nthreads().values())
            if not room:
                raise _unreachable(self.address, "it has no workers")
            waiting: deque[tuple[str, Any]] = deque()
            coming = iter(units)
            try:
                while True:
                    while len(waiting) < room and (unit := next(coming, None)) is not None:
                        waiting.append((unit.name, client.submit(function, unit.work, pure=False)))
                    if not waiting:
                        return
                    yield _outcome(*waiting[0], alive)
                    waiting.popleft()
            finally:
                client.cancel([future for _, future in waiting])


def _outcome(name: str, future: Any, alive: Alive) -> Any:
    import distributed

    while True:
        alive()
        try:
            return future.result(timeout=_PATIENCE_S)
        except (distributed.KilledWorker, distributed.CancelledError) as error:
            raise lost(name, str(error)) from error
        except Exception as error:  # noqa: BLE001 — whatever a unit met goes on with its name
            if isinstance(error, TimeoutError) and not future.done():
                continue
            named = of_unit(error, name)
            raise named from (error.__cause__ if named is error else error)


def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise Unavailable(
            "A cluster is named, and the package that speaks to it is not installed. 未安装集群客户端。",
            value=address,
            limit="the package 'distributed'",
            remedy="Install onemap-twin[cluster], or leave ONEMAP_TASKS out.",
        ) from error
    try:
        return Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise _unreachable(address, str(error)) from error


def _unreachable(address: str, why: str) -> ClusterUnreachableError:
    return ClusterUnreachableError(
        "集群无应答。The cluster does not answer.",
        value=f"{address}: {why}",
        limit=f"{_CONNECT_S} s",
        remedy="Check that its scheduler and workers run, or leave ONEMAP_TASKS out.",
    )
