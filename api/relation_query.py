"""Query strings and bodies of the routes of relations, read into small values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

import api.moments
from api.errors import BadParameterError, MalformedBodyError
from api.moments import RELEASE
from api.parameters import parse_when
from layers.relating import RelationDesk
from twin.errors import BadMomentError, UnknownRelationError
from twin.moment import AsOf, resolve_as_of
from twin.relations.following import Moment
from twin.relations.link import Ref
from twin.relations.port import Direction, LinkQuery

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


def parse_link_query(parameters: Mapping[str, str], desk: RelationDesk, end: Ref | None = None) -> LinkQuery:
    """`layer`, `id`, `type`, `direction`, `datetime` and `as_of` as a query; with `end`, `as_of` is for `parse_known`.

    Raises:
        BadParameterError: if `id` comes without `layer`, or a value is none of those offered.
        UnknownRelationError: if there is no such type.
        BadIntervalError, BadMomentError: if a time cannot be read, or `as_of` is still to come.
        UnknownReleaseError: if there is no release of that name.
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
        version=_version(parameters.get("as_of"), desk) if layer is not None or end is None else None,
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


def parse_known(text: str | None, desk: RelationDesk, layer: str) -> tuple[int | None, Moment]:
    """`as_of=` of a feature: the version of the links that were recorded then, and the moment at which features are looked at.

    As for items: an instant or date of the past, a version of the feature's layer, or a release of the base map.

    Raises:
        BadMomentError: if it is none of these, still to come, or the layer has no such version.
        UnknownReleaseError: if there is no release of that name.
    """
    if text is None:
        return None, Moment()
    as_of = _as_of(text, desk)
    if isinstance(as_of, int):
        version = resolve_as_of(desk.store, layer, as_of)
        last = desk.store.changesets(layer, 1, before=version + 1)
        instant = last[0].at if last else desk.store.layer(layer).created_at
        moment = Moment(instant, {layer: version})
    elif isinstance(as_of, datetime):
        moment = Moment(as_of)
    else:
        moment = desk.release(text.removeprefix(RELEASE))
    assert moment.instant is not None
    return desk.relations.version_at(moment.instant), moment


def version_then(moment: Moment, desk: RelationDesk, layer: str) -> int | None:
    """The version of a layer at a moment; None for now."""
    if moment.versions is not None and layer in moment.versions:
        return moment.versions[layer]
    return None if moment.instant is None else desk.store.version_at(layer, moment.instant)


def _as_of(text: str, desk: RelationDesk) -> AsOf:
    as_of = api.moments.parse_moment({"as_of": text}, desk.store).as_of
    assert as_of is not None
    return as_of


def _version(text: str | None, desk: RelationDesk) -> int | None:
    """The version of the links that an `as_of` means; a bare version is one of theirs. Raises as `parse_known`."""
    if text is None:
        return None
    as_of = _as_of(text, desk)
    if isinstance(as_of, int):
        newest = desk.relations.version()
        if as_of > newest:
            raise BadMomentError(
                f"The links have no version {as_of} yet.",
                value=text,
                limit=f"up to {newest}",
                remedy="GET /relations says which version is the newest.",
            )
        return as_of
    instant = as_of if isinstance(as_of, datetime) else desk.release(text.removeprefix(RELEASE)).instant
    assert instant is not None
    return desk.relations.version_at(instant)
