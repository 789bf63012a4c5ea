"""Files and manifests on their way in: written to disk as they arrive, counted, never held in memory whole."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from python_multipart.multipart import parse_options_header
from starlette.requests import Request

from api.errors import MalformedBodyError, UnsupportedMediaError
from api.upload_form import UploadForm, base_name, suffix_of
from layers.sources import Upload
from twin.errors import TooLargeError

MAX_DEPTH = 64
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
            form = UploadForm(Path(folder))
            await form.read(limited(request, limit_bytes), boundary)
            yield Received({name: bytes(value) for name, value in form.fields.items()}, form.upload)
            return
        yield Received({}, await _bare_file(request, Path(folder), kind.decode("latin-1"), limit_bytes, name))


async def read_object(request: Request, limit_bytes: int) -> dict[str, Any]:
    """A JSON object in the body.

    Raises:
        TooLargeError: as soon as the body passes the limit.
        MalformedBodyError: if it is not a JSON object.
    """
    return parse_object(await read_body(request, limit_bytes))


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The body as it came. Raises TooLargeError as soon as it passes the limit."""
    body = bytearray()
    async for chunk in limited(request, limit_bytes):
        body += chunk
    return bytes(body)


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


async def limited(request: Request, limit_bytes: int) -> AsyncIterator[bytes]:
    """The body as it arrives. Raises TooLargeError as soon as it passes the limit."""
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
        async for chunk in limited(request, limit_bytes):
            size += file.write(chunk)
    return Upload(path, base_name(name) or path.name) if size else None
