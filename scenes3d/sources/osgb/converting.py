"""One file of an OSGB tree: its levels to GLB, one for each, with their photographs as they are.

A pure function of the file and of what stands above it, so that files can be converted anywhere and in any order. A GLB is named by the
checksum of its bytes.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import numpy as np
from PIL import Image

from scenes3d.frames import Frame
from scenes3d.glb.textured import WHITE, TexturedPart, mime_type_of, write_textured
from scenes3d.models.shaping import Faults
from scenes3d.points.colour import linear_bytes
from scenes3d.sources.osgb.converter import osgb_unreadable, scene_text
from scenes3d.sources.osgb.geometry import Triangles, triangles_of
from scenes3d.sources.osgb.images import image_beside, images_in, pixels_of
from scenes3d.sources.osgb.levels import Drawable, Level, levels_of
from scenes3d.sources.osgb.scene_text import Block, parse_scene
from scenes3d.sources.reference import Placing
from scenes3d.tileset.region import Region
from twin.ellipsoid import Floats, earth_centred
from twin.errors import UnreadableFileError

NO_IMAGE = "osgb-photograph-missing"
PACKED_ANEW = "osgb-photograph-packed-anew"
MOST_BYTES = 512 << 20
AS_IT_IS = tuple(np.identity(4).ravel().tolist())
_EIGHT_BITS = 255

Matrix = tuple[float, ...]
"""16 numbers, row by row, for rows."""


@dataclass(frozen=True, slots=True)
class FileWork:
    """A file to convert.

    Attributes:
        root: Nothing above this folder is read; names in messages count from it.
        matrix: What its coordinates are multiplied by.
        out, scratch: Folders for GLBs and for what is being written; on one file system.
    """

    path: Path
    root: Path
    placing: Placing
    out: Path
    scratch: Path
    matrix: Matrix = AS_IT_IS

    @property
    def name(self) -> str:
        return str(self.path.relative_to(self.root))


@dataclass(frozen=True, slots=True)
class MadeLevel:
    """A level that stands as a GLB.

    Attributes:
        content: Its file; empty where the level draws nothing itself.
        region: Of what it draws.
        place: Longitude, latitude and height of its frame.
        error_m: The picture is wrong by so much while its successors are not drawn.
        finer, files: Its successors: here, and in other files, by their path from the root (empty: outside of it) and matrix.
    """

    content: str
    region: Region | None
    place: tuple[float, float, float]
    error_m: float
    length: int
    triangles: int
    finer: tuple[MadeLevel, ...] = ()
    files: tuple[tuple[str, Matrix], ...] = ()

    def walk(self) -> Iterator[MadeLevel]:
        """This level and those of the same file below it."""
        yield self
        for level in self.finer:
            yield from level.walk()


@dataclass(frozen=True, slots=True)
class MadeFile:
    """What a file became.

    Attributes:
        failed: Why nothing could be made of it; empty otherwise.
    """

    levels: tuple[MadeLevel, ...] = ()
    faults: Faults = field(default_factory=Faults)
    failed: str = ""

    def successors(self) -> list[tuple[str, Matrix]]:
        """Other files that its levels name, in order."""
        return [file for top in self.levels for level in top.walk() for file in level.files]


def convert_file(work: FileWork) -> MadeFile:
    """The levels of a file, written. One that cannot be read is no error here: the outcome says so.

    Raises:
        NoConverterError: if the converter is not installed.
        BallparkTransformError: if only a guess leads to CGCS2000.
    """
    faults = Faults()
    try:
        if not work.path.is_file():
            raise osgb_unreadable(work.name, "there is no such file")
        if work.path.stat().st_size > MOST_BYTES:
            raise osgb_unreadable(work.name, f"it is larger than {MOST_BYTES:,} bytes")
        data = work.path.read_bytes()
        images = images_in(data, work.name)
        scene = parse_scene(scene_text(work.path))
        looks = _Looks(work, data, images, scene, faults)
        matrix = np.array(work.matrix).reshape(4, 4)
        levels = tuple(_made(level, work, looks, faults) for level in levels_of(scene, matrix, faults, work.name))
    except UnreadableFileError as error:
        return MadeFile(failed=error.message.partition("cannot be read: ")[2].rstrip("."))
    except (ValueError, IndexError, OverflowError) as error:
        return MadeFile(failed=str(error))
    return MadeFile(levels, faults)


def _made(level: Level, work: FileWork, looks: _Looks, faults: Faults) -> MadeLevel:
    finer = tuple(_made(below, work, looks, faults) for below in level.finer)
    files = tuple((_path_of(file.name, work), tuple(map(float, file.matrix.ravel()))) for file in level.files)
    drawn = [(d, t) for d in level.drawables if (t := triangles_of(d, faults, work.name)) is not None]
    if not drawn:
        return MadeLevel("", None, (0.0, 0.0, 0.0), 0.0, 0, 0, finer, files)
    points = np.concatenate([triangles.points for _, triangles in drawn])
    lon, lat, height = work.placing.place(*points.T)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all() and np.isfinite(height).all()):
        raise ValueError("a vertex lies where its reference system leads nowhere")
    frame = Frame(*(float(values.min() + values.max()) / 2 for values in (lon, lat, height)))
    local = frame.local(earth_centred(lon, lat, height))
    ends = np.cumsum([len(triangles.points) for _, triangles in drawn])
    parts = [
        looks.part(drawable, triangles, positions)
        for (drawable, triangles), positions in zip(drawn, np.split(local, ends[:-1]), strict=True)
    ]
    data = write_textured(parts)
    radius = float(np.linalg.norm(np.ptp(points, axis=0)) / 2)
    return MadeLevel(
        _write(data, work),
        Region.around(lon, lat, height),
        (frame.lon, frame.lat, frame.height_m),
        level.switch.error_m(radius) if level.switch is not None and (finer or files) else 0.0,
        len(data),
        sum(len(part.indices) // 3 for part in parts),
        finer,
        files,
    )


def _path_of(name: str, work: FileWork) -> str:
    """Where a file is that this one names, from the root; empty where it would be outside."""
    path = Path(os.path.normpath(work.path.parent / name.replace("\\", "/")))
    return str(path.relative_to(work.root)) if path.is_relative_to(work.root) else ""


class _Looks:
    """Photographs and colours of a file's geometries."""

    def __init__(
        self, work: FileWork, data: bytes, images: dict[str, list[bytes]], scene: Block, faults: Faults
    ) -> None:
        self._work, self._data, self._images, self._faults = work, data, images, faults
        self._textures: dict[str, list[Block]] = {}
        for block in scene.walk():
            if block.name == "Texture2D":
                self._textures.setdefault(_file_of(block), []).append(block)
        self._found: dict[int, bytes | None] = {}

    def part(self, drawable: Drawable, triangles: Triangles, positions: Floats) -> TexturedPart:
        states = [*drawable.states][::-1]
        texture = next((t for state in states if (t := _texture_of(state)) is not None), None)
        image = self._image(texture) if texture is not None and triangles.uv is not None else None
        if texture is not None and image is not None and triangles.uv is not None:
            # OpenGL counts rows of an image from below, glTF from above.
            uv = np.column_stack([triangles.uv[:, 0], 1.0 - triangles.uv[:, 1]]).astype(np.float32)
            repeats = ("REPEAT",) in {texture.said("wrap_s"), texture.said("wrap_t")}
            return TexturedPart(positions, triangles.corners, uv, image, double_sided=True, repeats=repeats)
        if triangles.colours is not None:
            colours = np.rint(triangles.colours * _EIGHT_BITS).astype(np.uint8)
            colours[:, :3] = linear_bytes(colours[:, :3].astype(np.uint16), _EIGHT_BITS)
            return TexturedPart(positions, triangles.corners, colors=colours, double_sided=True)
        return TexturedPart(positions, triangles.corners, color=_colour_of(states), double_sided=True)

    def _image(self, texture: Block) -> bytes | None:
        key = id(texture)
        if key not in self._found:
            self._found[key] = self._sought(texture)
        return self._found[key]

    def _sought(self, texture: Block) -> bytes | None:
        """The bytes of a texture's image: in the file as it was, beside it, or in it as pixels."""
        name = _file_of(texture)
        inside, named = self._images.get(name, []), self._textures[name]
        image: bytes | None = None
        if inside:
            image = (
                inside[named.index(texture)] if len(inside) == len(named) else inside[0] if len(inside) == 1 else None
            )
        if image is None and not inside:
            image = image_beside(self._work.path, name, self._work.root)
            if image is None and name:
                image = pixels_of(self._data, name, self._work.name)
                if image is not None:
                    self._faults.add(PACKED_ANEW, f"{self._work.name}: {name}")
        if image is None or not _is_whole(image):
            self._faults.add(NO_IMAGE, f"{self._work.name}: {name or 'without a name'}")
            return None
        return image


def _texture_of(state: Block) -> Block | None:
    """The texture of unit 0."""
    unit = next((block for block in state.below if block.name == "textureUnit" and block.words[:1] == ("0",)), None)
    return None if unit is None else unit.first("Texture2D")


def _file_of(texture: Block) -> str:
    return " ".join(texture.said("file"))


def _colour_of(states: list[Block]) -> tuple[float, float, float, float]:
    """Of the innermost material, linear; white without."""
    for state in states:
        material = state.first("Material")
        said = () if material is None else material.said("diffuseColor")
        if len(said) == 4:
            shown = np.clip(np.array(said, dtype=np.float64), 0.0, 1.0)
            light = linear_bytes(np.rint(shown[None, :3] * _EIGHT_BITS).astype(np.uint16), _EIGHT_BITS)[0]
            red, green, blue = (float(value) / _EIGHT_BITS for value in light)
            return red, green, blue, float(shown[3])
    return WHITE


def _is_whole(image: bytes) -> bool:
    """Whether an image is one that glTF takes, and its beginning can be read."""
    try:
        mime_type_of(image)
        with Image.open(io.BytesIO(image)) as opened:
            return min(opened.size) > 0
    except (OSError, ValueError, Image.DecompressionBombError):
        return False


def _write(data: bytes, work: FileWork) -> str:
    """Put a GLB into its folder in one move."""
    name = f"{blake2b(data, digest_size=16).hexdigest()}.glb"
    part = work.scratch / f"{name}.{os.getpid()}.{threading.get_ident()}"
    part.write_bytes(data)
    part.replace(work.out / name)
    return name
