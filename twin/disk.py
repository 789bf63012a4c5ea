"""Disks that are full, or would be: said as such, with the room there is."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from twin.errors import TooLargeError

SPARE_BYTES = 64 << 20
"""Left free for everything else that is written meanwhile."""


def require_space(folder: Path, size: int, name: str) -> None:
    """Refuse what may not fit.

    Args:
        folder: Where it is going to be written; it need not exist.

    Raises:
        TooLargeError: if the disk has less room.
    """
    there = next(parent for parent in (folder, *folder.absolute().parents) if parent.is_dir())
    free = shutil.disk_usage(there).free - SPARE_BYTES
    if size > free:
        raise TooLargeError(
            "磁盘空间不足。The disk may not hold this.",
            value=f"{name}: {size:,} bytes",
            limit=f"{max(free, 0):,} bytes free",
            remedy="Free space, or put the data folder (ONEMAP_DATA_DIR) on a larger disk.",
        )


def is_full(error: OSError) -> bool:
    """Whether a write failed because the disk has no room."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def told_when_full(name: str) -> Iterator[None]:
    """Raises TooLargeError where the block meets a disk that is full."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        raise TooLargeError(
            "磁盘已满。The disk is full.",
            value=name,
            limit="the room on the disk of the data folder",
            remedy="Free space and ask again; what was served before is served.",
        ) from error
