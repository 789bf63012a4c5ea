"""Bodies and answers of the base map's routes: JSON objects read strictly, documents with their links."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from api.links import Link, link
from layers.base_map.checking import CheckRequest
from layers.base_map.findings_layer import FINDINGS
from layers.base_map.releasing import ReleaseRequest
from twin.errors import BadReleaseError, Finding, shorten
from twin.topology.rules import parse_rules

_RELEASE_MEMBERS: Mapping[str, type] = {
    "name": str,
    "notes": str,
    "layers": list,
    "max_errors": int,
    "force": bool,
    "reason": str,
}
_CHECK_MEMBERS: Mapping[str, type] = {"layers": list, "rules": dict}
_WORDS = {
    str: "text",
    list: "a list of layer ids",
    int: "a whole number from 0 up",
    bool: "true or false",
    dict: "an object",
}


def parse_release_request(document: Mapping[str, Any]) -> ReleaseRequest:
    """The body of `POST /basemap/releases`.

    Raises:
        BadReleaseError: with one finding for each member that is missing, unknown or of another type.
    """
    faults = _faults(document, _RELEASE_MEMBERS)
    if "name" not in document:
        faults.append(Finding("/name", "", "A release needs a name.", 'Send {"name": "2026.11"}.'))
    _refuse(faults)
    return ReleaseRequest(
        name=document["name"],
        notes=document.get("notes", ""),
        layers=_layers(document),
        max_errors=document.get("max_errors", 0),
        force=document.get("force", False),
        reason=document.get("reason", ""),
    )


def parse_check_request(document: Mapping[str, Any]) -> CheckRequest:
    """The body of `POST /basemap/check`. Raises BadReleaseError, BadRulesError."""
    _refuse(_faults(document, _CHECK_MEMBERS))
    return CheckRequest(_layers(document), parse_rules(document.get("rules", {})))


def release_links(base: str, name: str, layers: Sequence[Mapping[str, Any]]) -> list[Link]:
    """From a release to its report, its verification and the pinned state of each layer."""
    here = f"{base}/basemap/releases/{quote(name)}"
    return [
        link(here, "self", "application/json"),
        link(f"{here}/report", "describedby", "application/json", "变更报告 What changed"),
        link(f"{here}/report?f=html", "describedby", "text/html", "变更报告 What changed"),
        link(f"{here}/verify", "related", "application/json", "校验 Verification"),
        *(
            link(
                f"{base}/collections/{layer['id']}/items?as_of={quote(f'release:{name}')}",
                "items",
                "application/geo+json",
                f"{layer['title']['zh']} {layer['title']['en']}".strip(),
            )
            for layer in layers
        ),
    ]


def findings_document(check: Mapping[str, Any] | None, base: str) -> dict[str, Any]:
    """The summary of the last check, and where its findings can be looked at."""
    here = f"{base}/collections/{FINDINGS}"
    links = [
        link(f"{base}/basemap/findings", "self", "application/json"),
        link(f"{here}/items", "items", "application/geo+json", "检查结果 Findings"),
        link(f"{base}/view?layers={FINDINGS}", "preview", "text/html", "看地图 View"),
    ]
    return {"check": check, "layer": FINDINGS, "links": links if check is not None else links[:1]}


def _layers(document: Mapping[str, Any]) -> tuple[str, ...] | None:
    return tuple(document["layers"]) if "layers" in document else None


def _faults(document: Mapping[str, Any], members: Mapping[str, type]) -> list[Finding]:
    faults = []
    for name, value in document.items():
        kind = members.get(name)
        if kind is None:
            faults.append(
                Finding(f"/{name}", shorten(value), "There is no such member.", f"Known: {', '.join(members)}.")
            )
        elif not _is(value, kind):
            faults.append(
                Finding(f"/{name}", shorten(value), f"This is {_WORDS[kind]}.", "Correct it or leave it out.")
            )
    return faults


def _is(value: object, kind: type) -> bool:
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool) and value >= 0
    if kind is list:
        return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    return isinstance(value, kind)


def _refuse(faults: list[Finding]) -> None:
    if faults:
        raise BadReleaseError(
            "The request cannot be read.",
            value=", ".join(fault.where for fault in faults),
            limit="every finding below must be cured",
            remedy="Correct the members named under findings.",
            findings=tuple(faults),
        )
