"""What became of a file: rows taken and refused, with reasons a person can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from twin.bounds import Bounds
from twin.errors import Finding, shorten
from twin.text import LocalText

MAX_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Example:
    """One row with a problem: its number in the file (the first is 1) and what was found."""

    row: int
    value: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows were refused (or values changed), how often, and the first few of them.

    Attributes:
        reason, remedy: In English; reason_zh, remedy_zh: the same in Chinese, empty where nobody has put it so.
    """

    reason: str
    count: int
    examples: tuple[Example, ...] = ()
    remedy: str = ""
    reason_zh: str = ""
    remedy_zh: str = ""

    def in_both(self) -> str:
        """The reason as a row of a report for people: English, and Chinese beside it."""
        return f"{self.reason} · {self.reason_zh}" if self.reason_zh else self.reason


@dataclass
class ReasonTally:
    """Counts reasons while rows stream by; keeps the first examples of each and nothing else."""

    reasons: dict[str, Reason] = field(default_factory=dict)
    total: int = 0

    def add(self, reason: str | LocalText, row: int, value: object = "", remedy: str | LocalText = "") -> None:
        """One more row; a text in both languages is counted by its English."""
        said, cure = _both(reason), _both(remedy)
        known = self.reasons.get(said.en, Reason(said.en, 0, (), cure.en, said.zh, cure.zh))
        examples = known.examples
        if len(examples) < MAX_EXAMPLES:
            shown = shorten("" if value is None else value, 80).encode("utf-8", "replace").decode("utf-8")
            examples = (*examples, Example(row, shown))
        self.reasons[said.en] = replace(known, count=known.count + 1, examples=examples)
        self.total += 1

    def add_count(self, reason: str | LocalText, count: int) -> None:
        """Reasons that come already counted, without examples."""
        said = _both(reason)
        known = self.reasons.get(said.en, Reason(said.en, 0, reason_zh=said.zh))
        self.reasons[said.en] = replace(known, count=known.count + count)
        self.total += count

    def sorted(self) -> tuple[Reason, ...]:
        """The commonest first."""
        return tuple(sorted(self.reasons.values(), key=lambda r: (-r.count, r.reason)))


def _both(text: str | LocalText) -> LocalText:
    return text if isinstance(text, LocalText) else LocalText(en=text)


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did, or would do.

    Attributes:
        source: Name of the file.
        mode: "upsert" or "replace".
        created: Whether the layer was born in this import.
        rows: Rows read, good and bad.
        updated: Rows that replaced another state of theirs (a dry run counts unchanged rows here too).
        repaired: Rows whose invalid geometry was mended.
        altered: Values changed on the way in.
        ids_from: Where the ids came from: a column's name, "id" of GeoJSON, or "row number".
        crs: CRS of the file's coordinates; crs_known_by: "declared", "file" or "assumed".
        renamed: Columns of the file that had to be renamed; ignored: columns the layer's schema does not have;
            absent: properties of the schema that the file does not have.
        bounds: Box of the rows taken, CGCS2000 lon/lat.
        version: The layer's version after the import.
        dry_run: Nothing was written.
        warnings: What is odd about rows that were taken, such as places outside the city.
        belief: What the guard believes of where the rows lie, as a document.
        state: "published"; "held" for a new layer that waits for a person, because of the belief.
    """

    layer_id: str
    source: str
    format: str
    mode: str
    created: bool
    rows: int
    inserted: int
    updated: int
    deleted: int
    rejected: int
    reasons: tuple[Reason, ...]
    repaired: int
    altered: tuple[Reason, ...]
    ids_from: str
    crs: str
    crs_known_by: str
    bounds: Bounds | None
    seconds: float
    version: int
    renamed: tuple[tuple[str, str], ...] = ()
    ignored: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    dry_run: bool = False
    warnings: tuple[Reason, ...] = ()
    belief: Mapping[str, Any] | None = None
    state: str = "published"

    @property
    def rows_per_second(self) -> float:
        return self.rows / self.seconds if self.seconds > 0 else 0.0

    @property
    def unchanged(self) -> int:
        """Rows that stood in the layer already as they are."""
        return self.rows - self.inserted - self.updated - self.rejected

    def to_document(self) -> dict[str, Any]:
        """The report as JSON values."""
        document = asdict(self)
        document["bounds"] = None if self.bounds is None else list(self.bounds.as_tuple())
        document["renamed"] = [{"original": original, "name": name} for original, name in self.renamed]
        document["seconds"] = round(self.seconds, 3)
        document["unchanged"] = self.unchanged
        document["rows_per_second"] = round(self.rows_per_second)
        return document


def findings_of_reasons(reasons: Iterable[Reason]) -> tuple[Finding, ...]:
    """The reasons as findings of an error, for a file none of whose rows could be taken."""
    return tuple(
        Finding(
            where=f"row {reason.examples[0].row}" if reason.examples else "file",
            value=reason.examples[0].value if reason.examples else "",
            problem=f"{reason.reason} ({reason.count} row{'s' if reason.count != 1 else ''})",
            remedy=reason.remedy or "Correct these rows and send the file again.",
        )
        for reason in reasons
    )
