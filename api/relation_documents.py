"""What the routes of relations answer: links, types, derivations, resolutions, and what a feature is tied to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.documents import both
from api.links import Link as WebLink
from api.links import item_path, link, with_parameters
from layers.relating import Derived
from layers.surroundings import MAX_TIES, Surroundings, Tie, TieGroup
from twin.relations.deriving import Ambiguity
from twin.relations.documents import link_document
from twin.relations.following import Resolution
from twin.relations.link import Link, Ref
from twin.relations.port import LinkReport
from twin.relations.relation_type import RelationType
from twin.text import LocalText

_FAULTS_SHOWN = 1_000


def type_document(kind: RelationType) -> dict[str, Any]:
    """A relation type, and whether it ships."""
    return {**kind.to_dict(), "shipped": kind.shipped}


def link_answer(found: Link, base: str) -> dict[str, Any]:
    """A link with the way to itself and to both ends."""
    links = [
        link(f"{base}/relations/{found.id}", "self", "application/json"),
        link(base + item_path(*found.source), "related", "application/geo+json", "from"),
        link(base + item_path(*found.target), "related", "application/geo+json", "to"),
    ]
    return {**link_document(found), "links": links}


def report_document(report: LinkReport) -> dict[str, Any]:
    """What became of links handed in together."""
    shown = report.faults[:_FAULTS_SHOWN]
    return {
        "recorded": len(report.ids),
        "refused": len(report.faults),
        "ids": list(report.ids),
        "version": report.version,
        "faults": [
            {"row": f.row, "code": f.code, "value": f.value, "problem": f.problem, "remedy": f.remedy} for f in shown
        ],
    }


def derived_document(derived: Derived) -> dict[str, Any]:
    """What a derivation found and did."""
    found, settled = derived.found, derived.settled
    return {
        "type": found.proposals.type,
        "from": found.proposals.from_layer,
        "to": found.proposals.to_layer,
        "dry_run": settled is None,
        "features": found.features,
        "proposed": len(found.proposals.links),
        "unplaced": found.unplaced,
        "unmatched": found.unmatched,
        "ambiguous": found.ambiguous,
        "examples": [_ambiguity(entry) for entry in found.examples],
        "settled": None
        if settled is None
        else {
            "kept": settled.kept,
            "added": settled.added,
            "ended": settled.ended,
            "overruled": settled.overruled,
            "version": settled.version,
        },
    }


def resolution_document(found: Resolution, base: str) -> dict[str, Any]:
    """What an entity is at a moment, with the chain that leads there."""
    return {
        "entity": _end(found.entity, base),
        "outcome": found.outcome.value,
        "entities": [_end(end, base) for end in found.entities],
        "chain": [link_answer(step, base) for step in found.chain],
    }


def surroundings_document(
    feature: Ref, title: str, found: Surroundings, links: Sequence[WebLink], base: str
) -> dict[str, Any]:
    """A feature and what it is tied to; `complete` is false where MAX_TIES kept some from being followed."""
    return {
        **_end(feature, base),
        "title": title or feature.id,
        "relations": [_group(group, feature, base) for group in found.groups],
        "complete": found.complete,
        "limit": MAX_TIES,
        "links": list(links),
    }


def direction_title(group: TieGroup) -> LocalText:
    """What the links of a group say, read from the feature."""
    return group.type.title if group.direction == "out" else group.type.inverse_title


def _group(group: TieGroup, feature: Ref | None, base: str) -> dict[str, Any]:
    document: dict[str, Any] = {
        "type": group.type.id,
        "relation": group.type.id if group.direction == "out" else group.type.inverse,
        "direction": group.direction,
        "title": direction_title(group).to_dict(),
        "count": group.count,
        "ties": [_tie(tie, base) for tie in group.ties],
    }
    if feature is not None and group.count > len(group.ties):
        asked = {"layer": feature.layer, "id": feature.id, "type": group.type.id, "direction": group.direction}
        document["all"] = with_parameters(f"{base}/relations", asked.items())
    return document


def _tie(tie: Tie, base: str) -> dict[str, Any]:
    recorded = link_document(tie.link)
    kept = ("id", "source", "confidence", "valid_from", "valid_to", "properties", "version")
    document: dict[str, Any] = {
        "feature": {**_end(tie.other, base), "title": tie.title or tie.other.id, "stands": not tie.gone},
        "link": {key: recorded[key] for key in kept},
    }
    if tie.gone:
        document["now"] = [_end(end, base) for end in tie.now]
    if tie.via is not None:
        document["via"] = tie.via._asdict()
    if tie.onward:
        document["relations"] = [_group(group, None, base) for group in tie.onward]
    return document


def _end(end: Ref, base: str) -> dict[str, str]:
    return {"layer": end.layer, "id": end.id, "href": base + item_path(end.layer, end.id)}


def _ambiguity(entry: Ambiguity) -> dict[str, Any]:
    candidates: list[Mapping[str, Any]] = [{**end._asdict(), "score": score} for end, score in entry.candidates]
    return {"feature": entry.feature._asdict(), "candidates": candidates}


def rows_of(groups: Sequence[TieGroup], base: str, level: int = 0) -> list[dict[str, Any]]:
    """Values for the template `relations.html`: one row for each tie, those found further on below it, indented."""
    rows = []
    for group in groups:
        for tie in group.ties:
            rows.append(
                {
                    "level": level,
                    "relation": both(direction_title(group)),
                    "layer": tie.other.layer,
                    "id": tie.other.id,
                    "title": tie.title or tie.other.id,
                    "path": f"{base}{item_path(*tie.other)}/relations?f=html",
                    "gone": tie.gone,
                    "now": [{"id": str(end), "path": base + item_path(*end) + "?f=html"} for end in tie.now],
                    "via": str(tie.via) if tie.via else "",
                    "known_by": tie.link.known_by.value,
                    "confidence": tie.link.confidence,
                    "properties": dict(tie.link.properties),
                }
            )
            rows += rows_of(tie.onward, base, level + 1)
    return rows
