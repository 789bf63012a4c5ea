"""The header of a PLY: order of bytes, elements with their properties, textures that comments name.

Source: G. Turk, "The PLY polygon file format", 1994; `comment TextureFile` as MeshLab and OpenMVS write it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

_LONGEST_HEADER = 1 << 16
_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2", "uint16": "u2",
    "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4", "double": "f8", "float64": "f8",
}  # fmt: skip
_ORDERS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
_TEXTURE = "comment TextureFile "


@dataclass(frozen=True, slots=True)
class Property:
    """One property.

    Attributes:
        kind: numpy's name of its type.
        length: That of the count before a list; empty where it is one value.
    """

    name: str
    kind: str
    length: str = ""


@dataclass(frozen=True, slots=True)
class Element:
    """Rows of one kind."""

    name: str
    count: int
    properties: list[Property] = field(default_factory=list)

    def names(self) -> list[str]:
        return [said.name for said in self.properties]


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the numbers.

    Attributes:
        order: "<", ">", or empty for text.
        textures: Names of images.
        start: Where the numbers begin, bytes.
    """

    order: str
    elements: tuple[Element, ...]
    textures: tuple[str, ...]
    start: int


def read_header(path: Path) -> Header:
    """The header.

    Raises:
        ValueError, KeyError, IndexError, UnicodeDecodeError: if it is none.
    """
    with path.open("rb") as file:
        data = file.read(_LONGEST_HEADER)
    end = data.find(b"end_header")
    if not data.startswith(b"ply") or end < 0:
        raise ValueError("it does not begin with a PLY header")
    start = data.index(b"\n", end) + 1
    order: str | None = None
    elements: list[Element] = []
    textures: list[str] = []
    for line in data[:end].decode("utf-8", "replace").splitlines():
        words = line.split()
        if line.startswith(_TEXTURE):
            textures.append(line[len(_TEXTURE) :].strip())
        elif words[:1] == ["format"]:
            order = _ORDERS[words[1]]
        elif words[:1] == ["element"]:
            elements.append(Element(words[1], int(words[2])))
        elif words[:2] == ["property", "list"]:
            elements[-1].properties.append(Property(words[4], _TYPES[words[3]], _TYPES[words[2]]))
        elif words[:1] == ["property"]:
            elements[-1].properties.append(Property(words[2], _TYPES[words[1]]))
    if order is None or any(element.count < 0 for element in elements):
        raise ValueError("its header says no format, or a negative count")
    return Header(order, tuple(elements), tuple(textures), start)
