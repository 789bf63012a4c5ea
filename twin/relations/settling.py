"""Derived links brought to what space says now: the same kept, new ones added, others ended; told ones never touched."""

from __future__ import annotations

from twin.relations.board import LinkBoard
from twin.relations.link import Link, LinkSource, NewLink
from twin.relations.port import Proposals, Settled
from twin.relations.relation_type import RelationType
from twin.relations.rings import edges_that_close_a_ring
from twin.relations.writing import LinkTransaction
from twin.store.port import Author

_SAME_CONFIDENCE = 5e-4


def settle(writing: LinkTransaction, kind: RelationType, proposals: Proposals, author: Author) -> Settled:
    """Carry proposals out in an open write; a link that somebody told stands above what geometry proposes."""
    standing = _standing(writing, kind, proposals)
    wanted = {(link.source, link.target): link for link in proposals.links}
    board = LinkBoard(kind)
    kept, ended = set(), []
    for link in standing:
        ends = link.source, link.target
        if not _is_ours(link, proposals):
            board.put(*ends, link.window, f"link {link.id}")
        elif ends in wanted and _same(link, wanted[ends]):
            board.put(*ends, link.window, f"link {link.id}")
            kept.add(ends)
        else:
            ended.append(link.id)
    new: list[NewLink] = []
    for ends, proposed in wanted.items():
        if ends not in kept and board.fault(0, proposed) is None:
            board.put(*ends, proposed.window, "another proposal")
            new.append(proposed)
    if kind.acyclic:
        gone = set(ended)
        new = _without_rings([link for link in standing if link.id not in gone], new)
    writing.end(ended)
    writing.add(new)
    version = writing.finish(author)
    return Settled(len(kept), len(new), len(ended), len(wanted) - len(kept) - len(new), version)


def _standing(writing: LinkTransaction, kind: RelationType, proposals: Proposals) -> list[Link]:
    """The standing links of the type that a proposal may meet."""
    c = writing.tables.links.c
    clauses = [c.type == kind.id]
    if not (kind.acyclic or kind.symmetric or kind.cardinality.one_source):
        clauses.append(c.from_layer == proposals.from_layer)
    return writing.standing(*clauses)


def _is_ours(link: Link, proposals: Proposals) -> bool:
    between = (link.source.layer, link.target.layer) == (proposals.from_layer, proposals.to_layer)
    return between and link.known_by is LinkSource.DERIVED


def _without_rings(standing: list[Link], new: list[NewLink]) -> list[NewLink]:
    edges = [(link.source, link.target, link.window) for link in standing]
    closing = set(edges_that_close_a_ring(edges, [(link.source, link.target, link.window) for link in new]))
    return [link for i, link in enumerate(new) if i not in closing]


def _same(link: Link, proposed: NewLink) -> bool:
    if link.confidence is None or proposed.confidence is None:
        return link.confidence == proposed.confidence
    return abs(link.confidence - proposed.confidence) < _SAME_CONFIDENCE
