"""Query strings and bodies of the routes of relations, read into small values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from api.errors import BadParameterError, MalformedBodyError
from api.parameters import parse_when
from layers.relating import RelationDesk
from twin.errors import UnknownRelationError
from twin.relations.following import Moment
from twin.relations.link import Ref
from twin.relations.port import Direction, LinkQuery

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def parse_link_query(parameters: Mapping[str, str], desk: RelationDesk, end: Ref | None = None) -> LinkQuery:
    """`layer`, `id`, `type`, `direction`, `datetime` and `as_of` as a query.

    Raises:
        BadParameterError: if `id` comes without `layer`, or a value is none of those offered.
        UnknownRelationError: if there is no such type.
        BadIntervalError: if a time cannot be read.
    """
    layer = parameters.get("layer")
    if end is None and "id" in parameters:
        if layer is None:
            raise BadParameterError("An id is one of a layer.", value=parameters["id"], remedy="Give layer=… too.")
        end = Ref(layer, parameters["id"])
    return LinkQuery(
        end=end,
        layer=layer if end is None else None,
        direction=_direction(parameters.get("direction", "both")),
        types=_types(parameters.get("type"), desk),
        holds=parse_when(parameters["datetime"]) if "datetime" in parameters else None,
        version=_version(parameters.get("as_of"), desk),
    )


def parse_moment(text: str | None, layer: str, desk: RelationDesk) -> Moment:
    """`at=`: an instant, a version of the entity's layer, or a release of the base map by its name.

    A release whose name reads like one of the others is meant by `release:2026`.

    Raises:
        BadIntervalError: if it reads like an instant and is none.
        UnknownReleaseError: if there is no release of that name.
    """
    if text is None:
        return Moment()
    if _NUMBER.fullmatch(text):
        return Moment(versions={layer: int(text)})
    if _DAY.match(text):
        return Moment(parse_when(text).end)
    return desk.release(text.removeprefix("release:"))


def parse_link_id(text: str) -> int:
    """The number in an address.

    Raises:
        UnknownRelationError: if it is none: there is no such link.
    """
    if _NUMBER.fullmatch(text):
        return int(text)
    raise UnknownRelationError(
        "There is no such link.", value=text, limit="a number", remedy="GET /relations lists them."
    )


def parse_count(text: str | None, name: str, default: int, maximum: int) -> int:
    """A whole number from 1 up; one above `maximum` is cut to it. Raises BadParameterError."""
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or int(text) < 1:
        raise BadParameterError(
            f"'{name}' is a whole number.", value=text, limit=f"1 to {maximum}", remedy=f"Write {name}={default}."
        )
    return min(int(text), maximum)


def text_member(document: Mapping[str, Any], name: str) -> str:
    """A member of a body that must be text. Raises MalformedBodyError."""
    value = document.get(name)
    if not isinstance(value, str) or not value:
        raise MalformedBodyError(f"'{name}' is missing or not text.", value=value, remedy=f'Send {{"{name}": "…"}}.')
    return value


def _direction(text: str) -> Direction:
    if text not in ("out", "in", "both"):
        raise BadParameterError(
            "There is no such direction.", value=text, limit="out|in|both", remedy="Use one of these."
        )
    return cast("Direction", text)


def _types(text: str | None, desk: RelationDesk) -> tuple[str, ...]:
    """Types by id; the name of the way back means the same type."""
    if text is None:
        return ()
    known = desk.types()
    by_name = {kind.inverse: kind.id for kind in known.values()} | {name: name for name in known}
    found = []
    for name in text.split(","):
        if name.strip() not in by_name:
            raise UnknownRelationError(
                "There is no such relation type.",
                value=name,
                limit=", ".join(known),
                remedy="GET /relations/types lists them.",
            )
        found.append(by_name[name.strip()])
    return tuple(dict.fromkeys(found))


def _version(text: str | None, desk: RelationDesk) -> int | None:
    if text is None:
        return None
    if _NUMBER.fullmatch(text):
        return int(text)
    end = parse_when(text).end
    return None if end is None else desk.relations.version_at(end)
