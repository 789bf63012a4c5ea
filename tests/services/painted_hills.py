"""Hills with houses on them, made by arithmetic and painted by a formula, so that every colour is known everywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from scenes3d.frames import Frame
from scenes3d.models.shaping import Faults
from scenes3d.sources.meshes.mesh import NO_MATERIAL, Material, Piece

SIDE_M = 96.0
HERE = Frame(120.0, 36.26, 20.0)


def height(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Waves, and every 24 m a house of 8 m whose walls stand within a metre."""
    house = (np.abs(x % 24 - 12) < 5) & (np.abs(y % 24 - 12) < 5)
    return 3 * np.sin(x / 11) * np.cos(y / 9) + 8.0 * house


def colour(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slow waves of red, green and blue, 0…255."""
    waves = [np.sin(x / 17), np.sin(y / 13 + 1), np.cos((x + y) / 23)]
    return np.stack([128 + 90 * wave for wave in waves], axis=-1)


def grid(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (n, 3) of a ground of `count` corners a side, and its triangles (t, 3)."""
    step = np.linspace(-SIDE_M / 2, SIDE_M / 2, count)
    x, y = (axis.ravel() for axis in np.meshgrid(step, step))
    first = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    right, upper = first + 1, first + count
    corners = np.concatenate([np.column_stack([first, right, upper]), np.column_stack([right, upper + 1, upper])])
    return np.column_stack([x, y, height(x, y)]), corners


@dataclass
class Hills:
    """A source of `count` corners a side; painted by pictures ("image"), corners ("colour") or not at all ("").

    After `fail_after` pieces it breaks, as a lost disk does.
    """

    folder: Path
    painted: str = "image"
    count: int = 97
    fail_after: int | None = None
    frame: Frame = HERE
    faults: Faults = field(default_factory=Faults)
    materials: list[Material] = field(default_factory=list)
    length: int = 3

    def identity(self) -> Mapping[str, Any]:
        return {"painted": self.painted, "count": self.count}

    def summary(self) -> dict[str, Any]:
        return {"read": "whole"}

    def pieces(self) -> Iterator[Piece]:
        """West and east half with a picture each; what is in the middle in a third piece."""
        points, corners = grid(self.count)
        x = points[corners][:, :, 0]
        side = np.where(x.max(axis=1) <= 0, 0, 1)
        for number in (0, 1):
            if self.fail_after == number:
                raise OSError("the disk is gone")
            own = points[corners[side == number]]
            uv = colours = None
            material = NO_MATERIAL
            if self.painted == "image":
                if len(self.materials) <= number:
                    self.materials.append(Material(f"half {number}", image=self.picture(number)))
                material = number
                across = (own[..., 0] + SIDE_M / 2 * (1 - number)) / (SIDE_M / 2)
                uv = np.stack([across, 0.5 - own[..., 1] / SIDE_M], axis=-1).astype(np.float32)
            elif self.painted == "colour":
                colours = np.rint(colour(own[..., 0], own[..., 1])).astype(np.uint8)
            yield Piece(own, np.full(len(own), material, dtype=np.int32), uv, colours, number + 1)

    def picture(self, number: int) -> Path:
        """Half of the ground from above, a quarter of a metre a pixel, north up."""
        path = self.folder / f"half-{number}.png"
        if not path.exists():
            x = (np.arange(192) + 0.5) / 4 + (number - 1) * SIDE_M / 2
            y = SIDE_M / 2 - (np.arange(384) + 0.5) / 4
            Image.fromarray(np.rint(colour(*np.meshgrid(x, y))).astype(np.uint8)).save(path)
        return path


def write_obj(folder: Path, count: int = 33, *, lost: bool = False) -> Path:
    """The hills as an OBJ with a library and two pictures in `folder`, the second one missing if it is `lost`."""
    hills = Hills(folder, "image", count)
    lines, libraries = ["mtllib hills.mtl"], []
    for number, piece in enumerate(hills.pieces()):
        start = sum(line.startswith("v ") for line in lines) + 1
        lines += [f"v {x:.3f} {y:.3f} {z:.3f}" for x, y, z in piece.corners.reshape(-1, 3)]
        assert piece.uv is not None
        lines += [f"vt {u:.6f} {1 - v:.6f}" for u, v in piece.uv.reshape(-1, 2)]
        lines.append(f"usemtl half{number}")
        lines += [
            "f " + " ".join(f"{corner}/{corner}" for corner in range(first, first + 3))
            for first in range(start, start + 3 * len(piece.corners), 3)
        ]
        libraries += [f"newmtl half{number}", f"map_Kd half-{number}.png"]
    (folder / "hills.mtl").write_text("\n".join(libraries))
    (folder / "hills.obj").write_text("\n".join([*lines, ""]))
    if lost:
        (folder / "half-1.png").unlink()
    return folder / "hills.obj"
