"""PLY, as text or binary in either order of bytes: vertices and triangles.

Source: G. Turk, "The PLY polygon file format", 1994.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.models.cutting import Ints
from scenes3d.sources.meshes.obj import mesh_unreadable
from twin.ellipsoid import Floats
from twin.errors import TooLargeError

MOST_TRIANGLES = 3_000_000
_LONGEST_HEADER = 1 << 16
_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True, slots=True)
class TriangleMesh:
    """Triangles in the source's own coordinates.

    Attributes:
        points: float64 (n, 3).
        corners: int64 (t, 3), rows of the points.
    """

    points: Floats
    corners: Ints


@dataclass
class _Element:
    name: str
    count: int
    scalars: list[tuple[str, str]]
    lists: list[tuple[str, str, str]]


def read_ply(path: Path) -> TriangleMesh:
    """The mesh of a PLY; polygons of more corners are cut as fans.

    Raises:
        UnreadableFileError: if it is none, is cut off, claims more than it holds, or a face names a vertex that is not there.
        TooLargeError: if it has more triangles than one tile should hold.
    """
    data = path.read_bytes()
    try:
        order, elements, start = _header(data)
        if order:
            points, corners = _binary(data, start, order, elements)
        else:
            points, corners = _text(data[start:], elements)
    except (ValueError, KeyError, IndexError, UnicodeDecodeError) as error:
        raise mesh_unreadable(path, str(error)) from error
    if len(corners) > MOST_TRIANGLES:
        raise TooLargeError(
            "网格三角形过多。The mesh has more triangles than one tile should hold.",
            value=f"{path.name}: {len(corners):,} triangles",
            limit=f"{MOST_TRIANGLES:,}",
            remedy="Export it as 3D Tiles with levels of detail, or in parts.",
        )
    if len(corners) == 0 or corners.min() < 0 or corners.max() >= len(points):
        what = "it has no faces" if len(corners) == 0 else f"a face names vertex {corners.max()} of {len(points)}"
        raise mesh_unreadable(path, what)
    return TriangleMesh(points, corners)


def _header(data: bytes) -> tuple[str, list[_Element], int]:
    """The order of bytes (empty for text), the elements, and where they begin."""
    end = data.find(b"end_header", 0, _LONGEST_HEADER)
    if not data.startswith(b"ply") or end < 0:
        raise ValueError("it does not begin with a PLY header")
    start = data.index(b"\n", end) + 1
    order: str | None = None
    elements: list[_Element] = []
    for line in data[:end].decode("ascii").splitlines():
        words = line.split()
        if words[:1] == ["format"]:
            order = "" if words[1] == "ascii" else _ORDERS[words[1]]
        elif words[:1] == ["element"]:
            elements.append(_Element(words[1], int(words[2]), [], []))
        elif words[:2] == ["property", "list"]:
            elements[-1].lists.append((words[4], _TYPES[words[2]], _TYPES[words[3]]))
        elif words[:1] == ["property"]:
            elements[-1].scalars.append((words[2], _TYPES[words[1]]))
    if order is None or any(element.count < 0 for element in elements):
        raise ValueError("its header says no format, or a negative count")
    return order, elements, start


def _binary(data: bytes, start: int, order: str, elements: list[_Element]) -> tuple[Floats, Ints]:
    points, corners = np.empty((0, 3)), np.empty((0, 3), dtype=np.int64)
    for element in elements:
        if element.name == "face":
            return points, _faces(data, start, order, element)
        if element.lists:
            raise ValueError(f"element {element.name} before the faces holds lists")
        dtype = np.dtype([(name, order + kind) for name, kind in element.scalars])
        size = dtype.itemsize * element.count
        if start + size > len(data):
            raise ValueError(
                f"it claims {element.count:,} of {element.name}, {size:,} bytes, and has {len(data) - start:,}"
            )
        if element.name == "vertex":
            table = np.frombuffer(data, dtype, element.count, start)
            points = np.column_stack([table[axis].astype(np.float64) for axis in "xyz"])
        start += size
    return points, corners


def _faces(data: bytes, start: int, order: str, element: _Element) -> Ints:
    """Triangles all at once where every face is one, else face by face."""
    if len(element.lists) != 1 or element.scalars:
        raise ValueError("its faces hold more than one list of vertices")
    _, length, kind = element.lists[0]
    dtype = np.dtype([("n", order + length), ("v", order + kind, (3,))])
    if start + dtype.itemsize * element.count <= len(data):
        table = np.frombuffer(data, dtype, element.count, start)
        if (table["n"] == 3).all():
            return np.array(table["v"], dtype=np.int64)
    counts, width = np.dtype(order + length), np.dtype(order + kind)
    found: list[npt.NDArray[Any]] = []
    for number in range(element.count):
        if start + counts.itemsize > len(data):
            raise ValueError(f"it claims {element.count:,} faces and ends after {number:,}")
        size = int(np.frombuffer(data, counts, 1, start)[0])
        start += counts.itemsize
        if size < 0 or start + size * width.itemsize > len(data):
            raise ValueError(f"it claims {element.count:,} faces and ends after {number:,}")
        found.append(np.frombuffer(data, width, size, start).astype(np.int64))
        start += size * width.itemsize
    return _fans(found)


def _text(data: bytes, elements: list[_Element]) -> tuple[Floats, Ints]:
    lines = iter(data.decode("ascii").splitlines())
    points, found = np.empty((0, 3)), []
    for element in elements:
        names = [name for name, _ in element.scalars]
        rows = [row.split() for _, row in zip(range(element.count), lines, strict=False)]
        if len(rows) < element.count:
            raise ValueError(f"it claims {element.count:,} of {element.name} and ends after {len(rows):,}")
        if element.name == "vertex":
            places = [names.index(axis) for axis in "xyz"]
            points = np.array([[float(row[at]) for at in places] for row in rows], dtype=np.float64).reshape(-1, 3)
        elif element.name == "face":
            found = [np.array(row[1 : 1 + int(row[0])], dtype=np.int64) for row in rows]
    return points, _fans(found)


def _fans(faces: list[npt.NDArray[Any]]) -> Ints:
    parts = [
        np.column_stack([np.full(len(face) - 2, face[0]), face[1:-1], face[2:]]) for face in faces if len(face) >= 3
    ]
    return np.concatenate(parts) if parts else np.empty((0, 3), dtype=np.int64)
