"""Surveyed points out of a file or a layer: their columns found by name, their coordinates in the scene's system, nothing converted
that cannot be.

Columns, without regard to case and underscores: `id` or 点号, `name` or 点名, `h` (`z`, `height`, 高程); where the same point was
measured in the scene: `scene_x`, `scene_y`, `scene_h` (`measured_…`, 模型…), in the same system. A point of three coordinates carries its
height itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from layers.policy import Actor, require_readable
from layers.scenes.desk import SceneDesk
from scenes3d.accuracy.points import ControlPoints
from scenes3d.sources.reference import Said, Stated, resolve
from twin.crs import CGCS2000
from twin.ellipsoid import Floats
from twin.errors import BadData, TooLargeError, UnreadableFileError, VerticalDatumError
from twin.files import file_sha256
from twin.query import FeatureQuery
from twin.vertical import vertical_datum_title

MOST_POINTS = 10_000
_IDS = ("id", "点号", "pointid", "no", "编号", "序号")
_NAMES = ("name", "点名", "名称", "pointname")
_HEIGHTS = ("h", "z", "height", "heightm", "elevation", "高程", "hm", "zm", "高程m")
_MEASURED = {
    axis: tuple(prefix + word for prefix in ("scene", "measured", "model", "模型", "量测") for word in words)
    for axis, words in (
        ("x", ("x", "lon", "easting", "经度")),
        ("y", ("y", "lat", "northing", "纬度")),
        ("h", ("h", "z", "height", "高程")),
    )
}
_NOISE = re.compile(r"[\s_\-()（）.]+")


class BadControlPointsError(BadData):
    """Points of a survey that cannot be compared with a scene."""

    code = "bad-control-points"


@dataclass(frozen=True, slots=True)
class ControlWish:
    """How a survey is to be read.

    Attributes:
        file: The file; None where `layer` names a layer.
        name: Of the file, where the path is a spooled upload.
        crs, vertical_datum: Of its coordinates, over what it says itself.
        height: Column of the heights; None looks for one.
    """

    file: Path | None = None
    layer: str | None = None
    name: str | None = None
    crs: str | None = None
    vertical_datum: str | None = None
    height: str | None = None


@dataclass(frozen=True)
class Survey:
    """The points, and what is told of where they come from."""

    points: ControlPoints
    source: dict[str, Any]


@dataclass(frozen=True)
class _Rows:
    ids: Sequence[str | None]
    geometry: Sequence[bytes | None]
    columns: Mapping[str, Sequence[Any]]


def read_survey(desk: SceneDesk, wish: ControlWish, scene_datum: str, actor: Actor) -> Survey:
    """The points of a file or a layer, in the system of a scene.

    Raises:
        UnreadableFileError, MissingCRSError, UnknownCRSError: from the file.
        UnknownLayerError: if there is no such layer, or `actor` may not read it.
        VerticalDatumError: if heights count from another datum than the scene's, or nobody says from which.
        BadControlPointsError: if there is no point, or something is no point, or no number.
        TooLargeError: if there are more than `MOST_POINTS`.
    """
    if wish.file is not None:
        rows, said, source = _of_file(wish.file, wish)
    else:
        assert wish.layer is not None
        rows, said, source = _of_layer(desk, wish.layer, actor)
    count = len(rows.geometry)
    xyz = _places(rows.geometry)
    heights = _column(rows.columns, (wish.height,) if wish.height else _HEIGHTS, required=wish.height is not None)
    surveyed = xyz[:, 2] if heights is None else _numbers(heights, "h")
    measured = np.full((count, 3), np.nan)
    for place, axis in enumerate("xyh"):
        if (values := _column(rows.columns, _MEASURED[axis])) is not None:
            measured[:, place] = _numbers(values, f"scene_{axis}")
    has_heights = bool(np.isfinite(surveyed).any())
    stated = Stated(wish.crs if wish.file else None, wish.vertical_datum if has_heights else scene_datum)
    sample = (float(xyz[0, 0]), float(xyz[0, 1]), float(surveyed[0]))
    reference = resolve(said, stated, source["name"], sample)
    if reference.vertical_datum != scene_datum:
        raise _other_datum(reference.vertical_datum, scene_datum)
    lon, lat, height = reference.place(xyz[:, 0], xyz[:, 1], surveyed)
    seen = np.full((count, 3), np.nan)
    if (known := np.isfinite(measured[:, :2]).all(axis=1)).any():
        seen[known, 0], seen[known, 1], _ = reference.place(
            measured[known, 0], measured[known, 1], np.zeros(known.sum())
        )
    _, _, seen[:, 2] = reference.place(xyz[:, 0], xyz[:, 1], measured[:, 2])
    ids = _ids(rows, count)
    names = _column(rows.columns, _NAMES)
    named = tuple("" if value is None else str(value)[:200] for value in names) if names else ("",) * count
    points = ControlPoints(ids, named, lon, lat, height, seen)
    return Survey(points, source | reference.to_document() | {"points": count})


def _of_file(file: Path, wish: ControlWish) -> tuple[_Rows, Said, dict[str, Any]]:
    from twin.formats.reading import open_source  # with the first file: readers bring pandas, pyarrow and GDAL

    ids: list[str | None] = []
    geometry: list[bytes | None] = []
    with open_source(file, crs=wish.crs) as opened:
        info = opened.info
        columns: dict[str, list[Any]] = {entry.name: [] for entry in info.properties}
        for batch in opened.batches():
            if batch.rejected:
                bad = batch.rejected[0]
                raise BadControlPointsError(
                    f"控制点文件第 {bad.row} 行无法读取。Row {bad.row} cannot be read: {bad.reason}.",
                    value=bad.value,
                    limit="every point can be read",
                    remedy="Correct the row, or take it out.",
                )
            ids += batch.ids or [None] * len(batch.wkb)
            geometry += batch.wkb
            for name, column in columns.items():
                column.extend(batch.columns[name])
            _require_few(len(geometry))
    name = wish.name or file.name
    source = {"file": name, "name": name, "sha256": file_sha256(file)}
    return _Rows(ids, geometry, columns), Said(info.crs), source


def _of_layer(desk: SceneDesk, layer_id: str, actor: Actor) -> tuple[_Rows, Said, dict[str, Any]]:
    require_readable(desk.policy, actor, layer_id)
    record = desk.store.layer(layer_id)
    batch = desk.store.select(layer_id, FeatureQuery(limit=MOST_POINTS + 1, as_of=record.version))
    _require_few(len(batch))
    said = Said(CGCS2000, record.document.get("vertical_datum"))
    source = {"layer": layer_id, "name": layer_id, "version": record.version}
    return _Rows(batch.ids, batch.wkb, batch.columns), said, source


def _places(geometry: Sequence[bytes | None]) -> Floats:
    """x, y and z, float64 (n, 3); z is NaN where a point has none."""
    if not geometry:
        raise BadControlPointsError(
            "没有控制点。There is no point to check.", value=0, limit="at least one", remedy="Give a file with points."
        )
    shapes = shapely.from_wkb(list(geometry))
    bad = [row for row, shape in enumerate(shapes) if shape is None or shape.geom_type != "Point" or shape.is_empty]
    if bad:
        found = "nothing" if shapes[bad[0]] is None else shapes[bad[0]].geom_type
        raise BadControlPointsError(
            "控制点必须是点。Control points are points.",
            value=f"row {bad[0] + 1}: {found}",
            limit="Point",
            remedy="Give x and y of every point, or GeoJSON of points.",
        )
    return np.asarray(shapely.get_coordinates(shapes, include_z=True))


def _column(
    columns: Mapping[str, Sequence[Any]], words: Sequence[str], *, required: bool = False
) -> Sequence[Any] | None:
    """The first column that is called one of these."""
    plain = {_plain(name): name for name in columns}
    found = next((plain[_plain(word)] for word in words if _plain(word) in plain), None)
    if found is None and required:
        raise UnreadableFileError(
            "没有此列。There is no such column.", value=words[0], limit=", ".join(columns) or "none", remedy="Name one."
        )
    return None if found is None else columns[found]


def _plain(name: str) -> str:
    return _NOISE.sub("", name).casefold()


def _numbers(values: Sequence[Any], name: str) -> Floats:
    found = np.full(len(values), np.nan)
    for row, value in enumerate(values):
        if value is None or value == "":
            continue
        try:
            found[row] = float(value)
        except (TypeError, ValueError):
            found[row] = np.inf
        if not np.isfinite(found[row]):
            raise BadControlPointsError(
                f"第 {row + 1} 行的 {name} 不是数。This is no number.",
                value=f"row {row + 1}, {name}: {value}",
                limit="a number, or nothing where it is not known",
                remedy="Correct the row.",
            )
    return found


def _ids(rows: _Rows, count: int) -> tuple[str, ...]:
    column = _column(rows.columns, _IDS) or [None] * count
    ids = tuple(
        str(value if value is not None else own if own is not None else row + 1)[:200]
        for row, (value, own) in enumerate(zip(column, rows.ids, strict=True))
    )
    if len(set(ids)) < count:
        twice = next(name for name in ids if ids.count(name) > 1)
        raise BadControlPointsError(
            "点号重复。Two points have the same id.", value=twice, limit="one id each", remedy="Number them anew."
        )
    return ids


def _require_few(count: int) -> None:
    if count > MOST_POINTS:
        raise TooLargeError(
            "控制点过多。There are too many points.",
            value=f"more than {MOST_POINTS:,}",
            limit=f"{MOST_POINTS:,}",
            remedy="Check them in parts.",
        )


def _other_datum(datum: str, scene_datum: str) -> VerticalDatumError:
    names = vertical_datum_title(datum), vertical_datum_title(scene_datum)
    return VerticalDatumError(
        f"控制点高程基准（{names[0].zh}）与场景（{names[1].zh}）不同。The survey counts heights from another datum than the scene.",
        value=f"{datum} ({names[0].en})",
        limit=f"{scene_datum} ({names[1].en})",
        remedy="Give heights in the scene's datum, or state it with --vertical-datum if the file is wrong: heights are never converted.",
    )
