"""The encoding of the text in a dBASE table: what the .cpg file says, what the bytes say, and which rows neither can read.

Source: dBASE III/IV table file layout (header, field descriptors of 32 bytes, fixed-width records); .cpg as ArcGIS writes it.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from twin.errors import UnreadableFileError
from twin.formats.text_encoding import known_codec

_HEADER = struct.Struct("<4xIHH")
_FIELD_BYTES = 32
_RECORDS_AT_ONCE = 4_096
_LANGUAGE_BYTE = 29
_LANGUAGES = {0x4D: "gb18030", 0x4F: "big5", 0x7A: "gb18030", 0x78: "big5"}
_CUT_BYTES = 3
_CHINESE_UTF8 = re.compile(rb"[\xe4-\xe9][\x80-\xbf]{2}")


@dataclass(frozen=True, slots=True)
class DbfTable:
    """Layout of a dBASE table: number and width of records, start of the first, and the text fields as (offset, width)."""

    path: Path
    records: int
    start: int
    width: int
    text_fields: tuple[tuple[int, int], ...]
    names: bytes
    language: int


@dataclass(frozen=True, slots=True)
class TextVerdict:
    """How to read the text: the codec, the rows it cannot read (the first is 1), and sentences for people."""

    encoding: str
    bad_rows: frozenset[int] = frozenset()
    notes: tuple[str, ...] = ()


def read_layout(path: Path) -> DbfTable:
    """Layout of the table at `path`.

    Raises:
        UnreadableFileError: if the header is broken or the file is shorter than its records.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_FIELD_BYTES)
        if len(head) < _FIELD_BYTES:
            raise _broken(path, f"{size} bytes")
        records, start, width = _HEADER.unpack_from(head)
        descriptors = file.read(max(start - _FIELD_BYTES, 0))
    fields, names, offset = [], b"", 1
    for i in range(0, len(descriptors) - _FIELD_BYTES + 1, _FIELD_BYTES):
        if descriptors[i] == 0x0D:
            break
        kind, length = descriptors[i + 11 : i + 12], descriptors[i + 16]
        if kind == b"C":
            fields.append((offset, length))
        names += descriptors[i : i + 11].split(b"\0")[0] + b" "
        offset += length
    if width < 1 or start + records * width > size:
        raise _broken(path, f"{records} records of {width} bytes in {size} bytes")
    return DbfTable(path, records, start, width, tuple(fields), names, head[_LANGUAGE_BYTE])


def judge_text(path: Path, cpg: str | None, wanted: str | None) -> TextVerdict:
    """The encoding that reads all of the text, or most of it.

    Args:
        path: The .dbf file.
        cpg: Content of the .cpg file, None where there is none.
        wanted: What the caller says.
    """
    table = read_layout(path)
    if wanted:
        codec = known_codec(wanted)
        return TextVerdict(codec, _undecodable(table, codec))
    declared = _declared(table, cpg)
    if declared and declared != "utf-8" and _is_chinese_utf8(table):
        return TextVerdict("utf-8", notes=(_mistaken(declared, "utf-8"),))
    candidates = list(dict.fromkeys([*([declared] if declared else []), "utf-8", "gb18030"]))
    bad = {}
    for codec in candidates:
        bad[codec] = _undecodable(table, codec)
        if not bad[codec] and _decodes(table.names, codec):
            break
    best = min(bad, key=lambda codec: len(bad[codec]))
    notes: tuple[str, ...] = ()
    if declared and best != declared:
        notes = (_mistaken(declared, best),)
    return TextVerdict(best, bad[best], notes)


def _mistaken(declared: str, found: str) -> str:
    return f"The file declares its text as {declared}, but it is {found}; it was read as {found}."


def _is_chinese_utf8(table: DbfTable) -> bool:
    """Whether the text holds Chinese characters of UTF-8 and nothing that is not UTF-8.

    Bytes of UTF-8 are also readable as GBK, as nonsense; the reverse hardly ever happens over a whole table.
    """
    return any(_CHINESE_UTF8.search(record) for _, record in _records(table)) and not _undecodable(table, "utf-8")


def _declared(table: DbfTable, cpg: str | None) -> str | None:
    text = (cpg or "").strip().lstrip("\ufeff")
    if text:
        name = f"cp{text}" if text.isdigit() else text.replace("ANSI ", "cp").replace("OEM ", "cp")
        try:
            return known_codec({"cp65001": "utf-8", "cp54936": "gb18030"}.get(name, name))
        except UnreadableFileError:
            return None
    return _LANGUAGES.get(table.language)


def _undecodable(table: DbfTable, codec: str) -> frozenset[int]:
    bad = set()
    for number, record in _records(table):
        if record.isascii():
            continue
        if not all(_decodes(record[at : at + width].rstrip(b" \0"), codec) for at, width in table.text_fields):
            bad.add(number)
    return frozenset(bad)


def _records(table: DbfTable) -> Iterator[tuple[int, bytes]]:
    """Records that are not plain ASCII in their chunk, with their numbers."""
    with table.path.open("rb") as file:
        file.seek(table.start)
        for first in range(0, table.records, _RECORDS_AT_ONCE):
            chunk = file.read(min(_RECORDS_AT_ONCE, table.records - first) * table.width)
            if chunk.isascii():
                continue
            for i in range(len(chunk) // table.width):
                yield first + i + 1, chunk[i * table.width : (i + 1) * table.width]


def _decodes(raw: bytes, codec: str) -> bool:
    """Whether these bytes are text; a character cut off at the end of a full field is forgiven."""
    for cut in range(_CUT_BYTES + 1):
        try:
            (raw[:-cut] if cut else raw).decode(codec)
        except UnicodeDecodeError as error:
            if error.start < len(raw) - _CUT_BYTES - 1:
                return False
        else:
            return True
    return False


def _broken(path: Path, found: str) -> UnreadableFileError:
    return UnreadableFileError(
        "The attribute table (.dbf) is damaged or cut off.",
        value=f"{path.name}: {found}",
        remedy="Write and send it again.",
    )
