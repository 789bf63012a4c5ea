"""Rows of a file made ready for the store: ids, geometries in CGCS2000, values of the schema's types.

Work is done on whole columns; only what fails is looked at row by row. A row that cannot be taken is counted with its
reason and left out; the rows around it go on.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from layers.column_plan import ColumnPlan, PlannedColumn
from layers.import_report import MAX_EXAMPLES, ReasonTally
from layers.row_dates import count_unlikely
from layers.row_validity import RowValidity
from twin.bounds import Bounds
from twin.crs import CRS, is_same_place, to_cgcs2000
from twin.crs_area import area_in_words, beyond_validity
from twin.feature import FeatureBatch
from twin.formats.port import RowBatch
from twin.geometry import check_geometries
from twin.schema import PropertyType
from twin.text import LocalText
from twin.validity import ValidityLimits

log = logging.getLogger(__name__)
ROW_NUMBER = "row number"
OUTSIDE = LocalText("位置在本市之外，该行已保留。", "The place lies outside the city; the row was kept.")
OUTSIDE_REMEDY = LocalText(
    "如属于本市，请核对坐标系和坐标轴顺序。", "Check the CRS and the order of the axes if these belong to the city."
)
HOPELESS = LocalText(
    "请在源数据中修正该多边形：修复后不剩本图层几何类型的内容。",
    "Mend the ring in the source: nothing of the layer's geometry type is left of it.",
)
UNREADABLE = LocalText("几何数据无法读取。", "The geometry cannot be read.")


@dataclass
class RowPreparer:
    """Prepares one batch after the other and remembers what it met.

    Attributes:
        plan: Which column fills which property.
        crs: CRS of the file's coordinates, east or longitude first.
        repair: Mend invalid rings and count them, instead of refusing the rows.
        check_codes: Refuse rows whose coded values are not in the schema.
        watch: Shown the geometries of every batch as delivered, before anything is done to them.
        city: Box beyond which rows are kept and counted as outside; None counts nothing.
        limits: Which dates are believed; others are counted and kept.
        rows, repaired, bounds, rejected, altered: What was met so far; outside: the same of what was kept though it is odd.
    """

    plan: ColumnPlan
    crs: CRS
    repair: bool = True
    check_codes: bool = True
    watch: Callable[[npt.NDArray[np.object_]], None] | None = None
    city: Bounds | None = None
    limits: ValidityLimits = field(default_factory=ValidityLimits)
    rows: int = 0
    repaired: int = 0
    bounds: Bounds | None = None
    rejected: ReasonTally = field(default_factory=ReasonTally)
    altered: ReasonTally = field(default_factory=ReasonTally)
    outside: ReasonTally = field(default_factory=ReasonTally)
    _seen: set[str] = field(default_factory=set)
    _validity: RowValidity | None = None

    def __post_init__(self) -> None:
        if self.plan.validity is not None:
            self._validity = RowValidity(*self.plan.validity, self.limits)

    def prepare(self, batch: RowBatch) -> FeatureBatch:
        """The rows of `batch` that can be taken, ready for `LayerWriter.upsert`."""
        self.rows += len(batch) + len(batch.rejected)
        for refused in batch.rejected:
            self.rejected.add(refused.reason, refused.row, refused.value)
        for alteration in batch.alterations:
            self.altered.add_count(f"{alteration.property}: {alteration.reason}", alteration.count)
        keep = np.ones(len(batch), dtype=bool)
        columns = {column.property.name: self._values(column, batch, keep) for column in self.plan.columns}
        geometries, wkb = self._geometries(batch, keep)
        ids = self._ids(batch, keep)
        held = [] if self._validity is None else self._validity.read(batch, ids, keep, self._refuse)
        self._grow(geometries[keep])
        self._count_outside(geometries, batch, keep)
        for column in self.plan.columns:
            if column.property.type in (PropertyType.DATE, PropertyType.DATETIME):
                name, now = column.property.name, datetime.now(UTC)
                count_unlikely(name, columns[name], batch.rows, keep, self.limits, now, self.outside)
        if not keep.all():
            wkb, ids = list(compress(wkb, keep)), list(compress(ids, keep))
            columns = {name: list(compress(values, keep)) for name, values in columns.items()}
            held = list(compress(held, keep)) if held else []
        starts, ends = [validity.start for validity in held], [validity.end for validity in held]
        fids = np.zeros(len(ids), dtype=np.int64)
        prepared = FeatureBatch(self.plan.schema, fids, ids, wkb, columns, valid_from=starts, valid_to=ends)
        vars(prepared)["geometries"] = geometries[keep]  # its cached property: the store need not parse them again
        return prepared

    def _refuse(
        self,
        keep: npt.NDArray[np.bool_],
        batch: RowBatch,
        i: int,
        reason: str | LocalText,
        value: object,
        remedy: str | LocalText,
    ) -> None:
        """Count a row once, by the first reason found."""
        if keep[i]:
            self.rejected.add(reason, batch.rows[i], value, remedy)
            keep[i] = False

    def _values(self, column: PlannedColumn, batch: RowBatch, keep: npt.NDArray[np.bool_]) -> Sequence[Any]:
        name = column.property.name
        if column.source is None:
            values: Sequence[Any] = [None] * len(batch)
        else:
            values = batch.columns[column.source]
            if column.convert is not None:
                values = self._converted(column, values, batch, keep)
        if column.property.type is PropertyType.STRING:
            values = self._keepable(name, values)
        if self.check_codes and column.allowed and not (set(values) <= column.allowed | {None}):
            remedy = "Use one of the codes in the layer's schema, or add the code to it."
            for i, value in enumerate(values):
                if value is not None and value not in column.allowed:
                    self._refuse(keep, batch, i, f"{name}: not one of the property's codes", value, remedy)
        if column.property.required and None in values:
            for i, value in enumerate(values):
                if value is None:
                    self._refuse(keep, batch, i, f"{name}: required, but there is no value", "", "Fill the value in.")
        return values

    def _keepable(self, name: str, values: Sequence[Any]) -> Sequence[Any]:
        """Texts without the characters that no database keeps: NUL and halves of surrogate pairs; the changes are counted."""
        if is_keepable("".join(value for value in values if value is not None)):
            return values
        kept = [value if value is None else _without_unkeepable(value) for value in values]
        changed = sum(a != b for a, b in zip(values, kept, strict=True))
        self.altered.add_count(f"{name}: characters that cannot be kept were left out", changed)
        return kept

    def _converted(
        self, column: PlannedColumn, values: Sequence[Any], batch: RowBatch, keep: npt.NDArray[np.bool_]
    ) -> list[Any]:
        convert = column.convert
        assert convert is not None
        try:
            return [convert(value) for value in values]
        except (ValueError, TypeError, OverflowError):
            log.debug("column %s holds values that need a look one by one", column.source)
        converted: list[Any] = []
        reason = f"{column.property.name}: not a value of type {column.property.type.value}"
        for i, value in enumerate(values):
            try:
                converted.append(convert(value))
            except (ValueError, TypeError, OverflowError):
                converted.append(None)
                self._refuse(keep, batch, i, reason, value, "Correct the value, or change the type in the schema.")
        return converted

    def _geometries(
        self, batch: RowBatch, keep: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.object_], Sequence[bytes | None]]:
        """The geometries in CGCS2000 and their WKB, both of the batch's length; rows that fail are struck from `keep`."""
        given = np.empty(len(batch), dtype=object)
        given[:] = batch.wkb
        parsed = shapely.from_wkb(given, on_invalid="ignore")
        for i in np.flatnonzero(shapely.is_missing(parsed) & (given != None)):  # noqa: E711 (element by element)
            self._refuse(keep, batch, int(i), UNREADABLE, "", "Mend the geometry in the source.")
        if self.watch is not None:
            self.watch(parsed)
        moved = self._within_validity(parsed, to_cgcs2000(parsed, self.crs), batch, keep)
        checked = check_geometries(moved, self.plan.schema.geometry_type, repair=self.repair)
        for fault in checked.faults:
            reason, value = _general(fault.problem), fault.problem
            remedy: str | LocalText = HOPELESS if self.repair and fault.code == "invalid" else fault.remedy
            self._refuse(keep, batch, fault.row, reason, value, remedy)
        self.repaired += len(checked.repaired)
        return checked.geometries, _as_wkb(given, parsed, checked.geometries, same_place=is_same_place(self.crs))

    def _within_validity(
        self,
        given: npt.NDArray[np.object_],
        moved: npt.NDArray[np.object_],
        batch: RowBatch,
        keep: npt.NDArray[np.bool_],
    ) -> npt.NDArray[np.object_]:
        """The moved geometries without those that fell outside the area where the file's CRS is valid."""
        if is_same_place(self.crs):
            return moved
        beyond = beyond_validity(given, moved, self.crs)
        if not beyond.any():
            return moved
        reason = f"The place lies outside the area where {self.crs.name} is valid{area_in_words(self.crs)}."
        remedy = "Check the CRS: zone, central meridian, easting before northing, metres."
        for i in np.flatnonzero(beyond):
            x, y = shapely.bounds(given[i])[:2]
            self._refuse(keep, batch, int(i), reason, f"{x:.10g}, {y:.10g}", remedy)
        within = moved.copy()
        within[beyond] = None
        return within

    def _grow(self, geometries: npt.NDArray[np.object_]) -> None:
        box = shapely.total_bounds(geometries) if len(geometries) else np.full(4, np.nan)
        if np.isfinite(box).all():
            self.bounds = Bounds(*(float(v) for v in box)).union(self.bounds)

    def _count_outside(self, geometries: npt.NDArray[np.object_], batch: RowBatch, keep: npt.NDArray[np.bool_]) -> None:
        """Count the good rows that lie wholly outside the city; looked at one by one only where the batch leaves it."""
        if self.city is None or not keep.any():
            return
        west, south, east, north = shapely.total_bounds(geometries[keep])
        city = self.city
        if west >= city.west and south >= city.south and east <= city.east and north <= city.north:
            return
        box = shapely.bounds(geometries)
        with np.errstate(invalid="ignore"):
            apart = (
                (box[:, 2] < city.west) | (box[:, 0] > city.east) | (box[:, 3] < city.south) | (box[:, 1] > city.north)
            )
        rows = np.flatnonzero(apart & keep)
        for i in rows[:MAX_EXAMPLES]:
            self.outside.add(OUTSIDE, batch.rows[i], f"{box[i, 0]:.6g}, {box[i, 1]:.6g}", OUTSIDE_REMEDY)
        self.outside.add_count(OUTSIDE, len(rows[MAX_EXAMPLES:]))

    def _ids(self, batch: RowBatch, keep: npt.NDArray[np.bool_]) -> Sequence[str | None]:
        if self.plan.id_column is not None:
            ids = [_id_text(value) for value in batch.columns[self.plan.id_column]]
            for i, value in enumerate(ids):
                if value is None:
                    reason = f"{self.plan.id_column}: holds the ids, but there is no value"
                    self._refuse(keep, batch, i, reason, "", "Give every row an id of its own.")
            self._refuse_repeated(ids, batch, keep)
            return ids
        if batch.ids is None:
            return list(map(str, batch.rows))
        named = [f"row-{row}" if id_ is None else id_ for id_, row in zip(batch.ids, batch.rows, strict=True)]
        self._refuse_repeated(named, batch, keep)
        return named

    def _refuse_repeated(self, ids: Sequence[str | None], batch: RowBatch, keep: npt.NDArray[np.bool_]) -> None:
        if not is_keepable("".join(id_ for id_ in ids if id_ is not None)):
            for i, id_ in enumerate(ids):
                if id_ is not None and not is_keepable(id_):
                    self._refuse(
                        keep, batch, i, "The id holds a character that cannot be kept.", repr(id_), "Correct the id."
                    )
        if self._validity is not None:
            return  # rows of one id are slices of one feature: `RowValidity` looks whether they overlap
        fresh = {id_ for id_ in ids if id_ is not None}
        if len(fresh) != len(ids) or not self._seen.isdisjoint(fresh):
            met: set[str] = set()
            for i, id_ in enumerate(ids):
                if id_ is not None and keep[i]:
                    if id_ in met or id_ in self._seen:
                        remedy = "Ids must be unique in a file; the first row of each id is taken."
                        self._refuse(keep, batch, i, "The id occurs more than once.", id_, remedy)
                    met.add(id_)
        self._seen |= fresh


def is_keepable(text: str) -> bool:
    """Whether both stores can keep `text` as it is."""
    if "\x00" in text:
        return False
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _without_unkeepable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "ignore").decode("utf-8")


def _id_text(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = "" if value is None else str(value).strip()
    return text or None


def _general(problem: str) -> str:
    """The reason without the row's own numbers, so that equal faults are counted together."""
    if problem.startswith("Coordinates "):
        return "The coordinates are not degrees of longitude and latitude."
    head, _, detail = problem.partition(": ")
    return f"{head}: {detail.split('[')[0].strip()}." if detail else problem


def _as_wkb(
    given: npt.NDArray[np.object_],
    parsed: npt.NDArray[np.object_],
    final: npt.NDArray[np.object_],
    *,
    same_place: bool,
) -> list[bytes | None]:
    """ISO WKB, little-endian, of the final geometries; the given bytes themselves wherever nothing changed them."""
    plain = same_place and not shapely.has_z(parsed).any() and not shapely.has_m(parsed).any()
    if plain and not shapely.get_srid(parsed).clip(min=0).any() and {w[0] for w in given if w is not None} <= {1}:
        changed = np.fromiter((a is not b for a, b in zip(parsed, final, strict=True)), dtype=bool, count=len(final))
        wkb = given if not changed.any() else given.copy()
        if changed.any():
            wkb[changed] = shapely.to_wkb(final[changed], output_dimension=3, byte_order=1, flavor="iso")
        return list(wkb)
    return list(shapely.to_wkb(final, output_dimension=3, byte_order=1, flavor="iso"))
