"""What is known of a scene beyond its tiles: whose it is, of when, how good, out of what, and whether it may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from layers.lineage import LINEAGE
from twin.crs import CGCS2000
from twin.store.port import LayerRecord
from twin.text import LocalText
from twin.vertical import vertical_datum_title

REVIEWS = "reviews"
MEASURED_ACCURACY = "measured_accuracy"
"""What surveyed points said of the scene as it was built; another build has not been measured."""
BUILDINGS = "buildings"
"""The kind of scene that is raised from a layer; the others were delivered as they are."""


class SceneState(StrEnum):
    """DRAFT: built, waits for a person; reviewers see it. PUBLISHED: shown. REJECTED: a person said no."""

    DRAFT = "draft"
    PUBLISHED = "published"
    REJECTED = "rejected"


class Level(StrEnum):
    """How closely a scene follows what it shows. Source: 实景三维中国建设技术大纲 (2021)."""

    TERRAIN = "terrain"
    CITY = "city"
    COMPONENT = "component"

    @property
    def words(self) -> LocalText:
        return _LEVELS[self]


_LEVELS = {
    Level.TERRAIN: LocalText("地形级", "Terrain"),
    Level.CITY: LocalText("城市级", "City"),
    Level.COMPONENT: LocalText("部件级", "Component"),
}


def buildings_record(
    layer: LayerRecord, *, level: Level, date: str | None, accuracy_m: float | None, vertical_datum: str, by: str
) -> dict[str, Any]:
    """The record of a scene of buildings, a draft, without the edition it serves.

    Args:
        date: Day of the data; None takes that of the layer's last delivery.
        accuracy_m: In plane, mean square; None takes what the layer says.
    """
    document = layer.document
    sources = _sources(document)
    return {
        "id": layer.id,
        "kind": BUILDINGS,
        "layer": layer.id,
        "layer_birth": layer.created_at.isoformat(),
        "title": dict(document.get("title") or {"zh": layer.id, "en": layer.id}),
        "owner": document.get("owner") or document.get("department") or "",
        "attribution": document.get("attribution") or "",
        "level": level.value,
        "lod": "LOD1",
        "date": date or (sources[-1]["at"][:10] if sources else None),
        "accuracy_m": accuracy_m if accuracy_m is not None else document.get("accuracy_m"),
        "crs": CGCS2000,
        "vertical_datum": vertical_datum,
        "sources": sources,
        "state": SceneState.DRAFT.value,
        "built_by": by,
        REVIEWS: [],
    }


def lods_of(report: Mapping[str, Any]) -> dict[str, Any]:
    """What the record says of the detail of buildings: the finest there is, and how many have which where that differs."""
    counts: dict[str, int] = report.get("lods", {})
    return {"lod": max(counts), "lods": counts} if "LOD2" in counts else {"lod": "LOD1"}


def scene_state(record: Mapping[str, Any]) -> SceneState:
    """Where a scene stands."""
    return SceneState(record.get("state", SceneState.DRAFT))


def scene_entry(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record for readers, with words beside its codes."""
    return {
        **{key: value for key, value in record.items() if key != "layer_birth"},
        "level_title": Level(record["level"]).words.to_dict(),
        "vertical_datum_title": vertical_datum_title(record["vertical_datum"]).to_dict(),
    }


def now_text() -> str:
    """The present, to the second, as records write it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _sources(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Files that the layer came from, with checksums, the oldest first."""
    entries: Sequence[Mapping[str, Any]] = document.get(LINEAGE, ())
    names = ("source", "format", "sha256", "crs", "at")
    return [
        {name: entry.get(name) for name in names} for entry in entries if entry.get("step") in ("import", "heights")
    ]
