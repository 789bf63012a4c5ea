"""The bytes of a GLB as they are put together, and the views and accessors that say what they are."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

ARRAY_BUFFER = 34962
ELEMENT_ARRAY_BUFFER = 34963
# glTF 2.0, section 3.6.2.2: component types.
COMPONENTS: dict[str, int] = {"i1": 5120, "u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
_ALIGNMENT = 8
_SHAPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}


class Buffer:
    """One buffer that grows: every view begins at a multiple of eight bytes, which is what all uses can live with."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._length = 0
        self.views: list[dict[str, Any]] = []
        self.accessors: list[dict[str, Any]] = []

    def add_view(self, data: bytes, **said: int) -> int:
        """Put bytes at the end and give the number of their view."""
        self.views.append({"buffer": 0, "byteOffset": self._length, "byteLength": len(data), **said})
        gap = -len(data) % _ALIGNMENT
        self._parts += (data, bytes(gap))
        self._length += len(data) + gap
        return len(self.views) - 1

    def add_vertices(self, values: npt.NDArray[Any], *, bounds: bool = False, normalized: bool = False) -> int:
        """Put one attribute of vertices, (n,) or (n, k), and give the number of its accessor.

        Elements are padded to multiples of four bytes, as glTF asks (section 3.6.2.4).
        """
        table = values.reshape(len(values), -1)
        size = table.dtype.itemsize
        width = -(-table.shape[1] * size // 4) * 4
        padded = np.zeros((len(table), width // size), dtype=table.dtype)
        padded[:, : table.shape[1]] = table
        accessor: dict[str, Any] = {
            "bufferView": self.add_view(padded.tobytes(), byteStride=width, target=ARRAY_BUFFER),
            "componentType": COMPONENTS[table.dtype.str[1:]],
            "count": len(table),
            "type": _SHAPES[table.shape[1]],
        }
        if normalized:
            accessor["normalized"] = True
        if bounds:
            accessor |= {"min": table.min(axis=0).tolist(), "max": table.max(axis=0).tolist()}
        self.accessors.append(accessor)
        return len(self.accessors) - 1

    def add_indices(self, indices: npt.NDArray[np.uint32], vertices: int) -> int:
        """Put numbers of vertices in the smallest type that holds them; its largest value is reserved (section 3.7.2.1)."""
        narrow = indices.astype(np.uint16 if vertices <= 0xFFFF else np.uint32)
        view = self.add_view(narrow.tobytes(), target=ELEMENT_ARRAY_BUFFER)
        kind = COMPONENTS[narrow.dtype.str[1:]]
        self.accessors.append({"bufferView": view, "componentType": kind, "count": len(narrow), "type": "SCALAR"})
        return len(self.accessors) - 1

    def to_bytes(self) -> bytes:
        return b"".join(self._parts)
