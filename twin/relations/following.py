"""What an entity is now, or was then: followed through declared successors over splits, merges and new ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from twin.errors import NotFound, UnknownFeatureError
from twin.relations.ends import chunks, known_layer
from twin.relations.link import Link, Ref
from twin.relations.port import LinkQuery, Relations
from twin.store.sql import SqlStore
from twin.store.tables import ID, SUPERSEDED, VERSION

Stands = Callable[[Collection[Ref]], set[Ref]]


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of system time: an instant, or the versions that a release pins.

    Attributes:
        instant: None for now.
        versions: Version of each layer; layers that it does not name are taken at `instant`.
    """

    instant: datetime | None = None
    versions: Mapping[str, int] | None = None


NOW = Moment()


class Outcome(StrEnum):
    """How an entity was found at a moment."""

    STANDING = "standing"
    REPLACED = "replaced"
    PRECEDED = "preceded"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Resolution:
    """An entity at a moment.

    Attributes:
        entities: What it is then; several after a split (or, looking back, before a merge); none when it is gone.
        chain: The succession links walked, in order.
    """

    entity: Ref
    outcome: Outcome
    entities: tuple[Ref, ...]
    chain: tuple[Link, ...]


class Succession:
    """Succession links as a graph: a declared one leads from what was to what took its place."""

    def __init__(self, links: Iterable[Link]) -> None:
        self._after: dict[Ref, list[Link]] = defaultdict(list)
        self._before: dict[Ref, list[Link]] = defaultdict(list)
        for link in links:
            self._after[link.source].append(link)
            self._before[link.target].append(link)

    def forward(self, entity: Ref, stands: Stands) -> tuple[tuple[Ref, ...], tuple[Link, ...]]:
        """What stands of those that took the entity's place, nearest first, and the links walked."""
        return _walk(entity, lambda end: [(link, link.target) for link in self._after.get(end, ())], stands)

    def backward(self, entity: Ref, stands: Stands) -> tuple[tuple[Ref, ...], tuple[Link, ...]]:
        """What stands of those whose place the entity took, and the links walked."""
        return _walk(entity, lambda end: [(link, link.source) for link in self._before.get(end, ())], stands)


def resolve(store: SqlStore, relations: Relations, entity: Ref, moment: Moment = NOW) -> Resolution:
    """The entity or entities that `entity` is at a moment, with the chain that leads there.

    Raises:
        UnknownFeatureError: if there never was such a feature and nothing is declared about it.
    """

    def stands(ends: Collection[Ref]) -> set[Ref]:
        return standing_at(store, ends, moment)

    if entity in stands([entity]):
        return Resolution(entity, Outcome.STANDING, (entity,), ())
    succession = Succession(succession_around(relations, entity))
    found, chain = succession.forward(entity, stands)
    if found:
        return Resolution(entity, Outcome.REPLACED, found, chain)
    found, back = succession.backward(entity, stands)
    if found:
        return Resolution(entity, Outcome.PRECEDED, found, back)
    if not chain and not back and not ever_stood(store, entity):
        raise UnknownFeatureError(
            f"There never was a feature '{entity.id}' in the layer '{entity.layer}'.",
            value=entity.id,
            remedy="List the layer's items to see which ids exist.",
        )
    return Resolution(entity, Outcome.GONE, (), chain)


def succession_around(relations: Relations, entity: Ref) -> list[Link]:
    """Every succession link on a way that begins or ends at the entity."""
    kinds = tuple(kind.id for kind in relations.types().values() if kind.succession)
    found: dict[int, Link] = {}
    been: set[Ref] = set()
    waiting = [entity]
    while waiting:
        end = waiting.pop()
        if end in been:
            continue
        been.add(end)
        for link in relations.links(LinkQuery(end=end, types=kinds)):
            found[link.id] = link
            waiting.append(link.other_end(end))
    return list(found.values())


def successors(store: SqlStore, relations: Relations, entity: Ref) -> tuple[Ref, ...]:
    """What stands now of those that took the place of an entity that is gone; none where nothing is declared."""
    return Succession(succession_around(relations, entity)).forward(entity, lambda ends: standing_at(store, ends))[0]


def predecessors(relations: Relations, entity: Ref, stands: Stands) -> list[Ref]:
    """The entities that are gone and whose place this one took, over any number of steps: their links are now its own."""
    kinds = tuple(kind.id for kind in relations.types().values() if kind.succession)
    found: dict[Ref, None] = {}
    waiting = [entity]
    while waiting:
        links = relations.links(LinkQuery(end=waiting.pop(), types=kinds, direction="in"))
        older = [link.source for link in links if link.source not in found and link.source != entity]
        still = stands(older)
        fresh = [end for end in older if end not in still]
        found |= dict.fromkeys(fresh)
        waiting += fresh
    return list(found)


def standing_at(store: SqlStore, ends: Collection[Ref], moment: Moment = NOW) -> set[Ref]:
    """Those of `ends` whose features stand in their layers at a moment."""
    by_layer: dict[str, set[str]] = defaultdict(set)
    for end in ends:
        by_layer[end.layer].add(end.id)
    found: set[Ref] = set()
    with store.reading() as connection:
        for layer, ids in by_layer.items():
            known = known_layer(store, connection, layer)
            if known is None:
                continue
            version = _version_at(store, connection, layer, moment)
            current, history = known.tables.current.c, known.tables.history.c
            for chunk in chunks(ids):
                now = sa.select(current[ID]).where(current[ID].in_(chunk))
                statements = [now]
                if version is not None:
                    then = sa.select(history[ID]).where(
                        history[ID].in_(chunk), history[VERSION] <= version, history[SUPERSEDED] > version
                    )
                    statements = [now.where(current[VERSION] <= version), then]
                for statement in statements:
                    found.update(Ref(layer, id_) for id_ in connection.execute(statement).scalars())
    return found


def ever_stood(store: SqlStore, entity: Ref) -> bool:
    """Whether the layer has or had such a feature."""
    try:
        return store.ever_stood(entity.layer, entity.id)
    except NotFound:
        return False


def _version_at(store: SqlStore, connection: sa.Connection, layer: str, moment: Moment) -> int | None:
    """The layer's version at a moment; None for now, 0 before its first write."""
    if moment.versions is not None and layer in moment.versions:
        return moment.versions[layer]
    return None if moment.instant is None else store.catalogue.version_at(connection, layer, moment.instant)


def _walk(
    entity: Ref, steps: Callable[[Ref], list[tuple[Link, Ref]]], stands: Stands
) -> tuple[tuple[Ref, ...], tuple[Link, ...]]:
    """Level by level away from `entity`, not beyond what stands."""
    found: dict[Ref, None] = {}
    chain: dict[int, Link] = {}
    been, level = {entity}, [entity]
    while level:
        onward = [step for end in level for step in steps(end)]
        chain |= {link.id: link for link, _ in onward}
        ends = [end for end in dict.fromkeys(end for _, end in onward) if end not in been]
        been |= set(ends)
        standing = stands(ends) if ends else set()
        found |= {end: None for end in ends if end in standing}
        level = [end for end in ends if end not in standing]
    return tuple(found), tuple(chain.values())
