"""Whole files: their checksums, and how one takes another's place."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path


def file_sha256(path: Path) -> str:
    """Checksum of a file, 64 hexadecimal digits; read piece by piece, whatever its size."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def put_file(path: Path, body: bytes) -> None:
    """Write a file that takes the place of an earlier one in one step: who reads meanwhile has the old one or the new one.

    The draft lies beside it, with a name that begins with a full stop and ends in `.part`; one that a kill left is nobody's.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}.part")
    try:
        draft.write_bytes(body)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
