"""What a feature is tied to, in both directions, with words for the other ends; followed over successors and, if wished, onward."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from layers.policy import Actor
from layers.relating import RelationDesk
from twin.errors import UnknownLayerError
from twin.query import FeatureQuery
from twin.relations.following import NOW, Moment, predecessors, standing_at, successors
from twin.relations.link import Link, Ref
from twin.relations.port import Direction, LinkQuery
from twin.relations.relation_type import RelationType
from twin.schema import PropertyType
from twin.store.port import LayerRecord

# Up to so many links of a feature are read at once; above that, each group by itself.
_AT_ONCE = 500
# Ties shown in one answer, those found further on included.
MAX_TIES = 2_000


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


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a feature is tied to.

    Attributes:
        complete: Whether everything within the depth asked for was followed; otherwise MAX_TIES held it back.
    """

    groups: tuple[TieGroup, ...]
    complete: bool


def surroundings(
    desk: RelationDesk,
    feature: Ref,
    query: LinkQuery,
    actor: Actor,
    *,
    depth: int = 1,
    limit: int = 100,
    moment: Moment = NOW,
) -> Surroundings:
    """The links of a feature by type and direction: from it first, then to it.

    Level by level: a feature met again, on whatever way, is shown but not followed a second time.

    Args:
        query: Types, time and direction wanted; ends and limits in it do not count.
        depth: How many links to follow; beyond the first only in the direction in which links point, such as from a sensor to its
            floor, building and parcel.
        limit: Links shown of each group; at most MAX_TIES are shown in all.
        moment: When the far ends are looked at: whether they stood, and what they were called; `query.version` fits it.
    """
    asked = replace(query, hidden=desk.hidden(actor), layer=None, after=None, limit=None)
    return _Walk(desk, asked, desk.types(), limit, MAX_TIES, moment).around(feature, depth)


@dataclass(slots=True)
class _Knot:
    """A tie on its way to being one."""

    link: Link
    other: Ref
    via: Ref | None
    outward: bool
    now: tuple[Ref, ...] = ()
    gone: bool = False
    onward: list[_Spot] = field(default_factory=list)


@dataclass(slots=True)
class _Spot:
    """A feature whose links were read: how many of each type and direction, and those shown."""

    counts: Mapping[tuple[str, Direction], int]
    knots: Mapping[tuple[str, Direction], list[_Knot]]

    def all(self) -> list[_Knot]:
        return [knot for knots in self.knots.values() for knot in knots]


@dataclass(slots=True)
class _Walk:
    """Away from a feature, one level after the other.

    Attributes:
        room: Ties that may still be shown.
        titles: Of the features met so far.
    """

    desk: RelationDesk
    query: LinkQuery
    types: Mapping[str, RelationType]
    limit: int
    room: int
    moment: Moment
    complete: bool = True
    titles: dict[Ref, str] = field(default_factory=dict)

    def around(self, feature: Ref, depth: int) -> Surroundings:
        been = {feature}
        spot = self._spot(feature, self.query)
        level = [spot]
        outward = replace(self.query, direction="out")
        for step in range(1, depth + 1):
            self._look_up(level)
            if step == depth:
                break
            following = []
            for knot in (knot for reached in level for knot in reached.all() if knot.outward):
                for place in knot.now or (knot.other,):
                    if place in been:
                        continue
                    if self.room <= 0:
                        self.complete = False
                        break
                    been.add(place)
                    knot.onward.append(self._spot(place, outward))
                    following.append(knot.onward[-1])
            level = following
        return Surroundings(self._groups(spot), self.complete)

    def _spot(self, feature: Ref, query: LinkQuery) -> _Spot:
        """The links of one feature; reading them takes room too, so that features without links do not go on for ever."""
        self.room -= 1
        counts: dict[tuple[str, Direction], int] = defaultdict(int)
        knots: dict[tuple[str, Direction], list[_Knot]] = defaultdict(list)
        for end in self._names_of(feature):
            links, counted = self._links(replace(query, end=end), end)
            for key, count in counted.items():
                if key[0] in self.types:
                    counts[key] += count
            for link in links:
                direction: Direction = "out" if link.source == end else "in"
                shown = knots[link.type, direction]
                if link.type not in self.types or len(shown) >= self.limit:
                    continue
                if self.room <= 0:
                    self.complete = False
                    continue
                self.room -= 1
                via = None if end == feature else end
                shown.append(_Knot(link, link.other_end(end), via, direction == "out"))
        return _Spot(counts, knots)

    def _links(self, query: LinkQuery, end: Ref) -> tuple[list[Link], Mapping[tuple[str, Direction], int]]:
        """The first links of each type and direction, and how many there are."""
        links = self.desk.relations.links(replace(query, limit=_AT_ONCE + 1))
        if len(links) <= _AT_ONCE:
            return links, Counter((link.type, "out" if link.source == end else "in") for link in links)
        counts = self.desk.relations.counts(query)
        first = [
            link
            for type_, direction in counts
            for link in self.desk.relations.links(replace(query, types=(type_,), direction=direction, limit=self.limit))
        ]
        return first, counts

    def _names_of(self, feature: Ref) -> list[Ref]:
        """The feature, and those that are gone whose place it took: what was tied to them is tied to it."""
        if self.query.version is not None:
            return [feature]
        older = predecessors(self.desk.relations, feature, lambda ends: standing_at(self.desk.store, ends))
        return [feature, *(end for end in older if end.layer not in self.query.hidden)]

    def _look_up(self, level: Sequence[_Spot]) -> None:
        """What the far ends of a level are called, which stand, and what took the place of the others: asked once for all."""
        knots = [knot for spot in level for knot in spot.all()]
        others = {knot.other for knot in knots}
        standing = standing_at(self.desk.store, others, self.moment)
        self.titles |= feature_titles(self.desk, others - self.titles.keys(), self.moment)
        known: dict[Ref, tuple[Ref, ...]] = {}
        for knot in knots:
            knot.gone = knot.other not in standing
            if knot.gone and self.moment == NOW and not self.types[knot.link.type].succession:
                if knot.other not in known:
                    found = successors(self.desk.store, self.desk.relations, knot.other)
                    known[knot.other] = tuple(entity for entity in found if entity.layer not in self.query.hidden)
                knot.now = known[knot.other]

    def _groups(self, spot: _Spot) -> tuple[TieGroup, ...]:
        order = list(self.types)
        keys = sorted(spot.counts, key=lambda key: (key[1] == "in", order.index(key[0])))
        return tuple(
            TieGroup(self.types[key[0]], key[1], spot.counts[key], tuple(map(self._tie, spot.knots.get(key, ()))))
            for key in keys
        )

    def _tie(self, knot: _Knot) -> Tie:
        onward = tuple(group for spot in knot.onward for group in self._groups(spot))
        title = self.titles.get(knot.other, "")
        return Tie(knot.link, knot.other, title, knot.now, knot.gone, knot.via, onward)


def feature_titles(desk: RelationDesk, features: Collection[Ref], moment: Moment = NOW) -> dict[Ref, str]:
    """A name for each feature that stands at a moment and has one then: the property its layer's labels show, else `name`."""
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
        version = (moment.versions or {}).get(layer)
        if version is None and moment.instant is not None:
            version = desk.store.version_at(layer, moment.instant)
        for start in range(0, len(ids), _AT_ONCE):
            some = tuple(ids[start : start + _AT_ONCE])
            wanted = FeatureQuery(ids=some, properties=(name,), geometry=False, as_of=version)
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
