"""The integrity of all links as a document: what is broken, what follows a successor, and what merely looks odd on the map."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import shapely
import sqlalchemy as sa

from twin.crs import CRS, from_cgcs2000
from twin.relations.board import LinkBoard
from twin.relations.ends import known_layer
from twin.relations.following import Succession, standing_at
from twin.relations.link import Link, NewLink, Ref
from twin.relations.port import LinkQuery
from twin.relations.relation_type import RelationType
from twin.relations.rings import edges_that_close_a_ring
from twin.relations.sql import SqlRelations
from twin.relations.statements import conditions, row_to_link, select_links
from twin.store.sql import SqlStore
from twin.store.tables import GEOM, ID

_EXAMPLES = 20
_GEOMETRIES_AT_ONCE = 50_000

Code = Literal["orphan", "followed", "layer-not-allowed", "unknown-type", "overlap", "cardinality", "ring", "far-apart"]
SEVERITY: dict[Code, str] = {
    "orphan": "error",
    "followed": "notice",
    "layer-not-allowed": "error",
    "unknown-type": "error",
    "overlap": "error",
    "cardinality": "error",
    "ring": "error",
    "far-apart": "warning",
}


@dataclass(frozen=True, slots=True)
class Doubt:
    """One thing the report has to say about one link."""

    code: Code
    link: Link
    text: str


@dataclass
class IntegrityReport:
    """All doubts, counted by code, with the first examples of each.

    Attributes:
        links: How many links stand, of those that the report may speak of.
        types: The same by type.
    """

    links: int
    types: dict[str, int]
    version: int
    counts: dict[Code, int] = field(default_factory=dict)
    examples: dict[Code, list[Doubt]] = field(default_factory=dict)

    @property
    def sound(self) -> bool:
        """Whether nothing is broken; warnings and notices aside."""
        return not any(SEVERITY[code] == "error" for code in self.counts)

    def add(self, doubts: Iterable[Doubt]) -> None:
        """Count doubts and keep the first of each code."""
        for doubt in doubts:
            self.counts[doubt.code] = self.counts.get(doubt.code, 0) + 1
            kept = self.examples.setdefault(doubt.code, [])
            if len(kept) < _EXAMPLES:
                kept.append(doubt)

    def to_document(self) -> dict[str, Any]:
        """The report as JSON values, errors first."""
        order = ("error", "warning", "notice")
        codes = sorted(self.counts, key=lambda code: (order.index(SEVERITY[code]), code))
        return {
            "version": self.version,
            "links": self.links,
            "types": self.types,
            "sound": self.sound,
            "findings": [
                {
                    "code": code,
                    "severity": SEVERITY[code],
                    "count": self.counts[code],
                    "examples": [
                        {"link": doubt.link.id, "relation": str(doubt.link), "text": doubt.text}
                        for doubt in self.examples[code]
                    ],
                }
                for code in codes
            ],
        }


def check_integrity(
    store: SqlStore, relations: SqlRelations, crs: CRS, hidden: frozenset[str] = frozenset()
) -> IntegrityReport:
    """Look at every standing link once more: ends, types, number, rings, and distance on the map.

    Args:
        crs: Projected CRS of the city, in metres.
        hidden: Say nothing of links from or to these layers.
    """
    types = relations.types()
    query = LinkQuery(hidden=hidden)
    with store.reading() as connection:
        c = relations.tables.links.c
        counted = (
            sa.select(c.type, sa.func.count())
            .where(*conditions(relations.tables, query))
            .group_by(c.type)
            .order_by(c.type)
        )
        by_type = {row[0]: int(row[1]) for row in connection.execute(counted)}
    report = IntegrityReport(sum(by_type.values()), by_type, relations.version())
    check = _Check(store, relations, types, hidden)
    report.add(check.unknown_types())
    report.add(check.gone_ends())
    for kind in types.values():
        if kind.id in by_type:
            report.add(check.crowded(kind))
            report.add(check.rings(kind))
            report.add(check.misplaced(kind))
            report.add(check.far_apart(kind, crs))
    return report


class _Check:
    """The parts of the report, each a question to the database and the arithmetic on its answer."""

    def __init__(self, store: SqlStore, relations: SqlRelations, types: Any, hidden: frozenset[str]) -> None:
        self._store, self._tables, self._relations = store, relations.tables, relations
        self._types: dict[str, RelationType] = dict(types)
        self._hidden = hidden

    def _links(self, *clauses: sa.ColumnElement[bool]) -> list[Link]:
        statement = select_links(self._tables, LinkQuery(hidden=self._hidden)).where(*clauses)
        with self._store.reading() as connection:
            return [row_to_link(row) for row in connection.execute(statement)]

    def _layer_pairs(self, *clauses: sa.ColumnElement[bool]) -> list[tuple[str, str]]:
        c = self._tables.links.c
        where = conditions(self._tables, LinkQuery(hidden=self._hidden))
        statement = sa.select(c.from_layer, c.to_layer).where(*where, *clauses).distinct()
        with self._store.reading() as connection:
            return [(from_layer, to_layer) for from_layer, to_layer in connection.execute(statement)]

    def unknown_types(self) -> Iterator[Doubt]:
        """Links of a type that is no longer there."""
        for link in self._links(self._tables.links.c.type.not_in(list(self._types))):
            yield Doubt("unknown-type", link, f"There is no relation type '{link.type}'.")

    def gone_ends(self) -> Iterator[Doubt]:
        """Links with an end that no longer stands: followed where a successor does, orphans where none does."""
        c = self._tables.links.c
        succession = [kind.id for kind in self._types.values() if kind.succession]
        ours = c.type.not_in(succession)
        dangling: dict[int, tuple[Link, list[Ref]]] = {}
        pairs = self._layer_pairs(ours)
        sides = ((c.from_layer, c.from_id, {a for a, _ in pairs}), (c.to_layer, c.to_id, {b for _, b in pairs}))
        for layer_column, id_column, layers in sides:
            for layer in sorted(layers):
                for link in self._links(ours, layer_column == layer, self._is_gone(layer, id_column)):
                    end = link.source if id_column is c.from_id else link.target
                    dangling.setdefault(link.id, (link, []))[1].append(end)
        graph = Succession(self._links(c.type.in_(succession)))
        for link, ends in dangling.values():
            walks = {end: graph.forward(end, lambda found: standing_at(self._store, found))[0] for end in ends}
            lost = [str(end) for end, found in walks.items() if not found]
            if lost:
                yield Doubt("orphan", link, f"Gone, and no successor stands: {', '.join(lost)}.")
            else:
                now = "; ".join(f"{end} is now {', '.join(map(str, found))}" for end, found in walks.items())
                yield Doubt("followed", link, f"{now}.")

    def _is_gone(self, layer: str, id_column: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
        with self._store.reading() as connection:
            known = known_layer(self._store, connection, layer)
        if known is None:
            return sa.true()
        features = known.tables.current.alias("features")
        return sa.not_(sa.exists(sa.select(features.c[ID]).where(features.c[ID] == id_column)))

    def crowded(self, kind: RelationType) -> Iterator[Doubt]:
        """Links that stand beside more of their type than the type allows, or beside themselves."""
        c = self._tables.links.c
        groups: list[tuple[sa.ColumnElement[str], ...]]
        groups = [(c.from_layer, c.from_id)] if kind.cardinality.one_target else []
        groups += [(c.to_layer, c.to_id)] if kind.cardinality.one_source else []
        groups = groups or [(c.from_layer, c.from_id, c.to_layer, c.to_id)]
        suspects: dict[int, Link] = {}
        for columns in groups:
            several = (
                sa.select(*columns)
                .where(c.superseded.is_(None), c.type == kind.id)
                .group_by(*columns)
                .having(sa.func.count() > 1)
            )
            with self._store.reading() as connection:
                found = connection.execute(several).all()
            for row in found:
                same = [column == value for column, value in zip(columns, row, strict=True)]
                suspects |= {link.id: link for link in self._links(c.type == kind.id, *same)}
        board = LinkBoard(kind)
        for link in sorted(suspects.values(), key=lambda link: link.row):
            fault = board.fault(0, NewLink(link.type, link.source, link.target, link.window))
            if fault is not None:
                yield Doubt("overlap" if fault.code == "overlap" else "cardinality", link, fault.problem)
            board.put(link.source, link.target, link.window, f"link {link.id}")

    def rings(self, kind: RelationType) -> Iterator[Doubt]:
        """Links that lead back to where they began although their type forbids it."""
        if not kind.acyclic:
            return
        links = self._links(self._tables.links.c.type == kind.id)
        for index in edges_that_close_a_ring([], [(link.source, link.target, link.window) for link in links]):
            yield Doubt("ring", links[index], "Following such links from here leads back here.")

    def misplaced(self, kind: RelationType) -> Iterator[Doubt]:
        """Links between layers that the type does not, or no longer, allow."""
        c = self._tables.links.c
        for from_layer, to_layer in self._layer_pairs(c.type == kind.id):
            with self._store.reading() as connection:
                known = [known_layer(self._store, connection, layer) for layer in (from_layer, to_layer)]
            wrong = [
                f"'{layer.record.id}' may not stand at '{side}'"
                for layer, rule, side in zip(known, (kind.source, kind.target), ("from", "to"), strict=True)
                if layer is not None and not rule.allows(layer.record)
            ]
            if wrong:
                for link in self._links(c.type == kind.id, c.from_layer == from_layer, c.to_layer == to_layer):
                    yield Doubt("layer-not-allowed", link, f"{'; '.join(wrong)}.")

    def far_apart(self, kind: RelationType, crs: CRS) -> Iterator[Doubt]:
        """Links whose ends lie further apart than the type thinks plausible."""
        if kind.plausible_m is None:
            return
        c = self._tables.links.c
        for from_layer, to_layer in self._layer_pairs(c.type == kind.id):
            for part in self._pairs_with_places(kind, from_layer, to_layer):
                numbers = [row[0] for row in part]
                a, b = (self._metres([row[i] for row in part], crs) for i in (1, 2))
                distance = shapely.distance(a, b)
                far = np.flatnonzero(distance > kind.plausible_m + 0.01)
                metres = {numbers[i]: float(distance[i]) for i in far}
                for start in range(0, len(metres), 900):
                    chosen = list(metres)[start : start + 900]
                    for link in self._links(c.id.in_(chosen)):
                        limit = f"{kind.plausible_m:g} m"
                        yield Doubt(
                            "far-apart", link, f"The ends lie {metres[link.id]:.1f} m apart, more than {limit}."
                        )

    def _pairs_with_places(self, kind: RelationType, from_layer: str, to_layer: str) -> Iterator[list[Any]]:
        """Link id and both geometries, in portions."""
        c, dialect = self._tables.links.c, self._store.dialect
        with self._store.snapshot() as connection:
            known = [known_layer(self._store, connection, layer) for layer in (from_layer, to_layer)]
            if known[0] is None or known[1] is None:
                return
            a, b = known[0].tables.current.alias("a"), known[1].tables.current.alias("b")
            statement = (
                sa.select(c.id, dialect.wkb(a.c[GEOM]).label("ga"), dialect.wkb(b.c[GEOM]).label("gb"))
                .select_from(self._tables.links)
                .join(a, a.c[ID] == c.from_id)
                .join(b, b.c[ID] == c.to_id)
                .where(
                    *conditions(self._tables, LinkQuery(hidden=self._hidden)),
                    *(c.type == kind.id, c.from_layer == from_layer, c.to_layer == to_layer),
                )
            )
            result = connection.execution_options(yield_per=_GEOMETRIES_AT_ONCE).execute(statement)
            for part in result.partitions(_GEOMETRIES_AT_ONCE):
                yield list(part)

    def _metres(self, values: list[Any], crs: CRS) -> Any:
        wkb = np.array([*self._store.dialect.decode_geometries(values), None], dtype=object)[:-1]
        return from_cgcs2000(shapely.from_wkb(wkb), crs)
