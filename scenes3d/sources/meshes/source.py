"""Files of one mesh as a source to build from: their place judged, their pieces moved into one frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from scenes3d.frames import Frame
from scenes3d.models.shaping import NO_NUMBER, Faults
from scenes3d.sources.landing import Place, require_landing
from scenes3d.sources.meshes.mesh import NO_MATERIAL, Material, MeshFile, Piece, mesh_unreadable
from scenes3d.sources.reference import Placing
from twin.ellipsoid import Floats, earth_centred
from twin.files import file_sha256


@dataclass
class MeshSource:
    """Meshes that lie beside each other.

    Attributes:
        files: At least one, with what makes places of its coordinates.
        frame: Where the scene's frame stands: among the first vertices.
        faults: Grows while files are read.
        boxes: West, south, east, north in degrees, lowest and highest in metres, of the files read so far.
        triangles: Of the files read so far.
    """

    files: Sequence[tuple[MeshFile, Placing]]
    frame: Frame
    faults: Faults
    boxes: list[tuple[float, float, float, float, float, float]] = field(default_factory=list, init=False)
    triangles: list[int] = field(default_factory=list, init=False)

    @property
    def length(self) -> int:
        """Bytes of all files, for progress."""
        return sum(file.path.stat().st_size for file, _ in self.files)

    @property
    def materials(self) -> list[Material]:
        """Those of all files met so far."""
        return [material for file, _ in self.files for material in file.materials]

    def identity(self) -> Mapping[str, Any]:
        """What tells this source from every other: checksums of all files, those beside them too."""
        found = []
        for file, placing in self.files:
            beside = [(path.name, file_sha256(path)) for path in file.beside()]
            found.append([file.path.name, file_sha256(file.path), beside, placing.to_document()])
        return {"files": found}

    def summary(self) -> dict[str, Any]:
        """Box, triangles, materials and pictures of each file, after all were read."""
        described = [file.to_document() for file, _ in self.files]
        return {"boxes": self.boxes, "triangles": self.triangles, "files": described}

    def pieces(self) -> Iterator[Piece]:
        """All triangles in metres of the frame. Those with a corner that is no place are left out and counted."""
        self.boxes.clear()
        self.triangles.clear()
        done = 0
        for number, (file, placing) in enumerate(self.files):
            boxes: list[Floats] = []
            count = 0
            before = sum(len(earlier.materials) for earlier, _ in self.files[:number])
            for piece in file.pieces():
                moved, box = self._moved(piece, placing, file.path, before, done)
                if len(moved.corners):
                    boxes.append(box)
                    count += len(moved.corners)
                yield moved
            done += file.path.stat().st_size
            if not boxes:
                raise mesh_unreadable(file.path, "none of its triangles has a place")
            table = np.array(boxes)
            west, south, low = table[:, [0, 1, 4]].min(axis=0).tolist()
            east, north, high = table[:, [2, 3, 5]].max(axis=0).tolist()
            self.boxes.append((west, south, east, north, low, high))
            self.triangles.append(count)

    def _moved(self, piece: Piece, placing: Placing, path: Path, before: int, done: int) -> tuple[Piece, Floats]:
        flat = piece.corners.reshape(-1, 3)
        lon, lat, height = placing.place(flat[:, 0], flat[:, 1], flat[:, 2])
        earth = earth_centred(lon, lat, height)
        sound = np.isfinite(earth).all(axis=1).reshape(-1, 3).all(axis=1)
        if not sound.all():
            self.faults.add(NO_NUMBER, path.name, int((~sound).sum()))
        local = self.frame.local(earth).reshape(-1, 3, 3)[sound]
        kept = np.repeat(sound, 3)
        box = np.full(6, np.nan)
        if sound.any():
            box = np.array(
                [
                    lon[kept].min(), lat[kept].min(), lon[kept].max(), lat[kept].max(),
                    np.min(height[kept]), np.max(height[kept]),
                ]
            )  # fmt: skip
        materials = np.where(piece.materials == NO_MATERIAL, NO_MATERIAL, piece.materials + before)[sound]
        moved = Piece(
            local,
            materials.astype(np.int32),
            None if piece.uv is None else piece.uv[sound],
            None if piece.colours is None else piece.colours[sound],
            done + piece.done,
        )
        return moved, box


def open_source(files: Sequence[tuple[MeshFile, Placing]], place: Place | None, faults: Faults) -> MeshSource:
    """The files as one source.

    Args:
        files: At least one.
        place: Where they are expected; None where anything goes.

    Raises:
        UnreadableFileError: if a file has no vertices.
        SuspiciousDatumError, BadGeometryError: as `require_landing`.
    """
    frame: Frame | None = None
    for file, placing in files:
        sample = file.sample()
        if not len(sample):
            raise mesh_unreadable(file.path, "it has no vertices")
        lon, lat, height = placing.place(sample[:, 0], sample[:, 1], sample[:, 2])
        require_landing(lon, lat, height, file.path.name, place)
        if frame is None:
            frame = Frame(*(float(np.nanmedian(values)) for values in (lon, lat, height)))
    assert frame is not None
    return MeshSource(files, frame, faults)
