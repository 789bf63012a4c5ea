"""b3dm, i3dm, pnts and cmpt of 3D Tiles 1.0, taken apart.

Source: OGC 18-053r2, sections 9 (batch table) and 10 (tile formats).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from scenes3d.glb.container import broken

_HEAD = struct.Struct("<4sII")
_TABLES = struct.Struct("<IIII")
_CMPT_INNER = 10_000
_TYPES = {
    "BYTE": "<i1", "UNSIGNED_BYTE": "<u1", "SHORT": "<i2", "UNSIGNED_SHORT": "<u2", "INT": "<i4", "UNSIGNED_INT": "<u4",
    "FLOAT": "<f4", "DOUBLE": "<f8",
}  # fmt: skip
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


@dataclass(frozen=True, slots=True)
class Table:
    """A feature table or batch table: JSON, and the bytes it points into."""

    name: str
    document: dict[str, Any] = field(default_factory=dict)
    body: memoryview = field(default_factory=lambda: memoryview(b""))

    def array(self, key: str, count: int, dtype: str, width: int) -> npt.NDArray[Any] | None:
        """Values of a property (count, width); None where the table has none.

        Raises:
            UnreadableFileError: if it claims more than there is.
        """
        said = self.document.get(key)
        if said is None:
            return None
        if isinstance(said, list):
            return np.array(said, dtype=dtype).reshape(-1, width)
        dtype = _TYPES.get(said.get("componentType", ""), dtype) if isinstance(said, dict) else dtype
        start, size = int(said["byteOffset"]), count * width * np.dtype(dtype).itemsize
        if start < 0 or start + size > len(self.body):
            raise broken(self.name, f"{key} claims {size} bytes at {start} of {len(self.body)}", "a whole table")
        return np.frombuffer(self.body[start : start + size], dtype=dtype).reshape(count, width)

    def columns(self, count: int) -> dict[str, list[Any]]:
        """A batch table's properties as lists of `count` values; vectors and objects as they are."""
        found: dict[str, list[Any]] = {}
        for key, said in self.document.items():
            if isinstance(said, list) and len(said) == count:
                found[key] = said
            elif isinstance(said, dict) and "byteOffset" in said:
                width = _WIDTHS[said.get("type", "SCALAR")]
                values = self.array(key, count, "<f4", width)
                assert values is not None
                found[key] = values[:, 0].tolist() if width == 1 else values.tolist()
        return found


@dataclass(frozen=True, slots=True)
class Packed:
    """One tile of version 1.0: its tables and what follows them.

    Attributes:
        magic: b3dm, i3dm or pnts.
        payload: The GLB of b3dm and i3dm, or its address where `by_address`.
    """

    magic: str
    features: Table
    batch: Table
    payload: memoryview
    by_address: bool = False

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        """RTC_CENTER: where the tile's coordinates count from, (3,)."""
        return np.array(self.features.document.get("RTC_CENTER", (0.0, 0.0, 0.0)), dtype=np.float64).reshape(3)


def iter_packed(data: memoryview, name: str, depth: int = 0) -> Iterator[Packed]:
    """The tiles in a file, those inside of cmpt one by one.

    Raises:
        UnreadableFileError: if it is cut off, lies about its lengths, or is a composite of itself without end.
    """
    if len(data) < _HEAD.size + 4:
        raise broken(name, f"it has {len(data)} bytes", "a whole tile")
    magic, version, length = _HEAD.unpack_from(data)
    if version != 1 or length > len(data) or depth > 8:
        raise broken(name, f"it says version {version} and {length} bytes, and has {len(data)}", "version 1, whole")
    if magic == b"cmpt":
        yield from _inner(data[:length], name, depth)
        return
    if magic not in {b"b3dm", b"i3dm", b"pnts"}:
        raise broken(name, f"it begins with {magic!r}", "b3dm, i3dm, pnts, cmpt or glTF")
    at = _HEAD.size
    if at + _TABLES.size > length:
        raise broken(name, "its header is cut off", "a whole tile")
    lengths = _TABLES.unpack_from(data, at)
    at += _TABLES.size
    by_address = False
    if magic == b"i3dm":
        by_address = struct.unpack_from("<I", data, at)[0] == 0
        at += 4
    parts: list[memoryview] = []
    for size in lengths:
        if at + size > length:
            raise broken(name, f"its tables claim {sum(lengths)} bytes of {length}", "a whole tile")
        parts.append(data[at : at + size])
        at += size
    features = Table(name, _json(parts[0], name), parts[1])
    yield Packed(magic.decode(), features, Table(name, _json(parts[2], name), parts[3]), data[at:length], by_address)


def _inner(data: memoryview, name: str, depth: int) -> Iterator[Packed]:
    (count,) = struct.unpack_from("<I", data, _HEAD.size)
    at = _HEAD.size + 4
    if count > _CMPT_INNER:
        raise broken(name, f"it claims {count} tiles inside", f"{_CMPT_INNER}")
    for _ in range(count):
        if at + _HEAD.size > len(data):
            raise broken(name, "a tile inside is cut off", "whole tiles")
        length = _HEAD.unpack_from(data, at)[2]
        if length < _HEAD.size or at + length > len(data):
            raise broken(name, f"a tile inside claims {length} bytes of {len(data) - at}", "whole tiles")
        yield from iter_packed(data[at : at + length], name, depth + 1)
        at += length


def _json(part: memoryview, name: str) -> dict[str, Any]:
    text = bytes(part).rstrip(b" \0\n\r\t")
    if not text:
        return {}
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise broken(name, f"a table's JSON is broken ({error})", "JSON") from error
    if not isinstance(document, dict):
        raise broken(name, "a table is no object", "JSON objects")
    return document
