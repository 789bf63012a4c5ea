"""What the HTML pages of features show: property titles with units, titles of codes, values as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import shapely

from api.crs_edge import edge_crs
from api.documents import both, layer_title
from api.item_query import ItemsRequest
from api.links import Link, item_path
from twin.feature import Feature, FeatureBatch
from twin.schema import Property
from twin.store.port import LayerRecord
from twin.validity import Validity

_LONGEST_CELL = 120


def table_rows(wanted: ItemsRequest, batch: FeatureBatch, matched: int | None, links: Sequence[Link]) -> dict[str, Any]:
    """Values for the template `items.html`."""
    record = wanted.record
    names = record.schema.names if wanted.shown is None else wanted.shown
    columns = [record.schema.property(name) for name in names]
    values = [[display(column, value) for value in batch.columns[column.name]] for column in columns]
    rows = [
        {"id": id_, "path": item_path(record.id, str(id_)), "values": [column[row] for column in values]}
        for row, id_ in enumerate(batch.ids)
    ]
    return {
        "record": record,
        "title": layer_title(record),
        "columns": [heading(column) for column in columns],
        "rows": rows,
        "matched": matched,
        "next": next((entry["href"] for entry in links if entry["rel"] == "next"), None),
        "links": links,
        "first_page": wanted.query.after is None,
        "parameters": dict(wanted.parameters),
    }


def feature_rows(record: LayerRecord, feature: Feature) -> dict[str, Any]:
    """Values for the template `item.html`."""
    rows = [
        {"heading": heading(column), "value": display(column, feature.properties.get(column.name))}
        for column in record.schema
    ]
    held = Validity(feature.valid_from, feature.valid_to)
    return {
        "record": record,
        "title": layer_title(record),
        "feature": feature,
        "rows": rows,
        "places": [] if feature.geometry is None or feature.geometry.is_empty else _places(feature.geometry),
        "geometry_type": "" if feature.geometry is None else feature.geometry.geom_type,
        "valid": "" if held == Validity() else str(held),
    }


def heading(column: Property) -> dict[str, str]:
    """Titles, name and unit of a column."""
    return {"zh": column.title.zh, "en": column.title.en, "name": column.name, "unit": column.unit}


def display(column: Property, value: Any) -> str:
    """A value for a reader: codes by their title, instants without their fraction, long text cut."""
    if value is None:
        return ""
    for code in column.codes:
        if code.value == value:
            return both(code.title) or str(value)
    if isinstance(value, bool):
        return "是 yes" if value else "否 no"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S UTC")
    text = f"{value:.10g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"


def _places(geometry: shapely.Geometry) -> list[dict[str, str]]:
    """A point on the feature, in CGCS2000 degrees and in the city's plane system."""
    point = geometry.point_on_surface()
    made = [{"crs": "CGCS2000 (EPSG:4490)", "text": f"{point.x:.7f}°E, {point.y:.7f}°N"}]
    if 118.0 <= point.x <= 122.0:
        (plane,) = edge_crs("EPSG:4549").outward(shapely.points([[point.x, point.y]]))
        made.append(
            {"crs": "CGCS2000 / 3° GK 120E (EPSG:4549)", "text": f"X (N) {plane.x:.3f} m, Y (E) {plane.y:.3f} m"}
        )
    return made
