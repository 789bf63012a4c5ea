"""GeoJSON: a FeatureCollection of any length, a single Feature or geometry, one feature a line, or a text sequence.

Source: RFC 7946; RFC 8142 (text sequences); GeoJSON 2008 section 3 for the old `crs` member, which is honoured.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import Any

import orjson

from twin.errors import UnreadableFileError
from twin.formats.geojson_geometry import GeometryTextError, encode_geometry, geometry_type
from twin.formats.identity import NO_ID, id_column_of, id_text
from twin.formats.json_split import ArraySplitter, Piece, split_texts
from twin.formats.port import BATCH_ROWS, Rejection, RowBatch, SourceInfo
from twin.formats.row_builder import Row, Survey, build_batches, properties_of, rejection, renames_of
from twin.formats.source import FileSource, ReadOptions
from twin.formats.text_encoding import detect_encoding, iter_utf8
from twin.formats.wkb import common_type

DEFAULT_CRS = "OGC:CRS84"
_GEOMETRIES = {"Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection"}
_HUGE = 2.0**63


class Shape(Enum):
    """How the features lie in the file."""

    COLLECTION = "GeoJSON"
    SINGLE = "GeoJSON document"
    LINES = "GeoJSON, one feature a line"
    SEQUENCE = "GeoJSON text sequence"


class GeoJSONSource(FileSource):
    """One GeoJSON file."""

    def __init__(self, path: Path, options: ReadOptions, shape: Shape) -> None:
        self.path, self.shape, self.zone = path, shape, options.zone
        self.encoding = detect_encoding(path, options.encoding)
        self.file_crs: str | None = DEFAULT_CRS
        survey = Survey()
        for _, parsed in self._features():
            survey.count += 1
            if isinstance(parsed, dict) and isinstance(properties := parsed.get("properties") or {}, dict):
                survey.see(properties, geometry_type(parsed.get("geometry")), has_id=parsed.get("id") is not None)
        self.columns = survey.columns()
        pairs = [*((c.source, c.name) for c in self.columns), ("id", "id")]
        self.id_source, id_name = id_column_of(options.id_property, pairs, path.stem)
        super().__init__(
            path,
            SourceInfo(
                format="GeoJSON",
                crs=options.crs or self.file_crs,
                file_crs=self.file_crs,
                geometry_type=common_type(survey.types),
                properties=properties_of(self.columns),
                feature_count=survey.count,
                encoding=self.encoding,
                layer=path.stem,
                layers=(path.stem,),
                id_column=id_name or ("id" if survey.has_ids else None),
                renames=renames_of(self.columns),
            ),
        )

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[RowBatch]:
        yield from build_batches(self._rows(), self.columns, self.zone, rows)

    def _rows(self) -> Iterator[Row | Rejection]:
        for number, (text, parsed) in enumerate(self._features(), start=1):
            yield self._row(number, text, parsed)

    def _row(self, number: int, text: bytes, feature: dict[str, Any] | str) -> Row | Rejection:
        if isinstance(feature, str):
            return rejection(number, feature, text[:200].decode("utf-8", "replace"))
        properties = feature.get("properties") or {}
        if not isinstance(properties, dict):
            return rejection(number, "the properties are not an object", properties)
        id_ = id_text(properties[self.id_source] if self.id_source in properties else feature.get("id"))
        if self.id_source is not None and id_ is None:
            return rejection(number, NO_ID)
        try:
            return Row(number, id_, encode_geometry(feature.get("geometry")), properties)
        except GeometryTextError as error:
            return rejection(number, str(error), error.found)

    def _features(self) -> Iterator[tuple[bytes, dict[str, Any] | str]]:
        """Text and parsed feature of each row; a reason in place of the feature where it cannot be taken."""
        for piece in self._pieces():
            yield (
                piece.text,
                parse_feature(piece.text) if piece.is_object else "between the features stands something else",
            )

    def _pieces(self) -> Iterator[Piece]:
        chunks = iter_utf8(self.path, self.encoding)
        if self.shape in (Shape.LINES, Shape.SEQUENCE):
            separator = b"\n" if self.shape is Shape.LINES else b"\x1e"
            yield from (Piece(text.strip(b"\x1e \t\r\n")) for text in split_texts(chunks, separator))
        elif self.shape is Shape.SINGLE:
            text = b"".join(chunks)
            self.file_crs = crs_member(_parse_document(text, self.path))
            yield Piece(text)
        else:
            splitter = ArraySplitter(chunks, "features", self.path.name)
            yield from splitter.pieces()
            self.file_crs = crs_member(_parse_document(splitter.shell, self.path))


def parse_feature(text: bytes) -> dict[str, Any] | str:
    """A feature, or the reason why this text is none. A bare geometry becomes a feature without properties.

    NaN and Infinity, which Python's own encoder writes, are understood here and judged where they stand.
    """
    try:
        feature = orjson.loads(text)
        if _may_hold_huge(feature):
            feature = json.loads(text)
    except orjson.JSONDecodeError as error:
        try:
            feature = json.loads(text)
        except (ValueError, RecursionError):
            return f"the feature is not JSON ({error.msg})"
    if not isinstance(feature, dict):
        return "the feature is not an object"
    kind = feature.get("type")
    if kind in _GEOMETRIES:
        return {"type": "Feature", "geometry": feature, "properties": {}}
    return feature if kind == "Feature" else "the object is not a feature"


def _may_hold_huge(feature: Any) -> bool:
    """Whether a number may be an integer beyond 64 bits, which the fast parser turns into a float."""
    properties = feature.get("properties") if isinstance(feature, dict) else None
    if not isinstance(properties, dict):
        return False
    return any(type(value) is float and abs(value) >= _HUGE for value in properties.values())


def crs_member(document: Any) -> str | None:
    """CRS that a document declares by the old `crs` member; CRS84 without one, None where the member is null or unknown."""
    if not isinstance(document, dict) or "crs" not in document:
        return DEFAULT_CRS
    crs = document["crs"]
    name = (crs.get("properties") or {}).get("name") if isinstance(crs, dict) else None
    return name if isinstance(name, str) else None


def _parse_document(text: bytes, path: Path) -> Any:
    try:
        return json.loads(text) if b"NaN" in text or b"Infinity" in text else orjson.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnreadableFileError(
            "This is not a JSON document.",
            value=f"{path.name}: {error}",
            remedy="Send GeoJSON, or check the file in a JSON validator.",
        ) from error
