"""Relations for somebody: the links of a store, asked and changed only as far as the policy lets them.

Who may not read a layer meets no link from or to it, in no list, count, report or refusal. A link belongs to the layer it starts
from: whoever may write that layer, and read the other, may record and end it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from layers.policy import Action, Actor, Policy
from layers.turns import one_at_a_time
from twin.basemap.release_book import open_releases
from twin.collector import collector_paused
from twin.crs import parse_crs
from twin.errors import PolicyError, UnknownRelationError
from twin.relations.deriving import Derivation, derive
from twin.relations.documents import LinkRows
from twin.relations.following import Moment, Outcome, Resolution, resolve
from twin.relations.link import Link, NewLink, Ref
from twin.relations.opening import open_relations
from twin.relations.port import LinkFault, LinkQuery, LinkReport, Settled
from twin.relations.relation_type import RelationType
from twin.relations.report import IntegrityReport, check_integrity
from twin.relations.sql import SqlRelations
from twin.relations.type_reading import parse_relation_type
from twin.standing import is_shown, require_shown
from twin.store.catalogue import unknown_layer
from twin.store.port import Author, LayerRecord, Store
from twin.store.sql import SqlStore

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Derived:
    """What a derivation found, and what settling it did; None when it was only tried."""

    found: Derivation
    settled: Settled | None


@dataclass(frozen=True)
class RelationDesk:
    """The links of one store under one policy.

    Attributes:
        projected_crs: Of the city: what distances are measured in.
    """

    store: SqlStore
    relations: SqlRelations
    policy: Policy
    projected_crs: str = "EPSG:4549"

    @classmethod
    def open(cls, store: Store, policy: Policy, projected_crs: str = "EPSG:4549") -> RelationDesk:
        """The desk over a store; from now on the store's removals are watched."""
        assert isinstance(store, SqlStore)

        def may_see(author: Author | None, layer: str) -> bool:
            return may_read(policy, Actor(author.name) if author else Actor(), layer)

        return cls(store, open_relations(store, may_see), policy, projected_crs)

    def types(self) -> Mapping[str, RelationType]:
        """All relation types by id; they are open to everybody."""
        return self.relations.types()

    def add_type(self, document: Mapping[str, Any], actor: Actor) -> RelationType:
        """A type of the city's own. Raises BadRelationTypeError, DuplicateRelationTypeError, PolicyError."""
        made = parse_relation_type(document)
        self.policy.authorise(actor, Action.CHANGE_RELATION_TYPES, made.id)
        self.relations.add_type(made)
        log.info("%s added the relation type %s", actor.name, made.id)
        return made

    def drop_type(self, type_id: str, actor: Actor) -> None:
        """Take a type of the city's own away. Raises UnknownRelationError, LinkConflictError, PolicyError."""
        self.policy.authorise(actor, Action.CHANGE_RELATION_TYPES, type_id)
        self.relations.drop_type(type_id)

    def hidden(self, actor: Actor) -> frozenset[str]:
        """The layers, those that are no more included, that `actor` may not know of or that wait for a decision."""
        held = {record.id for record in self.store.layers() if not is_shown(record.document)}
        names = self.relations.layer_names()
        return frozenset(name for name in names if name in held or not may_read(self.policy, actor, name))

    def layer(self, layer_id: str, actor: Actor) -> LayerRecord:
        """One published layer. Raises UnknownLayerError if there is none, or `actor` may not know of it, or it is held."""
        if not may_read(self.policy, actor, layer_id):
            raise unknown_layer(layer_id)
        record = self.store.layer(layer_id)
        require_shown(layer_id, record.document)
        return record

    def find(self, query: LinkQuery, actor: Actor) -> list[Link]:
        """The links that answer `query`, without those that `actor` may not know of."""
        return self.relations.links(replace(query, hidden=self.hidden(actor)))

    def get(self, link_id: int, actor: Actor) -> Link:
        """A standing link. Raises UnknownRelationError if there is none, or `actor` may not know of it."""
        link = self.relations.get(link_id)
        self._show([link], actor)
        return link

    def history(self, link_id: int, actor: Actor) -> list[Link]:
        """Every state of a link, newest first. Raises as `get`."""
        states = self.relations.history(link_id)
        self._show(states[:1], actor)
        return states

    def record(self, read: LinkRows, actor: Actor, reason: str, *, partial: bool = False) -> LinkReport:
        """Record links read from a body or a file.

        Raises:
            PolicyError: if the actor may not write a layer that a link starts from.
            BadLinkError, LinkConflictError: without `partial`, with one finding per faulty row.
        """
        hidden = self.hidden(actor)
        for layer in sorted({link.source.layer for link in read.links} - hidden):
            self.policy.authorise(actor, Action.WRITE_FEATURES, layer)
        if read.faults and not partial:
            raise self.relations.refusal(read.faults, len(read.faults) + len(read.links))
        with collector_paused():
            done = self.relations.record(read.links, actor.author(reason), partial=partial, hidden=hidden)
        found = [_renumbered(fault, read.rows[fault.row - 1]) for fault in done.faults]
        return replace(done, faults=tuple(sorted((*read.faults, *found), key=lambda fault: fault.row)))

    def amend(
        self, link_id: int, change: Callable[[Link], NewLink], actor: Actor, if_version: int | None = None
    ) -> Link:
        """Another state of a link. Raises as `SqlRelations.amend`, and PolicyError."""
        link = self.get(link_id, actor)
        self.policy.authorise(actor, Action.WRITE_FEATURES, link.source.layer)
        return self.relations.amend(link_id, change, actor.author("change of a link"), if_version)

    def end(self, link_id: int, actor: Actor, if_version: int | None = None) -> None:
        """End a link. Raises UnknownRelationError, VersionConflictError, PolicyError."""
        link = self.get(link_id, actor)
        self.policy.authorise(actor, Action.WRITE_FEATURES, link.source.layer)
        self.relations.end([link_id], actor.author("end of a link"), if_version)

    def resolve(self, entity: Ref, moment: Moment, actor: Actor) -> Resolution:
        """What an entity is at a moment, as far as `actor` may know.

        Raises:
            UnknownLayerError, UnknownFeatureError: if there never was such an entity, or `actor` may not know of it.
        """
        self.layer(entity.layer, actor)
        found, hidden = resolve(self.store, self.relations, entity, moment), self.hidden(actor)
        chain = tuple(link for link in found.chain if {link.source.layer, link.target.layer}.isdisjoint(hidden))
        entities = tuple(end for end in found.entities if end.layer not in hidden)
        outcome = found.outcome if entities else Outcome.GONE
        return replace(found, outcome=outcome, entities=entities, chain=chain)

    def release(self, name: str) -> Moment:
        """The moment that a release of the base map holds; layers it does not pin are taken when it was made.

        Raises:
            UnknownReleaseError: if there is none of that name.
        """
        found = open_releases(self.store).release(name)
        return Moment(found.at, {layer.id: layer.version for layer in found.layers})

    def derive(
        self,
        type_id: str,
        from_layer: str,
        to_layer: str,
        actor: Actor,
        *,
        within_m: float | None = None,
        dry_run: bool = False,
    ) -> Derived:
        """Propose links from geometry and, unless only tried, make the derived links those proposed.

        Raises:
            UnknownRelationError: if there is no such type.
            UnknownLayerError, BadCall: as `twin.relations.deriving.derive`.
            PolicyError: if the actor may not write the layer that the links start from.
            VersionConflictError: if a layer was changed meanwhile.
            AlreadyRunningError: if this server is deriving links already, tried or not.
        """
        for layer in (from_layer, to_layer):
            self.layer(layer, actor)
        kind = self.types().get(type_id)
        if kind is None:
            raise UnknownRelationError(
                "There is no such relation type.", value=type_id, remedy="GET /relations/types lists them."
            )
        if not dry_run:
            self.policy.authorise(actor, Action.WRITE_FEATURES, from_layer)
        with one_at_a_time(self.store, "deriving links"), collector_paused():
            found = derive(self.store, kind, from_layer, to_layer, parse_crs(self.projected_crs), within_m)
            if dry_run:
                return Derived(found, None)
            return Derived(found, self.relations.settle(found.proposals, actor.author(f"derived: {type_id}")))

    def check(self, actor: Actor) -> IntegrityReport:
        """The integrity of all links that `actor` may know of."""
        return check_integrity(self.store, self.relations, parse_crs(self.projected_crs), self.hidden(actor))

    def _show(self, links: Sequence[Link], actor: Actor) -> None:
        hidden = self.hidden(actor)
        for link in links:
            if not hidden.isdisjoint({link.source.layer, link.target.layer}):
                raise self.relations.unknown(link.id)


def may_read(policy: Policy, actor: Actor, layer_id: str) -> bool:
    """Whether `actor` may know of a layer."""
    try:
        policy.authorise(actor, Action.READ, layer_id)
    except PolicyError:
        return False
    return True


def _renumbered(fault: LinkFault, row: int) -> LinkFault:
    return replace(fault, row=row)
