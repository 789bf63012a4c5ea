"""What can be wrong with a layer's topology: the kinds of findings, their words in two languages, unit and severity."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import MappingProxyType

from twin.text import LocalText

_FILE = Path(__file__).with_name("kinds.json")


class Severity(StrEnum):
    """How bad a finding is; errors hold a release back."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


SEVERITY_TITLES: Mapping[Severity, LocalText] = MappingProxyType(
    {
        Severity.ERROR: LocalText("错误", "Error"),
        Severity.WARNING: LocalText("警告", "Warning"),
        Severity.INFO: LocalText("提示", "Note"),
    }
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of finding.

    Attributes:
        severity: Where a rule says nothing else.
        unit: Of the measure: "m", "m²", or empty where nothing is measured.
        message: Sentences with the places {layer}, {feature}, {other_layer}, {other}, {value}, {limit}.
    """

    name: str
    title: LocalText
    severity: Severity
    unit: str
    message: LocalText


@cache
def kinds() -> Mapping[str, Kind]:
    """All kinds by name."""
    document = json.loads(_FILE.read_text(encoding="utf-8"))
    return MappingProxyType(
        {
            name: Kind(
                name,
                LocalText.parse(entry["title"]),
                Severity(entry["severity"]),
                entry["unit"],
                LocalText.parse(entry["message"]),
            )
            for name, entry in document.items()
        }
    )
