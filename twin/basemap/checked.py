"""Which release of the base map a layer was checked against, and which layers are behind."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from twin.basemap.release import UNRELEASED
from twin.basemap.release_tables import release_tables
from twin.store.port import LayerRecord, Store
from twin.store.sql import SqlStore

_BASEMAP = "basemap"

CHECKED_AGAINST = "checked_against"
"""The member of a layer's document: `{"release": name or "unreleased", "at": instant}`."""


@dataclass(frozen=True, slots=True)
class StaleLayer:
    """A layer whose last check is not against the newest release.

    Attributes:
        release: What it was checked against: a name, "unreleased", or None where it never was.
        behind: How many releases have been made since; all of them where it never was checked.
    """

    layer: str
    release: str | None
    at: str | None
    behind: int

    def to_dict(self) -> dict[str, Any]:
        return {"layer": self.layer, "release": self.release, "at": self.at, "behind": self.behind}


def current_release_name(store: Store) -> str | None:
    """Name of the newest release; None before the first. Reads and makes nothing."""
    if not isinstance(store, SqlStore):
        return None
    t = release_tables(store.dialect.db_schema).releases
    with store.reading() as connection:
        if not sa.inspect(connection).has_table(t.name, schema=t.schema):
            return None
        name = connection.execute(sa.select(t.c.name).order_by(t.c.fid.desc()).limit(1)).scalar()
    return None if name is None else str(name)


def with_check(document: Mapping[str, Any], release: str | None, at: datetime) -> dict[str, Any]:
    """A layer's document that says which release its data were judged by; that of a base-map layer as it is: others are judged by it."""
    if document.get("department") == _BASEMAP:
        return dict(document)
    return {**document, CHECKED_AGAINST: {"release": release or UNRELEASED, "at": at.isoformat()}}


def entry_with_check(
    entry: Mapping[str, Any], document: Mapping[str, Any], release: str | None, at: datetime
) -> dict[str, Any]:
    """An entry of the layer's lineage that says the same."""
    stamp = with_check(document, release, at).get(CHECKED_AGAINST)
    return dict(entry) if stamp is None else {**entry, CHECKED_AGAINST: stamp}


def checked_release(document: Mapping[str, Any]) -> str | None:
    """The release that a document names: "unreleased" before the first, None where the layer was never judged."""
    stamp = document.get(CHECKED_AGAINST)
    return str(stamp["release"]) if isinstance(stamp, Mapping) and stamp.get("release") else None


def stale_layers(records: Iterable[LayerRecord], releases: Sequence[str]) -> list[StaleLayer]:
    """Layers not checked against the newest release, the farthest behind first.

    Args:
        records: Layers of departments; those of the base map are what others are checked against.
        releases: Names, newest first.
    """
    stale = [_behind(record, releases) for record in records]
    return sorted((entry for entry in stale if entry.behind), key=lambda entry: (-entry.behind, entry.layer))


def _behind(record: LayerRecord, releases: Sequence[str]) -> StaleLayer:
    name = checked_release(record.document)
    behind = releases.index(name) if name in releases else len(releases)
    at = None if name is None else record.document[CHECKED_AGAINST].get("at")
    return StaleLayer(record.id, name, at, behind)
