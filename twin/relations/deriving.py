"""Links proposed from geometry, once and in bulk: what is certain becomes a link, what is not is told.

The point of it is that nobody guesses at query time: a proposal becomes a recorded link with its confidence, and a person can put
a declared one in its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from twin.crs import CRS, from_cgcs2000
from twin.errors import BadCall
from twin.query import FeatureQuery
from twin.relations.link import ALWAYS, LinkSource, NewLink, Ref
from twin.relations.port import Proposals
from twin.relations.relation_type import DeriveRule, Method, RelationType
from twin.store.port import LayerRecord, Store

# Share of a line or an area that must lie in one polygon; a point has all of itself in one place.
CERTAIN_SHARE = 0.6
# A nearest feature is certain when the second is half as far again: d2 / (d1 + d2) is then 0.6.
CERTAIN_NEARNESS = 0.6
_WORTH_TELLING = 0.1
_TOLD_AT_MOST = 100
# Candidates looked at: above that, the reach is too wide to tell anything. 16 bytes each.
MAX_CANDIDATES = 20_000_000
_AREA, _LENGTH = 2, 1

Geometries = npt.NDArray[np.object_]
Indexes = npt.NDArray[np.intp]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A feature with several candidates, or none good enough, and how good each is (0 to 1)."""

    feature: Ref
    candidates: tuple[tuple[Ref, float], ...]


@dataclass(frozen=True, slots=True)
class Derivation:
    """What geometry says of two layers.

    Attributes:
        features: Rows of the `from` layer.
        unplaced: Those without a geometry; unmatched: those with nothing there or near.
        ambiguous: How many have no certain answer; `examples` are the first of them.
    """

    proposals: Proposals
    features: int
    unplaced: int
    unmatched: int
    ambiguous: int
    examples: tuple[Ambiguity, ...]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidates: row of the `from` layer, row of the `to` layer, and how good, from 0 to 1; sorted by row, best first."""

    source: Indexes
    target: Indexes
    score: Floats

    @classmethod
    def sorted(cls, source: Indexes, target: Indexes, score: Floats) -> Pairs:
        order = np.lexsort((target, -score, source))
        return cls(source[order], target[order], score[order])


def derive(
    store: Store, kind: RelationType, from_layer: str, to_layer: str, crs: CRS, within_m: float | None = None
) -> Derivation:
    """Propose links of a type between two layers; nothing is written.

    Args:
        crs: Projected CRS of the city, in metres.
        within_m: Overrides how far the type's rule looks.

    Raises:
        BadCall: if space says nothing about the type, a layer may not stand at that end, or too much lies within reach.
        UnknownLayerError: if a layer does not exist.
    """
    sources, targets = store.layer(from_layer), store.layer(to_layer)
    rule = _rule(kind, sources, targets, within_m)
    only_places = FeatureQuery(properties=())
    ours, theirs = store.select(from_layer, only_places), store.select(to_layer, only_places)
    placed = np.flatnonzero(~shapely.is_missing(ours.geometries))
    there = np.flatnonzero(~shapely.is_missing(theirs.geometries))
    mine, others = ours.geometries[placed], theirs.geometries[there]
    if rule.method is Method.WITHIN:
        pairs, certain = _within(mine, others), CERTAIN_SHARE
    else:
        pairs = _nearest(from_cgcs2000(mine, crs), from_cgcs2000(others, crs), rule.within_m)
        certain = CERTAIN_NEARNESS
    pairs = Pairs(placed[pairs.source], there[pairs.target], pairs.score)
    if from_layer == to_layer:
        apart = pairs.source != pairs.target
        pairs = Pairs(pairs.source[apart], pairs.target[apart], pairs.score[apart])
    chosen, unsure = choose(pairs, certain, best_only=rule.method is Method.NEAREST)
    source_ids, target_ids = _texts(ours.ids), _texts(theirs.ids)
    links = [
        NewLink(
            kind.id,
            Ref(from_layer, source_ids[i]),
            Ref(to_layer, target_ids[j]),
            ALWAYS,
            LinkSource.DERIVED,
            round(score, 3),
        )
        for i, j, score in zip(
            pairs.source[chosen].tolist(), pairs.target[chosen].tolist(), pairs.score[chosen].tolist(), strict=True
        )
    ]
    examples = tuple(
        _ambiguity(pairs, row, (from_layer, source_ids), (to_layer, target_ids)) for row in unsure[:_TOLD_AT_MOST]
    )
    versions = {from_layer: sources.version, to_layer: targets.version}
    return Derivation(
        proposals=Proposals(kind.id, from_layer, to_layer, links, versions),
        features=len(ours),
        unplaced=len(ours) - len(placed),
        unmatched=len(placed) - len(links) - len(unsure),
        ambiguous=len(unsure),
        examples=examples,
    )


def choose(pairs: Pairs, certain: float, *, best_only: bool) -> tuple[Indexes, Indexes]:
    """Which candidates are certain, and which rows are not.

    A row is certain when exactly one of its candidates is good enough; with `best_only` the score itself weighs the second
    candidate, so that only the best one is looked at.

    Returns:
        Indexes of the certain candidates, and the rows of the `from` layer that have some candidate worth telling and no certain one.
    """
    if len(pairs.source) == 0:
        return np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp)
    first = np.flatnonzero(np.r_[True, pairs.source[1:] != pairs.source[:-1]])
    good = np.add.reduceat((pairs.score >= certain).astype(np.intp), first)
    sure = (pairs.score[first] >= certain) if best_only else (good == 1)
    worth = pairs.score[first] >= _WORTH_TELLING
    return first[sure], pairs.source[first[~sure & worth]]


def _rule(kind: RelationType, sources: LayerRecord, targets: LayerRecord, within_m: float | None) -> DeriveRule:
    if kind.derive is None:
        raise BadCall(
            f"Geometry does not tell '{kind.id}'.",
            value=kind.id,
            limit="types with a derive rule",
            remedy="Declare such links, or add a type with a derive rule.",
        )
    for record, rule, side in ((sources, kind.source, "from"), (targets, kind.target, "to")):
        if not rule.allows(record):
            raise BadCall(
                f"A link '{kind.id}' may not have a feature of this layer as its '{side}' end.",
                value=record.id,
                limit=str(rule),
                remedy="Choose another layer.",
            )
    if within_m is None or kind.derive.method is Method.WITHIN:
        return kind.derive
    return DeriveRule(kind.derive.method, within_m)


def _within(mine: Geometries, others: Geometries) -> Pairs:
    """Candidates that hold a feature, with the share of it (area, length, or all of a point) that they hold."""
    tree = shapely.STRtree(others)
    source, target = tree.query(mine, predicate="intersects")
    score = np.ones(len(source))
    size = shapely.get_dimensions(mine[source])
    partly = np.flatnonzero(size > 0)
    whole = shapely.within(mine[source[partly]], others[target[partly]])
    partly = partly[~whole]
    cut = shapely.intersection(mine[source[partly]], others[target[partly]])
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(
            size[partly] == _AREA,
            shapely.area(cut) / shapely.area(mine[source[partly]]),
            shapely.length(cut) / shapely.length(mine[source[partly]]),
        )
    score[partly] = np.nan_to_num(share, nan=0.0, posinf=0.0)
    return Pairs.sorted(source, target, score)


def _nearest(mine: Geometries, others: Geometries, within_m: float) -> Pairs:
    """Candidates within reach; the best one's score is d2 / (d1 + d2): 1 when it touches, 0.5 when the second is as near."""
    tree = shapely.STRtree(others)
    source, target = _within_reach(tree, mine, within_m)
    distance = shapely.distance(mine[source], others[target])
    order = np.lexsort((target, distance, source))
    source, target, distance = source[order], target[order], distance[order]
    if len(source) == 0:
        return Pairs(source, target, distance)
    starts = np.r_[True, source[1:] != source[:-1]]
    nearest = distance[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    has_second = np.r_[~starts[1:], False]
    second = np.where(has_second, np.r_[distance[1:], within_m], within_m)
    rival = np.where(starts, second, nearest)
    both = distance + rival
    with np.errstate(invalid="ignore", divide="ignore"):
        score = np.where(both > 0, rival / both, 0.5)
    return Pairs(source, target, score)


def _within_reach(tree: shapely.STRtree, mine: Geometries, within_m: float) -> tuple[Indexes, Indexes]:
    """All pairs within reach, found in parts none of which can outgrow the memory. Raises BadCall above MAX_CANDIDATES."""
    rows, found, total = max(1, MAX_CANDIDATES // max(1, len(tree))), [np.empty((2, 0), dtype=np.intp)], 0
    for start in range(0, len(mine), rows):
        pairs = tree.query(mine[start : start + rows], predicate="dwithin", distance=within_m)
        pairs[0] += start
        found.append(pairs)
        total += pairs.shape[1]
        if total > MAX_CANDIDATES:
            raise BadCall(
                "Too many pairs of features lie within reach of each other.",
                value=f"within_m={within_m:g}",
                limit=f"{MAX_CANDIDATES:,} pairs",
                remedy="Give a smaller within_m.",
            )
    source, target = np.concatenate(found, axis=1)
    return source, target


def _texts(ids: Sequence[str | None]) -> list[str]:
    return [str(id_) for id_ in ids]


def _ambiguity(pairs: Pairs, row: int, ours: tuple[str, list[str]], theirs: tuple[str, list[str]]) -> Ambiguity:
    low, high = np.searchsorted(pairs.source, [row, row + 1])
    candidates = tuple(
        (Ref(theirs[0], theirs[1][pairs.target[k]]), round(float(pairs.score[k]), 3)) for k in range(low, high)
    )
    return Ambiguity(Ref(ours[0], ours[1][row]), candidates)
