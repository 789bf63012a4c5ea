"""Snapshots on disk: one file a layer, mapped into memory, so that all processes of a machine share one copy of it.

::

    8 bytes   b"OMSNAP01"
    4 bytes   length of the head, little-endian
    4 bytes   CRC-32 of the head
    head      JSON: make, version, keys, and of each array of `Columns` its name, dtype, shape, place and CRC-32
    arrays    little-endian, each from a multiple of 64 on

A file is written beside its place and put there when it is whole. It is a copy that can be made again: nothing waits for the disk,
and whatever a power cut leaves of it is told by the checksums, which are compared whenever a file is opened.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
from dataclasses import dataclass, fields
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from isal import isal_zlib

from tiles.snapshot.layout import Columns
from twin.errors import BadData

_MAGIC = b"OMSNAP01"
_PREFIX = struct.Struct("<8sII")
_ALIGNED = 64
_CHUNK = 1 << 20
_ARRAYS = tuple(field.name for field in fields(Columns) if field.name != "keys")


class BrokenSnapshotError(BadData):
    """A snapshot file that is not whole, or not one. Its name is in the message."""

    code = "broken-snapshot"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A copy of a layer.

    Attributes:
        make: What was copied and how, see `TileLayer.make`.
        version: Version of the layer that the columns show; they may hold later rows, too.
        columns: The features.
    """

    make: str
    version: int
    columns: Columns


@dataclass(frozen=True, slots=True)
class SnapshotHead:
    """What a file says of itself."""

    make: str
    version: int
    keys: tuple[str, ...]
    arrays: dict[str, dict[str, Any]]
    body: int


def write_snapshot(path: Path, snapshot: Snapshot) -> None:
    """Put a snapshot on disk, in place of an older one, whole or not at all.

    Raises:
        OSError: if it cannot be written; nothing is left of it then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    arrays = {name: np.ascontiguousarray(getattr(snapshot.columns, name)) for name in _ARRAYS}
    try:
        with draft.open("wb") as file:
            _write(file, snapshot, arrays)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def read_snapshot(path: Path) -> Snapshot:
    """A snapshot mapped from disk. Its arrays are the file's own pages; writing to them changes nobody else's.

    Raises:
        FileNotFoundError: if there is none.
        BrokenSnapshotError: if it is not whole.
    """
    with path.open("rb") as file:
        head = _read_head(file, path)
        _check(file, head, path)
        # A private mapping: shared with every reader, and still arrays that compiled code takes for ordinary ones.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    arrays = {name: _array(mapped, head, name) for name in _ARRAYS}
    return Snapshot(head.make, head.version, Columns(keys=head.keys, **arrays))


def read_head(path: Path) -> SnapshotHead | None:
    """What a file says of itself; None where there is none, or none that can be read."""
    try:
        with path.open("rb") as file:
            return _read_head(file, path)
    except (FileNotFoundError, BrokenSnapshotError):
        return None


def _write(file: BufferedWriter, snapshot: Snapshot, arrays: dict[str, npt.NDArray[Any]]) -> None:
    place = 0
    described = {}
    for name, array in arrays.items():
        described[name] = {
            "dtype": array.dtype.str,
            "shape": array.shape,
            "at": place,
            "crc": isal_zlib.crc32(_bytes(array)),
        }
        place += _aligned(array.nbytes)
    head = {"make": snapshot.make, "version": snapshot.version, "keys": snapshot.columns.keys, "arrays": described}
    text = json.dumps(head, ensure_ascii=False).encode("utf-8", "surrogatepass")
    file.write(_PREFIX.pack(_MAGIC, len(text), isal_zlib.crc32(text)) + text)
    for array in arrays.values():
        file.write(bytes(-file.tell() % _ALIGNED))
        file.write(_bytes(array))


def _read_head(file: BufferedReader, path: Path) -> SnapshotHead:
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size:
        raise _broken(path, "ends in its first bytes")
    magic, length, checksum = _PREFIX.unpack(prefix)
    if magic != _MAGIC:
        raise _broken(path, "is of another kind or edition")
    text = file.read(length)
    if len(text) < length or isal_zlib.crc32(text) != checksum:
        raise _broken(path, "has a damaged head")
    said = json.loads(text.decode("utf-8", "surrogatepass"))
    if said["arrays"].keys() != set(_ARRAYS):
        raise _broken(path, "is of another edition")
    return SnapshotHead(
        said["make"], said["version"], tuple(said["keys"]), said["arrays"], _aligned(_PREFIX.size + length)
    )


def _check(file: BufferedReader, head: SnapshotHead, path: Path) -> None:
    """Compare all checksums. The file is read and not looked at through the map: pages nobody draws from are not counted as ours."""
    chunk = bytearray(_CHUNK)
    for name in _ARRAYS:
        said = head.arrays[name]
        file.seek(head.body + said["at"])
        left, checksum = int(np.prod(said["shape"])) * np.dtype(said["dtype"]).itemsize, 0
        while left:
            count = file.readinto(memoryview(chunk)[: min(left, _CHUNK)])
            if not count:
                raise _broken(path, "ends too early")
            checksum = isal_zlib.crc32(memoryview(chunk)[:count], checksum)
            left -= count
        if checksum != said["crc"]:
            raise _broken(path, f"has a damaged array '{name}'")


def _array(mapped: mmap.mmap, head: SnapshotHead, name: str) -> npt.NDArray[Any]:
    said = head.arrays[name]
    dtype, shape = np.dtype(said["dtype"]), tuple(said["shape"])
    count = int(np.prod(shape))
    if count == 0:
        return np.empty(shape, dtype)
    return np.frombuffer(mapped, dtype, count, head.body + said["at"]).reshape(shape)


def _broken(path: Path, what: str) -> BrokenSnapshotError:
    return BrokenSnapshotError(
        f"The snapshot {path} {what}.",
        value=path.name,
        limit="a whole file with matching checksums",
        remedy="It is made anew; remove it if this comes back, and look at the disk.",
    )


def _bytes(array: npt.NDArray[Any]) -> bytes:
    flat: npt.NDArray[np.uint8] = array.reshape(-1).view(np.uint8)
    return flat.data  # type: ignore[return-value]  # a buffer without a copy


def _aligned(count: int) -> int:
    return -(-count // _ALIGNED) * _ALIGNED
