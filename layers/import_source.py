"""Rows of an opened source become features of a layer, in one transaction: all good rows, or nothing.

Ids, in this order: the column that `id_property` names; the ids the file itself gives (GeoJSON `id`); the row number in
the file, "1" to "n". Running an import again updates by id, so without ids of their own rows are replaced by their
place in the file; `mode="replace"` also deletes the rows that are no longer in it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal

from layers.collector import collector_paused
from layers.column_plan import derive_properties, plan_columns
from layers.import_report import ImportReport, findings_of_reasons
from layers.manifest import GeometryFaults, Manifest
from layers.manifest_draft import complete_document, draft_manifest
from layers.policy import Action, Actor, OpenPolicy, Policy
from layers.prefetch import prefetched
from layers.row_preparation import ROW_NUMBER, RowPreparer
from layers.source_crs import SourceCRS, decide_crs
from twin.crs import offset_datum_of, parse_crs
from twin.errors import BadFeatureError, UnknownLayerError
from twin.feature import FeatureBatch
from twin.formats.port import FeatureSource, SourceInfo
from twin.query import FeatureQuery
from twin.schema import Schema
from twin.store.port import LayerRecord, LayerSpec, Store, Tally
from twin.vertical import check_same_vertical, stated_vertical_datum

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How to take a file.

    Attributes:
        layer_id: Layer to write to; it is made when there is none.
        crs: CRS of the file's coordinates; overrides what the file says.
        id_property: Column with the ids; overrides the manifest's.
        encoding: Text encoding of the file; overrides detection.
        source_layer: Layer inside the file, or member of an archive.
        mode: "upsert" adds and updates by id; "replace" leaves exactly the rows of the file.
        manifest: For a layer that does not exist yet; None makes one from the file.
        name: File name to show where the path is a spooled upload.
        repair: Mend invalid polygons (counted in the report) instead of refusing their rows; None does what the layer's
            `geometry_faults` says, and mends where that says nothing.
        dry_run: Read and judge everything, write nothing.
        check_codes: Refuse rows whose coded values are not in the schema; off where codes only lend titles.
        new_layer: The layer must not exist yet, even when somebody makes it while this import begins.
    """

    layer_id: str
    crs: str | None = None
    id_property: str | None = None
    encoding: str | None = None
    source_layer: str | None = None
    mode: Literal["upsert", "replace"] = "upsert"
    manifest: Manifest | None = None
    name: str | None = None
    repair: bool | None = None
    dry_run: bool = False
    new_layer: bool = False
    check_codes: bool = True


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import is; `total` is None where only reading tells."""

    rows: int
    rejected: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Origin:
    """Who imports and what they may; the command line of the server's own machine may everything."""

    actor: Actor = field(default_factory=lambda: Actor("import"))
    policy: Policy = field(default_factory=OpenPolicy)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known of the source while it is read; `started` is a reading of the performance counter in seconds."""

    info: SourceInfo
    crs: SourceCRS
    created: bool
    started: float


@dataclass(frozen=True, slots=True)
class _Target:
    """The layer to write to: `create` is set when it is born in this import."""

    schema: Schema
    id_property: str | None
    create: LayerSpec | None


def import_source(
    store: Store,
    source: FeatureSource,
    options: ImportOptions,
    *,
    progress: Callable[[Progress], None] | None = None,
    origin: Origin | None = None,
) -> ImportReport:
    """Read an opened source into a layer and say what became of it.

    Raises:
        MissingCRSError: if nobody says the CRS and the coordinates are not degrees.
        BadFeatureError: if there are rows and none of them can be taken; nothing is written.
        BadManifestError: if the id property is not in the source.
        DuplicateLayerError: if a new layer was asked for and the id is taken.
        PolicyError: if the actor may not.
        UnreadableFileError: if the source turns out to be broken as a whole; nothing is written.
        VerticalDatumError: if its heights count from another datum than the layer's.
    """
    origin, started = origin or Origin(), time.perf_counter()
    existing = None if options.new_layer else _existing(store, options.layer_id)
    if not options.dry_run:
        if existing is None:
            origin.policy.authorise(origin.actor, Action.REGISTER_LAYER, options.layer_id)
        origin.policy.authorise(origin.actor, Action.WRITE_FEATURES, options.layer_id)
    crs = decide_crs(source, declared=options.crs, manifest_crs=_manifest_crs(existing, options))
    check_same_vertical(stated_vertical_datum(crs.text), _vertical_datum(existing, options), source.info.layer)
    reading = _Reading(source.info, crs, existing is None, started)
    target = _target(existing, options, source.info, crs.text)
    plan = plan_columns(target.schema, source.info, target.id_property)
    preparer = RowPreparer(
        plan, parse_crs(crs.text), repair=_repairs(existing, options), check_codes=options.check_codes
    )
    batches = _prepared(source, preparer, progress)
    if options.dry_run:
        tally, version = _would_write(store, options, existing, batches), existing.version if existing else 0
        _refuse_if_nothing_is_good(preparer, options)
    else:
        tally, version = _write(store, options, target, batches, origin, preparer)
    return _report(options, reading, preparer, tally, version)


def _existing(store: Store, layer_id: str) -> LayerRecord | None:
    try:
        return store.layer(layer_id)
    except UnknownLayerError:
        return None


def _manifest_crs(existing: LayerRecord | None, options: ImportOptions) -> str | None:
    """The manifest's CRS of a new layer; of one that stands only GCJ-02 and BD-09, in which it goes on being delivered."""
    if existing is None:
        return options.manifest.crs if options.manifest else None
    known = existing.document.get("crs")
    return str(known) if known and offset_datum_of(parse_crs(str(known))) is not None else None


def _vertical_datum(existing: LayerRecord | None, options: ImportOptions) -> str | None:
    if existing is None:
        return options.manifest.vertical_datum if options.manifest else None
    known = existing.document.get("vertical_datum")
    return str(known) if known else None


def _repairs(existing: LayerRecord | None, options: ImportOptions) -> bool:
    if options.repair is not None:
        return options.repair
    if existing is not None:
        return existing.document.get("geometry_faults") != GeometryFaults.REFUSE
    return options.manifest is None or options.manifest.geometry_faults is not GeometryFaults.REFUSE


def _target(existing: LayerRecord | None, options: ImportOptions, info: SourceInfo, crs: str) -> _Target:
    if existing is not None:
        known = existing.document.get("id_property")
        return _Target(existing.schema, options.id_property or (str(known) if known else None), None)
    manifest = options.manifest or draft_manifest(options.layer_id, options.name or info.layer, options.id_property)
    geometry_type = manifest.geometry_type or info.geometry_type
    if manifest.properties is None:
        schema = Schema(geometry_type, derive_properties(info))
    else:
        schema = Schema(geometry_type, tuple(entry.to_property() for entry in manifest.properties))
    document = complete_document(manifest, schema, crs)
    return _Target(schema, options.id_property or manifest.id_property, LayerSpec(options.layer_id, schema, document))


def _prepared(
    source: FeatureSource, preparer: RowPreparer, progress: Callable[[Progress], None] | None
) -> Iterator[FeatureBatch]:
    total = source.info.feature_count
    with closing(prefetched(preparer.prepare(batch) for batch in source.batches())) as batches:
        for batch in batches:
            yield batch
            if progress is not None:
                progress(Progress(preparer.rows, preparer.rejected.total, total))


def _write(
    store: Store,
    options: ImportOptions,
    target: _Target,
    batches: Iterator[FeatureBatch],
    origin: Origin,
    preparer: RowPreparer,
) -> tuple[Tally, int]:
    author = origin.actor.author(f"import of {options.name or 'a file'} ({options.mode})")
    tally = Tally()
    with collector_paused(), store.write(options.layer_id, author, create=target.create) as writer:
        cleared = writer.clear() if options.mode == "replace" and target.create is None else 0
        for batch in batches:
            if len(batch):
                tally += writer.upsert(batch)
        _refuse_if_nothing_is_good(preparer, options)
        tally += Tally(deleted=cleared)
        changed_version = writer.version
    return tally, changed_version if tally != Tally() else store.version(options.layer_id)


def _would_write(
    store: Store, options: ImportOptions, existing: LayerRecord | None, batches: Iterator[FeatureBatch]
) -> Tally:
    """What a write would do, found by reading only."""
    good = known = 0
    for batch in batches:
        good += len(batch)
        if existing is not None and options.mode == "upsert" and len(batch):
            ids = tuple(id_ for id_ in batch.ids if id_ is not None)
            known += store.count(options.layer_id, FeatureQuery(ids=ids))
    deleted = existing.feature_count if existing is not None and options.mode == "replace" else 0
    return Tally(inserted=good - known, updated=known, deleted=deleted)


def _refuse_if_nothing_is_good(preparer: RowPreparer, options: ImportOptions) -> None:
    if preparer.rows == 0 or preparer.rejected.total < preparer.rows:
        return
    reasons = preparer.rejected.sorted()
    raise BadFeatureError(
        f"None of the {preparer.rows} rows can be taken; nothing was written.",
        value=options.name,
        limit="at least one good row",
        remedy=reasons[0].remedy or "See the findings.",
        findings=findings_of_reasons(reasons),
    )


def _report(
    options: ImportOptions,
    reading: _Reading,
    preparer: RowPreparer,
    tally: Tally,
    version: int,
) -> ImportReport:
    info, plan = reading.info, preparer.plan
    dropped = tuple(f"Column {name} was left out: {reason}." for name, reason in info.dropped)
    return ImportReport(
        layer_id=options.layer_id,
        source=options.name or info.layer,
        format=info.format,
        mode=options.mode,
        created=reading.created,
        rows=preparer.rows,
        inserted=tally.inserted,
        updated=tally.updated,
        deleted=tally.deleted,
        rejected=preparer.rejected.total,
        reasons=preparer.rejected.sorted(),
        repaired=preparer.repaired,
        altered=preparer.altered.sorted(),
        ids_from=plan.id_column or info.id_column or ROW_NUMBER,
        crs=reading.crs.text,
        crs_known_by=reading.crs.known_by,
        bounds=preparer.bounds,
        seconds=time.perf_counter() - reading.started,
        version=version,
        renamed=plan.renamed,
        ignored=plan.ignored,
        absent=plan.absent,
        notes=(*reading.crs.notes, *info.notes, *dropped),
        dry_run=options.dry_run,
    )
