"""Links over any SQL database: the adapter of `port.py` beside the store whose features the links tie."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from twin.errors import (
    BadLinkError,
    Conflict,
    DuplicateRelationTypeError,
    Finding,
    LinkConflictError,
    OneMapError,
    UnknownRelationError,
    VersionConflictError,
)
from twin.relations.checking import LinkChecker
from twin.relations.ends import known_layer, standing_ids
from twin.relations.link import Link, NewLink
from twin.relations.port import Direction, LinkChange, LinkFault, LinkQuery, LinkReport, Proposals, Settled
from twin.relations.relation_type import RelationType
from twin.relations.settling import settle
from twin.relations.statements import (
    PlainShape,
    at_end,
    conditions,
    plain_shape_of,
    plain_values,
    row_to_link,
    select_links,
    select_plain,
)
from twin.relations.tables import relation_tables
from twin.relations.type_reading import parse_relation_type, shipped_types
from twin.relations.watch import LinkWatcher, MaySee
from twin.relations.writing import LinkTransaction
from twin.store.port import Author
from twin.store.prepared import PreparedStatement
from twin.store.sql import SqlStore
from twin.store.values import instant_text, now, parse_instant

# Faults of two links that exclude each other; all others lie in one link alone.
_CONFLICTS = {"overlap", "cardinality", "ring"}
_FINDINGS = 50


class SqlRelations:
    """See `twin.relations.port.Relations`. Made by `twin.relations.opening.open_relations`, which also makes the tables."""

    def __init__(self, store: SqlStore, may_see: MaySee = lambda author, layer: True) -> None:
        self._store = store
        self.tables = relation_tables(store.dialect.types, store.dialect.db_schema)
        self.watcher = LinkWatcher(self.tables, store.catalogue, self._types, may_see)
        types, layers, retired = self.tables.types.c, store.catalogue.tables.layers.c, store.catalogue.tables.retired.c
        self._type_documents = PreparedStatement(sa.select(types.document).order_by(types.id))
        self._layer_names = PreparedStatement(
            sa.select(sa.union(sa.select(layers.id), sa.select(retired.id)).subquery("names").c.id)
        )
        self._at_one_end: dict[PlainShape, PreparedStatement] = {}
        self._known_types: tuple[tuple[str, ...], dict[str, RelationType]] = ((), {})

    # -- versions ----------------------------------------------------------------------------------------------------

    def version(self) -> int:
        with self._store.reading() as connection:
            return int(connection.execute(sa.select(self.tables.state.c.version)).scalar_one())

    def version_at(self, instant: datetime) -> int:
        c = self.tables.changes.c
        statement = sa.select(sa.func.max(c.version)).where(c.at <= instant_text(instant))
        with self._store.reading() as connection:
            return int(connection.execute(statement).scalar_one() or 0)

    def changes(self, limit: int = 100) -> list[LinkChange]:
        c = self.tables.changes.c
        statement = sa.select(self.tables.changes).order_by(c.version.desc()).limit(limit)
        with self._store.reading() as connection:
            rows = connection.execute(statement).all()
        return [
            LinkChange(row.version, parse_instant(row.at), Author(row.author, row.reason), row.added, row.ended)
            for row in rows
        ]

    # -- types -------------------------------------------------------------------------------------------------------

    def types(self) -> Mapping[str, RelationType]:
        with self._store.reading() as connection:
            return self._types(connection)

    def _types(self, connection: sa.Connection) -> dict[str, RelationType]:
        documents = tuple(document for (document,) in self._type_documents.rows(connection))
        known, types = self._known_types
        if not types or known != documents:
            added = (parse_relation_type(json.loads(document)) for document in documents)
            types = {kind.id: kind for kind in (*shipped_types(), *added)}
            self._known_types = documents, types
        return types

    def add_type(self, made: RelationType) -> None:
        with self._writing() as writing:
            taken = {name for kind in self._types(writing.connection).values() for name in (kind.id, kind.inverse)}
            if not taken.isdisjoint({made.id, made.inverse}):
                raise DuplicateRelationTypeError(
                    f"There is a relation type '{made.id}' or '{made.inverse}' already.",
                    value=made.id,
                    limit="one meaning for each name, in either direction",
                    remedy="Choose other names.",
                )
            document = json.dumps(made.to_dict(), ensure_ascii=False)
            writing.connection.execute(sa.insert(self.tables.types).values(id=made.id, document=document))

    def drop_type(self, type_id: str) -> None:
        with self._writing() as writing:
            found = writing.connection.execute(sa.delete(self.tables.types).where(self.tables.types.c.id == type_id))
            if found.rowcount == 0:
                raise UnknownRelationError(
                    "The city has added no such relation type.",
                    value=type_id,
                    limit="types that the city added; those that ship stay",
                    remedy="GET /relations/types lists them.",
                )
            if writing.standing(self.tables.links.c.type == type_id):
                raise LinkConflictError(
                    "Links of this type stand.", value=type_id, limit="a type without links", remedy="End them first."
                )

    # -- reading -----------------------------------------------------------------------------------------------------

    def links(self, query: LinkQuery) -> list[Link]:
        shape = plain_shape_of(query)
        with self._store.reading() as connection:
            if shape is None:
                return [row_to_link(row) for row in connection.execute(select_links(self.tables, query))]
            statement = self._at_one_end.get(shape)
            if statement is None:
                statement = self._at_one_end[shape] = PreparedStatement(select_plain(self.tables, shape))
            return [row_to_link(row) for row in statement.rows(connection, **plain_values(query))]

    def counts(self, query: LinkQuery) -> dict[tuple[str, Direction], int]:
        c = self.tables.links.c
        outward = at_end(self.tables, query, "out")
        side = sa.case((outward, "out"), else_="in").label("side")
        statement = (
            sa.select(c.type, side, sa.func.count()).where(*conditions(self.tables, query)).group_by(c.type, side)
        )
        with self._store.reading() as connection:
            return {(type_, direction): count for type_, direction, count in connection.execute(statement)}

    def get(self, link_id: int) -> Link:
        with self._store.reading() as connection:
            found = connection.execute(
                select_links(self.tables, LinkQuery()).where(self.tables.links.c.id == link_id)
            ).first()
        if found is None:
            raise _unknown(link_id)
        return row_to_link(found)

    def history(self, link_id: int) -> list[Link]:
        links, changes = self.tables.links, self.tables.changes
        statement = (
            sa.select(*links.c, changes.c.at, changes.c.author, changes.c.reason)
            .join(changes, changes.c.version == links.c.version)
            .where(links.c.id == link_id)
            .order_by(links.c.version.desc())
        )
        with self._store.reading() as connection:
            found = [row_to_link(row) for row in connection.execute(statement)]
        if not found:
            raise _unknown(link_id)
        return found

    def layer_names(self) -> set[str]:
        with self._store.reading() as connection:
            return {name for (name,) in self._layer_names.rows(connection)}

    def standing(self, layer: str, ids: Collection[str]) -> set[str]:
        with self._store.reading() as connection:
            known = known_layer(self._store, connection, layer)
            return set() if known is None else standing_ids(connection, known, ids)

    def unknown(self, link_id: int) -> UnknownRelationError:
        """The error that says there is no such link."""
        return _unknown(link_id)

    def refusal(self, faults: Sequence[LinkFault], count: int) -> OneMapError:
        """All faults of `count` links handed in as one error."""
        return _refusal(faults, count)

    # -- writing -----------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self, layers: Sequence[str] = ()) -> Iterator[LinkTransaction]:
        with self._store.writing() as connection:
            yield LinkTransaction(connection, self.tables, self._store.catalogue, layers)

    def record(
        self, links: Sequence[NewLink], author: Author, *, partial: bool = False, hidden: frozenset[str] = frozenset()
    ) -> LinkReport:
        with self._writing(_layers_of(links)) as writing:
            checker = LinkChecker(self._store, writing, self._types(writing.connection), now(), hidden=hidden)
            faults = checker.faults(links)
            if faults and not partial:
                raise _refusal(list(faults.values()), len(links))
            ids = writing.add([link for i, link in enumerate(links) if i not in faults])
            version = writing.finish(author)
        return LinkReport(tuple(ids), tuple(faults[i] for i in sorted(faults)), version)

    def amend(
        self, link_id: int, change: Callable[[Link], NewLink], author: Author, if_version: int | None = None
    ) -> Link:
        layers = _layers_of([self.get(link_id)])  # the ends of a link never change
        with self._writing(layers) as writing:
            (link,) = self._chosen(writing, [link_id], if_version)
            state = change(link)
            assert (state.type, state.source, state.target) == (link.type, link.source, link.target)
            types = self._types(writing.connection)
            faults = LinkChecker(self._store, writing, types, now(), apart_from=link_id).faults([state])
            if faults:
                raise _refusal(list(faults.values()), 1)
            writing.restate(link, state)
            writing.finish(author)
        return self.get(link_id)

    def end(self, link_ids: Collection[int], author: Author, if_version: int | None = None) -> int:
        with self._writing() as writing:
            self._chosen(writing, link_ids, if_version)
            writing.end(link_ids)
            return writing.finish(author)

    def settle(self, proposals: Proposals, author: Author) -> Settled:
        with self._writing((proposals.from_layer, proposals.to_layer)) as writing:
            for layer, version in sorted(proposals.versions.items()):
                stands = self._store.catalogue.known(writing.connection, layer).record.version
                if stands != version:
                    raise VersionConflictError(
                        f"The layer '{layer}' was changed while links were being derived.",
                        value=f"version {version}",
                        limit=f"now at version {stands}",
                        remedy="Derive again.",
                    )
            return settle(writing, self._types(writing.connection)[proposals.type], proposals, author)

    def _chosen(self, writing: LinkTransaction, link_ids: Collection[int], if_version: int | None) -> list[Link]:
        wanted, found = sorted(set(link_ids)), []
        for start in range(0, len(wanted), 900):
            found += writing.standing(self.tables.links.c.id.in_(wanted[start : start + 900]))
        missing = set(wanted) - {link.id for link in found}
        if missing:
            raise _unknown(min(missing))
        for link in found:
            if if_version is not None and link.version != if_version:
                raise VersionConflictError(
                    f"The link {link.id} was changed meanwhile.",
                    value=f"version {if_version}",
                    limit=f"now at version {link.version}",
                    remedy="Read it again and send the new ETag.",
                )
        return found


def _layers_of(links: Sequence[NewLink] | Sequence[Link]) -> list[str]:
    return sorted({end.layer for link in links for end in (link.source, link.target)})


def _unknown(link_id: int) -> UnknownRelationError:
    return UnknownRelationError(
        f"There is no link {link_id}.",
        value=link_id,
        remedy="It may have ended; GET /relations lists those that stand.",
    )


def _refusal(faults: Sequence[LinkFault], count: int) -> OneMapError:
    """All faults as one error: a conflict when each link is good in itself."""
    findings = tuple(
        Finding(f"link {fault.row}", fault.value, fault.problem, fault.remedy) for fault in faults[:_FINDINGS]
    )
    in_conflict = all(fault.code in _CONFLICTS for fault in faults)
    kind: type[BadLinkError | Conflict] = LinkConflictError if in_conflict else BadLinkError
    first = faults[0]
    told: dict[str, Any] = {"value": first.value, "remedy": first.remedy, "findings": findings}
    if count == 1:
        return kind(first.problem, **told)
    return kind(f"{len(faults)} of {count} links cannot be recorded; none was.", limit="all or none", **told)
