"""A person's decision on a layer: accept it as it is, correct and publish it, or reject it. One transaction, kept in the lineage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import numpy as np
import shapely

from layers.base_map.witnesses import iter_witnesses
from layers.city import City
from layers.correcting import Correction, corrected, parse_correction
from layers.layer_sample import sample_layer
from layers.lineage import LINEAGE, brief, with_entry
from layers.position_check import PositionCheck
from twin.basemap.checked import current_release_name, entry_with_check, with_check
from twin.crs import CGCS2000, CRS, offset_datum_of, parse_crs
from twin.errors import BadCall, BadGeometryError, VersionConflictError
from twin.geometry import check_geometries
from twin.guard.belief import Belief
from twin.guard.residual import residual
from twin.query import FeatureQuery
from twin.standing import STANDING, State, standing, state_of
from twin.store.port import Author, LayerRecord, LayerWriter, Store, Tally

MOST_REASON = 500
# What every delivery and every decision changes in a layer's document.
_JUDGED_PARTS = (STANDING, LINEAGE, "crs")


class Verb(StrEnum):
    """ACCEPT: publish as it is. CORRECT: move the features, then publish. REJECT: show it nowhere."""

    ACCEPT = "accept"
    CORRECT = "correct"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, and why."""

    verb: Verb
    reason: str
    correction: Correction | None = None


def parse_decision(document: Mapping[str, Any]) -> Decision:
    """The decision in a document `{"decision": …, "reason": …, "correction": …}`.

    Raises:
        BadCall: if it is none, has no reason, or a correction comes without `correct` or the other way round.
    """
    unknown = set(document) - {"decision", "reason", "correction"}
    try:
        verb = Verb(str(document.get("decision")))
    except ValueError:
        verb = None
    if verb is None or unknown:
        raise BadCall(
            "This is no decision.",
            value=", ".join(sorted(unknown)) if unknown else document.get("decision"),
            limit="decision: accept, correct or reject; reason; correction",
            remedy='Send {"decision": "correct", "correction": "GCJ-02", "reason": "…"}.',
        )
    reason = document.get("reason")
    if not isinstance(reason, str) or not 0 < len(reason.strip()) <= MOST_REASON or "\x00" in reason:
        raise BadCall(
            "A decision needs a reason.",
            value=reason,
            limit=f"1 to {MOST_REASON} characters",
            remedy="Say in a few words what speaks for it: it stays in the layer's lineage.",
        )
    given = document.get("correction")
    if (verb is Verb.CORRECT) != (given is not None):
        raise BadCall(
            "A correction and the decision 'correct' belong together.",
            value=given,
            limit="correction with decision=correct only",
            remedy="Name the correction, or decide otherwise.",
        )
    return Decision(verb, reason.strip(), None if given is None else parse_correction(given))


def review_layer(store: Store, layer_id: str, decision: Decision, author: Author, city: City | None) -> LayerRecord:
    """Carry a decision out and record who took it, when, why, and what it changed.

    Raises:
        UnknownLayerError: if there is no such layer.
        BadGeometryError: if the correction leads features off the earth; nothing is changed.
        BallparkTransformError: if only a guess leads from the correction's CRS to CGCS2000.
        VersionConflictError: if another decision or delivery came in between; nothing is changed.
    """
    judged = store.layer(layer_id)
    stated = parse_crs(str(judged.document.get("crs") or CGCS2000))
    release = current_release_name(store)
    before, tally = _Judgement.of(store, layer_id, city), Tally()
    with store.write(layer_id, author) as writer:
        _require_unchanged(judged, writer)
        entry = _entry(decision, author, writer.document)
        if decision.correction is not None:
            tally = _move(store, layer_id, writer, stated, decision.correction)
            after = before.again(store, layer_id, stated, decision.correction, city)
            entry |= {"count": tally.updated, **_compared(before, after)}
        else:
            after = before
            entry["belief"] = brief(before.belief.to_document())
        document = {**writer.document, STANDING: _standing(decision, after.belief)}
        if decision.correction is not None:
            document["crs"] = _crs_after(str(document.get("crs") or CGCS2000), decision.correction)
        version = writer.version if tally != Tally() else judged.version
        entry = entry_with_check(entry, document, release, _now()) | {"version": version}
        writer.describe(with_entry(with_check(document, release, _now()), entry))
    return store.layer(layer_id)


def _require_unchanged(judged: LayerRecord, writer: LayerWriter) -> None:
    """Whether the decision still is about the layer as it was judged: a correction carried out twice moves a layer twice."""
    version, now = writer.version - 1, writer.document
    if version == judged.version and all(now.get(part) == judged.document.get(part) for part in _JUDGED_PARTS):
        return
    raise VersionConflictError(
        f"The layer '{judged.id}' changed while this decision was being taken; nothing was done.",
        value=f"version {version}, {state_of(now).value}",
        limit=f"version {judged.version}, {state_of(judged.document).value}, as it was judged",
        remedy=f"See GET /layers/{judged.id}, then decide again if that is still right.",
    )


@dataclass(frozen=True)
class _Judgement:
    """A sample of the layer, what is believed of it, and how far it lies from the base map."""

    sample: np.ndarray[Any, np.dtype[np.object_]]
    belief: Belief
    residual: tuple[float, float] | None

    @classmethod
    def of(cls, store: Store, layer_id: str, city: City | None) -> _Judgement:
        check = PositionCheck(store, layer_id, parse_crs(CGCS2000), city, sample_layer(store, layer_id))
        belief = check.judge()
        return cls._measured(check, belief, store, layer_id, belief.compared_with)

    def again(self, store: Store, layer_id: str, stated: CRS, correction: Correction, city: City | None) -> _Judgement:
        check = PositionCheck(store, layer_id, parse_crs(CGCS2000), city)
        check.taker.take(corrected(self.sample, stated, correction))
        belief = check.judge()
        return self._measured(check, belief, store, layer_id, self.belief.compared_with or belief.compared_with)

    @classmethod
    def _measured(
        cls, check: PositionCheck, belief: Belief, store: Store, layer_id: str, by: tuple[str, ...]
    ) -> _Judgement:
        """The same witnesses measure before and after."""
        sample = check.taker.geometries()
        if len(sample) == 0 or not by:
            return cls(sample, belief, None)
        witness = next((w for w in iter_witnesses(store, sample, layer_id) if w.layer_id in by), None)
        return cls(sample, belief, None if witness is None else residual(sample, witness.geometries))


def _compared(before: _Judgement, after: _Judgement) -> dict[str, Any]:
    found: dict[str, Any] = {
        "belief": brief(before.belief.to_document()),
        "belief_after": brief(after.belief.to_document()),
    }
    for name, judgement in (("residual_before", before), ("residual_after", after)):
        if judgement.residual is not None:
            median_m, near = judgement.residual
            found[name] = {"median_m": round(median_m, 1), "share_within_60_m": round(near, 3)}
    return found


def _move(store: Store, layer_id: str, writer: LayerWriter, stated: CRS, correction: Correction) -> Tally:
    """Every feature of the layer moved, its former place kept as history."""
    tally, schema = Tally(), store.layer(layer_id).schema
    for batch in store.iterate(layer_id, FeatureQuery()):
        moved = corrected(batch.geometries, stated, correction)
        checked = check_geometries(moved, schema.geometry_type, repair=True)
        if checked.faults:
            fault = checked.faults[0]
            raise BadGeometryError(
                f"This correction leads feature '{batch.ids[fault.row]}' astray: {fault.problem}",
                value=correction.to_document(),
                limit="every feature stays a place on earth",
                remedy="Choose another correction; nothing was changed.",
            )
        wkb = shapely.to_wkb(checked.geometries, output_dimension=3, byte_order=1, flavor="iso")
        tally += writer.upsert(replace(batch, wkb=list(wkb)))
    return tally


def _entry(decision: Decision, author: Author, document: Mapping[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "step": "review",
        "at": _now().isoformat(),
        "by": author.name,
        "decision": decision.verb.value,
        "reason": decision.reason,
        "from_crs": document.get("crs"),
    }
    if decision.correction is not None:
        entry |= {"correction": decision.correction.to_document(), "to_crs": CGCS2000}
    return entry


def _standing(decision: Decision, belief: Belief) -> dict[str, Any]:
    state = State.REJECTED if decision.verb is Verb.REJECT else State.PUBLISHED
    return standing(state, _now(), belief.to_document())


def _crs_after(stated: str, correction: Correction) -> str:
    """In which CRS the next delivery is expected: what this one turned out to be in."""
    if correction.crs is None:
        return stated
    projected = offset_datum_of(parse_crs(stated)) is None and parse_crs(stated).is_projected
    return stated if projected and offset_datum_of(parse_crs(correction.crs)) is not None else correction.crs


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)
