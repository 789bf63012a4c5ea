"""Rows of an opened source become features of a layer, in one transaction: all good rows, or nothing.

Ids, in this order: the column that `id_property` names; the ids the file itself gives (GeoJSON `id`); the row number in
the file, "1" to "n". Running an import again updates by id, so without ids of their own rows are replaced by their
place in the file; `mode="replace"` also deletes the features that are no longer in it. What is the same stays untouched, in
either mode, and dates are merged alike: a row that does not say when it holds corrects the state that stands and keeps its
validity and the earlier slices; one that does goes to its place on the timeline, or is refused where it would overlap.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass

from layers.column_plan import plan_columns
from layers.holding import finding_of_belief, settle
from layers.import_options import ImportOptions, Origin, Progress
from layers.import_report import ImportReport, findings_of_reasons
from layers.import_target import ImportTarget, import_target, manifest_crs, repairs, validity_columns, vertical_datum
from layers.policy import Action
from layers.position_check import PositionCheck, around_city
from layers.prefetch import prefetched
from layers.row_preparation import ROW_NUMBER, RowPreparer
from layers.source_crs import SourceCRS, decide_crs
from twin.basemap.checked import current_release_name
from twin.collector import collector_paused
from twin.crs import parse_crs
from twin.errors import BadFeatureError, UnknownLayerError
from twin.feature import FeatureBatch
from twin.formats.port import FeatureSource, SourceInfo
from twin.guard.belief import Belief
from twin.query import FeatureQuery
from twin.standing import State
from twin.store.port import LayerRecord, Store, Tally
from twin.vertical import check_same_vertical, stated_vertical_datum

__all__ = ["ImportOptions", "Origin", "Progress", "import_source"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Reading:
    """What is known of the source while it is read.

    Attributes:
        created: The layer is born in this import; first: there is nothing in it yet.
        started: A reading of the performance counter in seconds.
    """

    info: SourceInfo
    crs: SourceCRS
    created: bool
    first: bool
    started: float
    preparer: RowPreparer
    check: PositionCheck


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
        PolicyError: if the actor may not: register, write, or answer for data that look wrong, which only reviewers may.
        UnreadableFileError: if the source turns out to be broken as a whole; nothing is written.
        SuspiciousDatumError: if the guard believes that a delivery to a published layer lies elsewhere; nothing is written.
        VerticalDatumError: if its heights count from another datum than the layer's.
    """
    origin, started = origin or Origin(), time.perf_counter()
    existing = None if options.new_layer else _existing(store, options.layer_id)
    if not options.dry_run:
        if existing is None:
            origin.policy.authorise(origin.actor, Action.REGISTER_LAYER, options.layer_id)
        origin.policy.authorise(origin.actor, Action.WRITE_FEATURES, options.layer_id)
    crs = decide_crs(source, declared=options.crs, manifest_crs=manifest_crs(existing, options))
    check_same_vertical(stated_vertical_datum(crs.text), vertical_datum(existing, options), source.info.layer)
    target = import_target(existing, options, source.info, crs.text)
    check = PositionCheck(store, options.layer_id, parse_crs(crs.text), origin.city)
    preparer = RowPreparer(
        plan_columns(target.schema, source.info, target.id_property, validity_columns(existing, options)),
        check.crs,
        repair=repairs(existing, options),
        check_codes=options.check_codes,
        watch=check.taker.take,
        city=None if origin.city is None else around_city(origin.city),
    )
    first = existing is None or existing.feature_count == 0
    reading = _Reading(source.info, crs, existing is None, first, started, preparer, check)
    batches = _prepared(source, preparer, progress)
    if options.dry_run:
        return _tried(store, options, existing, batches, reading)
    return _write(store, options, target, batches, origin, reading)


def _existing(store: Store, layer_id: str) -> LayerRecord | None:
    try:
        return store.layer(layer_id)
    except UnknownLayerError:
        return None


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
    target: ImportTarget,
    batches: Iterator[FeatureBatch],
    origin: Origin,
    reading: _Reading,
) -> ImportReport:
    release = current_release_name(store)
    author = origin.actor.author(f"import of {options.name or 'a file'} ({options.mode})")
    tally = Tally()
    with collector_paused(), store.write(options.layer_id, author, create=target.create) as writer:
        # Read where other writers wait: the first delivery to a layer that was registered empty is judged like a new layer's.
        first = target.create is not None or store.layer(options.layer_id).feature_count == 0
        came: set[str] = set()
        replaces = options.mode == "replace" and target.create is None
        for batch in batches:
            if len(batch):
                tally += writer.upsert(batch)
                came.update(id_ for id_ in batch.ids if id_ is not None and replaces)
        _refuse_if_nothing_is_good(reading, options)
        tally += Tally(deleted=writer.delete_absent(came) if replaces else 0)
        belief, changed = reading.check.judge(), tally != Tally()
        if belief.suspicious and options.accept_because:
            origin.policy.authorise(origin.actor, Action.REVIEW_LAYER, options.layer_id)
        report = _report(options, reading, tally, writer.version, belief)
        return settle(writer, report, options, author, new=first, changed=changed, release=release)


def _tried(
    store: Store,
    options: ImportOptions,
    existing: LayerRecord | None,
    batches: Iterator[FeatureBatch],
    reading: _Reading,
) -> ImportReport:
    """The report of an import that only looked."""
    tally, version = _would_write(store, options, existing, batches), existing.version if existing else 0
    _refuse_if_nothing_is_good(reading, options)
    return _report(options, reading, tally, version, reading.check.judge())


def _would_write(
    store: Store, options: ImportOptions, existing: LayerRecord | None, batches: Iterator[FeatureBatch]
) -> Tally:
    """What a write would do, found by reading only."""
    good = known = 0
    for batch in batches:
        good += len(batch)
        if existing is not None and len(batch):
            ids = tuple(id_ for id_ in batch.ids if id_ is not None)
            known += store.count(options.layer_id, FeatureQuery(ids=ids))
    deleted = existing.feature_count - known if existing is not None and options.mode == "replace" else 0
    return Tally(inserted=good - known, updated=known, deleted=deleted)


def _refuse_if_nothing_is_good(reading: _Reading, options: ImportOptions) -> None:
    preparer = reading.preparer
    if preparer.rows == 0 or preparer.rejected.total < preparer.rows:
        return
    reasons, belief = preparer.rejected.sorted(), reading.check.judge()
    findings = findings_of_reasons(reasons)
    if belief.suspicious:
        findings = (finding_of_belief(belief), *findings)
    raise BadFeatureError(
        f"None of the {preparer.rows} rows can be taken; nothing was written.",
        value=options.name,
        limit="at least one good row",
        remedy=findings[0].remedy or "See the findings.",
        findings=findings,
    )


def _report(options: ImportOptions, reading: _Reading, tally: Tally, version: int, belief: Belief) -> ImportReport:
    preparer = reading.preparer
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
        warnings=preparer.outside.sorted(),
        belief=belief.to_document(),
        state=(State.HELD if belief.suspicious and reading.first and not options.accept_because else State.PUBLISHED),
    )
