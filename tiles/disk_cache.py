"""Tiles kept on disk: what survives a restart. Bounded in bytes; several servers may share one file.

Keys carry the layers' versions, so nothing in it is ever stale, only unused. It holds nothing that cannot be made again: a file that is
damaged is set aside for a new one, and a disk that is full or refuses costs the caching alone, never the answer.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections.abc import Hashable
from hashlib import blake2b
from pathlib import Path
from typing import cast

from isal import isal_zlib

from tiles.compression import Coding
from tiles.stored import StoredTile

log = logging.getLogger(__name__)

_TABLE = """
CREATE TABLE IF NOT EXISTS tiles (
    number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, body BLOB NOT NULL, coding TEXT NOT NULL,
    features INTEGER NOT NULL, left_out INTEGER NOT NULL, checksum INTEGER NOT NULL
)"""
# What a row costs beside its body.
_ROW_BYTES = 200
# Share of the room that is made free at a time.
_MADE_FREE = 8


class DiskCache:
    """Compressed tiles in one SQLite file; those that were kept first go first.

    Args:
        path: The file; made when absent, with its folder.
        max_bytes: Room for tiles.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._used = 0
        self._open()

    def get(self, key: Hashable) -> StoredTile | None:
        """The tile of a key, if it is there and whole."""
        with self._lock:
            try:
                row = self._ready().execute(
                    "SELECT body, coding, features, left_out, checksum FROM tiles WHERE key = ?", (_digest(key),)
                )
                found = row.fetchone()
            except sqlite3.Error as error:
                self._give_up(error)
                return None
        if found is None:
            return None
        body, coding, features, left_out, checksum = found
        if isal_zlib.crc32(body) != checksum:
            log.warning("The tile cache %s holds a damaged tile; it is made anew.", self._path)
            return None
        return StoredTile(body, cast("Coding", coding), features, left_out)

    def keep(self, key: Hashable, tile: StoredTile) -> None:
        """Put a tile there, and let the oldest go where room is short."""
        cost = len(tile.body) + _ROW_BYTES
        if cost > self._max_bytes // _MADE_FREE:
            return
        row = (_digest(key), tile.body, tile.coding, tile.features, tile.left_out, isal_zlib.crc32(tile.body))
        with self._lock:
            try:
                self._ready().execute(
                    "INSERT OR REPLACE INTO tiles (key, body, coding, features, left_out, checksum)"
                    " VALUES (?, ?, ?, ?, ?, ?)",
                    row,
                )
                self._used += cost
                if self._used > self._max_bytes:
                    self._make_room()
            except sqlite3.Error as error:
                self._give_up(error)

    def close(self) -> None:
        """Let the file go."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connect()
            except sqlite3.DatabaseError as error:
                log.warning("The tile cache %s cannot be read (%s); a new one takes its place.", self._path, error)
                self._disconnect()
                for file in (self._path, *(self._path.with_name(self._path.name + end) for end in ("-wal", "-shm"))):
                    file.unlink(missing_ok=True)
                self._connect()
        except (OSError, sqlite3.Error) as error:
            self._give_up(error)

    def _connect(self) -> None:
        self._connection = sqlite3.connect(self._path, timeout=0.2, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = OFF")
        self._connection.execute(_TABLE)
        self._used = self._measured()

    def _measured(self) -> int:
        used = self._ready().execute("SELECT coalesce(sum(length(body) + ?), 0) FROM tiles", (_ROW_BYTES,)).fetchone()
        return int(used[0])

    def _make_room(self) -> None:
        """Let the first go until an eighth is free. Others may have filled the file too: its size is asked anew."""
        connection = self._ready()
        self._used = self._measured()
        gone = self._used - self._max_bytes * (_MADE_FREE - 1) // _MADE_FREE
        for number, size in connection.execute(
            "SELECT number, length(body) + ? FROM tiles ORDER BY number", (_ROW_BYTES,)
        ).fetchall():
            if gone <= 0:
                break
            connection.execute("DELETE FROM tiles WHERE number = ?", (number,))
            gone -= size
            self._used -= size

    def _ready(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("closed")
        return self._connection

    def _give_up(self, error: Exception) -> None:
        """Go on without: a busy file for this once, any other trouble for good."""
        if self._connection is None or "locked" in str(error) or "busy" in str(error):
            return
        log.warning("Tiles are not kept on disk in %s any more: %s", self._path, error)
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _digest(key: Hashable) -> bytes:
    return blake2b(repr(key).encode("utf-8", "surrogatepass"), digest_size=16).digest()
