"""What is wrong with a manifest, in words for the person at the department who wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from layers.style import Style
from twin.errors import Finding, shorten
from twin.schema import GeometryType

REMEDIES: Mapping[str, str] = {
    "/id": "Use small letters, digits and single hyphens, such as street-lights; the id can never change.",
    "/title": 'Give the title in both languages: {"zh": "路灯", "en": "Street lights"}.',
    "/department": "Use the department's id in small letters and hyphens, such as municipal-works.",
    "/owner": "Name the office that is responsible for the data.",
    "/licence": "Say under which terms the data may be used, such as 'internal use' or 'CC BY 4.0'.",
    "/crs": "Name the CRS of the data as delivered by its code, such as EPSG:4490 or EPSG:4549.",
    "/source": 'Use {"type": "upload"}, "inline", "inbox" or "ogc-features".',
    "/order": "Give a whole number from 0 (bottom) to 10000 (top); 100 suits a department layer.",
}
CORRECT = "Correct the value; layers/README.md shows an example."
RESERVED_IDS = ("onemap", "check")
MAX_NAME_BYTES = 60
PROPERTY_NAME_REMEDY = (
    "Begin with a letter and go on with letters (Chinese too), digits and underscores, at most 60 characters."
)


def findings_of(error: ValidationError, document: Mapping[str, Any]) -> list[Finding]:
    """Every fault that pydantic saw, with pointer, value, problem and remedy."""
    findings: dict[str, Finding] = {}
    for fault in error.errors(include_url=False, include_context=True):
        pointer = pointer_of(fault["loc"], document)
        findings.setdefault(pointer, _finding(pointer, fault, document))
    return list(findings.values())


def pointer_of(loc: Sequence[int | str], document: Any) -> str:
    """JSON pointer (RFC 6901) of a fault; steps that name a model rather than a place in the document are left out."""
    parts: list[str] = []
    node = document
    for step, part in enumerate(loc):
        if isinstance(node, Mapping) and part in node:  # noqa: SIM114 (mypy narrows only separate branches)
            node = node[part]
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        elif step != len(loc) - 1 or not isinstance(node, Mapping) or part == "[key]":
            continue
        parts.append(str(part).replace("~", "~0").replace("/", "~1"))
    return "".join(f"/{part}" for part in parts)


def _finding(pointer: str, fault: Mapping[str, Any], document: Mapping[str, Any]) -> Finding:
    kind, context = str(fault["type"]), fault.get("ctx") or {}
    value = "" if kind == "missing" else shorten(fault.get("input"), 120)
    field = pointer.rsplit("/", 1)[-1]
    if kind == "missing":
        return Finding(pointer, value, f"'{field}' is missing.", _remedy(pointer, f"Add '{field}'."))
    if kind == "extra_forbidden":
        return Finding(pointer, value, f"A manifest has no field '{field}' here.", _nearest(field, pointer))
    if kind in ("enum", "literal_error"):
        return Finding(pointer, value, "This is not one of the allowed words.", f"Use {context.get('expected', '')}.")
    if kind.startswith("union_tag"):
        return Finding(pointer, value, "This type of source is not known.", REMEDIES["/source"])
    if kind == "string_pattern_mismatch":
        return Finding(
            pointer, value, "This is not written as it has to be.", _remedy(pointer, f"Follow {context['pattern']}.")
        )
    if kind in ("string_too_long", "too_long"):
        return Finding(
            pointer, value, f"This is longer than {context.get('max_length')}.", _remedy(pointer, "Shorten it.")
        )
    if kind in ("string_too_short", "too_short"):
        return Finding(pointer, value, "This is empty.", _remedy(pointer, "Fill it in or leave the field out."))
    if kind == "value_error":
        problem, _, remedy = str(context.get("error", "")).partition("; ")
        return Finding(pointer, value, _sentence(problem), _sentence(remedy) if remedy else _remedy(pointer, CORRECT))
    return Finding(pointer, value, f"{fault['msg']}.", _remedy(pointer, CORRECT))


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


def _remedy(pointer: str, otherwise: str) -> str:
    if pointer.startswith("/schema/") and pointer.endswith("/name"):
        return PROPERTY_NAME_REMEDY
    return REMEDIES.get(pointer, otherwise)


FIELDS = (
    *(
        "id",
        "title",
        "description",
        "department",
        "department_title",
        "owner",
        "contact",
        "licence",
        "attribution",
        "crs",
    ),
    *("geometry_type", "schema", "id_property", "update_cadence", "classification", "synthetic", "style", "order"),
    *("visible", "source", "search"),
)
PROPERTY_FIELDS = ("name", "type", "title", "unit", "description", "codes", "required")


def _nearest(field: str, pointer: str) -> str:
    known = PROPERTY_FIELDS if pointer.startswith("/schema/") else FIELDS
    near = difflib.get_close_matches(field.lower().replace("license", "licence"), known, n=1)
    return f"Did you mean '{near[0]}'?" if near else f"Leave it out; the fields are: {', '.join(known)}."


def id_findings(document: Mapping[str, Any]) -> list[Finding]:
    """Ids that are words in the server's own paths."""
    if document.get("id") not in RESERVED_IDS:
        return []
    return [Finding("/id", str(document["id"]), "This word is taken by the server itself.", "Choose another id.")]


def title_findings(document: Mapping[str, Any]) -> list[Finding]:
    """A title that is empty in both languages."""
    title = document.get("title")
    if title == "" or (isinstance(title, Mapping) and not (title.get("zh") or title.get("en"))):
        return [Finding("/title", "", "The title is empty in both languages.", REMEDIES["/title"])]
    return []


def property_findings(document: Mapping[str, Any]) -> list[Finding]:
    """Names that occur twice, and codes that do not fit their property."""
    entries = document.get("schema")
    if not isinstance(entries, list):
        return []
    findings: list[Finding] = []
    seen: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
            continue
        name = entry["name"]
        if name.casefold() in seen:
            problem = f"/schema/{seen[name.casefold()]} has the same name (capital letters make no difference)."
            findings.append(Finding(f"/schema/{index}/name", name, problem, "Give every property a name of its own."))
        elif len(name.encode("utf-8", "replace")) > MAX_NAME_BYTES:
            problem = f"The name takes more than {MAX_NAME_BYTES} bytes (a Chinese character takes three)."
            findings.append(Finding(f"/schema/{index}/name", name, problem, "Shorten it; the title may be long."))
        seen.setdefault(name.casefold(), index)
        findings.extend(_code_findings(index, entry))
    return findings


def _code_findings(index: int, entry: Mapping[str, Any]) -> Iterable[Finding]:
    codes, kind = entry.get("codes"), entry.get("type")
    if not isinstance(codes, list) or not codes:
        return
    if kind not in ("string", "integer"):
        problem = f"Only string and integer properties have codes, not {kind}."
        yield Finding(f"/schema/{index}/codes", str(kind), problem, "Leave the codes out or change the type.")
        return
    wanted, remedy = (
        (str, "Write it in quotes.") if kind == "string" else (int, "Write it as a whole number without quotes.")
    )
    for i, code in enumerate(codes):
        if isinstance(code, Mapping) and "value" in code and not isinstance(code["value"], wanted):
            where, problem = f"/schema/{index}/codes/{i}/value", f"The property is of type {kind}, this code is not."
            yield Finding(where, shorten(code["value"], 120), problem, remedy)


STYLE_PROPERTY_KEYS = (
    ("color_by", "property"),
    ("width_by", "property"),
    ("extrude", "property"),
    ("label", "property"),
    ("label", "priority_property"),
)


def style_findings(document: Mapping[str, Any]) -> list[Finding]:
    """Places in the style that do not go with the rest: unknown properties (where a schema is given), unfit geometry."""
    style, entries = document.get("style"), document.get("schema")
    if not isinstance(style, Mapping):
        return []
    findings = _geometry_style_findings(style.get("kind"), document.get("geometry_type"))
    if not isinstance(entries, list):
        return findings
    names = [str(entry["name"]) for entry in entries if isinstance(entry, Mapping) and "name" in entry]
    for part, key in STYLE_PROPERTY_KEYS:
        section = style.get(part)
        name = section.get(key) if isinstance(section, Mapping) else None
        if isinstance(name, str) and name not in names:
            remedy = f"Use one of: {', '.join(names[:30])}." if names else "Add the property to the schema."
            findings.append(Finding(f"/style/{part}/{key}", name, "The schema has no property of this name.", remedy))
    return findings


def _geometry_style_findings(kind: object, geometry_type: object) -> list[Finding]:
    if kind not in ("fill", "line", "circle") or geometry_type not in list(GeometryType):
        return []
    if Style.model_construct(kind=kind).draws(GeometryType(str(geometry_type))):
        return []
    remedy = "Use fill for polygons, line for lines, circle for points."
    return [Finding("/style/kind", str(kind), f"This does not draw a {geometry_type}.", remedy)]
