"""Wavefront OBJ as a mesh: triangles with texture coordinates and materials, read in blocks, vertices on disk.

Source: Wavefront Advanced Visualizer, appendix B1 (object files): v, vt, f, mtllib, usemtl; numbers from the end are negative.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from scenes3d.models.cutting import Ints, Polygons, cut
from scenes3d.models.shaping import Faults
from scenes3d.sources.meshes.mesh import NO_MATERIAL, UNKNOWN_MATERIAL, Material, Piece, mesh_unreadable
from scenes3d.sources.meshes.mtl import find_beside, read_mtl
from twin.ellipsoid import Floats

_BLOCK_BYTES = 8 << 20
_LONGEST_LINE = 1 << 20
_HEAD_BYTES = 1 << 16
_SAMPLE = 1_000
_NONE = np.iinfo(np.int64).min
# No two words that are read, and no word that is not, begin with the same two letters.
_WORDS = {b"v": b"v", b"vt": b"vt", b"f": b"f", b"us": b"usemtl", b"mt": b"mtllib"}


class ObjMesh:
    """An OBJ as triangles.

    Attributes:
        path: The file.
        materials: Those of the libraries met so far.
    """

    def __init__(self, path: Path, faults: Faults) -> None:
        self.path, self._faults = path, faults
        self.materials: list[Material] = []
        self._numbers: dict[str, int] = {}
        self._libraries: list[Path] = []
        with path.open("rb") as file:
            for line in file.read(_HEAD_BYTES).splitlines():
                if line.startswith(b"mtllib "):
                    self.use_library(line[7:])

    def is_mesh(self) -> bool:
        """Whether it is one surface and no list of features: it has a picture, there or missing, or one object or group at most."""
        if any(material.pictured for material in self.materials):
            return True
        names = {b"o": 0, b"g": 0}
        for lines, _ in _blocks(self.path):
            for line in lines:
                if line[:2] in (b"o ", b"g "):
                    names[line[:1]] += 1
            if max(names.values()) > 1:
                return False
        return True

    def beside(self) -> Sequence[Path]:
        images = sorted({material.image for material in self.materials if isinstance(material.image, Path)})
        return [*self._libraries, *images]

    def sample(self) -> Floats:
        with self.path.open("rb") as file:
            lines = file.read(_BLOCK_BYTES).splitlines()[:-1] or [b""]
        try:
            rows = [line.split()[1:4] for line in islice(filter(_is_vertex, lines), _SAMPLE)]
            return np.array([[float(number) for number in row] for row in rows]).reshape(-1, 3)
        except ValueError as error:
            raise mesh_unreadable(self.path, str(error)) from error

    def to_document(self) -> Mapping[str, Any]:
        return {"materials": len(self.materials), "images": sum(m.image is not None for m in self.materials)}

    def pieces(self) -> Iterator[Piece]:
        with tempfile.TemporaryFile() as places, tempfile.TemporaryFile() as textures:
            reading = _Reading(self, _Table(places, 3), _Table(textures, 2))
            try:
                yield from reading.pieces()
            except (ValueError, IndexError) as error:
                raise mesh_unreadable(self.path, str(error)) from error

    def number_of(self, name: bytes) -> int:
        """The number of a material; one that no library knows is counted and painted grey."""
        text = name.decode("utf-8", "replace").strip()
        if text not in self._numbers:
            self._faults.add(UNKNOWN_MATERIAL, text)
            self._numbers[text] = NO_MATERIAL
        return self._numbers[text]

    def use_library(self, said: bytes) -> None:
        """Read the libraries that a line names, each once."""
        text = said.decode("utf-8", "replace").strip()
        found = find_beside(self.path.parent, text)
        # One name with spaces in it, or many names.
        paths = {text: found} if found else {word: find_beside(self.path.parent, word) for word in text.split()}
        for word, path in paths.items():
            if path is None:
                self._faults.add(UNKNOWN_MATERIAL, f"library {word}")
            elif path not in self._libraries:
                self._libraries.append(path)
                for name, material in read_mtl(path, self._faults).items():
                    if name not in self._numbers:
                        self._numbers[name] = len(self.materials)
                        self.materials.append(material)


class _Table:
    """Rows of float64 that grow in a file and are read by number."""

    def __init__(self, file: Any, width: int) -> None:
        self._file, self._width, self._rows = file, width, 0
        self._table: npt.NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return self._rows

    def add(self, rows: Floats) -> None:
        self._file.write(rows.tobytes())
        self._rows += len(rows)
        self._table = None

    def take(self, numbers: Ints) -> Floats:
        if self._table is None:
            self._file.flush()
            self._table = np.memmap(self._file, np.float64, "r", shape=(self._rows, self._width))
        return np.asarray(self._table[numbers])


class _Reading:
    def __init__(self, mesh: ObjMesh, places: _Table, textures: _Table) -> None:
        self._mesh, self._places, self._textures = mesh, places, textures
        self._material = NO_MATERIAL

    def pieces(self) -> Iterator[Piece]:
        for lines, done in _blocks(self._mesh.path):
            found = [piece for piece in self._of_block(lines) if piece is not None]
            if found:
                yield _joined(found, done)

    def _of_block(self, lines: list[bytes]) -> Iterator[tuple[Floats, npt.NDArray[np.float32], int] | None]:
        for head, run in groupby(lines, itemgetter(slice(0, 2))):
            word = _WORDS.get(head.rstrip())
            if word == b"v":
                self._places.add(_numbers([line.split()[1:4] for line in run], 3))
            elif word == b"vt":
                self._textures.add(_numbers([[*line.split()[1:3], b"0"][:2] for line in run], 2))
            elif word == b"f":
                yield self._faces([line.split()[1:] for line in run])
            elif word == b"usemtl":
                self._material = self._mesh.number_of(list(run)[-1].partition(b" ")[2])
            elif word == b"mtllib":
                for line in run:
                    self._mesh.use_library(line.partition(b" ")[2])

    def _faces(self, rows: list[list[bytes]]) -> tuple[Floats, npt.NDArray[np.float32], int] | None:
        """Corners, texture coordinates and material of the triangles of a run of faces."""
        tokens = list(chain.from_iterable(rows))
        places, textures = _parts(tokens)
        places = _from_start(places, len(self._places), "vertex")
        known = textures != _NONE
        textures[known] = _from_start(textures[known], len(self._textures), "texture vertex")
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        points = self._places.take(places)
        # Triangles are most of any mesh; what has more corners is cut in its own plane.
        if (lengths == 3).all():
            corners = np.arange(len(tokens)).reshape(-1, 3)
        else:
            rings = np.concatenate([[0], np.cumsum(lengths)])
            if (lengths < 3).any():
                raise ValueError(f"a face has {lengths.min()} corners")
            corners = cut(Polygons(points, rings, np.arange(len(rows) + 1))).corners
        if not len(corners):
            return None
        uv = np.full((len(tokens), 2), np.nan, dtype=np.float32)
        if known.any():
            uv[known] = self._textures.take(textures[known])
            uv[:, 1] = 1 - uv[:, 1]
        return points[corners], uv[corners], self._material


def _joined(found: list[tuple[Floats, npt.NDArray[np.float32], int]], done: int) -> Piece:
    materials = np.repeat([material for _, _, material in found], [len(points) for points, _, _ in found])
    return Piece(
        np.concatenate([points for points, _, _ in found]),
        materials.astype(np.int32),
        np.concatenate([uv for _, uv, _ in found]),
        None,
        done,
    )


def _blocks(path: Path) -> Iterator[tuple[list[bytes], int]]:
    """Whole lines of the file, some megabytes at a time, and how many bytes have been read."""
    rest, done = b"", 0
    with path.open("rb") as file:
        while data := file.read(_BLOCK_BYTES):
            done += len(data)
            head, newline, tail = data.rpartition(b"\n")
            if not newline:
                rest += tail
            else:
                yield _lines(rest + head), done
                rest = tail
            if len(rest) > _LONGEST_LINE:
                raise ValueError(f"a line is longer than {_LONGEST_LINE:,} bytes")
    if rest:
        yield _lines(rest), done


def _is_vertex(line: bytes) -> bool:
    return line.startswith((b"v ", b"v\t"))


def _lines(block: bytes) -> list[bytes]:
    lines = block.splitlines()
    # Lines that are moved in are rare, and looking at each costs as much as reading it.
    return [line.lstrip() for line in lines] if b"\n " in block or b"\n\t" in block else lines


def _numbers(rows: list[list[bytes]], width: int) -> Floats:
    table = np.fromiter(map(float, chain.from_iterable(rows)), np.float64)
    if len(table) != width * len(rows):
        raise ValueError(f"a vertex has fewer than {width} numbers")
    return table.reshape(-1, width)


def _parts(tokens: list[bytes]) -> tuple[Ints, Ints]:
    """Numbers of the vertex and of the texture vertex of each corner, as they are said; `_NONE` where there is none."""
    slashes = {token.count(b"/") for token in tokens}
    text = b" ".join(tokens)
    if len(slashes) == 1 and b"//" not in text and b"/ " not in text and not text.endswith(b"/"):
        width = 1 + slashes.pop()
        table = np.fromiter(map(int, text.replace(b"/", b" ").split()), np.int64).reshape(len(tokens), width)
        return table[:, 0], table[:, 1].copy() if width > 1 else np.full(len(tokens), _NONE)
    split = [token.split(b"/") for token in tokens]
    textures = [int(parts[1]) if len(parts) > 1 and parts[1] else _NONE for parts in split]
    return np.array([int(parts[0]) for parts in split], dtype=np.int64), np.array(textures, dtype=np.int64)


def _from_start(said: Ints, count: int, what: str) -> Ints:
    numbers = np.where(said > 0, said - 1, said + count)
    wrong = (numbers < 0) | (numbers >= count) | (said == 0)
    if wrong.any():
        raise ValueError(f"a face names {what} {said[wrong][0]} of {count}")
    return numbers
