"""What there is, as one document: every layer's manifest with its state, and the city they belong to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from layers.city import City
from layers.lineage import LINEAGE, lineage_statement
from twin.basemap.checked import CHECKED_AGAINST
from twin.standing import state_of
from twin.store.port import LayerRecord


def layer_entry(record: LayerRecord) -> dict[str, Any]:
    """A layer's manifest with state, version, feature count, bounds, times, lineage, the release it was checked against, and the schema as the store has it."""
    return {
        **record.document,
        "state": state_of(record.document).value,
        "id": record.id,
        "geometry_type": record.schema.geometry_type.value,
        "schema": [entry.to_dict() for entry in record.schema],
        "version": record.version,
        "feature_count": record.feature_count,
        "bounds": None if record.bounds is None else list(record.bounds.as_tuple()),
        "created_at": record.created_at.isoformat(),
        "updated_at": record.updated_at.isoformat(),
        "checked_against": record.document.get(CHECKED_AGAINST),
        "lineage_statement": lineage_statement(record.document.get(LINEAGE, ())).to_dict(),
    }


def catalogue(records: Iterable[LayerRecord], city: City) -> dict[str, Any]:
    """All layers, bottom of the map first, and the city profile."""
    entries = [layer_entry(record) for record in records]
    entries.sort(key=lambda entry: (entry.get("order", 100), entry["id"]))
    return {"layers": entries, "city": city.to_document()}
