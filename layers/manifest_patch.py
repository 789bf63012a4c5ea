"""A change to a manifest, as a merge patch (RFC 7396) of the fields that may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from layers.manifest import Manifest, parse_manifest
from twin.errors import BadManifestError, Finding, shorten

CHANGEABLE = (
    *("title", "description", "department_title", "owner", "contact", "licence", "attribution", "update_cadence"),
    *("classification", "tags", "synthetic", "style", "order", "visible", "geometry_faults"),
    *("accuracy_m", "vertical_accuracy_m", "topology", "search", "tiles"),
)
_WHY: Mapping[str, str] = {
    "id": "The id of a layer never changes: addresses and links hold it.",
    "geometry_type": "The geometry type cannot change: the layer's table is built for it.",
    "schema": "Properties cannot be added or changed this way: the layer's columns are built for them.",
    "crs": "The CRS belongs to the data that were delivered.",
    "vertical_datum": "The vertical datum belongs to the heights that were delivered.",
    "department": "A layer does not move between departments.",
    "source": "The source cannot change this way.",
    "id_property": "The property that gives the ids cannot change: every feature would get a new id.",
}
_RENEW = "Register a new layer with the new definition, send it the data, then DELETE this one."


def merge_manifest(document: Mapping[str, Any], patch: Mapping[str, Any]) -> Manifest:
    """The manifest that `document` becomes by `patch`; null puts a field back to its default.

    Raises:
        BadManifestError: if the patch touches a field that cannot change, or the outcome has faults; all are named.
    """
    if not isinstance(patch, Mapping):
        raise BadManifestError("A merge patch is a JSON object.", value=patch, remedy='Send {"title": {"zh": …}}.')
    findings = tuple(
        _unchangeable(name, value) for name, value in patch.items() if not _may_change(name, value, document)
    )
    if findings:
        raise BadManifestError(
            "Some of these fields cannot change.",
            value=", ".join(finding.where for finding in findings),
            limit="changeable: " + ", ".join(CHANGEABLE),
            remedy="Leave them out, or register a new layer.",
            findings=findings,
        )
    known = {field.alias or name for name, field in Manifest.model_fields.items()}
    merged = _merged({key: value for key, value in document.items() if key in known}, patch)
    return parse_manifest(merged)


def _may_change(name: str, value: object, document: Mapping[str, Any]) -> bool:
    return name in CHANGEABLE or (name in _WHY and document.get(name) == value)


def _unchangeable(name: str, value: object) -> Finding:
    if name in _WHY:
        return Finding(f"/{name}", shorten(value, 120), _WHY[name], _RENEW)
    return Finding(f"/{name}", shorten(value, 120), f"A manifest has no field '{name}'.", "Leave it out.")


def _merged(target: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(target)
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = _merged(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged
