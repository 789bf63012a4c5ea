"""The real server as its own process, on a free loopback port, with its own data folder."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import httpx

from processes import Spawned, free_port, wait_until


class ServerProcess(Spawned):
    """A started server.

    Attributes:
        url: Address without a slash at the end.
        data_dir: Its data folder; start another server on it to see what survived.
    """

    def __init__(self, data_dir: Path, env: Mapping[str, str] | None = None, arguments: tuple[str, ...] = ()) -> None:
        self.data_dir = data_dir
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "api.cli", "serve", "--port", str(port), "--data", str(data_dir), *arguments]
        super().__init__(command, env)
        if not wait_until(self._is_healthy, 90):
            log = self.log()
            self.stop()
            raise AssertionError(f"the server did not answer /health within 90 s\n{log[-6000:]}")

    def _is_healthy(self) -> bool:
        if self.process.poll() is not None:
            log = self.log()
            raise AssertionError(f"the server ended with {self.process.returncode}\n{log[-6000:]}")
        try:
            return httpx.get(f"{self.url}/health", timeout=5, trust_env=False).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False
