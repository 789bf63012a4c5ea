"""The history as JSON and as rows of pages: versions, differences, changesets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.links import Link, item_path, link
from api.negotiation import GEOJSON
from api.responses.item_pages import display
from twin.differences import Difference, ShapeChange, ValueChange
from twin.feature import Feature
from twin.store.port import Changeset, FeatureVersion, Touched
from twin.validity import Validity, instant_or_open

Document = dict[str, Any]


def change_document(change: Changeset) -> Document:
    """Who, when, why, and how much."""
    return {
        "version": change.version,
        "at": instant_or_open(change.at),
        "author": change.author.name,
        "reason": change.author.reason,
        "inserted": change.inserted,
        "updated": change.updated,
        "deleted": change.deleted,
    }


def touched_document(touched: Touched, layer_id: str, version: int, base: str) -> Document:
    """A feature that a write touched, with the way to what it did."""
    here = base + item_path(layer_id, touched.feature_id)
    links = [link(f"{here}/versions", "version-history", "application/json")]
    if touched.what != "deleted":
        links.append(link(f"{here}/versions/{version}", "item", GEOJSON.media_type))
    if touched.what == "updated":
        links.append(link(f"{here}/diff?to={version}", "related", "application/json", "变化 Difference"))
    return {"id": touched.feature_id, "change": touched.what, "links": links}


def version_documents(versions: Sequence[FeatureVersion], here: str) -> list[Document]:
    """The versions, newest first; a deletion stands among them as an entry of its own.

    Args:
        versions: All of one feature, newest first.
        here: Address of the feature.
    """
    documents: list[Document] = []
    older: list[FeatureVersion | None] = [*versions[1:], None][: len(versions)]
    for version, before in zip(versions, older, strict=True):
        if version.deleted and version.ended is not None:
            documents.append(_deletion(version.ended))
        documents.append(_version(version, before, here))
    return documents


def _version(version: FeatureVersion, before: FeatureVersion | None, here: str) -> Document:
    number, feature = version.change.version, version.feature
    new = before is None or before.deleted
    links = [link(f"{here}/versions/{number}", "item", GEOJSON.media_type, "当时的状态 State")]
    if not new and before is not None:
        of = f"{here}/diff?from={before.change.version}&to={number}"
        links.append(link(of, "related", "application/json", "变化 Difference"))
    return _who(version.change) | {
        "change": "inserted" if new else "updated",
        "deleted": False,
        "superseded_at": None if version.ended is None else instant_or_open(version.ended.at),
        "superseded_by": None if version.ended is None else version.ended.version,
        "valid": interval_of(feature),
        "recorded_slices": [interval_of(slice_) for slice_ in version.recorded],
        "timeline": [_ends(validity) for validity in version.timeline],
        "links": links,
    }


def _deletion(change: Changeset) -> Document:
    return _who(change) | {
        "change": "deleted",
        "deleted": True,
        "superseded_at": None,
        "superseded_by": None,
        "valid": None,
        "recorded_slices": [],
        "timeline": [],
        "links": [],
    }


def _who(change: Changeset) -> Document:
    return {
        "version": change.version,
        "recorded_at": instant_or_open(change.at),
        "author": change.author.name,
        "reason": change.author.reason,
    }


def difference_document(
    before: FeatureVersion, after: FeatureVersion, found: Difference, crs: str, links: Sequence[Link]
) -> Document:
    """What differs between two versions, with titles in both languages and units."""
    return {
        "id": after.feature.id,
        "from": _side(before),
        "to": _side(after),
        "properties": [_value_change(change) for change in found.values],
        "time": None if found.validity is None else {"from": _ends(found.validity[0]), "to": _ends(found.validity[1])},
        "geometry": None if found.shape is None else _shape_change(found.shape, crs),
        "links": list(links),
    }


def _side(version: FeatureVersion) -> Document:
    return _who(version.change) | {
        "valid": interval_of(version.feature),
        "recorded_slices": [interval_of(slice_) for slice_ in version.recorded],
    }


def _value_change(change: ValueChange) -> Document:
    declared = change.property
    return {
        "name": declared.name,
        "title": {"zh": declared.title.zh or declared.name, "en": declared.title.en or declared.name},
        "unit": declared.unit or None,
        "from": change.before,
        "to": change.after,
        "from_text": display(declared, change.before),
        "to_text": display(declared, change.after),
    }


def _shape_change(change: ShapeChange, crs: str) -> Document:
    return {
        "from_type": change.before,
        "to_type": change.after,
        "moved_m": _rounded(change.moved_m),
        "farthest_m": _rounded(change.farthest_m),
        "length_change_m": _rounded(change.length_change_m),
        "area_change_m2": _rounded(change.area_change_m2),
        "measured_in": crs,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def interval_of(feature: Feature) -> list[str]:
    """Valid time as GeoJSON's `time.interval` writes it."""
    return _ends(Validity(feature.valid_from, feature.valid_to))


def _ends(validity: Validity) -> list[str]:
    return [instant_or_open(validity.start), instant_or_open(validity.end)]
