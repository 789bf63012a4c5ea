"""Files and manifests on their way in: written to disk as they arrive, counted, never held in memory whole."""

from __future__ import annotations

import re
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import python_multipart.multipart
from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from api.errors import MalformedBodyError, UnsupportedMediaError
from layers.sources import Upload
from twin.errors import TooLargeError

MAX_FIELD_BYTES = 16 * 1024**2
MAX_DEPTH = 64
_SUFFIX = re.compile(r"(\.[A-Za-z0-9]{1,12}){1,2}$")
SUFFIXES: Mapping[str, str] = {
    "application/geo+json": ".geojson",
    "application/geo+json-seq": ".geojsonl",
    "application/x-ndjson": ".geojsonl",
    "application/json": ".geojson",
    "application/geopackage+sqlite3": ".gpkg",
    "application/vnd.apache.parquet": ".parquet",
    "application/vnd.flatgeobuf": ".fgb",
    "application/zip": ".zip",
    "application/x-zip-compressed": ".zip",
    "text/csv": ".csv",
}


@dataclass(frozen=True, slots=True)
class Received:
    """What a request brought: the text fields of its form, and its file.

    Attributes:
        fields: Form fields by name; a part called `manifest` is one even when it came as a file.
        upload: The file, on disk until the request ends.
    """

    fields: Mapping[str, bytes]
    upload: Upload | None

    def manifest(self) -> dict[str, Any] | None:
        """The part `manifest` as JSON.

        Raises:
            MalformedBodyError: if it is not a JSON object.
        """
        return parse_object(self.fields["manifest"]) if "manifest" in self.fields else None


@asynccontextmanager
async def received(request: Request, limit_bytes: int, name: str | None = None) -> AsyncIterator[Received]:
    """The form or the bare file in the body of `request`, on disk for as long as the block lasts.

    Args:
        limit_bytes: Largest body.
        name: File name of a bare body; without one its media type says what it is.

    Raises:
        TooLargeError: as soon as the body passes the limit.
        MalformedBodyError, UnsupportedMediaError: if the body is not what its headers say.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    with tempfile.TemporaryDirectory(prefix="onemap-upload-") as folder:
        if kind == b"multipart/form-data":
            boundary = options.get(b"boundary")
            if not boundary:
                raise MalformedBodyError(
                    "The multipart body has no boundary.", remedy="Let the HTTP client set the header."
                )
            form = _Form(Path(folder))
            yield await form.read(request, boundary, limit_bytes)
            return
        yield Received({}, await _bare_file(request, Path(folder), kind.decode("latin-1"), limit_bytes, name))


async def read_object(request: Request, limit_bytes: int) -> dict[str, Any]:
    """A JSON object in the body.

    Raises:
        TooLargeError: as soon as the body passes the limit.
        MalformedBodyError: if it is not a JSON object.
    """
    body = bytearray()
    async for chunk in _limited(request, limit_bytes):
        body += chunk
    return parse_object(bytes(body))


def parse_object(body: bytes) -> dict[str, Any]:
    """Raises MalformedBodyError if `body` is not a JSON object."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError(f"This is not JSON: {error}.", remedy="Send a JSON object in UTF-8.") from error
    if not isinstance(document, dict):
        raise MalformedBodyError("A JSON object is expected.", value=type(document).__name__, remedy="Send {…}.")
    if depth_exceeds(document, MAX_DEPTH):
        raise MalformedBodyError(
            "The JSON is nested too deeply.", limit=f"{MAX_DEPTH} levels", remedy="No manifest needs more."
        )
    return document


def depth_exceeds(document: Any, limit: int) -> bool:
    """Whether lists and objects stand in each other more than `limit` deep; found without recursion."""
    level = [document]
    for _ in range(limit + 1):
        level = [
            below
            for node in level
            for below in (node.values() if isinstance(node, dict) else node)
            if isinstance(below, dict | list)
        ]
        if not level:
            return False
    return True


async def _limited(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit_bytes:
        raise _too_large(limit_bytes)
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit_bytes:
            raise _too_large(limit_bytes)
        yield chunk


def _too_large(limit_bytes: int) -> TooLargeError:
    return TooLargeError(
        "The body is larger than this server takes.",
        limit=f"{limit_bytes:,} bytes",
        remedy="Split the file, use a compact format (GeoParquet, FlatGeobuf), or ask the operator to raise the limit.",
    )


async def _bare_file(
    request: Request, folder: Path, media_type: str, limit_bytes: int, name: str | None
) -> Upload | None:
    suffix = suffix_of(name) if name else SUFFIXES.get(media_type)
    if suffix is None:
        raise UnsupportedMediaError(
            "The body's media type does not say which format it is.",
            value=media_type,
            limit="multipart/form-data with a part 'file', or one of: " + ", ".join(SUFFIXES),
            remedy="Add ?filename=lamps.gpkg to the address, or send a form.",
        )
    path, size = folder / f"upload{suffix}", 0
    with path.open("wb") as file:
        async for chunk in _limited(request, limit_bytes):
            size += file.write(chunk)
    return Upload(path, base_name(name) or path.name) if size else None


def base_name(name: str | None) -> str:
    """The last part of a file name as its sender wrote it, printable and at most 200 characters."""
    last = re.split(r"[\\/]", name or "")[-1]
    return "".join(c for c in last if c.isprintable())[:200]


def suffix_of(name: str) -> str:
    """The endings of a file name that tell its format, at most two: ".geojson", ".osm.pbf"; empty where there is none."""
    found = _SUFFIX.search(base_name(name))
    return found[0].lower() if found else ""


@dataclass
class _Form:
    """A multipart form as it is parsed: the part `file` goes to disk, the others are small and stay in memory.

    Source: RFC 7578.
    """

    folder: Path
    fields: dict[str, bytearray] = field(default_factory=dict)
    upload: Upload | None = None
    _headers: dict[str, str] = field(default_factory=dict)
    _header: tuple[bytearray, bytearray] = field(default_factory=lambda: (bytearray(), bytearray()))
    _name: str = ""
    _file: BinaryIO | None = None

    async def read(self, request: Request, boundary: bytes, limit_bytes: int) -> Received:
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
            async for chunk in _limited(request, limit_bytes):
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
        return Received({name: bytes(value) for name, value in self.fields.items()}, self.upload)

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
