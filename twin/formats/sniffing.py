"""Which format a file is in: its first bytes decide, its suffix only where the bytes cannot."""

from __future__ import annotations

import codecs
import re
from enum import Enum
from pathlib import Path

from twin.errors import UnreadableFileError
from twin.formats.json_split import find_array

_HEAD_BYTES = 16 << 20
_LINE_SUFFIXES = {".ndjson", ".geojsonl", ".geojsonseq", ".geojsons", ".jsonl"}
_JSON_SUFFIXES = {".json", ".geojson", ".topojson"} | _LINE_SUFFIXES
_TABLE_SUFFIXES = {".csv", ".tsv", ".txt", ".tab"}
_TYPE = re.compile(rb'"type"\s*:\s*"(\w+)"')
_TOPOLOGY_KEYS = re.compile(rb'"(?:arcs|objects)"\s*:\s*[\[{]')


class FileFormat(Enum):
    """The formats that are read."""

    ZIP = "zip"
    GEOPARQUET = "GeoParquet"
    GEOPACKAGE = "GeoPackage"
    SPATIALITE = "SpatiaLite"
    FLATGEOBUF = "FlatGeobuf"
    SHAPEFILE = "Shapefile"
    OSM = "OpenStreetMap"
    GEOJSON = "GeoJSON"
    GEOJSON_DOCUMENT = "GeoJSON document"
    GEOJSON_LINES = "GeoJSON lines"
    GEOJSON_SEQUENCE = "GeoJSON sequence"
    TOPOJSON = "TopoJSON"
    CSV = "CSV"


READABLE = "GeoJSON, GeoPackage, SpatiaLite, Shapefile (zip), FlatGeobuf, GeoParquet, CSV, TopoJSON, OSM .pbf"

_KNOWN_BUT_NOT_READ = (
    (b"\x1f\x8b", "a gzip archive", "Unpack it and send the file inside, or a zip."),
    (b"Rar!", "a RAR archive", "Pack the files as zip."),
    (b"7z\xbc\xaf", "a 7-Zip archive", "Pack the files as zip."),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file", "Save the table as CSV (UTF-8)."),
    (b"%PDF", "a PDF", "Send the data, not a drawing of it."),
    (b"\x89PNG", "a PNG picture", "Send vector data."),
    (b"\xff\xd8\xff", "a JPEG picture", "Send vector data."),
    (b"II*\0", "a TIFF raster", "Send vector data."),
    (b"MM\0*", "a TIFF raster", "Send vector data."),
    (b"AC10", "an AutoCAD drawing (DWG)", "Export it to GeoPackage or Shapefile."),
)


def sniff_format(path: Path) -> FileFormat:
    """The format of a file.

    Raises:
        UnreadableFileError: if the file is missing, empty, a web page, or in no format that is read.
    """
    head = _head(path)
    binary = _binary_format(path, head)
    if binary is not None:
        return binary
    text = _as_utf8(head)
    start = text.lstrip(b" \t\r\n")
    if start[:1] in (b"{", b"\x1e"):
        return _json_format(path, start)
    if start[:1] == b"<":
        raise _markup_error(path, start)
    if path.suffix.lower() in _JSON_SUFFIXES:
        raise _unknown(path, f"text that begins with {start[:40].decode('utf-8', 'replace')!r}, not a GeoJSON object")
    if b"\0" not in text and (path.suffix.lower() in _TABLE_SUFFIXES or _looks_like_table(text)):
        return FileFormat.CSV
    raise _unknown(path, f"bytes {head[:8].hex(' ')}")


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError as error:
        raise UnreadableFileError(
            "This file cannot be opened.",
            value=f"{path.name}: {error.strerror}",
            remedy="Check its name and permissions.",
        ) from error
    if not head.strip(b" \t\r\n\0\xef\xbb\xbf"):
        raise UnreadableFileError(
            "This file is empty.", value=f"{path.name}, {len(head)} bytes", remedy="Send a file with features."
        )
    return head


def _binary_format(path: Path, head: bytes) -> FileFormat | None:
    if head.startswith(b"PK\x03\x04"):
        if b"[Content_Types].xml" in head[:4096] or path.suffix.lower() in {".xlsx", ".docx"}:
            raise _unknown(path, "an Excel or Office file", "Save the table as CSV (UTF-8).")
        return FileFormat.ZIP
    if head.startswith(b"PAR1"):
        return FileFormat.GEOPARQUET
    if head.startswith(b"SQLite format 3\0"):
        if head[68:72] in (b"GPKG", b"GP10", b"GP11") or path.suffix.lower() == ".gpkg":
            return FileFormat.GEOPACKAGE
        if b"geometry_columns" in head:
            return FileFormat.SPATIALITE
        raise _unknown(path, "an SQLite database without geometry", "Export its layer to GeoPackage.")
    if head.startswith(b"fgb\x03fgb"):
        return FileFormat.FLATGEOBUF
    if head.startswith(b"\x00\x00\x27\x0a") and path.suffix.lower() == ".shp":
        return FileFormat.SHAPEFILE
    if head[4:].startswith(b"\x0a\x09OSMHeader"):
        return FileFormat.OSM
    for magic, what, remedy in _KNOWN_BUT_NOT_READ:
        if head.startswith(magic):
            raise _unknown(path, what, remedy)
    return None


def _as_utf8(head: bytes) -> bytes:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.decode("utf-16", "replace").encode()
    return head.removeprefix(codecs.BOM_UTF8)


def _json_format(path: Path, start: bytes) -> FileFormat:
    if start.startswith(b"\x1e"):
        return FileFormat.GEOJSON_SEQUENCE
    if find_array(start, b'"features"') is not None:
        return FileFormat.GEOJSON
    kind = _TYPE.search(start)
    if (kind and kind[1] == b"Topology") or (path.suffix.lower() == ".topojson" and _TOPOLOGY_KEYS.search(start)):
        return FileFormat.TOPOJSON
    lines = [stripped for line in start[:_HEAD_BYTES].split(b"\n", 50) if (stripped := line.strip())]
    several = len(lines) > 1 and lines[0].endswith(b"}") and lines[1].startswith(b"{")
    if several or path.suffix.lower() in _LINE_SUFFIXES:
        return FileFormat.GEOJSON_LINES
    return FileFormat.GEOJSON_DOCUMENT


def _markup_error(path: Path, start: bytes) -> UnreadableFileError:
    opening = start[:2000].lower()
    if b"<!doctype html" in opening or b"<html" in opening:
        return _unknown(path, "a web page (HTML)", "It was probably an error page: download the data itself.")
    if b"<osm" in opening:
        return _unknown(path, "OSM XML", "Convert it to .osm.pbf (osmium cat).")
    return _unknown(path, "an XML document (KML, GML, …)", "Export it to GeoPackage or GeoJSON.")


def _looks_like_table(text: bytes) -> bool:
    line = text.split(b"\n", 1)[0]
    return any(delimiter in line for delimiter in (b",", b"\t", b";", b"|"))


def _unknown(path: Path, what: str, remedy: str = "Send one of the readable formats.") -> UnreadableFileError:
    return UnreadableFileError(
        f"'{path.name}' is not in a format that is read.", value=what, limit=READABLE, remedy=remedy
    )
