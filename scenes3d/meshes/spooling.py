"""First pass: all triangles of a source as records in one file, its pictures as rows of bytes, and what must be known of all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from scenes3d.frames import Frame
from scenes3d.meshes.records import QUANTUM_M, REACH_M, RECORD, Records, centres
from scenes3d.models.shaping import NO_AREA, Faults
from scenes3d.sources.meshes.images import Size, size_of, unpack_image
from scenes3d.sources.meshes.mesh import NO_MATERIAL, NO_UV, Material, Piece
from twin.errors import BadGeometryError

GREY = (204, 204, 204)
_MOST_REPEATS = 10_000


class MeshSource(Protocol):
    """Triangles to build from.

    Attributes:
        length: Bytes to read, for progress.
        frame: Where the scene's frame stands: somewhere in the middle.
        materials: What the triangles that came by are painted with.
        faults: What was left out.
    """

    @property
    def length(self) -> int: ...

    @property
    def frame(self) -> Frame: ...

    @property
    def materials(self) -> Sequence[Material]: ...

    @property
    def faults(self) -> Faults: ...

    def identity(self) -> Mapping[str, Any]:
        """What tells this source from every other: a build is taken up again only for the same."""

    def pieces(self) -> Iterable[Piece]:
        """Runs of triangles in metres of the frame."""

    def summary(self) -> dict[str, Any]:
        """What is known when all of it was read, for the record; a build that is taken up again does not read it again."""


@dataclass(frozen=True)
class Spooled:
    """What the first pass saw.

    Attributes:
        triangles: Records written.
        low, high: Least and greatest `centres`.
        painted: "image", "colour" or "" by what the triangles have.
        colours: sRGB of each material, and of none at the end.
        sizes: Width and height of each material's picture, zeros where it has none.
        faults: Counts and examples of what was left out.
        source: What the source knew when all of it was read: for the record.
    """

    triangles: int
    low: tuple[int, int]
    high: tuple[int, int]
    painted: str
    colours: list[tuple[int, int, int]]
    sizes: list[tuple[int, int]]
    faults: list[dict[str, Any]]
    source: dict[str, Any] = field(default_factory=dict)

    def texels(self, records: Records) -> npt.NDArray[np.float64]:
        """Pixels of the pictures that each triangle is painted with, (n,)."""
        areas = np.array([*(width * height for width, height in self.sizes), 0], dtype=np.float64)
        uv = records["uv"].astype(np.float64)
        one, two = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
        share = np.abs(one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]) / 2
        return np.asarray(np.nan_to_num(share) * areas[records["material"]])


def spool(source: MeshSource, file: Path, images: Path, advance: Callable[[int], None] = lambda _: None) -> Spooled:
    """Write records of all triangles to `file`, and pictures as `<number of the material>.npy` into `images`.

    Raises:
        BadGeometryError: if a corner lies out of reach of the frame, or no triangle with an area is left.
        TooLargeError: if a picture claims more pixels than are unpacked at once.
    """
    sizes: list[Size | None] = []
    count, coloured, without_uv = 0, False, 0
    low, high = np.full(2, 2**62), np.full(2, -(2**62))
    done = 0
    with file.open("wb") as target:
        for piece in source.pieces():
            while len(sizes) < len(source.materials):
                sizes.append(_unpacked(source.materials[len(sizes)], images / f"{len(sizes)}.npy", source.faults))
            records = _records(piece, sizes, source)
            if len(records):
                target.write(records.tobytes())
                middles = centres(records)
                low, high = np.minimum(low, middles.min(axis=0)), np.maximum(high, middles.max(axis=0))
                count += len(records)
                coloured |= piece.colours is not None
                pictured = np.array([*(size is not None for size in sizes), False])[records["material"]]
                without_uv += int((pictured & ~np.isfinite(records["uv"]).all(axis=(1, 2))).sum())
            advance(piece.done - done)
            done = piece.done
    if not count:
        raise BadGeometryError(
            "没有可构建的三角形。No triangle of the source has an area.",
            value=", ".join(f"{number} × {fault}" for fault, number in source.faults.counts.items()) or "no triangles",
            limit="at least one",
            remedy="Look at the faults; export the mesh again.",
        )
    if without_uv:
        source.faults.add(NO_UV, "painted with their material's colour", without_uv)
    colours = [*(material.colour for material in source.materials), GREY]
    painted = "image" if any(sizes) else "colour" if coloured or len(set(colours[:-1])) > 1 else ""
    return Spooled(
        count,
        (int(low[0]), int(low[1])),
        (int(high[0]), int(high[1])),
        painted,
        colours,
        [(0, 0) if size is None else (size.width, size.height) for size in sizes],
        source.faults.to_document(),
        source.summary(),
    )


def _unpacked(material: Material, target: Path, faults: Faults) -> Size | None:
    size = size_of(material, faults)
    return size if size is not None and unpack_image(material, target, faults) else None


def _records(piece: Piece, sizes: Sequence[Size | None], source: MeshSource) -> Records:
    farthest = np.abs(piece.corners).max(initial=0.0)
    if farthest >= REACH_M:
        raise BadGeometryError(
            "网格范围过大。The mesh reaches too far from its middle.",
            value=f"a corner is {farthest:,.0f} m from the first ones",
            limit=f"{REACH_M:,.0f} m",
            remedy="Remove stray vertices, or import parts as scenes of their own.",
        )
    records = np.zeros(len(piece.corners), RECORD)
    records["place"] = np.rint(piece.corners / QUANTUM_M)
    pictured = np.array([*(size is not None for size in sizes), False])[piece.materials]
    records["uv"] = np.nan
    if piece.uv is not None:
        # Numbers beyond any picture are those of a broken export, not of one that repeats.
        sound = pictured & (np.abs(piece.uv) < _MOST_REPEATS).all(axis=(1, 2))
        records["uv"][sound] = piece.uv[sound]
    if piece.colours is not None:
        records["colour"][..., :3] = piece.colours
    else:
        colours = np.array([*(material.colour for material in source.materials), GREY], dtype=np.uint8)
        records["colour"][..., :3] = colours[piece.materials][:, None]
    records["material"] = piece.materials
    place = records["place"].astype(np.float64)
    areas = np.linalg.norm(np.cross(place[:, 1] - place[:, 0], place[:, 2] - place[:, 0]), axis=1)
    if not areas.all():
        source.faults.add(NO_AREA, "triangles", int((areas == 0).sum()))
        records = records[areas > 0]
    return records


assert NO_MATERIAL == -1  # the last entry of every list by material is that of none
