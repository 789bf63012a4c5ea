"""Colours as image files."""

from __future__ import annotations

import io
import struct
from functools import cache
from typing import Literal
from zlib import crc32

import numpy as np
import numpy.typing as npt
from isal import isal_zlib
from PIL import Image

ImageKind = Literal["png", "jpg", "webp"]
KINDS: tuple[ImageKind, ...] = ("png", "jpg", "webp")
MEDIA = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}

_JPEG_QUALITY = 80
_WEBP_QUALITY = 80
# Filtered rows through ISA-L's second level: a tenth of the CPU of zlib's first for a few per cent more bytes.
_PNG_LEVEL = 2
_PAPER = 255


def encode_image(colours: npt.NDArray[np.uint8], kind: ImageKind) -> bytes:
    """An image file of colours (rows, columns, 4), uint8. JPEG has no opacity: what shows through is white there."""
    opaque = bool((colours[..., 3] == 255).all())
    if kind == "png":
        return _png(np.ascontiguousarray(colours[..., :3]) if opaque else colours)
    rows, columns, _ = colours.shape
    out = io.BytesIO()
    if kind == "jpg":
        flat = np.ascontiguousarray(colours[..., :3] if opaque else _on_paper(colours))
        Image.frombuffer("RGB", (columns, rows), flat, "raw", "RGB", 0, 1).save(out, "JPEG", quality=_JPEG_QUALITY)
    else:
        mode = "RGB" if opaque else "RGBA"
        pixels = np.ascontiguousarray(colours[..., : len(mode)])
        image = Image.frombuffer(mode, (columns, rows), pixels, "raw", mode, 0, 1)
        image.save(out, "WEBP", quality=_WEBP_QUALITY, method=0)
    return out.getvalue()


@cache
def empty_image(kind: ImageKind, size: int) -> bytes:
    """A tile in which nothing is drawn."""
    return encode_image(np.zeros((size, size, 4), dtype=np.uint8), kind)


def _png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Source: PNG (W3C, third edition), 5 Datastream structure, 11.2.1 IHDR."""
    # Imported here: the compiler comes along, which must not delay the start of a server.
    from tiles.raster.kernels import png_rows

    rows, columns, channels = pixels.shape
    header = struct.pack(">IIBBBBB", columns, rows, 8, 6 if channels == 4 else 2, 0, 0, 0)
    body = isal_zlib.compress(png_rows(pixels).tobytes(), _PNG_LEVEL)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc32(name + body))


def _on_paper(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    share = colours[..., 3:].astype(np.float32) / 255.0
    flat: npt.NDArray[np.float32] = colours[..., :3] * share + _PAPER * (1.0 - share) + 0.5
    return flat.astype(np.uint8)
