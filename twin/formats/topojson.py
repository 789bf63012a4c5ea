"""TopoJSON: shared arcs put together again into the geometries of one object.

GDAL reads TopoJSON too, but turns an arc that does not exist into an empty polygon and a missing number into 0, without a
word; here such a row is rejected with its reason. The file is held in memory whole, because any feature may use any arc.

Source: TopoJSON Format Specification 1.0, sections 2.1.2 (transforms), 2.1.4 (arc indexes), 2.2 (geometry objects).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

import orjson

from twin.errors import UnreadableFileError
from twin.formats.gdal import choose_layer
from twin.formats.geojson import crs_member
from twin.formats.geojson_geometry import GeometryTextError, encode_coordinates, geometry_type
from twin.formats.identity import NO_ID, id_column_of, id_text
from twin.formats.port import BATCH_ROWS, Rejection, RowBatch, SourceInfo
from twin.formats.row_builder import Row, Survey, build_batches, properties_of, rejection, renames_of
from twin.formats.source import FileSource, ReadOptions
from twin.formats.text_encoding import detect_encoding, iter_utf8
from twin.formats.wkb import common_type

Position = Sequence[float]
_ARC_DEPTH = {"LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}


class TopoJSONSource(FileSource):
    """One object of a topology."""

    def __init__(self, path: Path, options: ReadOptions) -> None:
        self.zone = options.zone
        encoding = detect_encoding(path, options.encoding)
        topology = _load(path, encoding)
        self.arcs = Arcs(topology)
        layers = tuple(topology["objects"])
        layer = choose_layer(options.layer, layers, path, "TopoJSON")
        self.members = _members(topology["objects"][layer])
        survey = Survey(count=len(self.members))
        for member in self.members:
            if isinstance(member, dict) and isinstance(properties := member.get("properties") or {}, dict):
                survey.see(properties, geometry_type(member), has_id=member.get("id") is not None)
        self.columns = survey.columns()
        pairs = [*((c.source, c.name) for c in self.columns), ("id", "id")]
        self.id_source, id_name = id_column_of(options.id_property, pairs, layer)
        file_crs = crs_member(topology) if "crs" in topology else None
        super().__init__(
            path,
            SourceInfo(
                format="TopoJSON",
                crs=options.crs or file_crs,
                file_crs=file_crs,
                geometry_type=common_type(survey.types),
                properties=properties_of(self.columns),
                feature_count=survey.count,
                encoding=encoding,
                layer=layer,
                layers=layers,
                id_column=id_name or ("id" if survey.has_ids else None),
                renames=renames_of(self.columns),
            ),
        )

    def batches(self, rows: int = BATCH_ROWS) -> Iterator[RowBatch]:
        yield from build_batches(self._rows(), self.columns, self.zone, rows)

    def _rows(self) -> Iterator[Row | Rejection]:
        for number, member in enumerate(self.members, start=1):
            if not isinstance(member, dict):
                yield rejection(number, "the geometry is not an object", member)
                continue
            properties = member.get("properties") or {}
            if not isinstance(properties, dict):
                yield rejection(number, "the properties are not an object", properties)
                continue
            id_ = id_text(properties[self.id_source] if self.id_source in properties else member.get("id"))
            if self.id_source is not None and id_ is None:
                yield rejection(number, NO_ID)
                continue
            try:
                yield Row(number, id_, self.arcs.encode(member), properties)
            except GeometryTextError as error:
                yield rejection(number, str(error), error.found)


class Arcs:
    """The arcs of a topology in coordinates of its CRS."""

    def __init__(self, topology: dict[str, Any]) -> None:
        transform = topology.get("transform")
        try:
            self._scale = tuple(map(float, transform["scale"])) if transform else None
            self._shift = tuple(map(float, transform["translate"])) if transform else (0.0, 0.0)
            if len(self._shift) != 2 or (self._scale is not None and len(self._scale) != 2):
                raise ValueError(transform)
        except (TypeError, ValueError, KeyError) as error:
            raise UnreadableFileError(
                "The transform of this topology is not two scales and two shifts.",
                value=transform,
                remedy="Write the TopoJSON file again.",
            ) from error
        self._raw: list[Any] = topology["arcs"]
        self._decoded: dict[int, list[Position]] = {}

    def encode(self, geometry: dict[str, Any]) -> bytes | None:
        """WKB of a geometry object; None for a null geometry.

        Raises:
            GeometryTextError: if it names an arc that does not exist, or is no geometry.
        """
        kind = geometry.get("type")
        if kind is None:
            return None
        if kind == "GeometryCollection":
            parts = [wkb for part in geometry.get("geometries") or () if (wkb := self.encode(part)) is not None]
            return struct.pack("<BII", 1, 7, len(parts)) + b"".join(parts)
        try:
            if kind == "Point":
                return encode_coordinates(kind, self._place(geometry["coordinates"]))
            if kind == "MultiPoint":
                return encode_coordinates(kind, [self._place(p) for p in geometry["coordinates"]])
            lines = self._nested(geometry["arcs"], _ARC_DEPTH[kind])
            rings = (
                lines
                if kind == "Polygon"
                else [r for polygon in lines for r in polygon]
                if kind == "MultiPolygon"
                else []
            )
            for ring in rings:
                _pad(ring)
            return encode_coordinates(kind, lines)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            if isinstance(error, GeometryTextError):
                raise
            raise GeometryTextError(
                "the geometry cannot be put together from its arcs", f"{kind}: {error!r}"
            ) from error

    def _nested(self, arcs: Any, depth: int) -> list[Any]:
        if not isinstance(arcs, list):
            raise GeometryTextError("the arcs are not a list", arcs)
        if depth > 1:
            return [self._nested(part, depth - 1) for part in arcs]
        line: list[Position] = []
        for index in arcs:
            part = self._arc(index) if index >= 0 else self._arc(~index)[::-1]
            line.extend(part[1:] if line else part)
        return line

    def _arc(self, index: int) -> list[Position]:
        if index not in self._decoded:
            if index >= len(self._raw):
                raise GeometryTextError("the geometry names an arc that does not exist", index)
            self._decoded[index] = self._decode(self._raw[index])
        return self._decoded[index]

    def _decode(self, arc: list[Any]) -> list[Position]:
        if self._scale is None:
            return [tuple(position[:2]) for position in arc]
        xs = accumulate(position[0] for position in arc)
        ys = accumulate(position[1] for position in arc)
        return [self._scaled(x, y) for x, y in zip(xs, ys, strict=True)]

    def _place(self, position: list[Any]) -> list[float]:
        return position[:2] if self._scale is None else list(self._scaled(position[0], position[1]))

    def _scaled(self, x: float, y: float) -> tuple[float, float]:
        assert self._scale is not None
        return x * self._scale[0] + self._shift[0], y * self._scale[1] + self._shift[1]


def _pad(ring: list[Position]) -> None:
    """Rings that quantisation has made shorter than four positions repeat their first one, as the reference client does."""
    while 0 < len(ring) < 4:
        ring.append(ring[0])


def _members(topology_object: Any) -> list[Any]:
    if isinstance(topology_object, dict) and topology_object.get("type") == "GeometryCollection":
        members = topology_object.get("geometries")
        return members if isinstance(members, list) else []
    return [topology_object]


def _load(path: Path, encoding: str) -> dict[str, Any]:
    try:
        topology = orjson.loads(b"".join(iter_utf8(path, encoding)))
        if not isinstance(topology["objects"], dict) or not isinstance(topology["arcs"], list):
            raise TypeError("objects and arcs")
    except (ValueError, KeyError, TypeError) as error:
        raise UnreadableFileError(
            "This TopoJSON file is damaged or cut off.",
            value=f"{path.name}: {error}",
            limit='a topology with "objects" and "arcs"',
            remedy="Write it again and send all of it.",
        ) from error
    return dict(topology)
