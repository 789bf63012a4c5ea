"""Programs that tests start, watch and kill."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

CHECKOUT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A TCP port of the loopback interface that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def dying_with_parent(command: Sequence[str]) -> list[str]:
    """`command`, started so that the kernel kills it when the test run itself is killed (Linux; elsewhere unchanged)."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", *command] if setpriv else list(command)


class Spawned:
    """A program under test: its standard output line by line, its log, its death.

    Standard error goes to a temporary file (`log()`), so that a chatty program never blocks on a full pipe.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
        self.command = list(command)
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop()
        self.process = subprocess.Popen(
            dying_with_parent(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(CHECKOUT), **(env or {})},
            cwd=cwd or CHECKOUT,
            text=True,
            encoding="utf-8",
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def read_line(self, timeout_s: float = 60.0) -> str:
        """The next line of standard output without its line end.

        Raises:
            AssertionError: if the program ends, or stays silent for `timeout_s`; with its log.
        """
        assert self.process.stdout is not None
        got: list[str] = []
        reader = threading.Thread(target=lambda: got.append(self.process.stdout.readline()), daemon=True)  # type: ignore[union-attr]
        reader.start()
        reader.join(timeout_s)
        if not got or not got[0]:
            state = "said nothing" if not got else f"ended with {self.process.poll()}"
            raise AssertionError(f"{self.command[:4]} {state}\n{self.log()[-4000:]}")
        return got[0].rstrip("\n")

    def log(self) -> str:
        """Everything the program wrote to standard error so far."""
        position = self._log.tell()
        self._log.seek(0)
        text = self._log.read().decode("utf-8", "replace")
        self._log.seek(position)
        return text

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone: no handler, no flush, no goodbye."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)

    def wait(self, timeout_s: float = 60.0) -> int:
        """The exit code, once the program has ended by itself."""
        return self.process.wait(timeout_s)

    def stop(self) -> None:
        """End it politely, then without asking; close what belongs to it."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()
        self._log.close()


def spawn_python(code: str, *arguments: str, env: Mapping[str, str] | None = None) -> Spawned:
    """A new interpreter (never a fork) that runs `code` with the packages of this checkout on its path."""
    return Spawned([sys.executable, "-c", code, *arguments], env)


def wait_until(condition: object, timeout_s: float, pause_s: float = 0.05) -> bool:
    """Whether `condition()` became true within `timeout_s`; asked every `pause_s`."""
    assert callable(condition)
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(pause_s)
    return bool(condition())
