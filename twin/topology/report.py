"""What a check of layers found, as a document: counts that are exact, and findings up to a limit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from twin.text import LocalText
from twin.topology.faults import TopologyFinding
from twin.topology.kinds import SEVERITY_TITLES, Severity, kinds


@dataclass(frozen=True, slots=True)
class LayerOutcome:
    """What was found in one layer.

    Attributes:
        version, features: State of the layer that was judged.
        checks: Names of the checks that ran, and why others could not.
        counts: How many findings of each kind and severity; exact even where not all are listed.
        dead_ends: Loose ends that are too far from any line to be mistakes; excused_ends: those at the city's border.
    """

    layer: str
    version: int
    features: int
    checks: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    counts: Mapping[tuple[str, Severity], int] = field(default_factory=dict)
    dead_ends: int = 0
    excused_ends: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        found = [
            {"kind": kind, "title": kinds()[kind].title.to_dict(), "severity": severity.value, "count": count}
            for (kind, severity), count in sorted(self.counts.items())
        ]
        return {
            "layer": self.layer,
            "version": self.version,
            "features": self.features,
            "checks": list(self.checks),
            "skipped": list(self.skipped),
            "found": found,
            "dead_ends": self.dead_ends,
            "excused_ends": self.excused_ends,
            "seconds": round(self.seconds, 2),
        }


@dataclass(frozen=True, slots=True)
class TopologyReport:
    """What a whole run found.

    Attributes:
        findings: At most so many of each layer, kind and rule as the run was told to list.
        unlisted: How many more there are.
    """

    at: datetime
    plane: str
    outcomes: tuple[LayerOutcome, ...]
    findings: tuple[TopologyFinding, ...]

    def count(self, severity: Severity) -> int:
        """How many findings there are of a severity."""
        return sum(n for outcome in self.outcomes for (_, s), n in outcome.counts.items() if s is severity)

    @property
    def total(self) -> int:
        return sum(n for outcome in self.outcomes for n in outcome.counts.values())

    @property
    def unlisted(self) -> int:
        return self.total - len(self.findings)

    @property
    def summary(self) -> LocalText:
        """The outcome in one sentence."""
        numbers = {severity: self.count(severity) for severity in Severity}
        zh = "，".join(f"{SEVERITY_TITLES[severity].zh} {n} 处" for severity, n in numbers.items())
        en = ", ".join(
            f"{n} {SEVERITY_TITLES[severity].en.lower()}{'' if n == 1 else 's'}" for severity, n in numbers.items()
        )
        features = sum(outcome.features for outcome in self.outcomes)
        return LocalText(
            f"检查 {len(self.outcomes)} 个图层 {features:,} 个要素：{zh}。",
            f"{len(self.outcomes)} layers with {features:,} features checked: {en}.",
        )

    def to_dict(self) -> dict[str, Any]:
        """The summary; the findings themselves are a layer."""
        return {
            "at": self.at.isoformat(),
            "plane": self.plane,
            "summary": self.summary.to_dict(),
            "errors": self.count(Severity.ERROR),
            "warnings": self.count(Severity.WARNING),
            "notes": self.count(Severity.INFO),
            "unlisted": self.unlisted,
            "ids": "unique: the store's index admits no id twice",
            "layers": [outcome.to_dict() for outcome in self.outcomes],
        }
