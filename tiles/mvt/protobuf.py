"""The part of the protobuf wire format that vector tiles need.

Source: protobuf encoding guide (varints, zigzag, length-delimited fields); Mapbox Vector Tile 2.1, section 4.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

FIXED_64 = 1
LENGTH_DELIMITED = 2


@lru_cache(maxsize=1 << 16)
def varint(value: int) -> bytes:
    """A non-negative integer below 2**64 in base-128 groups, lowest first.

    >>> varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def zigzag(value: int) -> int:
    """A signed 64-bit integer folded to unsigned, small magnitudes first: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return (value << 1) ^ (value >> 63)


def field_bytes(number: int, data: bytes) -> bytes:
    """A length-delimited field."""
    return varint(number << 3 | LENGTH_DELIMITED) + varint(len(data)) + data


def field_varint(number: int, value: int) -> bytes:
    """A varint field."""
    return varint(number << 3) + varint(value)


def field_double(number: int, value: float) -> bytes:
    """A 64-bit float field."""
    return varint(number << 3 | FIXED_64) + struct.pack("<d", value)


def pack_varints(values: npt.NDArray[np.uint32], counts: npt.NDArray[np.int64]) -> list[bytes]:
    """Runs of packed varints, one byte string for each run.

    Args:
        values: All integers, run after run.
        counts: How many integers each run has; their sum is the number of `values`.

    Returns:
        As many byte strings as there are counts.
    """
    if len(values) == 0:
        return [b""] * len(counts)
    wide = values.astype(np.uint64)
    lengths = np.ones(len(wide), dtype=np.int64)
    for bits in (7, 14, 21, 28):
        lengths += wide >= (1 << bits)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    stream = np.empty(int(ends[-1]), dtype=np.uint8)
    for group in range(int(lengths.max())):
        reached = lengths > group
        more = lengths[reached] > group + 1
        stream[starts[reached] + group] = (wide[reached] >> np.uint64(7 * group)) & np.uint64(0x7F) | (
            more.astype(np.uint64) << np.uint64(7)
        )
    data = stream.tobytes()
    last = np.cumsum(counts)
    edges = np.concatenate([[0], np.concatenate([[0], ends])[last]]).tolist()
    return [data[a:b] for a, b in pairwise(edges)]
