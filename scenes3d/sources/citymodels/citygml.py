"""CityGML 2.0 and 3.0: each city object with the surfaces of its finest level of detail, read as the file streams by.

No DTD, no entity, nothing outside of the file is ever read. Memory holds one city object; the coordinates of a polygon leave
the tree as soon as it ends.

Source: OGC 12-019 (CityGML 2.0), OGC 20-010 and 21-006 (CityGML 3.0), ISO 19136 (GML).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from scenes3d.models.surfaces import Feature
from scenes3d.sources.citymodels.cityjson import unreadable
from scenes3d.sources.citymodels.gml_object import read_object
from scenes3d.sources.citymodels.gml_rings import Polygon, read_polygon
from scenes3d.sources.citymodels.handedness import votes_for_exchange
from scenes3d.sources.reference import Said
from twin.crs import is_northing_first, parse_crs
from twin.errors import OneMapError, TooLargeError, UnsafeArchiveError

_MEMBERS = {"cityObjectMember", "featureMember"}
_POLYGONS = {"Polygon", "Triangle", "Rectangle", "PolygonPatch"}
_ROOT = "CityModel"
# A thousandth of a gigabyte for each hundred polygons or so; a town's whole terrain in one feature has some hundred thousand.
MOST_POLYGONS = 5_000_000
_DEEPEST = 120
_WITNESSES = 50
# GML written with such names means the registered order of axes; `EPSG:4326` alone means east first, as old programs wrote it.
_DECLARED = re.compile(r"^(urn:|https?://)", re.IGNORECASE)
_VERSIONED = re.compile(r"(crs:EPSG|def:crs:EPSG):[\d.]+:", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CityGML:
    """A file that says it is CityGML, and what it says of its coordinates.

    Attributes:
        northing_first: Whether its numbers come latitude or northing first.
        overruled: Whether that is the other way than its CRS says, because its bodies would be inside out.
    """

    path: Path
    said: Said
    northing_first: bool
    overruled: bool = False

    def features(self) -> Iterator[Feature]:
        """Every member of the model that has an id, or a number where it has none.

        Raises:
            UnreadableFileError: if the file is cut off or broken.
            UnsafeArchiveError: if it declares a document type or an entity.
            TooLargeError: if one object has more polygons than memory should hold.
        """
        number = 0
        for member in _members(self.path):
            for element in member.element:
                number += 1
                yield read_object(element, member.polygons, number, self.northing_first)


@dataclass
class _Member:
    element: Element
    polygons: dict[int, Polygon]


def open_citygml(path: Path) -> CityGML:
    """The file, read up to the first CRS it names, and its first objects for the order of its axes.

    Raises:
        UnreadableFileError: if it is no CityGML.
        UnsafeArchiveError: if it declares a document type or an entity.
    """
    name: str | None = None
    depth = 0
    with path.open("rb") as file:
        for event, element in _events(path, file):
            local = local_name(element.tag)
            if event == "start":
                depth += 1
                if depth == 1 and local != _ROOT:
                    raise unreadable(path, f"it begins with <{local}>")
                name = element.get("srsName")
                if name:
                    break
            elif local in _MEMBERS:
                element.clear()
    text = _VERSIONED.sub(r"\1::", name.strip()) if name else None
    declared = text is not None and _is_northing_first(text)
    votes = votes_for_exchange(islice(CityGML(path, Said(), northing_first=False).features(), _WITNESSES))
    meant = votes > 0 if votes else declared
    return CityGML(path, Said(text), meant, meant != declared)


def local_name(tag: Any) -> str:
    """The name of an element without its namespace."""
    return str(tag).rpartition("}")[2]


def _is_northing_first(text: str) -> bool:
    if not _DECLARED.match(text):
        return False
    try:
        return is_northing_first(parse_crs(text))
    except OneMapError:
        return False


def _members(path: Path) -> Iterator[_Member]:
    polygons: dict[int, Polygon] = {}
    root: Element | None = None
    depth = 0
    with path.open("rb") as file:
        for event, element in _events(path, file):
            if event == "start":
                depth += 1
                root = element if root is None else root
                if depth > _DEEPEST:
                    raise unreadable(path, f"elements are nested more than {_DEEPEST} deep")
                continue
            depth -= 1
            local = local_name(element.tag)
            if local in _POLYGONS:
                # Its numbers leave the tree; the element itself, now empty, stands for them.
                polygons[id(element)] = read_polygon(path, element)
                identity = element.attrib.copy()
                element.clear()
                element.attrib.update(identity)
                if len(polygons) > MOST_POLYGONS:
                    raise TooLargeError(
                        "单个要素的面过多。One feature has too many polygons.",
                        value=f"{path.name}: more than {MOST_POLYGONS:,}",
                        limit=f"{MOST_POLYGONS:,} polygons a feature",
                        remedy="Split the feature.",
                    )
            elif local in _MEMBERS and depth == 1:
                yield _Member(element, polygons)
                polygons = {}
                assert root is not None
                root.clear()


def _events(path: Path, file: Any) -> Iterator[tuple[str, Element]]:
    try:
        yield from iterparse(file, events=("start", "end"), forbid_dtd=True)
    except DefusedXmlException as error:
        raise UnsafeArchiveError(
            "城市模型文件含有文档类型或实体声明。The file declares a document type or an entity, which could read other files or grow "
            "without end.",
            value=f"{path.name}: {type(error).__name__}",
            limit="plain XML",
            remedy="Remove <!DOCTYPE …> and export the file again.",
        ) from error
    except (ParseError, UnicodeDecodeError, ValueError) as error:
        raise unreadable(path, f"its XML is broken or cut off ({error})") from error
