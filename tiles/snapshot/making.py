"""Who makes snapshots on disk: another process, so that the server does not even load what that takes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Protocol

from tiles.source import TileLayer
from twin.errors import Unavailable
from twin.store.changes import Changes
from twin.store.port import Store


class FollowedStore(Store, Protocol):
    """A store that tells what has changed."""

    def changes_since(
        self, layer_id: str, version: int, *, most: int, properties: tuple[str, ...] | None = None
    ) -> Changes | None:
        """What has changed since a version; None where it is more than `most` rows. Raises UnknownLayerError."""

    def follow(self, layer_id: str) -> None:
        """Make that quick, however large the layer. Raises UnknownLayerError."""


class SnapshotNotMadeError(Unavailable):
    """A snapshot could not be made; the message has the reason."""

    code = "snapshot-not-made"


class Maker(Protocol):
    """Puts a snapshot of a layer on disk."""

    def make(self, layer: TileLayer, path: Path) -> None:
        """Raises OneMapError or OSError where it cannot."""

    def close(self) -> None:
        """Leave off what is being made; make no other."""


class MakerProcess:
    """Makes each snapshot in a process of its own: it takes no turn from the requests, and its memory goes back when it ends.

    Args:
        location: What `open_store` takes.
    """

    def __init__(self, location: str) -> None:
        self._location = location
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def make(self, layer: TileLayer, path: Path) -> None:
        """Raises SnapshotNotMadeError."""
        order = json.dumps({"location": self._location, "layer": layer.id, "path": str(path)}).encode()
        with self._lock:
            if self._closed:
                raise SnapshotNotMadeError(f"No snapshot of layer '{layer.id}' is made while the server stops.")
            self._process = process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tiles.snapshot.copying"], stdin=subprocess.PIPE, stderr=subprocess.PIPE
            )
        _, said = process.communicate(order)  # the address may hold a password: it goes by a pipe, not by an argument
        if process.returncode != 0:
            last = (said.decode("utf-8", "replace").strip().splitlines() or [f"exit code {process.returncode}"])[-1]
            raise SnapshotNotMadeError(
                f"No snapshot of layer '{layer.id}' was made: {last}", value=layer.id, remedy="It is tried again later."
            )

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.terminate()
