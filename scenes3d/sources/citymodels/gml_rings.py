"""Polygons of GML: their rings as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np

from scenes3d.sources.citymodels.cityjson import unreadable
from twin.ellipsoid import Floats

_LINEAR = {"LinearRing", "Ring"}


@dataclass(frozen=True, slots=True)
class Polygon:
    """A polygon as it stands in the file.

    Attributes:
        name: Its gml:id; empty where it has none.
        rings: The outer one first, float64 (n, 3) in the file's order of axes.
    """

    name: str
    rings: tuple[Floats, ...]


def read_polygon(path: Path, element: Element) -> Polygon:
    """The polygon of an element that has just ended. Rings in two dimensions are none of a model in space and are left out.

    Raises:
        UnreadableFileError: if its coordinates are no numbers, or not three for each point.
    """
    outer: list[Floats] = []
    inner: list[Floats] = []
    for child in element:
        local = str(child.tag).rpartition("}")[2]
        if local not in {"exterior", "interior", "outerBoundaryIs", "innerBoundaryIs"}:
            continue
        for ring in child:
            if str(ring.tag).rpartition("}")[2] in _LINEAR:
                points = _points(path, ring)
                (outer if local in {"exterior", "outerBoundaryIs"} else inner).append(points)
    rings = (*outer[:1], *inner)
    name = next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == "id"), "")
    return Polygon(name, rings if rings and all(ring.shape[1] == 3 for ring in rings) else ())


def _points(path: Path, ring: Element) -> Floats:
    parts = [
        (part.text or "", part.get("srsDimension") or ring.get("srsDimension"))
        for part in ring.iter()
        if str(part.tag).rpartition("}")[2] in {"posList", "pos", "coordinates"}
    ]
    try:
        numbers = np.array(" ".join(text.replace(",", " ") for text, _ in parts).split(), dtype=np.float64)
        width = 2 if any(said == "2" for _, said in parts) else 3
        return numbers.reshape(-1, width)
    except ValueError as error:
        raise unreadable(path, f"coordinates of a ring are not three numbers a point ({error})") from error
