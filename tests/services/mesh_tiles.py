"""Tiles of a mesh as their files hold them: triangles in one frame, and the colours at places of them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import map_coordinates

from scenes3d.frames import Frame
from scenes3d.glb.reading import read_model
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.reading import read_tileset


@dataclass(frozen=True)
class DrawnTile:
    """A tile of one primitive.

    Attributes:
        path: Numbers of children from the root.
        error_m: Its geometric error.
        corners: float64 (t, 3, 3), metres of the frame, skirts too.
        pixels: Its picture; None without.
        uv: float64 (t, 3, 2).
        colours: float64 (t, 3, 3), 0…255, sRGB, of corners; None without.
    """

    path: str
    error_m: float
    leaf: bool
    corners: np.ndarray
    pixels: np.ndarray | None
    uv: np.ndarray | None
    colours: np.ndarray | None

    def sample(self, count: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Places spread evenly over its surface: their triangle, weights of corners (n, 3), and places (n, 3)."""
        draw = np.random.default_rng(seed)
        sides = self.corners[:, 1:] - self.corners[:, :1]
        area = np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
        triangle = draw.choice(len(area), count, p=area / area.sum())
        weights = draw.dirichlet([1, 1, 1], count)
        return triangle, weights, np.einsum("nk,nkx->nx", weights, self.corners[triangle])

    def colour(self, triangle: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """What is shown there, (n, 3), 0…255; between the four nearest pixels of a picture."""
        if self.pixels is None:
            return np.einsum("nk,nkx->nx", weights, self.colours[triangle])
        place = np.einsum("nk,nkx->nx", weights, self.uv[triangle]) * [self.pixels.shape[1], self.pixels.shape[0]]
        return np.column_stack(
            [
                map_coordinates(self.pixels[..., band].astype(float), place.T[::-1] - 0.5, order=1, mode="nearest")
                for band in range(3)
            ]
        )


def drawn_tiles(folder: Path, frame: Frame) -> list[DrawnTile]:
    """All tiles of a tileset, the root first."""
    opened, found = folder_opener(folder), []
    for tile in read_tileset("tileset.json", opened):
        ((address, _),) = tile.contents
        (drawn,) = read_model(opened(address)).primitives
        triangles = drawn.indices.reshape(-1, 3)
        places = frame.local(drawn.positions @ tile.matrix[:3, :3].T + tile.matrix[:3, 3])
        pixels = None if drawn.image is None else np.asarray(Image.open(io.BytesIO(drawn.image)).convert("RGB"))
        colours = None
        if drawn.colors is not None:
            light = drawn.colors[:, :3]
            colours = 255 * np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
        found.append(
            DrawnTile(
                tile.path,
                tile.geometric_error,
                tile.leaf,
                places[triangles],
                pixels,
                None if drawn.uv is None else drawn.uv[triangles],
                None if colours is None else colours[triangles],
            )
        )
    return found
