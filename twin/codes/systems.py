"""The registry of code systems: all there are, and those that one code may belong to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import shapely

from twin.codes import beidou, beidou_3d, sheets
from twin.codes.beidou_levels import BY_LENGTH, BY_LENGTH_3D
from twin.codes.class_ids import check_classed_id, parse_classed_ids
from twin.codes.classes import ClassCatalogue, Kind
from twin.codes.divisions import parse_division_code
from twin.codes.port import CodeReading, CodeSystem
from twin.codes.sheet_scales import scale_table
from twin.codes.unit_grid import parse_unit_grid_id
from twin.errors import BadCodeError, UnknownCodeError, UnknownCodeSystemError
from twin.text import LocalText

LONGEST_CODE = 40


@dataclass(frozen=True, slots=True)
class _System:
    """A system made of a pattern and a function. See `CodeSystem`."""

    id: str
    title: LocalText
    standard: str
    form: LocalText
    example: str
    pattern: re.Pattern[str]
    reader: Callable[[str], list[CodeReading]]

    def recognises(self, code: str) -> bool:
        return self.pattern.fullmatch(code) is not None

    def read(self, code: str) -> list[CodeReading]:
        return self.reader(code)


@dataclass(frozen=True)
class CodeSystems:
    """All systems by id."""

    systems: Mapping[str, CodeSystem]

    def system(self, name: str) -> CodeSystem:
        """The system of that id.

        Raises:
            UnknownCodeSystemError: if there is none.
        """
        if name in self.systems:
            return self.systems[name]
        raise UnknownCodeSystemError(
            f"There is no code system '{name}'.",
            value=name,
            limit=", ".join(self.systems),
            remedy="GET /codes/systems lists them.",
        )

    def read(self, text: str, system: str | None = None) -> list[CodeReading]:
        """Every reading of a code in every system that has codes of its form, or in one system.

        Letters may be small, blanks around it are not read.

        Raises:
            UnknownCodeSystemError: if `system` is none.
            UnknownCodeError: if no system has codes of this form.
            BadCodeError: if its form is right, but its numbers are out of range in every system.
        """
        code = text.strip().upper()[:LONGEST_CODE]
        if system is not None:
            return self.system(system).read(code)
        candidates = [known for known in self.systems.values() if known.recognises(code)]
        readings, faults = [], []
        for known in candidates:
            try:
                readings += known.read(code)
            except BadCodeError as error:
                faults.append(error)
        if readings:
            return readings
        if faults:
            raise faults[0]
        raise UnknownCodeError(
            "No code system has codes of this form.",
            value=text,
            limit="; ".join(f"{known.id}: {known.form.en}" for known in self.systems.values()),
            remedy="Check the code; GET /codes/systems shows an example of each.",
        )


def code_systems(classes: ClassCatalogue) -> CodeSystems:
    """All systems, with the component and matter classes of a catalogue."""
    made = (_sheets(), _beidou(), _beidou_3d(), _divisions(), _unit_grid(), _components(classes), _matters(classes))
    return CodeSystems(MappingProxyType({system.id: system for system in made}))


def _sheets() -> CodeSystem:
    def read(code: str) -> list[CodeReading]:
        columns, rows, scale = sheets.decode([code])
        box = scale.grid.bounds(int(columns[0]), int(rows[0]))
        title = LocalText(f"{scale.title} 图幅 {code}", f"Map sheet {code}, {scale.title}")
        details = {
            "scale": scale.title,
            "scale_letter": scale.letter,
            "denominator": scale.denominator,
            "neighbours": sheets.neighbours(code),
        }
        return [CodeReading("sheet", code, title, shapely.box(*box.as_tuple()), details=details)]

    return _System(
        "sheet",
        LocalText("国家基本比例尺图幅号", "National map sheets"),
        scale_table().standard,
        LocalText("J51 或 J51G090001、J51J10760007", "J51, or J51G090001, J51J10760007"),
        "J51G090001",
        re.compile(r"[A-V]\d\d(?:[B-I]\d{6}|[JK]\d{8})?", re.ASCII),
        read,
    )


def _beidou() -> CodeSystem:
    def read(code: str) -> list[CodeReading]:
        box = beidou.cell(code)
        level = BY_LENGTH[len(code)]
        title = LocalText(
            f"北斗网格位置码 {code}，第{level.number}级 {level.size.zh}",
            f"BeiDou grid cell {code}, level {level.number}, {level.size.en}",
        )
        details = {"level": level.number, "cell_size": level.size.zh}
        return [CodeReading("beidou", code, title, shapely.box(*box.as_tuple()), details=details)]

    return _System(
        "beidou",
        LocalText("北斗网格位置码（二维）", "BeiDou grid codes, plane"),
        "GB/T 39409-2020",
        LocalText(
            f"N51J 至 20 位（{'、'.join(map(str, BY_LENGTH))} 位）",
            f"N51J up to 20 characters ({', '.join(map(str, BY_LENGTH))})",
        ),
        "N51J002250D",
        re.compile(rf"[NS]\d\d[A-V](?:{'|'.join(f'[0-9A-F]{{{n - 4}}}' for n in BY_LENGTH if n > 4)})?", re.ASCII),
        read,
    )


def _beidou_3d() -> CodeSystem:
    def read(code: str) -> list[CodeReading]:
        cell = beidou_3d.cell(code)
        title = LocalText(
            f"北斗三维网格位置码 {code}，第{cell.level}级，大地高 {cell.low_m:.2f} 至 {cell.high_m:.2f} m",
            f"BeiDou grid cell {code}, level {cell.level}, {cell.low_m:.2f} to {cell.high_m:.2f} m above the ellipsoid",
        )
        geometry = shapely.box(*cell.bounds.as_tuple())
        details = {"level": cell.level}
        return [CodeReading("beidou-3d", code, title, geometry, (cell.low_m, cell.high_m), details)]

    return _System(
        "beidou-3d",
        LocalText("北斗网格位置码（三维）", "BeiDou grid codes with height"),
        "GB/T 39409-2020",
        LocalText("N051J00 至 32 位", f"N051J00 up to 32 characters ({', '.join(map(str, BY_LENGTH_3D))})"),
        "N051J00000202500D000206364131414",
        re.compile(rf"[NS][01]\d\d[A-V](?:{'|'.join(f'[0-9A-F]{{{n - 5}}}' for n in BY_LENGTH_3D)})", re.ASCII),
        read,
    )


def _divisions() -> CodeSystem:
    def read(code: str) -> list[CodeReading]:
        known = parse_division_code(code)
        title = LocalText(f"{known.kind.zh} {code}", f"{known.kind.en} {code}")
        details = {
            "level": known.level,
            "kind": known.kind.to_dict(),
            "chain": list(known.chain),
            "statistical": known.statistical,
        }
        return [CodeReading("division", code, title, details=details)]

    return _System(
        "division",
        LocalText("行政区划代码", "Administrative divisions"),
        "GB/T 2260; GB/T 10114",
        LocalText(
            "6 位（省、地、县）、9 位（乡镇街道）、12 位（村居）",
            "6 digits (county and above), 9 (town), 12 (community)",
        ),
        "370281001",
        re.compile(r"\d{6}(?:\d{3}){0,2}", re.ASCII),
        read,
    )


def _unit_grid() -> CodeSystem:
    def read(code: str) -> list[CodeReading]:
        made = parse_unit_grid_id(code)
        title = LocalText(f"单元网格 {code}", f"Unit grid cell {code}")
        details = {
            "county": made.county,
            "town": made.town_code,
            "community": made.community_code,
            "sequence": made.sequence,
        }
        return [CodeReading("unit-grid", code, title, details=details)]

    return _System(
        "unit-grid",
        LocalText("单元网格标识码", "Unit grid cells"),
        "GB/T 30428.1; GB/T 47678.3-2026",
        LocalText("15 位：6 区县 + 3 街道 + 3 社区 + 3 顺序", "15 digits: county 6, town 3, community 3, sequence 3"),
        "370281001001001",
        re.compile(r"\d{15}", re.ASCII),
        read,
    )


def _components(classes: ClassCatalogue) -> CodeSystem:
    return _System(
        "component",
        LocalText("管理部件标识码", "City components"),
        "GB/T 30428.2-2013; GB/T 47678.5-2026",
        LocalText("17 位（2026）或 16 位（2013）", "17 digits (2026) or 16 (2013)"),
        "37028101037000001",
        re.compile(r"\d{16,17}", re.ASCII),
        lambda code: _classed(code, Kind.COMPONENT, classes),
    )


def _matters(classes: ClassCatalogue) -> CodeSystem:
    return _System(
        "matter",
        LocalText("管理事项代码", "Classes of matters"),
        "GB/T 47678.5-2026",
        LocalText("11 位：6 区县 + 2 大类 + 3 小类", "11 digits: county 6, major 2, minor 3"),
        "37028106010",
        re.compile(r"\d{11}", re.ASCII),
        lambda code: _classed(code, Kind.MATTER, classes),
    )


def _classed(code: str, kind: Kind, classes: ClassCatalogue) -> list[CodeReading]:
    readings = []
    for reading in parse_classed_ids(code, kind, classes):
        known = reading.code_class(classes)
        name = LocalText("未知类别", "class not known") if known is None else known.name
        what = LocalText("部件", "Component") if kind is Kind.COMPONENT else LocalText("事项", "Matter")
        details = {
            "edition": reading.form.edition,
            "county": reading.county,
            "major": reading.major,
            "minor": reading.minor,
            "sequence": reading.sequence or None,
            "class": None if known is None else known.to_dict(),
            "findings": [finding.to_dict() for finding in check_classed_id(reading, classes)],
        }
        title = LocalText(f"{what.zh} {code}：{name.zh}", f"{what.en} {code}: {name.en}")
        readings.append(CodeReading(kind.value, code, title, details=details))
    return readings
