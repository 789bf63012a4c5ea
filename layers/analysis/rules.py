"""Tables of rules: those that come along, and over them those of the city, in a folder that it can change without us."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from scenes3d.analysis.control import RunwayDimensions, parse_runways, runway_kinds
from scenes3d.analysis.sunlight import SunlightRule, parse_sunlight_rules, sunlight_rules
from twin.errors import UnreadableFileError

SUNLIGHT, RUNWAYS = "sunlight_rules.json", "control_surfaces.json"
_Row = TypeVar("_Row")


@dataclass(frozen=True)
class RuleBook:
    """The rules of a server. Files are read when they are asked for: a row that is changed counts from the next question on.

    Attributes:
        folder: Where the city's own tables are; None, or a folder that is not there, for none.
    """

    folder: Path | None = None

    def sunlight(self) -> Mapping[str, SunlightRule]:
        """Sunlight rules by id; the city's take the place of those of the same id. Raises UnreadableFileError."""
        return sunlight_rules() | self._own(SUNLIGHT, parse_sunlight_rules)

    def runways(self) -> Mapping[str, RunwayDimensions]:
        """Dimensions by kind of runway. Raises UnreadableFileError."""
        return runway_kinds() | self._own(RUNWAYS, parse_runways)

    def table_of(self, name: str, row: str) -> dict[str, Any]:
        """Which table a row is from, for the record: the one that comes along, or the city's with its checksum."""
        path = self._path(name)
        if path is not None:
            data = path.read_bytes()
            if row in _rows(json.loads(data)):
                return {"table": name, "of": "city", "sha256": hashlib.sha256(data).hexdigest()}
        return {"table": name, "of": "One Map"}

    def _own(self, name: str, parse: Callable[[Mapping[str, Any]], dict[str, _Row]]) -> dict[str, _Row]:
        path = self._path(name)
        if path is None:
            return {}
        try:
            return parse(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnreadableFileError(
                "A table of rules cannot be read. 规则表无法读取。",
                value=name,
                limit="a table like the one that comes along in scenes3d/analysis",
                remedy=f"{type(error).__name__}: {error}",
            ) from error

    def _path(self, name: str) -> Path | None:
        path = None if self.folder is None else self.folder / name
        return path if path is not None and path.is_file() else None


def _rows(document: Mapping[str, Any]) -> set[str]:
    return {str(row["id"]) for row in document.get("rules", ())} | set(document.get("runways", {}))
