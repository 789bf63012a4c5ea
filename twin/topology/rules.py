"""The rules of a check as data: per layer a list of checks with their tolerances in metres, read from JSON.

`rules.json` holds those of the shipped base map; a manifest or a single run may bring others. What a rule does not say has the
default that stands in the check's class here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from twin.errors import BadRulesError, Finding, shorten
from twin.topology.kinds import Severity, kinds

_FILE = Path(__file__).with_name("rules.json")
_MAX_CHECKS = 50

Where = Mapping[str, tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Selection:
    """Features of a layer: those whose properties have one of the values, or all of them."""

    layer: str
    where: Where = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Check:
    """What every check says.

    Attributes:
        where: Only these features of the layer take part.
        severity: Severities by kind of finding, in place of the usual ones.
    """

    where: Where = field(default_factory=dict, kw_only=True)
    severity: Mapping[str, Severity] = field(default_factory=dict, kw_only=True)

    def severity_of(self, kind: str) -> Severity:
        """Severity of a finding of that kind under this rule."""
        return self.severity.get(kind, kinds()[kind].severity)

    @property
    def reach_m(self) -> float:
        """How far from a feature the check looks, in metres."""
        return 1.0


@dataclass(frozen=True, slots=True)
class GeometryCheck(Check):
    """Empty, invalid and self-crossing geometry, and parts smaller than `min_part_m2` or shorter than `min_part_m`."""

    min_part_m2: float = 0.01
    min_part_m: float = 0.01


@dataclass(frozen=True, slots=True)
class DuplicatesCheck(Check):
    """The same geometry twice; points nearer than `near_m` to each other (0: only the same)."""

    near_m: float = 0.0

    @property
    def reach_m(self) -> float:
        return 1.0 + self.near_m


@dataclass(frozen=True, slots=True)
class OverlapsCheck(Check):
    """Polygons of one layer that share more than `min_area_m2`; thin where narrower than `sliver_width_m` on average."""

    min_area_m2: float = 1.0
    sliver_width_m: float = 1.0


@dataclass(frozen=True, slots=True)
class CoverageCheck(Check):
    """Polygons that shall tile the plane: overlaps, gaps, slivers, edges that do not match.

    Attributes:
        min_area_m2: Overlaps and gaps up to this are rounding.
        sliver_width_m: Gaps, overlaps and polygons whose mean width (2 × area / perimeter) is below are slivers.
        max_gap_m2: Holes above this are meant (a lake); None: every hole is a gap. Does not hold against a boundary.
        edge_gap_m: Cracks up to this width make an edge that does not match.
        boundary: What the polygons fill exactly; None where they may end anywhere.
    """

    min_area_m2: float = 1.0
    sliver_width_m: float = 1.0
    max_gap_m2: float | None = None
    edge_gap_m: float = 0.1
    boundary: Selection | None = None


@dataclass(frozen=True, slots=True)
class NetworkCheck(Check):
    """Lines that shall meet at nodes.

    Attributes:
        node_m: Ends this near to each other are one node; lines up to this length are none.
        snap_m: An end this near to another line was meant to touch it.
        min_shared_m: Lines that share more than this lie on each other.
        split: Whether every line is cut where another one meets it; else a common vertex is a node too.
        levels: Properties that say on which level a line runs; lines of different levels cross freely.
        border: Area at whose edge lines may end.
        border_m: Ends this near to its edge, or outside, are excused.
        dead_ends: Report genuine dead ends too; else they are only counted.
        pseudo_nodes: Report nodes where two lines of the same attributes meet and nothing branches.
    """

    node_m: float = 0.05
    snap_m: float = 2.0
    min_shared_m: float = 0.5
    split: bool = True
    levels: tuple[str, ...] = ()
    border: Selection | None = None
    border_m: float = 50.0
    dead_ends: bool = False
    pseudo_nodes: bool = False

    @property
    def reach_m(self) -> float:
        return 1.0 + 2 * self.snap_m


@dataclass(frozen=True, slots=True)
class ConflictsCheck(Check):
    """Features that lie on features of another layer.

    Attributes:
        other: The other layer; `with` in JSON.
        other_where: Only these features of it.
        min_area_m2, min_length_m: What is shared up to this is let pass.
        excuse: Values of properties, of either feature, that make a crossing right: bridges, tunnels.
    """

    other: str
    other_where: Where = field(default_factory=dict)
    min_area_m2: float = 1.0
    min_length_m: float = 1.0
    excuse: Where = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InsideCheck(Check):
    """Features that reach more than `tolerance_m` out of the boundary."""

    boundary: Selection
    tolerance_m: float = 1.0


CHECKS: Mapping[str, type[Check]] = MappingProxyType(
    {
        "geometry": GeometryCheck,
        "duplicates": DuplicatesCheck,
        "overlaps": OverlapsCheck,
        "coverage": CoverageCheck,
        "network": NetworkCheck,
        "conflicts": ConflictsCheck,
        "inside": InsideCheck,
    }
)
_JSON_NAMES = {"with": "other", "with_where": "other_where"}

RuleSet = Mapping[str, tuple[Check, ...]]


@cache
def default_rules() -> RuleSet:
    """The rules of the shipped base map."""
    return parse_rules(json.loads(_FILE.read_text(encoding="utf-8")))


def parse_rules(document: object) -> RuleSet:
    """Rules by layer from their JSON form.

    Raises:
        BadRulesError: with one finding per fault.
    """
    faults: list[Finding] = []
    if not isinstance(document, Mapping):
        raise _refused([Finding("", shorten(document), "Rules are an object.", 'Write {"layer": [{"check": …}]}.')])
    rules = {str(layer): tuple(_checks(checks, f"/{layer}", faults)) for layer, checks in document.items()}
    if faults:
        raise _refused(faults)
    return MappingProxyType(rules)


def parse_checks(document: object, where: str = "") -> tuple[Check, ...]:
    """The checks of one layer from their JSON form. Raises BadRulesError."""
    faults: list[Finding] = []
    checks = tuple(_checks(document, where, faults))
    if faults:
        raise _refused(faults)
    return checks


def _checks(document: object, where: str, faults: list[Finding]) -> Iterator[Check]:
    if not isinstance(document, Sequence) or isinstance(document, str) or len(document) > _MAX_CHECKS:
        problem = f"The checks of a layer are a list of at most {_MAX_CHECKS}."
        faults.append(Finding(where, shorten(document), problem, 'Write [{"check": "geometry"}, …].'))
        return
    for i, entry in enumerate(document):
        try:
            yield _check(entry)
        except _FaultError as fault:
            faults.append(Finding(f"{where}/{i}{fault.where}", shorten(fault.value), fault.problem, fault.remedy))


class _FaultError(Exception):
    def __init__(self, where: str, value: object, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.where, self.value, self.problem, self.remedy = where, value, problem, remedy


def _check(entry: object) -> Check:
    kind = CHECKS.get(str(entry.get("check"))) if isinstance(entry, Mapping) else None
    if kind is None or not isinstance(entry, Mapping):
        raise _FaultError("", entry, "There is no such check.", f"Name one of {', '.join(CHECKS)} as 'check'.")
    known = {entry_field.name: entry_field for entry_field in fields(kind)}
    values: dict[str, Any] = {}
    for key, value in entry.items():
        if key == "check":
            continue
        name = _JSON_NAMES.get(key, key)
        if name not in known or key in _JSON_NAMES.values():
            names = sorted({*known} - {*_JSON_NAMES.values()} | {k for k, v in _JSON_NAMES.items() if v in known})
            raise _FaultError(f"/{key}", key, "This check has no such setting.", f"It has {', '.join(names)}.")
        values[name] = _value(key, str(known[name].type), value)
    for name, entry_field in known.items():
        if name not in values and entry_field.default is MISSING and entry_field.default_factory is MISSING:
            missing = next((k for k, v in _JSON_NAMES.items() if v == name), name)
            raise _FaultError(f"/{missing}", "", f"This check needs '{missing}'.", "Add it.")
    return kind(**values)


def _value(key: str, kind: str, value: object) -> Any:
    """A setting's value, by the annotation of its field."""
    if kind.startswith("float"):
        return _number(key, value, optional="None" in kind)
    if kind == "bool":
        if isinstance(value, bool):
            return value
        raise _FaultError(f"/{key}", value, "This is true or false.", "Write true or false.")
    if kind == "str":
        if isinstance(value, str) and value:
            return value
        raise _FaultError(f"/{key}", value, "This is the id of a layer.", "Write its id.")
    if kind == "tuple[str, ...]":
        if isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(v, str) for v in value):
            return tuple(value)
        raise _FaultError(f"/{key}", value, "This is a list of property names.", 'Write ["bridge", "tunnel"].')
    if kind.startswith("Selection"):
        return None if value is None and "None" in kind else _selection(key, value)
    if kind == "Where":
        return _where(key, value)
    return _severities(key, value)


def _number(key: str, value: object, *, optional: bool) -> float | None:
    if value is None and optional:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise _FaultError(f"/{key}", value, "This is a finite number from 0 up.", "Metres, or square metres with _m2.")
    return float(value)


def _selection(key: str, value: object) -> Selection:
    if not isinstance(value, Mapping) or not isinstance(value.get("layer"), str) or set(value) - {"layer", "where"}:
        problem = "A selection names a layer, and values of its properties."
        raise _FaultError(f"/{key}", value, problem, 'Write {"layer": "districts", "where": {"kind": ["city"]}}.')
    return Selection(value["layer"], _where(f"{key}/where", value.get("where", {})))


def _where(key: str, value: object) -> Where:
    good = isinstance(value, Mapping) and all(
        isinstance(values, Sequence)
        and not isinstance(values, str)
        and all(v is None or isinstance(v, str | int | float) for v in values)
        for values in value.values()
    )
    if not good or not isinstance(value, Mapping):
        raise _FaultError(
            f"/{key}", value, "This gives a list of values for each property.", 'Write {"kind": ["city"]}.'
        )
    return MappingProxyType({str(name): tuple(values) for name, values in value.items()})


def _severities(key: str, value: object) -> Mapping[str, Severity]:
    allowed = {severity.value for severity in Severity}
    if not isinstance(value, Mapping) or any(k not in kinds() or v not in allowed for k, v in value.items()):
        raise _FaultError(
            f"/{key}", value, "This gives a severity for a kind of finding.", 'Write {"overlap": "warning"}.'
        )
    return MappingProxyType({name: Severity(severity) for name, severity in value.items()})


def _refused(faults: list[Finding]) -> BadRulesError:
    return BadRulesError(
        f"The topology rules have {len(faults)} fault{'s' if len(faults) != 1 else ''}.",
        value=faults[0].value,
        limit="every finding below must be cured",
        remedy="Correct the places named under findings; twin/topology/README.md lists the checks and their settings.",
        findings=tuple(faults),
    )
