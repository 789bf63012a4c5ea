"""The attributes of features inside a GLB: one table, one column for each property, looked up by feature id.

Unknown values are said to be so by `noData`, never by zero.

Source: EXT_structural_metadata; 3D Metadata Specification 1.1, binary table format.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from scenes3d.glb.buffer import Buffer

EXTENSION = "EXT_structural_metadata"
UNKNOWN_INTEGER = -(2**63)
UNKNOWN_NUMBER = -1.7976931348623157e308
_UNKNOWN_BOOLEAN = 255
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class ColumnKind(StrEnum):
    """What a column holds; a boolean is a byte, 1 or 0, so that it can be unknown."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"


# Component type in the schema, numpy type, what stands for unknown.
_SCALARS: dict[ColumnKind, tuple[str, str, float]] = {
    ColumnKind.INTEGER: ("INT64", "<i8", UNKNOWN_INTEGER),
    ColumnKind.NUMBER: ("FLOAT64", "<f8", UNKNOWN_NUMBER),
    ColumnKind.BOOLEAN: ("UINT8", "u1", _UNKNOWN_BOOLEAN),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One property of all features of a table.

    Attributes:
        name: What it is called in its layer, in any script.
        values: Arrow array of n values of the kind, null where unknown.
        title: What a reader sees; may be empty.
        semantic: A word of the 3D Metadata Semantic Reference, such as ID; may be empty.
    """

    name: str
    kind: ColumnKind
    values: pa.Array
    title: str = ""
    semantic: str = ""

    def __reduce__(self) -> tuple[type[Column], tuple[object, ...]]:
        """Pickled without what a slice leaves out; Arrow pickles the whole array that it is a slice of."""
        own = self.values.take(pa.array(np.arange(len(self.values))))
        return Column, (self.name, self.kind, own, self.title, self.semantic)


def identifiers(names: Sequence[str]) -> list[str]:
    """Names as property ids of a schema: letters, digits and underscores, each one different.

    >>> identifiers(["height", "楼层", "building:levels", "building_levels"])
    ['height', 'property_2', 'building_levels', 'building_levels_4']
    """
    found: list[str] = []
    for number, name in enumerate(names, start=1):
        plain = re.sub(r"[^A-Za-z0-9_]", "_", name)
        if not _IDENTIFIER.fullmatch(plain) or not plain.strip("_"):
            plain = f"property_{number}"
        found.append(f"{plain}_{number}" if plain in found else plain)
    return found


def write_table(buffer: Buffer, columns: Sequence[Column], class_name: str) -> dict[str, Any]:
    """Put the columns into the buffer; gives the content of the extension at the root of the document."""
    ids = identifiers([column.name for column in columns])
    count = len(columns[0].values)
    schema = {"id": class_name, "classes": {class_name: {"properties": {}}}}
    properties = schema["classes"][class_name]["properties"]  # type: ignore[index]
    values: dict[str, Any] = {}
    for key, column in zip(ids, columns, strict=True):
        properties[key] = _described(column)
        values[key] = _strings(buffer, column) if column.kind is ColumnKind.STRING else _scalars(buffer, column)
    return {"schema": schema, "propertyTables": [{"class": class_name, "count": count, "properties": values}]}


def read_table(extension: Mapping[str, Any], views: Sequence[memoryview]) -> dict[str, list[Any]]:
    """The first table of a document: property id → values, None where unknown. Reads what `write_table` writes.

    Raises:
        KeyError, IndexError, ValueError: if the extension does not say what it must.
    """
    table = extension["propertyTables"][0]
    described = extension["schema"]["classes"][table["class"]]["properties"]
    count = int(table["count"])
    found: dict[str, list[Any]] = {}
    for key, place in table["properties"].items():
        said = described[key]
        data = views[place["values"]]
        if said["type"] == "STRING":
            offsets = np.frombuffer(views[place["stringOffsets"]], dtype="<u4", count=count + 1)
            texts = [bytes(data[start:end]).decode() for start, end in pairwise(offsets)]
            found[key] = [None if text == said.get("noData") else text for text in texts]
        else:
            kind = next(dtype for name, dtype, _ in _SCALARS.values() if name == said["componentType"])
            numbers = np.frombuffer(data, dtype=kind, count=count).tolist()
            found[key] = [None if number == said.get("noData") else number for number in numbers]
    return found


def _described(column: Column) -> dict[str, Any]:
    said: dict[str, Any] = {"name": column.title or column.name}
    if column.title and column.title != column.name:
        said["description"] = column.name
    if column.semantic:
        said["semantic"] = column.semantic
    if column.kind is ColumnKind.STRING:
        return said | {"type": "STRING"} | ({"required": True} if column.semantic == "ID" else {"noData": ""})
    component, _, unknown = _SCALARS[column.kind]
    return said | {"type": "SCALAR", "componentType": component, "noData": unknown}


def _strings(buffer: Buffer, column: Column) -> dict[str, Any]:
    text = column.values.cast(pa.large_string()).fill_null("")
    _, ends, data = text.buffers()
    offsets = np.frombuffer(ends, dtype=np.int64, count=len(text) + 1 + text.offset)[text.offset :]
    body = b"" if data is None else memoryview(data)[offsets[0] : offsets[-1]].tobytes()
    return {
        # A view may not be empty.
        "values": buffer.add_view(body or b"\0"),
        "stringOffsets": buffer.add_view((offsets - offsets[0]).astype("<u4").tobytes()),
        "stringOffsetType": "UINT32",
    }


def _scalars(buffer: Buffer, column: Column) -> dict[str, Any]:
    _, dtype, unknown = _SCALARS[column.kind]
    types = {ColumnKind.INTEGER: pa.int64(), ColumnKind.NUMBER: pa.float64(), ColumnKind.BOOLEAN: pa.uint8()}
    filled: npt.NDArray[Any] = column.values.cast(types[column.kind]).fill_null(unknown).to_numpy(zero_copy_only=False)
    return {"values": buffer.add_view(filled.astype(dtype).tobytes())}
