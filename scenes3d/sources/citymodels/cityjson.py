"""CityJSON 1.x and 2.0, whole files and sequences (CityJSONSeq): each city object with the surfaces of its finest level of detail.

A whole file stands in memory, because its vertices come last; so its size is limited. A sequence is read line by line.
Coordinates are east, north, up, whatever the CRS's own order of axes is.

Source: CityJSON 2.0.1, sections 2 to 4 (objects, geometry, transform) and 8 (text sequences).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from scenes3d.models.surfaces import Feature, Surface, Value
from scenes3d.sources.reference import Said
from twin.ellipsoid import Floats
from twin.errors import TooLargeError, UnreadableFileError

MOST_BYTES = 512 << 20
MOST_LINE_BYTES = 64 << 20
# How many arrays stand around the rings of each type of geometry that has surfaces.
_SHELLS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}
_DEEPEST = 16


@dataclass(frozen=True, slots=True)
class CityJSON:
    """A file that says it is CityJSON, and what it says of its coordinates."""

    path: Path
    said: Said
    version: str

    def features(self) -> Iterator[Feature]:
        """Every city object that is no part of another, with the surfaces of its parts.

        Raises:
            UnreadableFileError: if the file is cut off, or names a vertex that is not there.
        """
        try:
            yield from _features(self.path)
        except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise unreadable(self.path, f"{type(error).__name__}: {error}") from error


def open_cityjson(path: Path) -> CityJSON:
    """The file, its head read.

    Raises:
        UnreadableFileError: if it is no CityJSON of version 1 or 2.
        TooLargeError: if a whole file is larger than is read at once.
    """
    head = next(_documents(path))
    version = str(head.get("version", ""))
    if head.get("type") != "CityJSON" or version.partition(".")[0] not in {"1", "2"}:
        raise unreadable(path, f"it says type {head.get('type')!r}, version {version!r}")
    metadata = head.get("metadata")
    system = metadata.get("referenceSystem") if isinstance(metadata, dict) else None
    return CityJSON(path, Said(system if isinstance(system, str) else None), version)


def unreadable(path: Path, what: str) -> UnreadableFileError:
    """The error for a file that cannot be used."""
    return UnreadableFileError(
        f"城市模型文件无法读取。The city model cannot be read: {what}.",
        value=path.name,
        limit="CityJSON 1.0 to 2.0, CityGML 2.0 or 3.0",
        remedy="Export or copy the file again.",
    )


def _features(path: Path) -> Iterator[Feature]:
    head: Mapping[str, Any] = {}
    for document in _documents(path):
        if document["type"] == "CityJSON":
            head = document
        vertices = _moved(document["vertices"], head.get("transform"))
        templates = _Templates.of(head.get("geometry-templates"))
        objects = document["CityObjects"]
        for name, said in objects.items():
            if not said.get("parents"):
                yield _feature(name, objects, vertices, templates)


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    """The file, or its lines where it is a sequence."""
    try:
        with path.open("rb") as file:
            first = file.readline(MOST_LINE_BYTES)
            size = path.stat().st_size
            if len(first) < size and _is_line(first):
                yield _parsed(path, first)
                while line := file.readline(MOST_LINE_BYTES):
                    if line.strip():
                        yield _parsed(path, line)
                return
        if size > MOST_BYTES:
            raise TooLargeError(
                "城市模型文件过大。The file is larger than is read at once.",
                value=f"{path.name}: {size:,} bytes",
                limit=f"{MOST_BYTES:,} bytes",
                remedy="Write it as a sequence, which is read line by line: cjio FILE export jsonl OUT.city.jsonl.",
            )
        yield _parsed(path, path.read_bytes())
    except OSError as error:
        raise unreadable(path, str(error)) from error


def _is_line(data: bytes) -> bool:
    try:
        orjson.loads(data)
    except orjson.JSONDecodeError:
        return False
    return True


def _parsed(path: Path, data: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise unreadable(path, f"its JSON is broken or cut off ({error})") from error
    if not isinstance(document, dict):
        raise unreadable(path, "its JSON is no object")
    return document


def _moved(vertices: Sequence[Sequence[float]], transform: Mapping[str, Any] | None) -> Floats:
    points = np.array(vertices, dtype=np.float64).reshape(-1, 3)
    if transform is None:
        return points
    return points * np.array(transform["scale"], dtype=np.float64) + np.array(transform["translate"], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class _Templates:
    geometries: Sequence[Mapping[str, Any]]
    vertices: Floats

    @classmethod
    def of(cls, said: Mapping[str, Any] | None) -> _Templates:
        return (
            cls((), np.empty((0, 3)))
            if said is None
            else cls(said["templates"], _moved(said["vertices-templates"], None))
        )


def _feature(name: str, objects: Mapping[str, Any], vertices: Floats, templates: _Templates) -> Feature:
    said = objects[name]
    family = list(_family(name, objects, 0))
    drawn = [
        g
        for member in family
        for g in member.get("geometry", ())
        if g["type"] in _SHELLS or g["type"] == "GeometryInstance"
    ]
    lods = [_lod(geometry, templates) for geometry in drawn]
    finest = max(lods, default=0.0)
    chosen = [geometry for geometry, lod in zip(drawn, lods, strict=True) if lod == finest]
    surfaces = tuple(s for geometry in chosen for s in _surfaces(geometry, vertices, templates))
    return Feature(name, said["type"], surfaces, finest, _plain(said.get("attributes") or {}))


def _family(name: str, objects: Mapping[str, Any], depth: int) -> Iterator[Mapping[str, Any]]:
    """An object and its parts."""
    if depth > _DEEPEST:
        raise ValueError(f"parts of {name} are nested more than {_DEEPEST} deep")
    yield objects[name]
    for child in objects[name].get("children", ()):
        if child in objects:
            yield from _family(child, objects, depth + 1)


def _lod(geometry: Mapping[str, Any], templates: _Templates) -> float:
    said = templates.geometries[geometry["template"]] if geometry["type"] == "GeometryInstance" else geometry
    return float(said.get("lod", 0))


def _surfaces(geometry: Mapping[str, Any], vertices: Floats, templates: _Templates) -> Iterator[Surface]:
    if geometry["type"] == "GeometryInstance":
        matrix = np.array(geometry["transformationMatrix"], dtype=np.float64).reshape(4, 4)
        points = templates.vertices @ matrix[:3, :3].T + matrix[:3, 3] + vertices[geometry["boundaries"][0]]
        yield from _surfaces(templates.geometries[geometry["template"]], points, _Templates((), points))
        return
    semantics = geometry.get("semantics") or {}
    kinds = semantics.get("surfaces") or ()
    values = semantics.get("values")
    for rings, value in _flat(geometry["boundaries"], values, _SHELLS[geometry["type"]]):
        part = str(kinds[value].get("type", "")) if isinstance(value, int) and 0 <= value < len(kinds) else ""
        yield Surface(tuple(_ring(ring, vertices) for ring in rings), part)


def _flat(boundaries: Sequence[Any], values: Any, shells: int) -> Iterator[tuple[Sequence[Any], Any]]:
    """Surfaces below so many shells, each with its value; a single value stands for all below it."""
    for number, inner in enumerate(boundaries):
        value = values[number] if isinstance(values, list) and number < len(values) else values
        if shells:
            yield from _flat(inner, value, shells - 1)
        else:
            yield inner, value


def _ring(numbers: Sequence[int], vertices: Floats) -> Floats:
    rows = np.array(numbers, dtype=np.int64).reshape(-1)
    if len(rows) and (rows.min() < 0 or rows.max() >= len(vertices)):
        raise ValueError(f"a ring names vertex {rows.max()} of {len(vertices)}")
    return np.asarray(vertices[rows])


def _plain(attributes: Mapping[str, Any]) -> dict[str, Value]:
    """Attributes that a table can hold; lists and objects as their JSON."""
    return {
        key: value if value is None or isinstance(value, str | int | float | bool) else orjson.dumps(value).decode()
        for key, value in attributes.items()
    }
