"""Where a layer's data come from: one entry for each import, measuring and decision, kept in the layer's document.

Read as the lineage statement of ISO 19115 (`resourceLineage`) and DCAT (`dct:provenance`): what was done, when, by whom, to what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from layers.correcting import SWAP
from layers.import_report import ImportReport
from twin.store.port import Author
from twin.text import LocalText

LINEAGE = "lineage"
# Entries kept: the first, every decision of a person, and the last imports.
MOST_IMPORTS = 60
_KNOWN_BY_ZH = {"declared": "（声明）", "file": "（文件自带）", "assumed": "（推定）"}


def import_entry(
    report: ImportReport, author: Author, at: datetime, sha256: str | None, accepted_because: str | None
) -> dict[str, Any]:
    """What an import leaves behind."""
    entry: dict[str, Any] = {
        "step": "import",
        "at": at.isoformat(),
        "by": author.name,
        "source": report.source,
        "format": report.format,
        "sha256": sha256,
        "crs": report.crs,
        "crs_known_by": report.crs_known_by,
        "mode": report.mode,
        "inserted": report.inserted,
        "updated": report.updated,
        "deleted": report.deleted,
        "version": report.version,
    }
    if report.belief is not None:
        entry["belief"] = brief(report.belief)
    if accepted_because:
        entry["accepted_because"] = accepted_because
    return entry


def brief(belief: Mapping[str, Any]) -> dict[str, Any]:
    """A belief without the scores behind it."""
    return {name: value for name, value in belief.items() if name != "evidence"}


def with_entry(document: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """The document with one more entry; of imports between the first and the last `MOST_IMPORTS` the oldest go."""
    entries = [*document.get(LINEAGE, ()), dict(entry)]
    imports = [i for i, known in enumerate(entries) if known.get("step") == "import"]
    dropped = set(imports[1:-MOST_IMPORTS])
    return {**document, LINEAGE: [known for i, known in enumerate(entries) if i not in dropped]}


def was_reviewed(document: Mapping[str, Any]) -> bool:
    """Whether a person has ever decided on this layer."""
    return any(entry.get("step") == "review" for entry in document.get(LINEAGE, ()))


def lineage_statement(entries: Sequence[Mapping[str, Any]]) -> LocalText:
    """The first entry and the last five in sentences, the oldest first."""
    if len(entries) > 6:
        entries = [entries[0], *entries[-5:]]
    return LocalText(" ".join(map(_sentence_zh, entries)), " ".join(map(_sentence_en, entries)))


def _sentence_en(entry: Mapping[str, Any]) -> str:
    day, by = str(entry.get("at", ""))[:10], entry.get("by", "")
    if entry.get("step") == "import":
        return (
            f"{day}: imported from {entry.get('source')} in {entry.get('crs')} ({entry.get('crs_known_by')}) by {by}."
        )
    if entry.get("step") == "heights":
        return f"{day}: heights measured in {entry.get('source')} by {by}."
    what = (
        f"corrected ({_words(entry.get('correction')).en})" if entry.get("correction") else f"{entry.get('decision')}ed"
    )
    return f"{day}: {what} by {by}: {entry.get('reason')}."


def _sentence_zh(entry: Mapping[str, Any]) -> str:
    day, by = str(entry.get("at", ""))[:10], entry.get("by", "")
    if entry.get("step") == "import":
        known = _KNOWN_BY_ZH.get(str(entry.get("crs_known_by")), "")
        return f"{day}：由 {by} 从 {entry.get('source')} 导入，坐标系 {entry.get('crs')}{known}。"
    if entry.get("step") == "heights":
        return f"{day}：由 {by} 自点云 {entry.get('source')} 量取建筑高度。"
    words = {"accept": "接受", "reject": "拒绝", "correct": f"纠正（{_words(entry.get('correction')).zh}）"}
    return f"{day}：由 {by} {words.get(str(entry.get('decision')), '')}：{entry.get('reason')}。"


def _words(correction: object) -> LocalText:
    if isinstance(correction, Mapping):
        dx, dy = correction.get("shift_m", (0, 0))
        return LocalText(f"向东 {dx:g} 米、向北 {dy:g} 米平移", f"shift {dx:g} m, {dy:g} m")
    return LocalText("坐标轴互换", SWAP) if correction == SWAP else LocalText.parse(correction)
