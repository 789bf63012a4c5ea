"""Every code of a place, and the place of every code: the systems of `twin.codes`, completed from the city's layers and division list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import shapely

from layers.city import City
from layers.coded_layers import Coded, CodedLayers
from layers.policy import Actor
from layers.registry import Registry
from twin.bounds import Bounds
from twin.codes import beidou, beidou_family, sheets
from twin.codes.beidou_levels import level_numbered
from twin.codes.classes import ClassCatalogue, shipped_classes
from twin.codes.division_store import Divisions
from twin.codes.divisions import parse_division_code
from twin.codes.point_codes import Place, beidou_3d_of, beidou_of, sheets_of, unknown
from twin.codes.port import CodeReading
from twin.codes.sheet_scales import scale_table
from twin.codes.systems import CodeSystems, code_systems
from twin.codes.unit_grid import parse_unit_grid_id
from twin.crs import CGCS2000, parse_crs, transform_points
from twin.crs_area import valid_area
from twin.errors import BadCodeError, TooManyCodesError
from twin.text import LocalText

Json = dict[str, Any]
_LAYER_SYSTEMS = ("division", "unit-grid")


@dataclass(frozen=True)
class PlaceCodes:
    """The codes of one city.

    Attributes:
        registry: Whose layers carry codes, and who may read them.
        city: Its profile.
        divisions: Names of divisions at any time.
    """

    registry: Registry
    city: City
    divisions: Divisions

    @cached_property
    def classes(self) -> ClassCatalogue:
        """Component and matter classes, those of the county included. Raises BadManifestError if the profile's cannot be used."""
        return shipped_classes().with_local(self.city.codes.local_classes)

    @cached_property
    def systems(self) -> CodeSystems:
        """All code systems."""
        return code_systems(self.classes)

    # -- a place -----------------------------------------------------------------------------------------------------

    def at(self, place: Place, day: date, actor: Actor) -> Json:
        """Every code of a place as it is on a day; what is not known says why.

        Raises:
            BadCodeError: if a scale or level is none.
        """
        layers = CodedLayers(self.registry, actor, day)
        cells = layers.at_point(self.city.codes.unit_grid, place.lon, place.lat)
        return {
            "lon": place.lon,
            "lat": place.lat,
            "height_m": place.height_m,
            "at": day.isoformat(),
            "projected": list(self._projected(place)),
            "sheets": sheets_of(place),
            "beidou": beidou_of(place),
            "beidou_3d": beidou_3d_of(place),
            "divisions": self._divisions_of(place, layers),
            "community": self._community_of(place, layers, cells),
            "unit_grid": _unit_grid_of(cells),
        }

    def _projected(self, place: Place) -> Iterator[Json]:
        for code in self.city.codes.projected:
            crs = parse_crs(code)
            area = valid_area(crs)
            if area is not None and not area.intersects(Bounds(place.lon, place.lat, place.lon, place.lat)):
                edges = f"{area.west:g}–{area.east:g}°E, {area.south:g}–{area.north:g}°N"
                reason = LocalText(f"不在 {code} 的适用范围内（{edges}）", f"outside the area of {code} ({edges})")
                yield unknown(reason, crs=code, name=crs.name)
                continue
            east, north = transform_points([place.lon], [place.lat], parse_crs(CGCS2000), crs)
            yield {
                "crs": code,
                "name": crs.name,
                "status": "known",
                "easting_m": round(float(east[0]), 4),
                "northing_m": round(float(north[0]), 4),
            }

    def _divisions_of(self, place: Place, layers: CodedLayers) -> Json:
        found = [
            coded for coded in layers.at_point(self.city.codes.divisions, place.lon, place.lat) if _is_boundary(coded)
        ]
        if not found:
            return unknown(
                LocalText("区划图层中没有面包含此处。", "No polygon of the division layer holds this place."),
                layer=self.city.codes.divisions.layer,
            )
        longest = max(len(coded.code) for coded in found)
        (first, *others) = [coded for coded in found if len(coded.code) == longest]
        return {
            "status": "known",
            "code": first.code,
            "layer": first.layer,
            "also": [coded.code for coded in others],
            "chain": self._chain(first, layers.day),
        }

    def _chain(self, coded: Coded, day: date) -> list[Json]:
        """The divisions from the province down; a division the list does not know on that day has the name the layer gives it."""
        chain = parse_division_code(coded.code).chain
        known = self.divisions.at(chain, day)
        return [
            known[code].to_dict() if code in known else _unlisted(code, coded.name if code == coded.code else "")
            for code in chain
        ]

    def _community_of(self, place: Place, layers: CodedLayers, cells: Sequence[Coded]) -> Json:
        source = self.city.codes.communities
        for coded in [] if source is None else layers.at_point(source, place.lon, place.lat):
            if _level_of(coded.code) == "community":
                return {"status": "known", "code": coded.code, "layer": coded.layer, "name": coded.name}
        cell = _first_cell(cells)
        if cell is None:
            return unknown(
                LocalText(
                    "没有社区面或单元网格包含此处。", "No layer of communities and no unit grid cell holds this place."
                )
            )
        return {"status": "known", "code": cell.code[:12], "layer": cell.layer, "name": ""}

    # -- a code ------------------------------------------------------------------------------------------------------

    def read(self, code: str, day: date, actor: Actor, system: str | None = None) -> list[CodeReading]:
        """Every reading of a code, with names and places from list and layers as they are on a day.

        Raises:
            UnknownCodeSystemError, UnknownCodeError, BadCodeError: as `CodeSystems.read`.
        """
        layers = CodedLayers(self.registry, actor, day)
        return [self._completed(reading, layers) for reading in self.systems.read(code, system)]

    def _completed(self, reading: CodeReading, layers: CodedLayers) -> CodeReading:
        codes = self.city.codes
        if reading.system == "division":
            return self._division(reading, layers)
        if reading.system == "unit-grid":
            return _placed(reading, layers.with_code(codes.unit_grid, reading.code))
        if reading.system == "component":
            return _placed(reading, layers.with_code(codes.components, reading.code))
        return reading

    def _division(self, reading: CodeReading, layers: CodedLayers) -> CodeReading:
        history = self.divisions.history(reading.code)
        known = next((state for state in history if state.holds(layers.day)), None)
        details = {
            **reading.details,
            "at": layers.day.isoformat(),
            "status": "unknown" if known is None else "known",
            "names": None if known is None else known.to_dict(),
            "chain": [d.to_dict() for d in self.divisions.at(reading.details["chain"], layers.day).values()],
            "children": [child.to_dict() for child in self.divisions.children(reading.code, layers.day)],
            "history": [state.to_dict() for state in history],
        }
        named = reading if known is None else replace(reading, title=known.name)
        return _placed(replace(named, details=details), self._boundary(reading, layers))

    def _boundary(self, reading: CodeReading, layers: CodedLayers) -> list[Coded]:
        """The polygons of a division; of a community that has none, the unit grid cells it consists of."""
        codes = self.city.codes
        if reading.details["statistical"]:
            return []
        if reading.details["level"] != "community":
            return layers.with_code(codes.divisions, reading.code)
        found = [] if codes.communities is None else layers.with_code(codes.communities, reading.code)
        return found or [coded for coded in layers.beginning(codes.unit_grid, reading.code) if len(coded.code) == 15]

    # -- an area -----------------------------------------------------------------------------------------------------

    def covering(self, geometry: shapely.Geometry, wanted: Covering, day: date, actor: Actor) -> list[CodeReading]:
        """The codes of one system that an area, a line or points lie in.

        Raises:
            TooManyCodesError: if there are more than `wanted.limit`.
            BadCodeError, BadGeometryError, OutsideCodeSystemError: as `sheets.cover` and `beidou_family.cover`.
        """
        if wanted.system == "sheet":
            found = sheets.cover(geometry, wanted.scale, wanted.limit)
            return _cells(
                "sheet", found.tolist(), sheets.bounds(found), {"scale": scale_table().find(wanted.scale).title}
            )
        if wanted.system == "beidou":
            codes = beidou_family.cover(geometry, wanted.level, wanted.limit).tolist()
            if wanted.compact and codes:
                codes = beidou_family.compact(codes)
            return _cells("beidou", codes, beidou.bounds(codes), {})
        layers = CodedLayers(self.registry, actor, day)
        source = self.city.codes.divisions if wanted.system == "division" else self.city.codes.unit_grid
        coded = layers.meeting(source, geometry, wanted.limit)
        if len(coded) > wanted.limit:
            raise TooManyCodesError(
                "The area has too many features with codes.",
                value=f"more than {wanted.limit}",
                limit=f"{wanted.limit} codes",
                remedy="Choose a smaller area, or raise the limit.",
            )
        return [
            _of_feature(wanted.system, entry) for entry in coded if wanted.system != "division" or _is_boundary(entry)
        ]


@dataclass(frozen=True, slots=True)
class Covering:
    """Which codes of an area are wanted: a system with its scale or level, the fewest cells or all of one level, and how many at most."""

    system: str
    scale: str = "G"
    level: int = 5
    compact: bool = False
    limit: int = 1000

    def __post_init__(self) -> None:
        if self.system not in ("sheet", "beidou", *_LAYER_SYSTEMS):
            raise BadCodeError(
                f"Areas have no codes of the system '{self.system}'.",
                value=self.system,
                limit="sheet, beidou, division, unit-grid",
                remedy="Choose one of these.",
            )
        scale_table().find(self.scale)
        level_numbered(self.level)


def _unit_grid_of(cells: Sequence[Coded]) -> Json:
    cell = _first_cell(cells)
    if cell is None:
        return unknown(LocalText("没有单元网格包含此处。", "No unit grid cell holds this place."))
    made = parse_unit_grid_id(cell.code)
    return {
        "status": "known",
        "code": cell.code,
        "layer": cell.layer,
        "name": cell.name,
        "town": made.town_code,
        "community": made.community_code,
        "sequence": made.sequence,
        "also": [other.code for other in cells if other is not cell],
    }


def _first_cell(cells: Sequence[Coded]) -> Coded | None:
    """The first whose code is an identifier."""
    for coded in cells:
        try:
            parse_unit_grid_id(coded.code)
        except BadCodeError:
            continue
        return coded
    return None


def _unlisted(code: str, name: str) -> Json:
    known = parse_division_code(code)
    return {
        "code": code,
        "level": known.level,
        "kind": known.kind.to_dict(),
        "name": {"zh": name, "en": ""},
        "parent": known.parent,
        "statistical": known.statistical,
        "edition": None,
    }


def _level_of(code: str) -> str | None:
    try:
        return parse_division_code(code).level
    except BadCodeError:
        return None


def _is_boundary(coded: Coded) -> bool:
    """Whether a feature of the division layer stands for a division under the law."""
    try:
        return not parse_division_code(coded.code).statistical
    except BadCodeError:
        return False


def _placed(reading: CodeReading, found: Sequence[Coded]) -> CodeReading:
    """A reading with the place of the features that carry the code; as it was where there are none."""
    shapes = [coded.feature.geometry for coded in found if coded.feature.geometry is not None]
    if not shapes:
        return reading
    geometry = shapes[0] if len(shapes) == 1 else shapely.union_all(shapes)
    features = [{"layer": coded.layer, "id": coded.feature.id, "name": coded.name} for coded in found]
    return replace(reading, geometry=geometry, details={**reading.details, "features": features})


def _cells(system: str, codes: Sequence[str], boxes: Any, details: Json) -> list[CodeReading]:
    shapes = shapely.box(*boxes.T)
    return [
        CodeReading(system, code, LocalText(code, code), shape, details=details)
        for code, shape in zip(codes, shapes, strict=True)
    ]


def _of_feature(system: str, coded: Coded) -> CodeReading:
    english = str(coded.feature.properties.get("name_en") or "")
    details = {"features": [{"layer": coded.layer, "id": coded.feature.id, "name": coded.name}]}
    return CodeReading(system, coded.code, LocalText(coded.name, english), coded.feature.geometry, details=details)
