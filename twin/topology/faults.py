"""What a check found: in columns while it works, and one by one for those who read it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely

from twin.text import LocalText
from twin.topology.kinds import Severity, kinds
from twin.topology.sheet import Geometries


@dataclass(frozen=True)
class Faults:
    """Faults of one kind as columns of equal length n.

    Attributes:
        features: n ids of the features at fault.
        others: n ids of the second feature, None where there is none.
        measures: float64 (n,), in the unit of the kind; NaN where nothing is measured.
        limit: What the rule allows, in the same unit; None where it allows nothing.
        geometries: Object (n,), where it is, in metres; None where there is no place.
    """

    kind: str
    features: list[str]
    others: list[str | None]
    measures: npt.NDArray[np.float64]
    limit: float | None
    geometries: Geometries
    other_layer: str | None = None

    def __len__(self) -> int:
        return len(self.features)

    def take(self, rows: npt.NDArray[np.int64]) -> Faults:
        """Some of the rows."""
        return Faults(
            self.kind,
            [self.features[row] for row in rows],
            [self.others[row] for row in rows],
            self.measures[rows],
            self.limit,
            self.geometries[rows],
            self.other_layer,
        )


def faults(
    kind: str,
    features: list[str],
    geometries: Any,
    *,
    others: list[str] | list[str | None] | None = None,
    measures: Any = None,
    limit: float | None = None,
    other_layer: str | None = None,
) -> Faults:
    """Faults of a kind; what is not said is unknown."""
    count = len(features)
    places = np.empty(count, dtype=object)
    places[:] = list(geometries)
    return Faults(
        kind,
        features,
        [None] * count if others is None else list(others),
        np.full(count, np.nan) if measures is None else np.asarray(measures, dtype=np.float64),
        limit,
        places,
        other_layer,
    )


@dataclass(frozen=True, slots=True)
class TopologyFinding:
    """One thing that is wrong.

    Attributes:
        id: The same in every run that finds the same: made of kind, features and place.
        message: What is wrong, with value and limit.
        layer, feature: Where it was found; other_layer, other: the second feature, if there is one.
        measure: In `unit`; None where nothing is measured.
        geometry: Where, CGCS2000 lon/lat; None for a feature without a place.
    """

    id: str
    kind: str
    severity: Severity
    message: LocalText
    layer: str
    feature: str
    other_layer: str | None
    other: str | None
    measure: float | None
    unit: str
    limit: float | None
    geometry: shapely.Geometry | None

    def to_dict(self) -> dict[str, Any]:
        box = None if self.geometry is None else [round(float(v), 7) for v in shapely.bounds(self.geometry)]
        return {
            "id": self.id,
            "kind": self.kind,
            "severity": self.severity.value,
            "message": self.message.to_dict(),
            "layer": self.layer,
            "feature": self.feature,
            "other_layer": self.other_layer,
            "other": self.other,
            "measure": self.measure,
            "unit": self.unit,
            "limit": self.limit,
            "bbox": box,
        }


def finding(
    found: Faults, row: int, layer: str, severity: Severity, geometry: shapely.Geometry | None
) -> TopologyFinding:
    """One row of the columns in words; `geometry` is its place in degrees."""
    kind, other, value = kinds()[found.kind], found.others[row], float(found.measures[row])
    other_layer = None if other is None else (found.other_layer or layer)
    measure = None if np.isnan(value) else round(value, 4)
    said = {
        "layer": layer,
        "feature": found.features[row],
        "other_layer": other_layer or "",
        "other": other or "—",
        "value": "" if measure is None else _readable(measure),
        "limit": "" if found.limit is None else _readable(found.limit),
    }
    message = LocalText(kind.message.zh.format(**said), kind.message.en.format(**said))
    return TopologyFinding(
        _finding_id(found.kind, layer, found.features[row], other, geometry),
        found.kind,
        severity,
        message,
        layer,
        found.features[row],
        other_layer,
        other,
        measure,
        kind.unit,
        found.limit,
        geometry,
    )


def _finding_id(kind: str, layer: str, feature: str, other: str | None, geometry: shapely.Geometry | None) -> str:
    place = "" if geometry is None else ",".join(f"{value:.6f}" for value in shapely.bounds(geometry))
    text = "\x1f".join((kind, layer, feature, other or "", place))
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def _readable(value: float) -> str:
    """At most two digits behind the point, more where that would be nothing."""
    return f"{value:,.2f}".rstrip("0").rstrip(".") if value >= 0.01 or value == 0 else f"{value:.2g}"
