"""What happens to links when a feature goes: refused, ended along with it, or kept for the report, as their type says."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

import sqlalchemy as sa

from twin.errors import Finding, LinkedFeatureError
from twin.relations.ends import chunks
from twin.relations.link import Link, Ref
from twin.relations.port import LinkQuery
from twin.relations.relation_type import RelationType, WhenDeleted
from twin.relations.statements import row_to_link, select_links
from twin.relations.tables import RelationTables
from twin.relations.writing import LinkTransaction
from twin.store.catalogue import Catalogue
from twin.store.port import Author
from twin.store.tables import ID
from twin.store.watching import Removal

_NAMED_AT_MOST = 20
MaySee = Callable[[Author | None, str], bool]


class LinkWatcher:
    """See `twin.store.watching.RemovalWatcher`.

    Args:
        types: The types as they stand, read in the transaction.
        may_see: Whether an author may know of a layer: a refusal names no link into a layer that is hidden from them.
    """

    def __init__(
        self,
        tables: RelationTables,
        catalogue: Catalogue,
        types: Callable[[sa.Connection], Mapping[str, RelationType]],
        may_see: MaySee,
    ) -> None:
        self._tables, self._catalogue, self._types, self.may_see = tables, catalogue, types, may_see

    def before_removal(self, connection: sa.Connection, removal: Removal) -> None:
        links, gone = self._links_at(connection, removal)
        if not links:
            return
        types = self._types(connection)
        fates = {link.id: _fate(link, gone, types, layer_goes=removal.layer_goes) for link in links}
        holding = [link for link in links if fates[link.id] is WhenDeleted.RESTRICT]
        followed = self._with_successor(connection, types, removal.layer_id, holding)
        holding = [link for link in holding if link.target not in followed and link.source not in followed]
        if holding:
            raise self._refusal(holding, removal)
        ended = [link.id for link in links if fates[link.id] is WhenDeleted.CASCADE]
        if ended:
            writing = LinkTransaction(connection, self._tables, self._catalogue)
            writing.end(ended)
            name = removal.author.name if removal.author else ""
            what = "layer dropped" if removal.layer_goes else "feature deleted"
            writing.finish(Author(name, f"{what}: {removal.layer_id}"))

    def _links_at(self, connection: sa.Connection, removal: Removal) -> tuple[list[Link], set[Ref]]:
        """Standing links at features of the layer that will be gone, and which of their ends these are."""
        c = self._tables.links.c
        found: dict[int, Link] = {}
        gone: set[Ref] = set()
        for out, layer, column in ((True, c.from_layer, c.from_id), (False, c.to_layer, c.to_id)):
            for condition in self._gone(removal, column):
                statement = select_links(self._tables, LinkQuery()).where(layer == removal.layer_id, condition)
                for link in map(row_to_link, connection.execute(statement)):
                    found[link.id] = link
                    gone.add(link.source if out else link.target)
        return list(found.values()), gone

    def _gone(self, removal: Removal, column: sa.ColumnElement[str]) -> list[sa.ColumnElement[bool]]:
        """Conditions, one statement each, that a link's end is among the features that go."""
        if removal.layer_goes:
            return [sa.true()]
        current = removal.tables.current
        came_back = sa.exists(sa.select(current.c[ID]).where(current.c[ID] == column))
        if removal.ids is None:
            return [sa.not_(came_back)]
        return [sa.and_(column.in_(chunk), sa.not_(came_back)) for chunk in chunks(removal.ids)]

    def _with_successor(
        self, connection: sa.Connection, types: Mapping[str, RelationType], layer: str, links: list[Link]
    ) -> set[Ref]:
        """Those ends of `links` in the layer for which something is declared that takes their place."""
        kinds = [kind.id for kind in types.values() if kind.succession]
        if not links or not kinds:
            return set()
        c = self._tables.links.c
        ends = {end for link in links for end in (link.source, link.target) if end.layer == layer}
        found: set[Ref] = set()
        for chunk in chunks([end.id for end in ends]):
            statement = sa.select(c.from_id).where(
                c.superseded.is_(None), c.type.in_(kinds), c.from_layer == layer, c.from_id.in_(chunk)
            )
            found.update(Ref(layer, id_) for id_ in connection.execute(statement).scalars())
        return found

    def _refusal(self, links: list[Link], removal: Removal) -> LinkedFeatureError:
        def seen(link: Link) -> bool:
            return self.may_see(removal.author, link.source.layer) and self.may_see(removal.author, link.target.layer)

        shown = [link for link in links if seen(link)]
        findings = tuple(
            Finding(
                f"/relations/{link.id}",
                f"{link.source} {link.type} {link.target}",
                "This link holds the feature.",
                f"End it with DELETE /relations/{link.id}, or declare what replaces the feature.",
            )
            for link in shown[:_NAMED_AT_MOST]
        )
        more = len(shown) - len(findings)
        return LinkedFeatureError(
            "Other features are tied to what would be deleted; nothing was written.",
            value=", ".join(str(link) for link in shown[:3]) or None,
            limit="types with when_deleted=restrict" + (f"; {more} more links" if more else ""),
            remedy="End these links first, or declare a successor (replaced-by), which the links then follow.",
            findings=findings,
        )


def _fate(link: Link, gone: Collection[Ref], types: Mapping[str, RelationType], *, layer_goes: bool) -> WhenDeleted:
    """What becomes of a link; links within what goes and out of a dropped layer go too."""
    kind = types.get(link.type)
    if kind is None:
        return WhenDeleted.DANGLE
    out, into = link.source in gone, link.target in gone
    if layer_goes and out:
        return WhenDeleted.CASCADE
    if out and into:  # nobody is left behind who could be held or be left dangling
        return WhenDeleted.DANGLE if kind.succession else WhenDeleted.CASCADE
    return kind.source.when_deleted if out else kind.target.when_deleted
