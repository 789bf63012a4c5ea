"""Pictures of a mesh, judged by their headers before a pixel is read, and kept on disk as rows of bytes."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from scenes3d.models.shaping import Faults
from scenes3d.sources.meshes.mesh import BROKEN_IMAGE, DROPPED_ALPHA, Material
from twin.errors import TooLargeError

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 1 << 27
"""11,585 x 11,585; 400 MB in memory once, while the picture is unpacked."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError)
Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels across and down."""

    width: int
    height: int


def size_of(material: Material, faults: Faults) -> Size | None:
    """The size of a material's picture by its header; None where it has none that can be read, which is counted.

    Raises:
        TooLargeError: if it claims more pixels than are unpacked at once.
    """
    if material.image is None:
        return None
    try:
        with _opened(material.image) as image:
            width, height = image.size
    except Image.DecompressionBombError:
        width = height = MOST_PIXELS
    except _BROKEN as error:
        faults.add(BROKEN_IMAGE, f"{name_of(material)}: {error}")
        return None
    if width * height > MOST_PIXELS:
        said = "more than can be counted" if width == MOST_PIXELS else f"{width:,} x {height:,} pixels"
        raise TooLargeError(
            "纹理图像过大。An image of the mesh claims more pixels than are unpacked at once.",
            value=f"{name_of(material)}: {said}",
            limit=f"{MOST_PIXELS:,} pixels",
            remedy="Export the mesh with textures of at most 8192 x 8192.",
        )
    return Size(width, height)


def unpack_image(material: Material, target: Path, faults: Faults) -> bool:
    """Write red, green and blue of every pixel, (height, width, 3) uint8, as a file of numpy; False where that cannot be done.

    Opacity is dropped, and counted where a pixel is not opaque.
    """
    assert material.image is not None
    try:
        with _opened(material.image) as image:
            if "A" in image.getbands() or "transparency" in image.info:
                opacity = np.asarray(image.convert("RGBA").getchannel("A"))
                if opacity.min() < 255:
                    faults.add(DROPPED_ALPHA, name_of(material))
            pixels = np.asarray(image.convert("RGB"))
    except _BROKEN as error:
        faults.add(BROKEN_IMAGE, f"{name_of(material)}: {error}")
        return False
    part = target.with_suffix(".part")
    with part.open("wb") as file:
        np.save(file, pixels)
    part.replace(target)
    return True


def name_of(material: Material) -> str:
    """What a report calls a material's picture."""
    return material.image.name if isinstance(material.image, Path) else material.name


def _opened(image: Path | bytes) -> Image.Image:
    source = io.BytesIO(image) if isinstance(image, bytes) else image
    with warnings.catch_warnings():
        # Our own limit is judged by the header's size, with a message of its own.
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(source, formats=FORMATS)
