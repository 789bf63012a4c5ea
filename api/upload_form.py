"""A multipart form as it arrives: the part `file` goes to disk, the others are small and stay in memory.

Source: RFC 7578.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import BinaryIO

import python_multipart.multipart
from python_multipart.exceptions import MultipartParseError

from api.errors import MalformedBodyError
from layers.sources import Upload
from twin.errors import TooLargeError

MAX_FIELD_BYTES = 16 * 1024**2
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,12}){1,2}$")


def base_name(name: str | None) -> str:
    """The last part of a file name as its sender wrote it, printable and at most 200 characters."""
    last = re.split(r"[\\/]", name or "")[-1]
    return "".join(c for c in last if c.isprintable())[:200]


def suffix_of(name: str) -> str:
    """The endings of a file name that tell its format, at most two: ".geojson", ".osm.pbf"; empty where there is none."""
    found = _SUFFIX.search(base_name(name))
    return found[0].lower() if found else ""


@dataclass
class UploadForm:
    """One form while it is parsed.

    Attributes:
        folder: Where the file goes.
        fields: The other parts by name.
        upload: The part `file`, once it has begun.
    """

    folder: Path
    fields: dict[str, bytearray] = field(default_factory=dict)
    upload: Upload | None = None
    _headers: dict[str, str] = field(default_factory=dict)
    _header: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    _name: str = ""
    _file: BinaryIO | None = None

    async def read(self, chunks: AsyncIterator[bytes], boundary: bytes) -> None:
        """Take the whole body apart. Raises MalformedBodyError, TooLargeError."""
        parser = python_multipart.multipart.MultipartParser(
            boundary,
            {
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._end_header,
                "on_headers_finished": self._begin_part,
                "on_part_data": self._take,
                "on_part_end": self._end_part,
            },
        )
        ended = False
        parser.callbacks["on_end"] = lambda: None
        try:
            async for chunk in chunks:
                parser.write(chunk)
            parser.finalize()
            ended = parser.state == python_multipart.multipart.MultipartState.END
        except MultipartParseError as error:
            raise MalformedBodyError("The multipart body is broken.", remedy="Let an HTTP client build it.") from error
        finally:
            if self._file is not None:
                self._file.close()
        if not ended:
            raise MalformedBodyError("The multipart body ends too early.", remedy="Send it again, whole.")

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[name.decode("latin-1").lower()] = value.decode("utf-8", "replace")
        self._header = (bytearray(), bytearray())

    def _begin_part(self) -> None:
        name, file_name = _disposition(self._headers.get("content-disposition", ""))
        self._headers = {}
        self._name = name
        if name != "file":
            if name in self.fields:
                raise MalformedBodyError(f"The part '{name}' comes twice.", remedy="Send each part once.")
            self.fields[name] = bytearray()
            return
        if self.upload is not None:
            raise MalformedBodyError("More than one file came along.", remedy="Send one file in the part 'file'.")
        path = self.folder / f"upload{suffix_of(file_name)}"
        self.upload = Upload(path, base_name(file_name) or "upload")
        self._file = path.open("wb")

    def _take(self, data: bytes, start: int, end: int) -> None:
        if self._name == "file":
            assert self._file is not None
            self._file.write(data[start:end])
            return
        value = self.fields[self._name]
        if len(value) + end - start > MAX_FIELD_BYTES:
            raise TooLargeError(
                f"The part '{self._name}' is too large.",
                limit=f"{MAX_FIELD_BYTES:,} bytes",
                remedy="Send data as a file.",
            )
        value += data[start:end]

    def _end_part(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _disposition(header: str) -> tuple[str, str]:
    """Name and file name of a form part; RFC 5987 spellings of the file name are read too."""
    message = Message()
    message["content-disposition"] = header
    name = message.get_param("name", "", "content-disposition")
    return (name if isinstance(name, str) else ""), message.get_filename("") or ""
