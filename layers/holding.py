"""What a belief does to an import: published, held for a person, or refused as a whole. Decided before the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from layers.import_options import ImportOptions
from layers.import_report import ImportReport
from layers.lineage import import_entry, was_reviewed, with_entry
from twin.basemap.checked import checked_release, entry_with_check, with_check
from twin.errors import Finding, SuspiciousDatumError
from twin.guard.belief import Belief, Verdict
from twin.standing import STANDING, State, standing, state_of
from twin.store.port import Author, LayerWriter
from twin.text import LocalText


def settle(
    writer: LayerWriter,
    report: ImportReport,
    options: ImportOptions,
    author: Author,
    *,
    new: bool,
    changed: bool,
    release: str | None = None,
) -> ImportReport:
    """Let the belief of a report take effect on the open write, and write the import into the layer's lineage.

    A layer whose first data look wrong is held; a delivery to a published layer with data that looks wrong is refused; a layer that is held
    stays so until a person decides, and carries the belief of its last delivery.

    Args:
        new: There was nothing in the layer before: it is born in this write, or was registered empty.
        changed: Something was written; where nothing was, nothing goes into the lineage.
        release: The release of the base map that the data were judged by; None before the first. A delivery that changes nothing
            has been judged all the same.

    Returns:
        The report with the state of the layer, and its version as it stands.

    Raises:
        SuspiciousDatumError: if a delivery to a published layer looks wrong and nobody accepts it.
    """
    at, document = datetime.now(UTC).replace(microsecond=0), dict(writer.document)
    belief = dict(report.belief or {})
    suspicious = belief.get("verdict") == Verdict.SUSPICIOUS and not options.accept_because
    state = state_of(document)
    if suspicious and state is State.PUBLISHED and (new or changed):
        if not new and not (belief.get("partly") and was_reviewed(document)):
            raise refusal(options.layer_id, belief)
        state = State.HELD if new else state
    settled = replace(report, state=state.value, version=report.version if changed else report.version - 1)
    stamped = with_check(document, release, at)
    if not changed:
        if checked_release(stamped) != checked_release(document):
            writer.describe(stamped)
        return settled
    if state is not State.PUBLISHED:
        since = datetime.fromisoformat(document[STANDING]["since"]) if STANDING in document else at
        document[STANDING] = standing(state, since, belief)
    entry = import_entry(settled, author, at, options.sha256, options.accept_because)
    writer.describe(with_entry(with_check(document, release, at), entry_with_check(entry, document, release, at)))
    return settled


def finding_of_belief(belief: Belief) -> Finding:
    """The belief as a finding, for data that cannot be taken anyway."""
    return Finding("coordinates", belief.text.zh, f"This {belief.text.en}.", remedy_of(belief.to_document()))


def refusal(layer_id: str, belief: Mapping[str, Any]) -> SuspiciousDatumError:
    """Why a delivery is not taken."""
    text = LocalText.parse(belief.get("text"))
    return SuspiciousDatumError(
        f"The data do not lie where they say: {text.en}. Nothing was written. 数据位置与所述不符：{text.zh}，未写入任何内容。",
        value=text.en,
        limit=f"data that fit the base map, or nothing that speaks against them, for the published layer '{layer_id}'",
        remedy=remedy_of(belief),
    )


def remedy_of(belief: Mapping[str, Any]) -> str:
    """What to do about a belief, in one sentence."""
    accept = "or take it as it is with datum_check=accept and a reason"
    correction = belief.get("correction")
    if isinstance(correction, str) and correction != "swap-axes":
        return f"Deliver it again with crs={correction}, {accept}."
    if correction == "swap-axes":
        return f"Exchange the two coordinates in the source, {accept}."
    return f"Correct the coordinates in the source, {accept}."
