"""The container: a header, a chunk of JSON, a chunk of bytes.

Source: Khronos glTF 2.0 specification, section 4.4 (GLB file format).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import orjson

from twin.errors import UnreadableFileError

MAGIC = b"glTF"
_VERSION = 2
_JSON = 0x4E4F534A
_BINARY = 0x004E4942
_HEADER = struct.Struct("<4sII")
_CHUNK = struct.Struct("<II")


@dataclass(frozen=True, slots=True)
class Container:
    """What a GLB holds: the glTF document and its buffer."""

    document: dict[str, Any]
    buffer: memoryview


def pack(document: dict[str, Any], buffer: bytes) -> bytes:
    """A GLB; `buffer` has been declared in the document already. Both chunks are padded to eight bytes.

    Eight and not four: property tables want their values aligned to eight bytes from the start of the file.
    """
    text = orjson.dumps(document)
    text += b" " * (-(len(text) + _HEADER.size + _CHUNK.size + _CHUNK.size) % 8)
    body = buffer + bytes(-len(buffer) % 4)
    total = _HEADER.size + 2 * _CHUNK.size + len(text) + len(body)
    return b"".join(
        (
            _HEADER.pack(MAGIC, _VERSION, total),
            _CHUNK.pack(len(text), _JSON),
            text,
            _CHUNK.pack(len(body), _BINARY),
            body,
        )
    )


def unpack(data: bytes | memoryview, name: str = "GLB") -> Container:
    """The parts of a GLB. Nothing of the buffer is copied.

    Raises:
        UnreadableFileError: if it is none, cut short, or longer than it says.
    """
    view = memoryview(data)
    if len(view) < _HEADER.size + _CHUNK.size or bytes(view[:4]) != MAGIC:
        raise broken(name, "it does not begin with glTF", "a binary glTF file, version 2")
    _, version, total = _HEADER.unpack_from(view)
    if version != _VERSION or total != len(view):
        said = f"it says version {version} and {total} bytes, and has {len(view)}"
        raise broken(name, said, "version 2 and the length of its header")
    chunks = dict(_chunks(view, name))
    try:
        document = orjson.loads(chunks.get(_JSON, b""))
    except orjson.JSONDecodeError as error:
        raise broken(name, f"its JSON cannot be read ({error})", "a JSON chunk") from error
    if not isinstance(document, dict):
        raise broken(name, "its JSON is no object", "a glTF document")
    return Container(document, chunks.get(_BINARY, memoryview(b"")))


def broken(name: str, what: str, limit: str) -> UnreadableFileError:
    """The error for a file that cannot be used."""
    return UnreadableFileError(
        f"三维模型文件无法读取。The model cannot be read: {what}.",
        value=name,
        limit=limit,
        remedy="Export or copy the file again.",
    )


def _chunks(view: memoryview, name: str) -> list[tuple[int, memoryview]]:
    found: list[tuple[int, memoryview]] = []
    at = _HEADER.size
    while at + _CHUNK.size <= len(view):
        length, kind = _CHUNK.unpack_from(view, at)
        at += _CHUNK.size
        if at + length > len(view):
            raise broken(name, f"a chunk claims {length} bytes where {len(view) - at} are left", "a whole file")
        found.append((kind, view[at : at + length]))
        at += length
    return found
