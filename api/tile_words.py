"""Plain requests for tiles, in the words that tell their answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.types import Scope

from api.layer_parts import ACTOR_HEADER
from layers.policy import Actor

# Only plain addresses are looked up by their words: whatever else a query may hold is read with care on the other way.
_PLAIN_QUERY = re.compile(rb"(?:v=([A-Za-z0-9.-]{1,200})|f=mvt)?")
_LONGEST_WORDS = 2000
_ACTOR = ACTOR_HEADER.lower().encode()
_ASKED = (b"accept", b"accept-encoding", b"if-none-match", b"origin", _ACTOR)


@dataclass(frozen=True, slots=True)
class Words:
    """A plain request for a tile.

    Attributes:
        key: What tells its answer apart: path, query, encodings and types, name of the actor.
        actor: Who asks.
        edition: What the address says in `v=`.
        is_head: Whether only the headers are asked for.
        names_format: Whether the query says `f=mvt`.
        accept, accept_encoding, if_none_match: Headers; None or empty where they are absent.
    """

    key: tuple[str, bytes, bytes, bytes]
    actor: Actor
    edition: str | None
    is_head: bool
    names_format: bool
    accept: str | None
    accept_encoding: str
    if_none_match: str | None


def read_words(scope: Scope) -> Words | None:
    """The words of a request; None for one that has to be read with care."""
    plain = _PLAIN_QUERY.fullmatch(scope["query_string"]) if scope["method"] in ("GET", "HEAD") else None
    if plain is None:
        return None
    found: dict[bytes, bytes] = {}
    for header, value in scope["headers"]:
        if header in _ASKED:
            if header in found:
                return None
            found[header] = value
    accept, coding, name = (found.get(header, b"") for header in (b"accept", b"accept-encoding", _ACTOR))
    # Far more than any client sends is not worth a place in memory.
    if len(accept) + len(coding) + len(name) + len(scope["path"]) > _LONGEST_WORDS:
        return None
    known = found.get(b"if-none-match")
    return Words(
        key=(scope["path"], scope["query_string"], coding + b"\n" + accept, name),
        actor=Actor.parse(name.decode("latin-1")) if name else Actor(),
        edition=plain[1].decode() if plain[1] else None,
        is_head=scope["method"] == "HEAD",
        names_format=plain[0] == b"f=mvt",
        accept=accept.decode("latin-1") or None,
        accept_encoding=coding.decode("latin-1"),
        if_none_match=None if known is None else known.decode("latin-1"),
    )
