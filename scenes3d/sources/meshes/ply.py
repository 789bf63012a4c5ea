"""PLY, as text or binary in either order of bytes: triangles with colours or texture coordinates, a run at a time.

Source: G. Turk, "The PLY polygon file format", 1994; texture coordinates at vertices (s, t) or at faces (`texcoord`, `texnumber`) as
MeshLab and OpenMVS write them, counted from the lower left corner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.models.cutting import Ints
from scenes3d.models.shaping import Faults
from scenes3d.sources.meshes.mesh import MISSING_IMAGE, NO_MATERIAL, Material, Piece, mesh_unreadable
from scenes3d.sources.meshes.mtl import find_beside
from scenes3d.sources.meshes.ply_header import Element, Header, read_header
from twin.ellipsoid import Floats

_ROWS = 200_000
_SAMPLE = 1_000
_UV_NAMES = (("s", "t"), ("u", "v"), ("texture_u", "texture_v"))
_CORNERS = ("vertex_indices", "vertex_index")
Rows = dict[str, list[npt.NDArray[Any]]]


@dataclass(frozen=True, slots=True)
class _Vertices:
    points: Floats
    uv: npt.NDArray[np.float32] | None
    colours: npt.NDArray[np.uint8] | None


class PlyMesh:
    """A PLY.

    Raises:
        UnreadableFileError: if it does not begin with a header.
    """

    def __init__(self, path: Path, faults: Faults) -> None:
        self.path = path
        try:
            self._header: Header = read_header(path)
        except (ValueError, KeyError, IndexError) as error:
            raise mesh_unreadable(path, str(error)) from error
        self.materials: list[Material] = []
        for name in self._header.textures:
            image = find_beside(path.parent, name)
            if image is None:
                faults.add(MISSING_IMAGE, name)
            self.materials.append(Material(name, image=image))

    def beside(self) -> Sequence[Path]:
        return [material.image for material in self.materials if isinstance(material.image, Path)]

    def sample(self) -> Floats:
        return np.asarray(self._guarded(self._vertices)[0].points[:_SAMPLE])

    def to_document(self) -> Mapping[str, Any]:
        return {"materials": len(self.materials), "images": len(self.beside())}

    def pieces(self) -> Iterator[Piece]:
        vertices, start = self._guarded(self._vertices)
        size, drawn = self.path.stat().st_size, False
        pieces = self._pieces(vertices, start)
        while (piece := self._guarded(lambda: next(pieces, None))) is not None:
            drawn = True
            yield piece
        if not drawn:
            raise mesh_unreadable(self.path, f"it has no faces in {size:,} bytes")

    def _guarded(self, step: Any) -> Any:
        try:
            return step()
        except (ValueError, KeyError, IndexError, OverflowError) as error:
            raise mesh_unreadable(self.path, str(error)) from error

    def _vertices(self) -> tuple[_Vertices, int]:
        """The vertices, and where the faces begin: a byte, or a line of text."""
        start = self._header.start if self._header.order else 0
        vertices = _Vertices(np.empty((0, 3)), None, None)
        for element in self._header.elements:
            if element.name == "face":
                break
            if any(said.length for said in element.properties):
                raise ValueError(f"element {element.name} before the faces holds lists")
            table = self._binary_table(element, start) if self._header.order else self._text_table(element, start)
            if element.name == "vertex":
                vertices = _vertices_of(table)
            start += table.nbytes if self._header.order else element.count
        return vertices, start

    def _binary_table(self, element: Element, start: int) -> npt.NDArray[Any]:
        dtype = np.dtype([(said.name, self._header.order + said.kind) for said in element.properties])
        size, left = dtype.itemsize * element.count, self.path.stat().st_size - start
        if size > left:
            raise ValueError(f"it claims {element.count:,} of {element.name}, {size:,} bytes, and has {left:,}")
        if not size:
            return np.empty(0, dtype)
        return np.memmap(self.path, dtype, "r", start, (element.count,))

    def _text_table(self, element: Element, start: int) -> npt.NDArray[Any]:
        rows = [tuple(map(float, row)) for row in self._rows(element, start, len(element.properties))]
        return np.array(rows, dtype=[(name, "f8") for name in element.names()])

    def _rows(self, element: Element, start: int, least: int) -> Iterator[list[bytes]]:
        with self.path.open("rb") as file:
            file.seek(self._header.start)
            lines = (line for line in file if not line.isspace())
            count = 0
            for count, line in enumerate(islice(lines, start, start + element.count), 1):  # noqa: B007 - counted for the error
                words = line.split()
                if len(words) < least:
                    raise ValueError(f"a row of {element.name} holds {len(words)} numbers")
                yield words
            if count < element.count:
                raise ValueError(f"it claims {element.count:,} of {element.name} and ends after {count:,}")

    def _pieces(self, vertices: _Vertices, start: int) -> Iterator[Piece]:
        element = next((found for found in self._header.elements if found.name == "face"), None)
        if element is None or not element.count:
            return
        if self._header.order:
            runs = _binary_rows(self.path, self._header.order, element, start)
        else:
            runs = _text_rows(self._rows(element, start, 1), element)
        for rows, done in runs:
            yield from self._piece(rows, vertices, done)

    def _piece(self, rows: Rows, vertices: _Vertices, done: int) -> Iterator[Piece]:
        name = next((name for name in _CORNERS if name in rows), "")
        if not name:
            raise ValueError("its faces have no vertex_indices")
        faces = rows[name]
        fan, face = _fans(faces)
        if not len(fan):
            return
        flat = np.concatenate(faces).astype(np.int64)
        numbers = flat[fan]
        wrong = (numbers < 0) | (numbers >= len(vertices.points))
        if wrong.any():
            raise ValueError(f"a face names vertex {numbers[wrong][0]} of {len(vertices.points)}")
        uv = None if vertices.uv is None else vertices.uv[numbers]
        if self.materials and "texcoord" in rows:
            uv = _face_uv(rows["texcoord"], faces)[fan]
        if uv is not None:
            uv = np.stack([uv[..., 0], 1 - uv[..., 1]], axis=-1)
        materials = np.full(len(fan), 0 if self.materials and uv is not None else NO_MATERIAL, dtype=np.int32)
        if uv is not None and "texnumber" in rows and self.materials:
            said = np.concatenate(rows["texnumber"]).astype(np.int32)[face]
            materials = np.where((said >= 0) & (said < len(self.materials)), said, NO_MATERIAL).astype(np.int32)
        colours = None if vertices.colours is None else vertices.colours[numbers]
        yield Piece(np.asarray(vertices.points[numbers]), materials, uv, colours, done)


def _vertices_of(table: npt.NDArray[Any]) -> _Vertices:
    names = table.dtype.names or ()
    points = np.empty((len(table), 3))
    for column, axis in enumerate("xyz"):
        points[:, column] = table[axis]
    pair = next((pair for pair in _UV_NAMES if pair[0] in names and pair[1] in names), None)
    uv = None if pair is None else np.column_stack([table[name] for name in pair]).astype(np.float32)
    return _Vertices(points, uv, _colours_of(table) if "red" in names else None)


def _colours_of(table: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Bytes are taken as they are; 16 bits lose the lower eight; single precision counts from 0 to 1."""
    bands = np.column_stack([np.asarray(table[name]) for name in ("red", "green", "blue")])
    if bands.dtype.kind == "u" and bands.dtype.itemsize == 2:
        bands = bands >> 8
    elif bands.dtype.kind == "f" and len(bands) and bands.max() <= 1.0:
        bands = np.rint(bands * 255)
    return np.asarray(np.clip(bands, 0, 255), dtype=np.uint8)


def _binary_rows(path: Path, order: str, element: Element, start: int) -> Iterator[tuple[Rows, int]]:
    """Rows of the faces, a run at a time, and where they end; all at once where their lists are of one length."""
    data = np.memmap(path, np.uint8, "r")
    left = element.count
    while left:
        wanted = min(left, _ROWS)
        first, _ = _row(data, start, order, element, element.count - left)
        fields: list[Any] = []
        for said in element.properties:
            if said.length:
                fields += [
                    (f"#{said.name}", order + said.length),
                    (said.name, order + said.kind, (len(first[said.name]),)),
                ]
            else:
                fields.append((said.name, order + said.kind))
        dtype = np.dtype(fields)
        able = min(wanted, (len(data) - start) // dtype.itemsize)
        table = data[start : start + able * dtype.itemsize].view(dtype)
        lists = [said.name for said in element.properties if said.length]
        # As far as the lists are of one length they are taken together; the next run begins with another one.
        same = np.logical_and.reduce([table[f"#{name}"] == len(first[name]) for name in lists] or [np.ones(able, bool)])
        taken = able if same.all() else int(same.argmin())
        if taken < 64 < left:
            rows, start, taken = _slowly(data, start, order, element, element.count - left)
        else:
            rows = {name: list(np.asarray(table[name][:taken])) for name in lists}
            rows |= {s.name: [np.asarray(table[s.name][:taken])] for s in element.properties if not s.length}
            start += taken * dtype.itemsize
        if not taken:
            raise ValueError(f"it claims {element.count:,} faces and ends after {element.count - left:,}")
        left -= taken
        yield rows, start


def _slowly(data: npt.NDArray[np.uint8], start: int, order: str, element: Element, done: int) -> tuple[Rows, int, int]:
    """Some thousand rows one by one."""
    rows: Rows = {said.name: [] for said in element.properties}
    taken = min(element.count - done, 10_000)
    for number in range(taken):
        row, start = _row(data, start, order, element, done + number)
        for name, values in row.items():
            rows[name].append(values)
    return rows, start, taken


def _row(
    data: npt.NDArray[np.uint8], start: int, order: str, element: Element, number: int
) -> tuple[dict[str, npt.NDArray[Any]], int]:
    row: dict[str, npt.NDArray[Any]] = {}
    for said in element.properties:
        count = 1
        if said.length:
            width = np.dtype(order + said.length)
            head = data[start : start + width.itemsize].tobytes()
            count = int(np.frombuffer(head, width, 1)[0]) if len(head) == width.itemsize else -1
            start += width.itemsize
        kind = np.dtype(order + said.kind)
        if count < 0 or start + count * kind.itemsize > len(data):
            raise ValueError(f"it claims {element.count:,} faces and ends after {number:,}")
        row[said.name] = np.frombuffer(data[start : start + count * kind.itemsize].tobytes(), kind, count)
        start += count * kind.itemsize
    return row, start


def _text_rows(lines: Iterator[list[bytes]], element: Element) -> Iterator[tuple[Rows, int]]:
    while chunk := list(islice(lines, _ROWS)):
        rows: Rows = {said.name: [] for said in element.properties}
        for words in chunk:
            at = 0
            for said in element.properties:
                count = int(words[at]) if said.length else 1
                at += 1 if said.length else 0
                if count < 0 or at + count > len(words):
                    raise ValueError("a face has fewer numbers than it says")
                rows[said.name].append(np.array(words[at : at + count]).astype(np.float64))
                at += count
        yield rows, 0


def _fans(faces: list[npt.NDArray[Any]]) -> tuple[Ints, Ints]:
    """Triangles of faces one behind the other, (t, 3), and the face of each, (t,): from the first corner of each."""
    lengths = np.fromiter(map(len, faces), np.int64, len(faces))
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    counts = np.maximum(lengths - 2, 0)
    face = np.repeat(np.arange(len(faces)), counts)
    step = np.arange(len(face)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = starts[face]
    return np.column_stack([first, first + step + 1, first + step + 2]), face


def _face_uv(said: list[npt.NDArray[Any]], faces: list[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
    """Texture coordinates of every corner of every face; no numbers where a face says none."""
    parts = [
        np.asarray(own, dtype=np.float32).reshape(-1, 2)
        if len(own) == 2 * len(face)
        else np.full((len(face), 2), np.nan, dtype=np.float32)
        for own, face in zip(said, faces, strict=True)
    ]
    return np.concatenate(parts)
