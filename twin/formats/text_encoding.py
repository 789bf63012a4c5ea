"""Which encoding a text file is in: UTF-8, UTF-16 with a mark, or the Chinese national one (GBK is a part of GB18030)."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from twin.errors import UnreadableFileError

CHUNK_BYTES = 1 << 20
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_CANDIDATES = ("utf-8", "gb18030")


def detect_encoding(path: Path, declared: str | None = None) -> str:
    """Python's name of the encoding in which the whole file can be read.

    Args:
        path: The file; it is read through once.
        declared: What the caller says; believed when the codec exists.

    Raises:
        UnreadableFileError: if the declared codec is unknown, or no candidate reads the file.
    """
    if declared:
        return known_codec(declared)
    with path.open("rb") as file:
        head = file.read(4)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    for name in _CANDIDATES:
        if _decodes(path, name):
            return name
    raise UnreadableFileError(
        "The text of this file is neither UTF-8 nor GBK/GB18030.",
        value=path.name,
        limit="UTF-8, UTF-16 with a byte order mark, GBK, GB18030",
        remedy="Say which encoding it has, or save it as UTF-8.",
    )


def known_codec(name: str) -> str:
    """The codec's name as Python spells it; GBK and GB2312 become GB18030, which contains both.

    Raises:
        UnreadableFileError: if Python has no such codec.
    """
    try:
        found = codecs.lookup(name.strip()).name
    except LookupError as error:
        raise UnreadableFileError(
            "There is no text encoding of this name.",
            value=name,
            limit="UTF-8, GBK, GB18030, …",
            remedy="Use UTF-8 or GBK.",
        ) from error
    return "gb18030" if found in {"gbk", "gb2312", "cp936"} else found


def iter_utf8(path: Path, encoding: str, chunk_bytes: int = CHUNK_BYTES) -> Iterator[bytes]:
    """The file's bytes as UTF-8 without byte order mark, in chunks.

    Raises:
        UnreadableFileError: if some bytes are not of this encoding.
    """
    plain = encoding in {"utf-8", "utf-8-sig", "ascii"}
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        if plain and encoding == "utf-8-sig":
            file.seek(len(codecs.BOM_UTF8))
        while chunk := file.read(chunk_bytes):
            yield chunk if plain else _recode(decoder, chunk, path, final=False)
    if not plain and (rest := _recode(decoder, b"", path, final=True)):
        yield rest


def _recode(decoder: codecs.IncrementalDecoder, chunk: bytes, path: Path, *, final: bool) -> bytes:
    try:
        return decoder.decode(chunk, final).encode("utf-8")
    except UnicodeError as error:
        raise UnreadableFileError(
            "Some bytes of this file are not of its text encoding.",
            value=f"{path.name}: {error}",
            remedy="Say the right encoding, or save the file as UTF-8.",
        ) from error


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeError:
        return False
    return True
