"""One run: layers, their rules, and a plane to measure in → a report. Reads the store, writes nothing."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import shapely

from twin.crs import CGCS2000, CRS, crs_uri, parse_crs, transform_geometries
from twin.store.port import LayerRecord, Store
from twin.topology.conflicts import check_conflicts, check_inside
from twin.topology.coverage import check_coverage
from twin.topology.duplicates import check_duplicates
from twin.topology.faults import Faults, TopologyFinding, finding
from twin.topology.kinds import Severity
from twin.topology.network import check_network
from twin.topology.overlaps import find_overlaps
from twin.topology.report import LayerOutcome, TopologyReport
from twin.topology.rules import (
    Check,
    ConflictsCheck,
    CoverageCheck,
    DuplicatesCheck,
    GeometryCheck,
    InsideCheck,
    NetworkCheck,
    OverlapsCheck,
    RuleSet,
    Selection,
)
from twin.topology.sheet import Sheet, Window, lon_lat, plane_of, read_sheet, windows_of
from twin.topology.validity import check_geometry

Progress = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run.

    Attributes:
        plane: The city's system in metres; layers far from its area of use are measured in their own UTM zone.
        listed: At most so many findings of each rule and kind are listed; all are counted.
        rows: Features held at a time; a larger layer is judged window by window (its gaps: all at once).
    """

    plane: CRS
    listed: int = 5_000
    rows: int = 150_000


def check_layers(
    store: Store,
    records: Sequence[LayerRecord],
    rules: RuleSet,
    options: RunOptions,
    *,
    at: datetime,
    others: Sequence[LayerRecord] = (),
    progress: Progress | None = None,
) -> TopologyReport:
    """Judge layers by their rules; layers without rules get the checks that need none (geometry, duplicates).

    Args:
        records: The layers to judge.
        at: The time of the run, for the report.
        others: Layers that a rule may read beside its own. One that names any other is skipped as if there were none such,
            because findings give away ids and places of both.
        progress: Called with a layer's id and the name of the check that begins.
    """
    outcomes, findings = [], []
    for record in records:
        known = {other.id: other for other in (*others, record)}
        run = _LayerRun(store, record, known, options, progress)
        outcomes.append(run.judge(rules.get(record.id, _WITHOUT_RULES)))
        findings += run.findings
    return TopologyReport(at, crs_uri(options.plane), tuple(outcomes), tuple(findings))


_WITHOUT_RULES: tuple[Check, ...] = (GeometryCheck(), DuplicatesCheck())
_NAMES = {
    GeometryCheck: "geometry",
    DuplicatesCheck: "duplicates",
    OverlapsCheck: "overlaps",
    CoverageCheck: "coverage",
    NetworkCheck: "network",
    ConflictsCheck: "conflicts",
    InsideCheck: "inside",
}


@dataclass
class _LayerRun:
    """One layer on its way through its checks."""

    store: Store
    record: LayerRecord
    known: Mapping[str, LayerRecord]
    options: RunOptions
    progress: Progress | None
    findings: list[TopologyFinding] = field(default_factory=list)
    counts: Counter[tuple[str, Severity]] = field(default_factory=Counter)
    listed: Counter[tuple[int, str]] = field(default_factory=Counter)
    dead_ends: int = 0
    excused_ends: int = 0

    def judge(self, checks: Sequence[Check]) -> LayerOutcome:
        started = time.perf_counter()
        self.plane = plane_of(self.record.bounds, self.options.plane)
        runnable, skipped = [], []
        for check in checks:
            missing = [layer for layer in _layers_read(check) if layer not in self.known]
            if missing:
                skipped.append(f"{_NAMES[type(check)]}: there is no layer '{missing[0]}'")
            else:
                runnable.append(check)
        whole = [(n, c) for n, c in enumerate(runnable) if isinstance(c, CoverageCheck)]
        local = [(n, c) for n, c in enumerate(runnable) if not isinstance(c, CoverageCheck)]
        for number, check in whole:
            self._tell("coverage")
            sheet = read_sheet(self.store, self.record, self.plane, where=check.where)
            boundary = None if check.boundary is None else self._area(check.boundary)
            self._take(number, check, check_coverage(sheet, check, boundary), Window(None, None))
        if local:
            self._judge_windows(local)
        return LayerOutcome(
            self.record.id,
            self.record.version,
            self.record.feature_count,
            tuple(_NAMES[type(check)] for check in runnable),
            tuple(skipped),
            dict(self.counts),
            self.dead_ends,
            self.excused_ends,
            time.perf_counter() - started,
        )

    def _judge_windows(self, checks: list[tuple[int, Check]]) -> None:
        areas = {
            number: self._area(selection) for number, check in checks if (selection := _area_of(check)) is not None
        }
        names = [name for _, check in checks for name in _properties_read(check)]
        digests = any(isinstance(c, DuplicatesCheck) or getattr(c, "pseudo_nodes", False) for _, c in checks)
        reach_m = max(check.reach_m for _, check in checks)
        for window in windows_of(self.record, self.options.rows, reach_m):
            sheet = read_sheet(
                self.store, self.record, self.plane, properties=names, bounds=window.halo, digests=digests
            )
            for number, check in checks:
                self._tell(_NAMES[type(check)])
                found = self._local(sheet.where(check.where), check, areas.get(number), window)
                self._take(number, check, found, window)

    def _local(
        self,
        sheet: Sheet,
        check: Check,
        area: shapely.Geometry | None,
        window: Window,
    ) -> Iterable[Faults]:
        if isinstance(check, GeometryCheck):
            return check_geometry(sheet, check)
        if isinstance(check, DuplicatesCheck):
            return check_duplicates(sheet, check)
        if isinstance(check, OverlapsCheck):
            return find_overlaps(sheet, check.min_area_m2, check.sliver_width_m)
        if isinstance(check, ConflictsCheck):
            other = read_sheet(
                self.store,
                self.known[check.other],
                self.plane,
                properties=tuple(check.excuse),
                where=check.other_where,
                bounds=window.halo or self.record.bounds,
            )
            return check_conflicts(sheet, other, check)
        if isinstance(check, InsideCheck):
            assert area is not None
            return () if shapely.is_empty(area) else check_inside(sheet, area, check)
        assert isinstance(check, NetworkCheck)
        outcome = check_network(sheet, check, area)
        self.dead_ends += outcome.dead_ends
        self.excused_ends += outcome.excused_at_border
        return outcome.faults

    def _area(self, selection: Selection) -> shapely.Geometry:
        """The features of a selection as one area in metres."""
        sheet = read_sheet(self.store, self.known[selection.layer], self.plane, where=selection.where)
        return shapely.union_all(sheet.sound[sheet.areal])

    def _take(self, number: int, check: Check, found: Iterable[Faults], window: Window) -> None:
        """Count the faults that are this window's, and put the first of them into words."""
        for columns in found:
            mine = _owned(columns, window, self.plane)
            if len(mine) == 0:
                continue
            severity = check.severity_of(mine.kind)
            self.counts[mine.kind, severity] += len(mine)
            room = self.options.listed - self.listed[number, mine.kind]
            shown = mine.take(np.arange(min(len(mine), max(0, room))))
            self.listed[number, mine.kind] += len(shown)
            places = transform_geometries(shown.geometries, self.plane, parse_crs(CGCS2000))
            self.findings += [finding(shown, row, self.record.id, severity, place) for row, place in enumerate(places)]

    def _tell(self, name: str) -> None:
        if self.progress is not None:
            self.progress(self.record.id, name)


def _owned(columns: Faults, window: Window, plane: CRS) -> Faults:
    """The faults whose first vertex lies in the window's core: every fault is exactly one window's.

    A fault lies on the features it is about, so that the window that owns it has read them.
    """
    if window.core is None or len(columns) == 0:
        return columns
    placed = np.flatnonzero(~shapely.is_missing(columns.geometries))
    coordinates, index = shapely.get_coordinates(columns.geometries[placed], return_index=True)
    _, first = np.unique(index, return_index=True)
    lons, lats = lon_lat(coordinates[first], plane)
    return columns.take(placed[window.owns(lons, lats)])


def _layers_read(check: Check) -> list[str]:
    """Other layers a check needs."""
    area = _area_of(check)
    boundary = check.boundary if isinstance(check, CoverageCheck) else None
    named = [selection.layer for selection in (area, boundary) if selection is not None]
    return [*named, *((check.other,) if isinstance(check, ConflictsCheck) else ())]


def _area_of(check: Check) -> Selection | None:
    if isinstance(check, InsideCheck):
        return check.boundary
    return check.border if isinstance(check, NetworkCheck) else None


def _properties_read(check: Check) -> list[str]:
    """Properties of the judged layer that a check looks at."""
    names = [*check.where]
    if isinstance(check, NetworkCheck):
        names += check.levels
    if isinstance(check, ConflictsCheck):
        names += check.excuse
    return names
