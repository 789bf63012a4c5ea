"""Directories of a PMTiles archive: which tile lies where. Source: PMTiles specification 3, section 4."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pmtiles.tile import Entry, serialize_directory

Ints = npt.NDArray[np.int64]

ROOT_BYTES = 16_384 - 127
"""Room for the root directory: header and root together fit into the first 16 KiB."""

_LEAF_ENTRIES = 4096
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Directory:
    """Entries in order of their tile ids; arrays int64 (n,). A run of 0 points to a leaf directory."""

    ids: Ints
    runs: Ints
    lengths: Ints
    offsets: Ints


def encode_directories(entries: Sequence[Entry]) -> tuple[bytes, bytes]:
    """Root and leaf directories, compressed; no leaves where the root has room for all."""
    root, size = serialize_directory(entries), _LEAF_ENTRIES
    if len(root) <= ROOT_BYTES:
        return root, b""
    while True:
        leaves, pointers = bytearray(), []
        for start in range(0, len(entries), size):
            leaf = serialize_directory(entries[start : start + size])
            pointers.append(Entry(entries[start].tile_id, len(leaves), len(leaf), 0))
            leaves += leaf
        root = serialize_directory(pointers)
        if len(root) <= ROOT_BYTES:
            return root, bytes(leaves)
        size *= 2


def decode_directory(packed: bytes) -> Directory:
    """One directory.

    Raises:
        ValueError: if the bytes are no directory, or unfold to more than 64 MB.
    """
    numbers = _varints(unzip(packed, _MOST_BYTES))
    count = int(numbers[0]) if len(numbers) else -1
    if count < 1 or len(numbers) != 4 * count + 1:
        raise ValueError("a directory does not hold as many entries as it says")
    steps, runs, lengths, offsets = numbers[1:].reshape(4, count)
    ids = np.cumsum(steps)
    if (steps[1:] < 1).any() or (lengths < 1).any() or offsets[0] < 1 or (ids < 0).any():
        raise ValueError("a directory's entries are out of order or empty")
    ends = np.cumsum(lengths)
    # A zero means: right behind the entry before. Each such run goes on from the last offset that was written out.
    written = np.maximum.accumulate(np.where(offsets > 0, np.arange(count), 0))
    placed = offsets[written] - 1 + (ends - lengths) - (ends - lengths)[written]
    return Directory(ids, runs, lengths, placed)


def unzip(packed: bytes, most: int) -> bytes:
    """Gzip undone, as long as it does not unfold to more than `most` bytes.

    Raises:
        ValueError: if it does, is cut, or is no gzip.
    """
    unpacker = zlib.decompressobj(wbits=31)
    try:
        data = unpacker.decompress(packed, most + 1)
    except zlib.error as error:
        raise ValueError(f"compressed bytes are damaged ({error})") from error
    if len(data) > most:
        raise ValueError(f"compressed bytes unfold to more than {most:,} bytes")
    if not unpacker.eof:
        raise ValueError("compressed bytes end too early")
    return data


def _varints(data: bytes) -> Ints:
    octets = np.frombuffer(data, dtype=np.uint8)
    ends = np.flatnonzero(octets < 0x80)
    if not len(ends) or ends[-1] != len(octets) - 1:
        raise ValueError("a directory ends in the middle of a number")
    starts = np.concatenate([[0], ends[:-1] + 1])
    sizes = ends - starts + 1
    if sizes.max() > 9:
        raise ValueError("a directory holds a number of more than 63 bits")
    place = np.arange(len(octets)) - np.repeat(starts, sizes)
    return np.asarray(np.add.reduceat((octets & 0x7F).astype(np.int64) << (7 * place), starts))
