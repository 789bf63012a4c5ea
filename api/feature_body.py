"""A GeoJSON feature from a request body, held against its layer: every fault is named at once.

Source: RFC 7946; `time` as in OGC 21-045r1 (JSON-FG).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import orjson
import shapely

from api.crs_edge import EdgeCRS
from api.errors import MalformedBodyError
from api.property_values import BadValueError, read_value
from twin.crs_area import area_in_words, beyond_validity
from twin.errors import BadFeatureError, BadIntervalError, Finding, OneMapError, shorten
from twin.feature import Feature, Value
from twin.geometry import check_geometries
from twin.interval import Interval
from twin.schema import GeometryType, Schema
from twin.validity import Validity, ValidityLimits, instant_or_open, validity_of

_GEOMETRIES = frozenset(kind.value for kind in GeometryType if kind is not GeometryType.GEOMETRY)


def parse_json_object(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`.

    Raises:
        MalformedBodyError: with the place, if it is not JSON or not an object. NaN and infinity are not JSON.
    """
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise MalformedBodyError(
            f"The body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}.",
            value=body[max(0, error.pos - 20) : error.pos + 20].decode("utf-8", "replace"),
            limit="JSON in UTF-8 (RFC 8259)",
            remedy="Correct the place named.",
        ) from error
    if not isinstance(document, dict):
        raise MalformedBodyError(
            "The body is JSON, but not an object.",
            value=type(document).__name__,
            limit="a GeoJSON Feature",
            remedy='Send {"type": "Feature", "geometry": …, "properties": {…}}.',
        )
    return document


def parse_feature(
    document: Mapping[str, Any],
    schema: Schema,
    crs: EdgeCRS,
    limits: ValidityLimits | None = None,
    repairs: list[Finding] | None = None,
) -> Feature:
    """The feature in a GeoJSON document.

    Args:
        document: A GeoJSON Feature as parsed JSON.
        schema: Of the layer it goes to.
        crs: System of its coordinates, in that system's axis order.
        limits: Which valid times are believed; None for the usual ones.
        repairs: Where to note rings that were mended; None refuses rings that cross themselves.

    Raises:
        BadFeatureError: with a finding for everything that is wrong.
    """
    findings: list[Finding] = []
    if document.get("type") != "Feature":
        findings.append(_finding("/type", document.get("type"), "This is not a Feature.", 'Write "type": "Feature".'))
    id_ = _read_id(document.get("id"), findings)
    geometry = _read_geometry(document, schema.geometry_type, crs, findings, repairs)
    properties = _read_properties(document.get("properties"), schema, findings)
    validity = _read_time(document.get("time"), limits or ValidityLimits(), findings)
    if findings:
        count = "One thing is" if len(findings) == 1 else f"{len(findings)} things are"
        raise BadFeatureError(f"{count} wrong with this feature.", remedy="See the findings.", findings=tuple(findings))
    return Feature(id_, geometry, properties, valid_from=validity.start, valid_to=validity.end)


def _finding(where: str, value: object, problem: str, remedy: str) -> Finding:
    return Finding(where, "" if value is None else shorten(value), problem, remedy)


def _read_id(value: Any, findings: list[Finding]) -> str | None:
    if value is None:
        return None
    if (
        isinstance(value, bool)
        or not isinstance(value, str | int)
        or not 0 < len(str(value)) <= 200
        or "\x00" in str(value)
    ):
        findings.append(
            _finding("/id", value, "This is no id.", "Give text of 1 to 200 characters, or a whole number.")
        )
        return None
    return str(value)


def _read_properties(members: Any, schema: Schema, findings: list[Finding]) -> dict[str, Value]:
    if members is None:
        members = {}
    if not isinstance(members, dict):
        findings.append(
            _finding("/properties", members, "The properties are not an object.", "Send an object or null.")
        )
        return {}
    properties: dict[str, Value] = {}
    for name, value in members.items():
        if name not in schema:
            known = ", ".join(schema.names[:40])
            findings.append(
                _finding(f"/properties/{name}", value, "The layer has no such property.", f"It has: {known}.")
            )
            continue
        try:
            properties[name] = read_value(schema.property(name), value)
        except BadValueError as error:
            findings.append(_finding(f"/properties/{name}", value, error.problem, error.remedy))
    findings += [
        _finding(f"/properties/{entry.name}", None, "This property is required.", "Give it a value.")
        for entry in schema
        if entry.required and members.get(entry.name) is None
    ]
    return properties


def _read_geometry(
    document: Mapping[str, Any],
    allowed: GeometryType,
    crs: EdgeCRS,
    findings: list[Finding],
    repairs: list[Finding] | None,
) -> shapely.Geometry | None:
    member = document.get("geometry")
    if "geometry" not in document:
        findings.append(_finding("/geometry", None, "The geometry is missing.", "Send null for an unknown place."))
    if member is None:
        return None
    if not isinstance(member, dict) or member.get("type") not in _GEOMETRIES:
        known = ", ".join(sorted(_GEOMETRIES))
        findings.append(
            _finding("/geometry", member, "This is not a GeoJSON geometry.", f"Its type is one of: {known}.")
        )
        return None
    given = np.empty(1, dtype=object)
    try:
        given[0] = shapely.from_geojson(orjson.dumps(member))
        moved = crs.inward(given)
    except (shapely.errors.GEOSException, ValueError, TypeError) as error:
        reason = str(error).splitlines()[0][:200]
        findings.append(
            _finding("/geometry", member, f"The coordinates cannot be read: {reason}.", "See RFC 7946, 3.1.")
        )
        return None
    except OneMapError as error:
        findings.append(_finding("/geometry", member, error.message, error.remedy))
        return None
    if beyond_validity(given, moved, crs.crs).any():
        problem = f"The place lies outside the area where {crs.crs.name} is valid{area_in_words(crs.crs)}."
        findings.append(_finding("/geometry", member, problem, "Check the CRS and the order of the axes."))
        return None
    checked = check_geometries(moved, allowed, repair=repairs is not None)
    if repairs is not None and checked.repaired:
        reason = shapely.is_valid_reason(moved[0])
        repairs.append(_finding("/geometry", member, f"The geometry was mended: {reason}.", "Look at the outcome."))
    findings += [_finding("/geometry", member, fault.problem, fault.remedy) for fault in checked.faults]
    geometry: shapely.Geometry | None = checked.geometries[0]
    return geometry


def says_when(document: Mapping[str, Any]) -> bool:
    """Whether a body says when its state holds; open at both ends is a word too."""
    return document.get("time") is not None


def _read_time(member: Any, limits: ValidityLimits, findings: list[Finding]) -> Validity:
    """Valid time: `{"interval": ["2024-01-01", ".."]}` or `{"timestamp": …}` or `{"date": …}`. Days are whole days (UTC)."""
    if member is None:
        return Validity()
    try:
        if isinstance(member, dict) and isinstance(member.get("interval"), list) and len(member["interval"]) == 2:
            if all(end in ("..", None) for end in member["interval"]):
                return Validity()
            interval = Interval.parse("/".join(".." if end is None else str(end) for end in member["interval"]))
        elif isinstance(member, dict) and ("timestamp" in member or "date" in member):
            interval = Interval.parse(str(member.get("timestamp", member.get("date"))))
        else:
            raise BadIntervalError("This is not a time.", remedy='Write {"interval": ["2024-01-01", ".."]}.')
        validity = validity_of(interval)
    except (BadIntervalError, OverflowError) as error:
        message, remedy = (
            getattr(error, "message", "This is not a time."),
            getattr(error, "remedy", "Correct the date."),
        )
        findings.append(_finding("/time", member, message, remedy))
        return Validity()
    fault = limits.fault(validity, datetime.now(UTC))
    if fault is not None:
        instant, limit, remedy = fault
        findings.append(_finding("/time", instant_or_open(instant), f"Such a time is not believed: {limit}.", remedy))
    return validity
