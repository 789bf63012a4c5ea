"""What a feature is tied to, in both directions, with words for the other ends; followed over successors and, if wished, onward."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from layers.policy import Actor
from layers.relating import RelationDesk
from twin.errors import UnknownLayerError
from twin.query import FeatureQuery
from twin.relations.following import predecessors, standing_at, successors
from twin.relations.link import Link, Ref
from twin.relations.port import Direction, LinkQuery
from twin.relations.relation_type import RelationType
from twin.schema import PropertyType
from twin.store.port import LayerRecord

# Up to so many links of a feature are read at once; above that, each group by itself.
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Tie:
    """One link as seen from a feature.

    Attributes:
        other: The feature at the far end, as the link names it.
        title: What a reader sees in place of its id; empty where it has no name, or stands no more.
        now: What `other` is now, when it stands no more: its successors; empty where it stands, or none is known.
        gone: Whether `other` stands no more.
        via: The predecessor of the feature that the link names, when it is not the feature itself.
        onward: What the far end is tied to in turn, when asked for.
    """

    link: Link
    other: Ref
    title: str = ""
    now: tuple[Ref, ...] = ()
    gone: bool = False
    via: Ref | None = None
    onward: tuple[TieGroup, ...] = ()


@dataclass(frozen=True, slots=True)
class TieGroup:
    """All links of one type in one direction; `count` may be more than the ties shown."""

    type: RelationType
    direction: Direction
    count: int
    ties: tuple[Tie, ...]


def surroundings(
    desk: RelationDesk, feature: Ref, query: LinkQuery, actor: Actor, *, depth: int = 1, limit: int = 100
) -> tuple[TieGroup, ...]:
    """The links of a feature by type and direction: from it first, then to it.

    Args:
        query: Types, time and direction wanted; ends and limits in it do not count.
        depth: How many links to follow; beyond the first only in the direction in which links point, such as from a sensor to its
            floor, building and parcel.
        limit: Links shown of each group.
    """
    asked = replace(query, hidden=desk.hidden(actor), layer=None, after=None, limit=None)
    return _Walk(desk, asked, desk.types(), limit).groups(feature, depth, frozenset((feature,)))


@dataclass(frozen=True, slots=True)
class _Walk:
    """What stays the same while links are followed."""

    desk: RelationDesk
    query: LinkQuery
    types: Mapping[str, RelationType]
    limit: int

    def groups(self, feature: Ref, depth: int, been: frozenset[Ref]) -> tuple[TieGroup, ...]:
        counts: dict[tuple[str, Direction], int] = defaultdict(int)
        found: dict[tuple[str, Direction], list[tuple[Link, Ref]]] = defaultdict(list)
        for end in self._names_of(feature):
            own = replace(self.query, end=end)
            links = self.desk.relations.links(replace(own, limit=_AT_ONCE + 1))
            if len(links) > _AT_ONCE:
                counted = self.desk.relations.counts(own)
                links = self._first_of_each(own, counted)
            else:
                counted = Counter((link.type, "out" if link.source == end else "in") for link in links)
            for key, count in counted.items():
                counts[key] += count
            for link in links:
                direction: Direction = "out" if link.source == end else "in"
                found[link.type, direction].append((link, end))
        kept = {key: pairs[: self.limit] for key, pairs in found.items() if key[0] in self.types}
        others = {link.other_end(end) for pairs in kept.values() for link, end in pairs}
        standing, titles = standing_at(self.desk.store, others), feature_titles(self.desk, others)
        bare = {
            key: [Tie(link, link.other_end(end), via=None if end == feature else end) for link, end in pairs]
            for key, pairs in kept.items()
        }
        order = list(self.types)
        return tuple(
            TieGroup(
                self.types[type_],
                direction,
                counts[type_, direction],
                tuple(self._filled(tie, standing, titles, depth if direction == "out" else 1, been) for tie in ties),
            )
            for (type_, direction), ties in sorted(
                bare.items(), key=lambda item: (item[0][1] == "in", order.index(item[0][0]))
            )
        )

    def _names_of(self, feature: Ref) -> list[Ref]:
        """The feature, and those that are gone whose place it took: what was tied to them is tied to it."""
        if self.query.version is not None:
            return [feature]
        older = predecessors(self.desk.relations, feature, lambda ends: standing_at(self.desk.store, ends))
        return [feature, *(end for end in older if end.layer not in self.query.hidden)]

    def _first_of_each(self, query: LinkQuery, counts: Mapping[tuple[str, Direction], int]) -> list[Link]:
        return [
            link
            for type_, direction in counts
            for link in self.desk.relations.links(replace(query, types=(type_,), direction=direction, limit=self.limit))
        ]

    def _filled(
        self, tie: Tie, standing: Collection[Ref], titles: Mapping[Ref, str], depth: int, been: frozenset[Ref]
    ) -> Tie:
        gone = tie.other not in standing
        now: tuple[Ref, ...] = ()
        if gone and not self.types[tie.link.type].succession:
            found = successors(self.desk.store, self.desk.relations, tie.other)
            now = tuple(entity for entity in found if entity.layer not in self.query.hidden)
        onward: tuple[TieGroup, ...] = ()
        if depth > 1:
            outward = replace(self, query=replace(self.query, direction="out"))
            for place in now or (tie.other,):
                if place not in been:
                    onward += outward.groups(place, depth - 1, been | {place})
        return replace(tie, title=titles.get(tie.other, ""), now=now, gone=gone, onward=onward)


def feature_titles(desk: RelationDesk, features: Collection[Ref]) -> dict[Ref, str]:
    """A name for each feature that stands and has one: the property its layer's labels show, else `name`."""
    by_layer: dict[str, list[str]] = defaultdict(list)
    for feature in features:
        by_layer[feature.layer].append(feature.id)
    titles: dict[Ref, str] = {}
    for layer, ids in by_layer.items():
        try:
            record = desk.store.layer(layer)
        except UnknownLayerError:
            continue
        name = title_property(record)
        if name is None:
            continue
        for start in range(0, len(ids), _AT_ONCE):
            wanted = FeatureQuery(ids=tuple(ids[start : start + _AT_ONCE]), properties=(name,), geometry=False)
            batch = desk.store.select(layer, wanted)
            titles |= {
                Ref(layer, str(id_)): str(value)
                for id_, value in zip(batch.ids, batch.columns[name], strict=True)
                if value is not None
            }
    return titles


def title_property(record: LayerRecord) -> str | None:
    """The property whose value names a feature to a reader; None where the layer has none."""
    style = record.document.get("style") or {}
    label = (style.get("label") or {}).get("property") if isinstance(style, Mapping) else None
    texts = [entry.name for entry in record.schema if entry.type is PropertyType.STRING]
    return next((name for name in (label, "name") if name in texts), None)
