"""Wavefront OBJ: each object, or group where there are no objects, as a feature with its polygons. One with pictures is read by
`obj_mesh.py`.

Source: Wavefront Advanced Visualizer, appendix B1 (object files): v, f, o, g; numbers from the end are negative.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from scenes3d.models.surfaces import Feature, Surface
from scenes3d.sources.meshes.mesh import mesh_unreadable
from scenes3d.sources.reference import Said
from twin.ellipsoid import Floats
from twin.errors import TooLargeError

MOST_BYTES = 1 << 30
_LONGEST_LINE = 1 << 20
Faces = list[list[int]]


@dataclass(frozen=True, slots=True)
class ObjFile:
    """An OBJ; it never says what its coordinates count from."""

    path: Path
    said: ClassVar[Said] = Said()

    def features(self) -> Iterator[Feature]:
        """Objects in the order of their first face; one without a name is called after the file.

        Raises:
            UnreadableFileError: if a number is none, or a face names a vertex that is not there.
            TooLargeError: if the file is larger than is read at once.
        """
        size = self.path.stat().st_size
        if size > MOST_BYTES:
            raise TooLargeError(
                "网格文件过大。The mesh is larger than is read at once.",
                value=f"{self.path.name}: {size:,} bytes",
                limit=f"{MOST_BYTES:,} bytes",
                remedy="Export it as 3D Tiles with levels of detail, or in parts.",
            )
        try:
            vertices, objects = self._read()
        except (ValueError, IndexError) as error:
            raise mesh_unreadable(self.path, str(error)) from error
        for name, faces in objects.items():
            if faces:
                yield Feature(name, "Mesh", tuple(Surface((vertices[face],)) for face in faces))

    def _read(self) -> tuple[Floats, dict[str, Faces]]:
        numbers: list[float] = []
        objects: dict[str, Faces] = {}
        groups: dict[str, Faces] = {}
        faces = groups.setdefault(self.path.name.partition(".")[0], [])
        with self.path.open("rb") as file:
            while line := file.readline(_LONGEST_LINE):
                word, _, rest = line.partition(b" ")
                if word == b"v":
                    numbers += map(float, rest.split()[:3])
                elif word == b"f":
                    count = len(numbers) // 3
                    faces.append([_number(part, count) for part in rest.split()])
                elif word == b"o" or (word == b"g" and not objects):
                    kept = objects if word == b"o" else groups
                    faces = kept.setdefault(rest.decode("utf-8", "replace").strip() or "object", [])
        vertices = np.array(numbers, dtype=np.float64).reshape(-1, 3)
        return vertices, {**groups, **objects}


def _number(part: bytes, count: int) -> int:
    said = int(part.partition(b"/")[0])
    number = said - 1 if said > 0 else count + said
    if not 0 <= number < count:
        raise ValueError(f"a face names vertex {said} of {count}")
    return number
