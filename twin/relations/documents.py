"""Links as JSON and CSV say them: read with every fault named by its row, and written."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from typing import Any

from twin.errors import BadLinkError, shorten
from twin.formats.values import parse_date, parse_datetime
from twin.relations.link import Link, LinkSource, NewLink, Ref, Window
from twin.relations.port import LinkFault

_KEYS = frozenset(("type", "from", "to", "valid_from", "valid_to", "source", "confidence", "properties"))
_FLAT = ("from_layer", "from_id", "to_layer", "to_id")
_TOLD = (LinkSource.DECLARED, LinkSource.IMPORTED)
_MAX_ID = 1_000
# No database keeps these: U+0000 and halves of surrogate pairs.
_UNKEPT = re.compile("[\x00\ud800-\udfff]")


@dataclass
class LinkRows:
    """Links read from rows: the good ones with their row numbers (from 1), and a fault for each of the others."""

    links: list[NewLink] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    faults: list[LinkFault] = field(default_factory=list)


class _Unreadable(Exception):
    """A part of one row that cannot be read: place, value, problem, remedy."""


def parse_links(documents: Sequence[object], known_by: LinkSource = LinkSource.DECLARED) -> LinkRows:
    """Links from JSON objects: `{"type", "from": {"layer", "id"}, "to": {…}, …}`, or flat with `from_layer`, `from_id`, ….

    Args:
        known_by: How a link is known that does not say so itself.
    """
    found = LinkRows()
    for row, document in enumerate(documents, 1):
        try:
            link = _link(document, known_by)
        except _Unreadable as error:
            where, value, problem, remedy = error.args
            found.faults.append(LinkFault(row, "unreadable", f"{where}: {shorten(value, 80)}", problem, remedy))
        else:
            found.links.append(link)
            found.rows.append(row)
    return found


def parse_link(document: object) -> NewLink:
    """One declared link.

    Raises:
        BadLinkError: if a part of it cannot be read.
    """
    found = parse_links([document])
    if found.faults:
        fault = found.faults[0]
        raise BadLinkError(fault.problem, value=fault.value, remedy=fault.remedy)
    return found.links[0]


def read_csv(text: str) -> list[dict[str, Any]]:
    """Rows of a CSV with the columns `type`, `from_layer`, `from_id`, `to_layer`, `to_id` and, as they come, `valid_from`,
    `valid_to`, `confidence`, `source`; every other column is a property, empty cells are left out.

    Raises:
        BadLinkError: if one of the five columns is missing, or a row is longer than the header.
    """
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""))
    names = [name.strip() for name in reader.fieldnames or ()]
    missing = [name for name in ("type", *_FLAT) if name not in names]
    if missing:
        raise BadLinkError(
            "A column is missing.",
            value=", ".join(missing),
            limit="type, from_layer, from_id, to_layer, to_id",
            remedy="Name the columns in the first line.",
        )
    reader.fieldnames = names
    rows = []
    try:
        for number, cells in enumerate(reader, 1):
            if None in cells:
                raise BadLinkError(
                    "A row has more cells than the header.", value=f"row {number}", remedy="Quote commas."
                )
            rows.append(_flat_row({key: value.strip() for key, value in cells.items() if value and value.strip()}))
    except csv.Error as error:
        raise BadLinkError(f"This is not CSV: {error}.", remedy="Send UTF-8 text with commas.") from error
    return rows


def link_document(link: Link) -> dict[str, Any]:
    """A recorded link as JSON values."""
    return {
        "id": link.id,
        "type": link.type,
        "from": link.source._asdict(),
        "to": link.target._asdict(),
        "valid_from": _text(link.window.start),
        "valid_to": _text(link.window.end),
        "source": link.known_by.value,
        "confidence": link.confidence,
        "properties": dict(link.properties),
        "version": link.version,
        "superseded": link.superseded,
        "recorded_at": _text(link.recorded_at),
        "author": link.author,
        "reason": link.reason,
    }


def amended(link: Link, patch: Mapping[str, Any]) -> NewLink:
    """The next state of a link by a merge patch (RFC 7396) of its window, confidence and properties.

    Raises:
        BadLinkError: if the patch touches anything else, or a value cannot be read.
    """
    changeable = {"valid_from", "valid_to", "confidence", "properties"}
    others = sorted(set(patch) - changeable)
    if others:
        raise BadLinkError(
            "Ends, type and source of a link never change.",
            value=", ".join(others),
            limit=", ".join(sorted(changeable)),
            remedy="End this link and record another one.",
        )
    properties = patch.get("properties", {})
    if properties is not None and not isinstance(properties, Mapping):
        raise BadLinkError("Properties are a JSON object.", value=properties, remedy='Send {"floor_number": 2}.')
    before = link_document(link)
    merged = {**before, **patch}
    if "properties" in patch:
        kept = {} if properties is None else {**link.properties, **properties}
        merged["properties"] = {name: value for name, value in kept.items() if value is not None}
    wanted = ("type", "from", "to", "valid_from", "valid_to", "confidence", "properties")
    state = parse_link({key: merged[key] for key in wanted})
    return NewLink(
        state.type, state.source, state.target, state.window, link.known_by, state.confidence, state.properties
    )


def _flat_row(cells: dict[str, Any]) -> dict[str, Any]:
    """CSV cells as a link document: numbers as numbers, unknown columns as properties."""
    document = {key: value for key, value in cells.items() if key in _KEYS or key in _FLAT}
    properties = {key: _plain(value) for key, value in cells.items() if key not in _KEYS and key not in _FLAT}
    if "confidence" in document:
        document["confidence"] = _plain(document["confidence"])
    return document | ({"properties": properties} if properties else {})


def _plain(text: str) -> Any:
    """A cell as the number or truth value it spells; other text as it stands."""
    try:
        value = json.loads(text, parse_constant=str)
    except ValueError:
        return text
    return value if isinstance(value, int | float | bool) else text


def _link(document: object, known_by: LinkSource) -> NewLink:
    if not isinstance(document, Mapping):
        raise _Unreadable("link", document, "A link is a JSON object.", 'Send {"type": …, "from": …, "to": …}.')
    stray = sorted(set(map(str, document)) - _KEYS - set(_FLAT))
    if stray:
        raise _Unreadable(stray[0], stray[0], "A link has no such field.", f"Use: {', '.join(sorted(_KEYS))}.")
    properties = document.get("properties") or {}
    if not isinstance(properties, Mapping):
        raise _Unreadable("properties", properties, "Properties are a JSON object.", 'Send {"floor_number": 2}.')
    return NewLink(
        type=_word(document.get("type"), "type"),
        source=_ref(document, "from"),
        target=_ref(document, "to"),
        window=Window(
            _instant(document.get("valid_from"), "valid_from"), _instant(document.get("valid_to"), "valid_to")
        ),
        known_by=_known_by(document.get("source"), known_by),
        confidence=_confidence(document.get("confidence")),
        properties={str(key): value for key, value in properties.items() if value is not None},
    )


def _ref(document: Mapping[str, Any], side: str) -> Ref:
    end = document.get(side)
    if end is None:
        end = {"layer": document.get(f"{side}_layer"), "id": document.get(f"{side}_id")}
    if not isinstance(end, Mapping) or set(end) - {"layer", "id"}:
        raise _Unreadable(side, end, "An end is a layer and an id.", 'Send {"layer": "buildings", "id": "B1"}.')
    return Ref(_word(end.get("layer"), f"{side}/layer"), _word(end.get("id"), f"{side}/id"))


def _word(value: object, where: str) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= _MAX_ID or _UNKEPT.search(value):
        raise _Unreadable(where, value, f"'{where}' is missing or not text.", f"Text of at most {_MAX_ID} characters.")
    return value


def _instant(value: object, where: str) -> datetime | None:
    if value is None or value == "":
        return None
    found = None
    if isinstance(value, str) and len(value) <= 40:
        day = parse_date(value)
        found = parse_datetime(value) if day is None else datetime.combine(day, time(), UTC)
    if found is None:
        raise _Unreadable(where, value, "This is no instant.", "Write 2024-05-01 or 2024-05-01T08:00:00Z.")
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _known_by(value: object, default: LinkSource) -> LinkSource:
    if value is None:
        return default
    if value not in [source.value for source in _TOLD]:
        remedy = "declared or imported; derived links are made by POST /relations/derive."
        raise _Unreadable("source", value, "A link that is told cannot be of this source.", remedy)
    return LinkSource(str(value))


def _confidence(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _Unreadable("confidence", value, "A confidence is a number from 0 to 1.", "Correct it, or leave it out.")
    return float(value)


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")
