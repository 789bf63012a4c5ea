"""May this actor do that to this layer? The one question every write passes, and the place where sign-in will stand.

Until sign-in comes, `OpenPolicy` allows everything and the actor is who the caller says they are: good enough for the
author line of a changeset, not for protection. That is why the server binds to loopback unless told otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import unquote

from twin.errors import PolicyError
from twin.store.catalogue import unknown_layer
from twin.store.port import Author

MAX_NAME = 100


class Action(StrEnum):
    """What somebody wants to do."""

    READ = "read"
    REGISTER_LAYER = "register-layer"
    DESCRIBE_LAYER = "describe-layer"
    DROP_LAYER = "drop-layer"
    WRITE_FEATURES = "write-features"
    REVIEW_LAYER = "review-layer"
    CHANGE_RELATION_TYPES = "change-relation-types"
    RELEASE_BASE_MAP = "release-base-map"
    WRITE_REFERENCE_DATA = "write-reference-data"

    @property
    def writes(self) -> bool:
        return self is not Action.READ


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks.

    Attributes:
        name: As shown in the changesets.
    """

    name: str = "anonymous"

    @classmethod
    def parse(cls, text: str | None) -> Actor:
        """The actor named by a header, percent-encoded where it is not ASCII; at most 100 printable characters of it.

        >>> Actor.parse("%E7%8E%8B%E5%B7%A5").name, Actor.parse(None).name
        ('王工', 'anonymous')
        """
        if text is None:
            return cls()
        name = "".join(c for c in unquote(text) if c.isprintable()).strip()[:MAX_NAME]
        return cls(name) if name else cls()

    def author(self, reason: str) -> Author:
        """The same person as the author of a changeset."""
        return Author(self.name, reason)


class Policy(Protocol):
    """Decides. One method, so that nothing can slip past it."""

    def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
        """Return when `actor` may; the layer need not exist (registering asks before it does).

        For CHANGE_RELATION_TYPES the id is that of a relation type.

        Raises:
            PolicyError: if not, with the reason in words.
        """


def may_read(policy: Policy, actor: Actor, layer_id: str) -> bool:
    """Whether `actor` may know of the layer."""
    try:
        policy.authorise(actor, Action.READ, layer_id)
    except PolicyError:
        return False
    return True


def may_review(policy: Policy, actor: Actor, layer_id: str) -> bool:
    """Whether `actor` may decide on the layer, and so see what is not published of it."""
    try:
        policy.authorise(actor, Action.REVIEW_LAYER, layer_id)
    except PolicyError:
        return False
    return True


def require_readable(policy: Policy, actor: Actor, layer_id: str) -> None:
    """Stop whoever may not know of the layer, in the very words for a layer that is not there.

    Raises:
        UnknownLayerError: if `actor` may not read it.
    """
    if not may_read(policy, actor, layer_id):
        raise unknown_layer(layer_id)


class OpenPolicy:
    """Everybody may do everything."""

    def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
        return None


class ReadOnlyPolicy:
    """Everybody may read, nobody may write: for a server that only shows."""

    def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
        if action.writes:
            raise PolicyError(
                f"{actor.name} may not {action.value.replace('-', ' ')} '{layer_id}': this server is read-only.",
                value=action.value,
                limit="reading only",
                remedy="Ask the operator of the server to allow writes.",
            )
