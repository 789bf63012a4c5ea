"""Images as they stand in an OSGB, byte for byte: the converter has them only as pixels, and packing those again would lose.

An image is written as its name, two numbers and what they say: 1 is a file as it was (its length and its bytes), 0 pixels, 2 and 3 the
file of that name beside. Older and newer versions differ in what stands before the name only.

Source: OpenSceneGraph 3.6, src/osgDB/OutputStream.cpp (writeImage).
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from scenes3d.glb.textured import mime_type_of
from scenes3d.sources.osgb.converter import osgb_unreadable

_MAGIC = struct.pack("<II", 0x6C910EA1, 0x1AFB4545)
_HEAD = struct.Struct("<8sIIII")
_COMPRESSORS = {b"zlib"}
_START = re.compile(rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n")
_WHOLE_FILE, _PIXELS = 1, 0
_MOST_HINT = 3
_LONGEST_NAME = 1024
# s, t, r, internal format, pixel format, data type, packing, allocation mode, bytes; what stands before them is the origin.
_PIXEL_HEAD = struct.Struct("<9I")
_UNSIGNED_BYTE = 0x1401
_MODES = {0x1907: "RGB", 0x1908: "RGBA", 0x1909: "L"}
_MOST_BYTES = 1 << 30


def images_in(data: bytes, name: str) -> dict[str, list[bytes]]:
    """JPEG and PNG files in an OSGB by their names, those of the same name in their order.

    Raises:
        UnreadableFileError: if it is compressed in a way that nobody unpacks here.
    """
    body = _unpacked(data, name)
    found: dict[str, list[bytes]] = {}
    for start in _START.finditer(body):
        at = start.start()
        if at < 16:
            continue
        hint, decision, size = struct.unpack_from("<III", body, at - 12)
        if decision == _WHOLE_FILE and hint <= _MOST_HINT and at + size <= len(body):
            found.setdefault(_name_before(body, at - 12), []).append(body[at : at + size])
    return found


def pixels_of(data: bytes, image: str, name: str) -> bytes | None:
    """An image that stands in the file as pixels, packed as PNG; None where there is none of that name that can be."""
    body = _unpacked(data, name)
    word = struct.pack("<I", len(image.encode())) + image.encode()
    at = body.find(word)
    while at >= 0:
        head = at + len(word)
        if head + 12 + _PIXEL_HEAD.size <= len(body):
            decision = int.from_bytes(body[head + 4 : head + 8], "little")
            wide, high, deep, _, shape, kind, _, _, size = _PIXEL_HEAD.unpack_from(body, head + 12)
            mode, start = _MODES.get(shape), head + 12 + _PIXEL_HEAD.size
            if decision == _PIXELS and mode and kind == _UNSIGNED_BYTE and deep == 1 and start + size <= len(body):
                return _png(body[start : start + size], wide, high, mode)
        at = body.find(word, at + 1)
    return None


def image_beside(file: Path, image: str, root: Path) -> bytes | None:
    """The bytes of a JPEG or PNG that an OSGB names; None where there is none below `root`."""
    path = (file.parent / image.replace("\\", "/")).resolve()
    if not image or not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    data = path.read_bytes()
    try:
        mime_type_of(data)
    except ValueError:
        return None
    return data


def _unpacked(data: bytes, name: str) -> bytes:
    """The file without its compression."""
    if len(data) < _HEAD.size + 4 or data[:8] != _MAGIC:
        raise osgb_unreadable(name, "it does not begin like one")
    length = _HEAD.unpack_from(data)[4]
    compressor = data[_HEAD.size : _HEAD.size + length] if length <= _LONGEST_NAME else b""
    if compressor not in _COMPRESSORS:
        return data
    packed = zlib.decompressobj(wbits=47)
    try:
        body = packed.decompress(data[_HEAD.size + length :], _MOST_BYTES)
    except zlib.error as error:
        raise osgb_unreadable(name, f"its compression is broken ({error})") from error
    if packed.unconsumed_tail:
        raise osgb_unreadable(name, f"it is larger than {_MOST_BYTES:,} bytes when unpacked")
    return body


def _name_before(body: bytes, end: int) -> str:
    """The text that ends there, with its length before it; empty where there is none."""
    if body[end - 4 : end] == bytes(4):
        return ""
    for length in range(1, _LONGEST_NAME + 1):
        start = end - length
        if start < 4:
            break
        if int.from_bytes(body[start - 4 : start], "little") == length:
            return body[start:end].decode("utf-8", "replace")
    return ""


def _png(pixels: bytes, wide: int, high: int, mode: str) -> bytes | None:
    """Rows stand from the bottom up."""
    channels = len(mode)
    row = -(-len(pixels) // max(high, 1))
    if not 0 < wide * channels <= row:
        return None
    table = np.frombuffer(pixels.ljust(row * high, b"\0"), dtype=np.uint8).reshape(high, row)
    rows = table[::-1, : wide * channels].reshape(high, wide, channels)
    packed = io.BytesIO()
    Image.fromarray(rows[:, :, 0] if channels == 1 else rows, mode).save(packed, "PNG")
    return packed.getvalue()
