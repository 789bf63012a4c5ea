"""Heights of a layer's footprints out of point clouds, as attributes with their provenance: in the layer itself where it has columns
for them, else in a new layer of the same features.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from layers.lineage import with_entry
from layers.manifest_draft import draft_style
from layers.policy import Action, Actor, Policy
from scenes3d.buildings.cleaning import outlines_of
from scenes3d.buildings.cloud_heights import CloudHeights, CloudRule, heights_from_cloud
from scenes3d.buildings.faults import BuildReport
from scenes3d.buildings.footprints import Footprints
from scenes3d.sources.clouds.source import LasSource, open_clouds
from scenes3d.sources.landing import Place
from scenes3d.sources.reference import Stated
from twin.errors import BadGeometryError, BadManifestError, DuplicateLayerError, UnknownLayerError
from twin.feature import FeatureBatch
from twin.query import FeatureQuery
from twin.schema import Property, PropertyType, Schema
from twin.standing import require_shown
from twin.store.port import Author, LayerRecord, LayerSpec, Store
from twin.text import LocalText

log = logging.getLogger(__name__)
STEP = "heights"
BESIDE_M = 2_000.0
"""So far from the footprints a cloud may lie: its middle, judged by its header."""
ROOF, GROUND, HEIGHT, ROOF_POINTS, GROUND_POINTS = "roof_m", "ground_m", "height_m", "roof_points", "ground_points"
_NUMBER, _INTEGER = PropertyType.NUMBER, PropertyType.INTEGER
COLUMNS = (
    Property(HEIGHT, _NUMBER, LocalText("点云建筑高度", "Height from cloud"), "m"),
    Property(ROOF, _NUMBER, LocalText("屋顶高程", "Roof elevation"), "m"),
    Property(GROUND, _NUMBER, LocalText("地面高程", "Ground elevation"), "m"),
    Property(ROOF_POINTS, _INTEGER, LocalText("屋顶点数", "Roof points")),
    Property(GROUND_POINTS, _INTEGER, LocalText("地面点数", "Ground points")),
)


@dataclass(frozen=True, slots=True)
class HeightsWish:
    """What somebody wants measured.

    Attributes:
        stated: What the clouds' coordinates count from, over what they say themselves.
        into: Layer to write to; it is made, or made anew where it came from the same footprints. None writes into the layer itself.
    """

    stated: Stated
    rule: CloudRule
    into: str | None = None


@dataclass(frozen=True, slots=True)
class HeightsReport:
    """What became of it.

    Attributes:
        seen, measured: Footprints, and those with a height now.
        without_roof, without_ground: Those for which too few points tell: their heights are unknown, not zero.
        not_above: Those whose roof is not above their ground; they keep both, and have no height.
        left_out: Features without an outline.
    """

    layer: str
    version: int
    vertical_datum: str
    points: int
    seen: int
    measured: int
    without_roof: int
    without_ground: int
    not_above: int
    left_out: int


def measure_heights(
    store: Store,
    policy: Policy,
    layer_id: str,
    files: Sequence[Path],
    wish: HeightsWish,
    actor: Actor,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> HeightsReport:
    """Measure and write, in one transaction.

    Args:
        progress: Told how many points have come by, of how many.

    Raises:
        PolicyError, UnknownLayerError, HeldLayerError: if it may not be, or there is nothing to measure.
        BadManifestError: if the layer has no column for heights and no other one is named.
        DuplicateLayerError: if another kind of layer has that id.
        BadData: as the readers say; BadGeometryError if no point of the cloud lies at any footprint. Nothing is written then.
    """
    layer = store.layer(layer_id)
    target = _target(store, policy, layer, wish, actor)
    assert layer.bounds is not None
    place = Place(
        layer_id, layer.bounds, beyond_m=BESIDE_M, remedy="Check --crs, or name the clouds that cover the layer."
    )
    source = open_clouds(files, wish.stated, place)
    outlines, rows, report = _outlines(store, layer)
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        progress(done, source.points)

    found = heights_from_cloud(outlines, source.chunks(), source.points, wish.rule, advance)
    if not (found.roof_points.any() and found.ground_points.any()):
        raise _nothing(layer_id, source, found)
    columns = _columns(found, rows, report.seen)
    entry = {
        "step": STEP, "at": datetime.now(UTC).isoformat(timespec="seconds"), "by": actor.name, "layer": layer_id,
        "layer_version": layer.version, "source": ", ".join(file.name for file in files), "files": source.described(),
        "vertical_datum": source.vertical_datum, "rule": wish.rule.to_dict(),
    }  # fmt: skip
    version = _write(store, layer, target, columns, entry, actor)
    known = ~np.isnan(found.roof_m), ~np.isnan(found.ground_m)
    measured = int(_above(found).sum())
    log.info("%s measured heights of %s: %d of %d", actor.name, layer_id, measured, report.seen)
    return HeightsReport(
        layer=target.id,
        version=version,
        vertical_datum=source.vertical_datum,
        points=source.points,
        seen=report.seen,
        measured=measured,
        without_roof=int((~known[0]).sum()),
        without_ground=int((~known[1]).sum()),
        not_above=int((known[0] & known[1]).sum()) - measured,
        left_out=report.left_out,
    )


def _target(store: Store, policy: Policy, layer: LayerRecord, wish: HeightsWish, actor: Actor) -> LayerSpec:
    """What will be written to, asked for before any work."""
    require_shown(layer.id, layer.document)
    policy.authorise(actor, Action.READ, layer.id)
    if layer.feature_count == 0 or layer.bounds is None:
        raise BadGeometryError("The layer has no footprints. 图层没有要素。", value=layer.id, limit="polygons")
    if wish.into is None or wish.into == layer.id:
        policy.authorise(actor, Action.WRITE_FEATURES, layer.id)
        if HEIGHT not in layer.schema:
            raise BadManifestError(
                f"图层没有“{HEIGHT}”字段。The layer has no column '{HEIGHT}' to write to.",
                value=", ".join(layer.schema.names[:40]),
                limit=", ".join(column.name for column in COLUMNS),
                remedy="Name a layer that is made with them: --into ID.",
            )
        return LayerSpec(layer.id, layer.schema, layer.document)
    policy.authorise(actor, Action.REGISTER_LAYER, wish.into)
    names = {column.name.lower() for column in COLUMNS}
    kept = tuple(said for said in layer.schema if said.name.lower() not in names)
    schema = Schema(layer.schema.geometry_type, (*kept, *COLUMNS))
    try:
        there = store.layer(wish.into)
    except UnknownLayerError:
        return LayerSpec(wish.into, schema, _document(layer, wish.into, schema))
    steps = there.document.get("lineage", ())
    if not any(entry.get("step") == STEP and entry.get("layer") == layer.id for entry in steps):
        raise DuplicateLayerError(
            f"已有图层“{wish.into}”。There is a layer '{wish.into}' already, and its heights are not of '{layer.id}'.",
            value=wish.into,
            limit="a new id, or a layer that was made so",
            remedy="Choose another id.",
        )
    return LayerSpec(wish.into, there.schema, there.document)


def _document(layer: LayerRecord, into: str, schema: Schema) -> dict[str, Any]:
    """The document of the new layer: that of the footprints', with its own name and look."""
    title = layer.document.get("title") or {"zh": layer.id, "en": layer.id}
    dropped = {"source", "validity", "tiles", "lineage", "standing"}
    return {
        **{key: value for key, value in layer.document.items() if key not in dropped},
        "id": into,
        "title": {"zh": f"{title['zh']}(点云高度)", "en": f"{title['en']} (heights from cloud)"},
        "schema": [said.to_dict() for said in schema],
        "style": draft_style(schema, into).model_dump(mode="json", exclude_none=True),
        "source": {"type": "upload"},
    }


def _outlines(store: Store, layer: LayerRecord) -> tuple[Footprints, npt.NDArray[np.int64], BuildReport]:
    """All outlines of a version, and the row of each in the order of the layer."""
    report, parts, rows = BuildReport(), [], []
    with closing(store.iterate(layer.id, FeatureQuery(as_of=layer.version))) as batches:
        for batch in batches:
            start = report.seen
            chosen, outlines = outlines_of(batch, report)
            if len(chosen):
                parts.append(outlines)
                rows.append(chosen + start)
    if not parts:
        raise BadGeometryError(
            "图层没有面。The layer has no polygon with an area.", value=layer.id, limit="polygons with an area"
        )
    return Footprints.concatenated(parts), np.concatenate(rows), report


def _above(found: CloudHeights) -> npt.NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(found.height_m > 0)


def _columns(found: CloudHeights, rows: npt.NDArray[np.int64], count: int) -> dict[str, list[Any]]:
    """Values for every row of the layer; None where nothing is known."""
    height = np.where(_above(found), found.height_m, np.nan)
    numbers = {HEIGHT: height, ROOF: found.roof_m, GROUND: found.ground_m}
    columns: dict[str, list[Any]] = {}
    for name, values in numbers.items():
        whole = np.full(count, np.nan)
        whole[rows] = np.round(values, 3)
        columns[name] = [None if math.isnan(value) else value for value in whole.tolist()]
    for name, counts in ((ROOF_POINTS, found.roof_points), (GROUND_POINTS, found.ground_points)):
        numbered: list[Any] = [None] * count
        for row, value in zip(rows.tolist(), counts.tolist(), strict=True):
            numbered[row] = value
        columns[name] = numbered
    return columns


def _write(
    store: Store,
    layer: LayerRecord,
    target: LayerSpec,
    columns: dict[str, list[Any]],
    entry: dict[str, Any],
    actor: Actor,
) -> int:
    """Every feature of the layer with its measured columns, into the target; gives the target's version."""
    try:
        store.version(target.id)
        create = None
    except UnknownLayerError:
        create = target
    author = Author(actor.name, f"heights from {entry['source']}")
    own = target.id == layer.id
    with store.write(target.id, author, create=create) as writer:
        start, present = 0, set[str]()
        with closing(store.iterate(layer.id, FeatureQuery(as_of=layer.version))) as batches:
            for batch in batches:
                writer.upsert(_measured(batch, target.schema, columns, start))
                present.update(str(feature_id) for feature_id in batch.ids)
                start += len(batch)
        if not own and create is None:
            writer.delete_absent(present)
        document = with_entry(target.document, {**entry, "version": writer.version})
        writer.describe(document if own else {**document, "vertical_datum": entry["vertical_datum"]})
    return store.version(target.id)


def _measured(batch: FeatureBatch, schema: Schema, columns: dict[str, list[Any]], start: int) -> FeatureBatch:
    stop = start + len(batch)
    values: dict[str, Sequence[Any]] = {}
    for said in schema:
        measured = columns.get(said.name)
        values[said.name] = batch.columns[said.name] if measured is None else measured[start:stop]
    return replace(
        batch,
        schema=schema,
        columns=values,
        fids=np.zeros(len(batch), dtype=np.int64),
        versions=[],
        valid_from=[],
        valid_to=[],
    )


def _nothing(layer_id: str, source: LasSource, found: CloudHeights) -> BadGeometryError:
    west, south, east, north, *_ = source.box(0)
    return BadGeometryError(
        "点云中没有落在建筑轮廓上的屋顶点与地面点。No footprint has points of a roof and of ground.",
        value=f"{layer_id}: {int(found.roof_points.sum()):,} roof and {int(found.ground_points.sum()):,} ground points; "
        f"the cloud lies at {west:.5f}E {south:.5f}N to {east:.5f}E {north:.5f}N",
        limit="points of the classes of --roof-class and --ground-class",
        remedy="Check --crs and the classes: a cloud that nobody has classified has 0 or 1 alone.",
    )
