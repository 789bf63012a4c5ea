"""A folder of work that one process holds: the lock goes with the process, however that ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO

from twin.errors import AlreadyRunningError


def hold_folder(folder: Path, text: str, *, value: str, remedy: str) -> TextIO:
    """Make the folder and hold it until the file that this gives is closed.

    Args:
        text, value, remedy: What the error says.

    Raises:
        AlreadyRunningError: if another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = (folder / "lock").open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise AlreadyRunningError(text, value=value, remedy=remedy) from error
    return lock
