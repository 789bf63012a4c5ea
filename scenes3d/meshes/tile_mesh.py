"""The mesh of one tile: places joined, triangles, and what they are painted with; kept on disk until the tile above is made."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from scenes3d.meshes.records import QUANTUM_M, Quanta
from twin.ellipsoid import Floats

JPEG_QUALITY = 85
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class TileMesh:
    """Triangles of a tile.

    Attributes:
        places: int32 (n, 3), quanta of the scene's frame, each once.
        triangles: int32 (t, 3), rows of `places`, counter-clockwise seen from outside.
        uv: float32 (t, 3, 2), places in the image, (0, 0) its upper left corner; None without an image.
        image: A JPEG; None where the tile is painted otherwise.
        colours: uint8 (t, 3, 3), sRGB of corners; None where the tile has an image or nothing.
        texel_m: Side of a pixel on the ground, or the way between two colours; 0 where there are none.
        error_m: No place of this mesh is farther from the source's, nor the other way round.
        seam_m: How far its border may lie from its neighbours'; 0 where both kept every corner of it.
    """

    places: Quanta
    triangles: npt.NDArray[np.int32]
    uv: npt.NDArray[np.float32] | None = None
    image: bytes | None = None
    colours: npt.NDArray[np.uint8] | None = None
    texel_m: float = 0.0
    error_m: float = 0.0
    seam_m: float = 0.0

    @property
    def middle(self) -> Floats:
        """Middle of its box, quanta (3,), in whole numbers."""
        low, high = self.places.min(axis=0).astype(np.int64), self.places.max(axis=0).astype(np.int64)
        return np.asarray((low + high) // 2, dtype=np.float64)

    def metres(self, origin: Floats) -> Floats:
        """Places (n, 3) in metres from an origin in quanta."""
        return np.asarray((self.places - origin) * QUANTUM_M)

    def pixels(self) -> Pixels:
        """Its image, (height, width, 3)."""
        assert self.image is not None
        with Image.open(io.BytesIO(self.image)) as image:
            return np.asarray(image.convert("RGB"))

    def save(self, file: Path) -> None:
        """Write it, in one move."""
        empty = np.zeros(0)
        part = file.with_suffix(".part")
        with part.open("wb") as target:
            np.savez(
                target,
                places=self.places,
                triangles=self.triangles,
                uv=empty if self.uv is None else self.uv,
                image=np.frombuffer(self.image or b"", dtype=np.uint8),
                colours=empty if self.colours is None else self.colours,
                numbers=np.array([self.texel_m, self.error_m, self.seam_m]),
            )
        part.replace(file)

    @classmethod
    def load(cls, file: Path) -> TileMesh:
        """The mesh in a file that `save` wrote."""
        with np.load(file) as held:
            texel, error, seam = held["numbers"].tolist()
            return cls(
                held["places"],
                held["triangles"],
                held["uv"] if len(held["uv"]) else None,
                held["image"].tobytes() or None,
                held["colours"] if len(held["colours"]) else None,
                texel,
                error,
                seam,
            )


def areas(corners: Floats) -> Floats:
    """Areas of triangles (t, 3, 3), (t,)."""
    return np.asarray(
        np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    )


def jpeg(pixels: Pixels) -> bytes:
    """A picture as JPEG: the same bytes for the same pixels and the same Pillow."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=JPEG_QUALITY)
    return data.getvalue()
