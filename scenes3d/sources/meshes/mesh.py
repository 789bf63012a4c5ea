"""One kind of mesh, whatever the format: runs of triangles with texture coordinates or colours, and what they are painted with.

Triangles carry their corners themselves. Files share vertices in ways of their own (by place, by place and texture, not at all);
whoever builds from them joins what stands at the same place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from twin.ellipsoid import Floats
from twin.errors import UnreadableFileError

MISSING_IMAGE = "texture-image-missing"
BROKEN_IMAGE = "texture-image-unreadable"
DROPPED_ALPHA = "texture-transparency-dropped"
UNKNOWN_MATERIAL = "material-unknown"
NO_UV = "triangle-without-texture-coordinates"
ODD_TEXTURE = "texture-options-ignored"
NOT_TRIANGLES = "primitive-not-of-triangles"
NO_MATERIAL = -1


@dataclass(frozen=True, slots=True)
class Material:
    """What triangles are painted with.

    Attributes:
        name: For the report.
        colour: Red, green, blue, 0…255, sRGB; what there is where the image is not.
        image: Where the picture is, or its bytes; None where it is painted with the colour alone.
        pictured: Whether it was meant to have a picture, there or missing.
    """

    name: str
    colour: tuple[int, int, int] = (204, 204, 204)
    image: Path | bytes | None = None
    pictured: bool = False


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of triangles of a file.

    Attributes:
        corners: float64 (t, 3, 3), places in the source's coordinates, counter-clockwise seen from outside.
        materials: int32 (t,), numbers of the file's materials, or `NO_MATERIAL`.
        uv: float32 (t, 3, 2), (0, 0) the upper left corner of the image, not a number where a corner has none; or None.
        colours: uint8 (t, 3, 3), sRGB of each corner; or None.
        done: Bytes of the file that have been read by now.
    """

    corners: Floats
    materials: npt.NDArray[np.int32]
    uv: npt.NDArray[np.float32] | None = None
    colours: npt.NDArray[np.uint8] | None = None
    done: int = 0


class MeshFile(Protocol):
    """A file of triangles."""

    @property
    def path(self) -> Path: ...

    @property
    def materials(self) -> Sequence[Material]:
        """Those met so far, in the order of their numbers."""

    def beside(self) -> Sequence[Path]:
        """Other files that it is made of: materials, images."""

    def sample(self) -> Floats:
        """Some of its vertices, float64 (n, 3), without reading all of it."""

    def pieces(self) -> Iterator[Piece]:
        """All triangles, in the file's order.

        Raises:
            UnreadableFileError: if the file is cut off, claims what it does not hold, or a face names a vertex that is not there.
        """

    def to_document(self) -> Mapping[str, Any]:
        """For the record: what the file was made of."""


def mesh_unreadable(path: Path, what: str) -> UnreadableFileError:
    """The error for a mesh that cannot be used."""
    return UnreadableFileError(
        f"网格文件无法读取。The mesh cannot be read: {what}.",
        value=path.name,
        limit="a whole OBJ, PLY or GLB file",
        remedy="Export or copy the file again.",
    )
