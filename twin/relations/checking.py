"""What links must fulfil among each other, judged in the transaction that records them: ends, doubles, number, rings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from twin.relations.board import LinkBoard
from twin.relations.ends import IDS_AT_ONCE, known_layer, past_ids, standing_ids
from twin.relations.link import Link, NewLink, Ref
from twin.relations.port import LinkFault
from twin.relations.relation_type import RelationType
from twin.relations.rings import edges_that_close_a_ring
from twin.relations.rules import fault_of
from twin.relations.writing import LinkTransaction
from twin.store.sql import SqlStore

# When the new links are this share of those that stand, all of the type are read at once rather than those at their ends.
_WHOLE_SHARE = 0.25


class LinkChecker:
    """Judges new links against what stands.

    Args:
        apart_from: A link that is about to get another state: it does not stand in its own way.
        hidden: Layers that the one who records may not know of: for them there are none such.
    """

    def __init__(
        self,
        store: SqlStore,
        writing: LinkTransaction,
        types: dict[str, RelationType],
        now: datetime,
        apart_from: int | None = None,
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        self._store, self._writing, self._types, self._now = store, writing, types, now
        self._apart_from, self._hidden = apart_from, hidden

    def faults(self, links: Sequence[NewLink]) -> dict[int, LinkFault]:
        """The fault of each link that cannot be recorded, by its index; of two that exclude each other the first is good."""
        faults = self._alone(links)
        faults |= self._missing_ends([i for i in range(len(links)) if i not in faults], links)
        for type_id in sorted({link.type for i, link in enumerate(links) if i not in faults}):
            of_type = [i for i, link in enumerate(links) if link.type == type_id and i not in faults]
            faults |= self._among_each_other(self._types[type_id], of_type, links)
        return faults

    def _alone(self, links: Sequence[NewLink]) -> dict[int, LinkFault]:
        names = {end.layer for link in links for end in (link.source, link.target)}
        known = {name: known_layer(self._store, self._writing.connection, name) for name in names - self._hidden}
        records = {name: None if layer is None else layer.record for name, layer in known.items()}
        found = ((i, fault_of(i + 1, link, self._types, records, self._now)) for i, link in enumerate(links))
        return {i: fault for i, fault in found if fault is not None}

    def _missing_ends(self, indexes: Iterable[int], links: Sequence[NewLink]) -> dict[int, LinkFault]:
        wanted: dict[str, set[str]] = defaultdict(set)
        once: dict[str, set[str]] = defaultdict(set)
        chosen = list(indexes)
        for i in chosen:
            gone_will_do = self._types[links[i].type].succession
            (once if gone_will_do else wanted)[links[i].source.layer].add(links[i].source.id)
            wanted[links[i].target.layer].add(links[i].target.id)
        standing = {layer: self._standing(layer, ids | once.get(layer, set())) for layer, ids in wanted.items()}
        past = {layer: self._past(layer, ids) for layer, ids in once.items()}
        found = {}
        for i in chosen:
            link = links[i]
            for end in (link.source, link.target):
                is_there = end.id in standing.get(end.layer, ()) or (
                    end is link.source and self._types[link.type].succession and end.id in past[end.layer]
                )
                if not is_there:
                    remedy = f"Look it up in /collections/{end.layer}/items."
                    found[i] = LinkFault(i + 1, "unknown-feature", str(end), "There is no such feature.", remedy)
                    break
        return found

    def _standing(self, layer: str, ids: set[str]) -> set[str]:
        known = known_layer(self._store, self._writing.connection, layer)
        return set() if known is None else standing_ids(self._writing.connection, known, ids)

    def _past(self, layer: str, ids: set[str]) -> set[str]:
        known = known_layer(self._store, self._writing.connection, layer)
        if known is None:
            return set()
        return past_ids(self._writing.connection, known, ids) | standing_ids(self._writing.connection, known, ids)

    def _among_each_other(
        self, kind: RelationType, indexes: Sequence[int], links: Sequence[NewLink]
    ) -> dict[int, LinkFault]:
        chosen = [links[i] for i in indexes]
        board = LinkBoard(kind)
        for stands in self._neighbours(kind, chosen):
            secret = not self._hidden.isdisjoint({stands.source.layer, stands.target.layer})
            board.put(stands.source, stands.target, stands.window, "" if secret else f"link {stands.id}")
        faults: dict[int, LinkFault] = {}
        for i in indexes:
            link = links[i]
            fault = board.fault(i + 1, link)
            if fault is not None:
                faults[i] = fault
            else:
                board.put(link.source, link.target, link.window, f"row {i + 1}")
        if kind.acyclic:
            faults |= self._rings(kind, [i for i in indexes if i not in faults], links)
        return faults

    def _neighbours(self, kind: RelationType, links: Sequence[NewLink]) -> list[Link]:
        """Standing links of the type that can stand against one of `links`; all of the type when those are many.

        Only where a `to` end has one `from` end are links looked up by it: a grid cell may hold a hundred thousand.
        """
        c = self._writing.tables.links.c
        if self._are_many(kind, len(links)):
            found = self._writing.standing(c.type == kind.id)
        else:
            found = self._at(kind, c.from_layer, c.from_id, [link.source for link in links])
            if kind.cardinality.one_source:
                found += self._at(kind, c.to_layer, c.to_id, [link.target for link in links])
            if kind.symmetric:
                found += self._at(kind, c.from_layer, c.from_id, [link.target for link in links])
        return [link for link in {link.id: link for link in found}.values() if link.id != self._apart_from]

    def _are_many(self, kind: RelationType, count: int) -> bool:
        c = self._writing.tables.links.c
        standing = sa.select(sa.func.count()).where(c.superseded.is_(None), c.type == kind.id)
        return count > IDS_AT_ONCE and count > _WHOLE_SHARE * self._writing.connection.execute(standing).scalar_one()

    def _at(
        self,
        kind: RelationType,
        layer: sa.ColumnElement[str],
        column: sa.ColumnElement[str],
        ends: Sequence[Ref],
    ) -> list[Link]:
        by_layer: dict[str, set[str]] = defaultdict(set)
        for end in ends:
            by_layer[end.layer].add(end.id)
        is_kind = self._writing.tables.links.c.type == kind.id
        return [
            link
            for name, ids in by_layer.items()
            for link in self._writing.standing_at(layer, name, column, ids, is_kind)
        ]

    def _rings(self, kind: RelationType, indexes: Sequence[int], links: Sequence[NewLink]) -> dict[int, LinkFault]:
        new = [(links[i].source, links[i].target, links[i].window) for i in indexes]
        standing = [(link.source, link.target, link.window) for link in self._onward(kind, [t for _, t, _ in new])]
        problem = f"Links '{kind.id}' would lead from this feature back to itself."
        return {
            indexes[k]: LinkFault(
                indexes[k] + 1,
                "ring",
                f"{new[k][0]} → {new[k][1]}",
                problem,
                "End a link of the ring first, or give them windows that do not meet.",
            )
            for k in edges_that_close_a_ring(standing, new)
        }

    def _onward(self, kind: RelationType, starts: Sequence[Ref]) -> list[Link]:
        """Every standing link of the type that a path from one of `starts` can use."""
        c = self._writing.tables.links.c
        if self._are_many(kind, len(starts)):
            return [link for link in self._writing.standing(c.type == kind.id) if link.id != self._apart_from]
        found: dict[int, Link] = {}
        been: set[Ref] = set()
        frontier = set(starts)
        while frontier:
            been |= frontier
            step = self._at(kind, c.from_layer, c.from_id, sorted(frontier))
            found |= {link.id: link for link in step if link.id != self._apart_from}
            frontier = {link.target for link in step} - been
        return list(found.values())
