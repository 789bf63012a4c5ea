"""A release: named, dated, checksummed; the state of the base map that others can point to. It never changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from twin.basemap.checksum import document_checksum
from twin.bounds import Bounds
from twin.errors import BadReleaseError
from twin.store.values import instant_text, parse_instant
from twin.text import LocalText

UNRELEASED = "unreleased"
"""What a layer is checked against while there is no release; no release may be called so."""

_NAME = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,39}")


@dataclass(frozen=True, slots=True)
class ReleasedLayer:
    """One layer as a release pins it.

    Attributes:
        version: Of the layer: reading it as of this version gives what was released.
        bounds: Box of its features, CGCS2000 lon/lat; None where it has none.
        crs: Horizontal system in which it is kept; delivered_crs: the one it came in.
        vertical_datum: What its heights count from; None where nobody said, or it has none.
        accuracy_m, vertical_accuracy_m: As its owner states them; None where nobody said.
        sha256: Checksum of its features (`twin.basemap.checksum`).
        source: Where it comes from: owner, licence, attribution, lineage.
    """

    id: str
    title: LocalText
    version: int
    feature_count: int
    bounds: Bounds | None
    crs: str
    delivered_crs: str
    vertical_datum: str | None
    accuracy_m: float | None
    vertical_accuracy_m: float | None
    sha256: str
    source: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "title": self.title.to_dict(),
            "version": self.version,
            "feature_count": self.feature_count,
            "bounds": None if self.bounds is None else list(self.bounds.as_tuple()),
            "crs": self.crs,
            "delivered_crs": self.delivered_crs,
            "vertical_datum": self.vertical_datum,
            "accuracy_m": self.accuracy_m,
            "vertical_accuracy_m": self.vertical_accuracy_m,
            "sha256": self.sha256,
            "source": dict(self.source),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> ReleasedLayer:
        box = document["bounds"]
        return cls(
            **{
                **document,
                "title": LocalText.parse(document["title"]),
                "bounds": None if box is None else Bounds(*box),
            }
        )


@dataclass(frozen=True, slots=True)
class Release:
    """A state of the base map.

    Attributes:
        previous: The release before it; None for the first.
        topology: Summary of the check at the time of release (`TopologyReport.to_dict`).
        forced_reason: Why it was released in spite of errors; None where that was not needed.
        sha256: Checksum of everything above: of a release and all its layers in one number.
    """

    name: str
    at: datetime
    author: str
    notes: str
    previous: str | None
    layers: tuple[ReleasedLayer, ...]
    topology: Mapping[str, Any]
    forced_reason: str | None = None

    @property
    def sha256(self) -> str:
        return document_checksum(self.to_dict())

    @property
    def bounds(self) -> Bounds | None:
        """Box of all layers."""
        box: Bounds | None = None
        for layer in self.layers:
            box = box if layer.bounds is None else layer.bounds.union(box)
        return box

    def layer(self, layer_id: str) -> ReleasedLayer | None:
        """One of its layers; None where it pins none of that id."""
        return next((layer for layer in self.layers if layer.id == layer_id), None)

    def to_dict(self) -> dict[str, Any]:
        box = self.bounds
        return {
            "name": self.name,
            "at": instant_text(self.at),
            "author": self.author,
            "notes": self.notes,
            "previous": self.previous,
            "bounds": None if box is None else list(box.as_tuple()),
            "forced_reason": self.forced_reason,
            "topology": dict(self.topology),
            "layers": [layer.to_dict() for layer in self.layers],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Release:
        return cls(
            document["name"],
            parse_instant(document["at"]),
            document["author"],
            document["notes"],
            document["previous"],
            tuple(ReleasedLayer.from_dict(layer) for layer in document["layers"]),
            document["topology"],
            document["forced_reason"],
        )


def check_name(name: str) -> str:
    """The name, if a release may be called so.

    Raises:
        BadReleaseError: if not.
    """
    if not _NAME.fullmatch(name) or name == UNRELEASED:
        raise BadReleaseError(
            "A release cannot be called so.",
            value=name,
            limit="1 to 40 letters, digits, dots, hyphens and underscores, beginning with a letter or digit",
            remedy="Call it for example 2026.11.",
        )
    return name
