"""From judged candidates to places in order: quality of the match × weight of the kind × nearness.

    nearness = 0.5 + 0.5 / (1 + distance / 3 km)        1 at the place itself, 0.75 at 3 km, never below 0.5; 1 without `near`

An old name of a feature that is called otherwise today counts 0.9. Equal scores fall back to the kind, the shorter name, then names and ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import shapely

from twin.bounds import Bounds
from twin.interval import Interval
from twin.places.asking import Typed
from twin.places.candidates import Candidate, CandidateReader, State
from twin.places.forms import ADDRESS, CHINESE, ENGLISH, FIRST_ALIAS
from twin.places.gathering import Judged
from twin.places.highlight import highlighted
from twin.places.kinds import Kind, kinds
from twin.places.matching import Match
from twin.places.metres import Metres
from twin.places.pinyin import read_aloud
from twin.places.port import Place, PlaceQuery
from twin.store.values import instant_text
from twin.text import LocalText

_OLD_NAME = 0.9
_NEAR_M = 3_000.0
_SAME_PLACE_M = 3_000.0
# Other features of a place that are named in an answer.
_ALSO_AT_MOST = 50


@dataclass(frozen=True, slots=True)
class _Scored:
    judged: Judged
    kind: Kind
    score: float


class Ranking:
    """Collects candidates and gives the page of places.

    Args:
        layers: Layer ids by their numbers in the index.
    """

    def __init__(self, query: PlaceQuery, typed: Typed, layers: Mapping[int, str], reader: CandidateReader) -> None:
        self._query, self._typed, self._layers, self._reader = query, typed, layers, reader
        self._metres = Metres(*query.near) if query.near else None
        self._scored: dict[int, _Scored] = {}
        self._matches: dict[tuple[str, str, str], Match] = {}

    @property
    def is_dated(self) -> bool:
        """Whether the search asks for names of another time than now."""
        return self._query.interval is not None or any(v is not None for v in self._query.layers.values())

    def take(self, judged: Iterable[Judged]) -> None:
        for one in judged:
            kind = kinds()[one.candidate.kind]
            nearness = self._nearness(None if self._metres is None else self._metres.to_box(one.candidate.box))
            self._scored[one.candidate.fid] = _Scored(one, kind, one.match.quality * kind.weight * nearness)

    def places(self) -> list[Place]:
        """The page, best first."""
        limit = self._query.limit
        ranked = sorted(self._scored.values(), key=lambda s: (-s.score, -s.kind.weight, *_by_name(s.judged.candidate)))
        found: list[Place] = []
        # Some of the first may not stand at the date asked for, or be one place: the next ones take their turn.
        step = limit + 10
        for start in range(0, len(ranked), step):
            found += self._resolved(ranked[start : start + step])
            if len(_merged(found, limit)) >= limit:
                break
        return [self._lit(place) for place in _merged(sorted(found, key=_order), limit)]

    def _lit(self, place: Place) -> Place:
        """With the matched part marked: only for those that are shown."""
        match = self._matches[place.layer_id, place.feature_id, place.matched]
        return replace(place, highlight=highlighted(place.matched, self._typed, match))

    def _nearness(self, distance_m: float | None) -> float:
        return 1.0 if distance_m is None else 0.5 + 0.5 / (1 + distance_m / _NEAR_M)

    # -- states ------------------------------------------------------------------------------------------------------

    def _resolved(self, scored: Sequence[_Scored]) -> list[Place]:
        """Places for the candidates that stand at the time asked for; old names lead to what bears another one today."""
        states = self._reader.states([s.judged.candidate.fid for s in scored])
        found: list[Place] = []
        for one in scored:
            candidate = one.judged.candidate
            all_states = states.get(candidate.fid, [])
            standing = self._standing(all_states)
            if standing:
                found.append(self._place(candidate, standing, one))
            elif not self.is_dated:
                features = sorted({state.feature for state in all_states})[:_ALSO_AT_MOST]
                for today, state in self._reader.named(candidate.layer, features):
                    found.append(self._place(today, [state], one, formerly=True))
        return [place for place in found if self._is_within(place.bounds)]

    def _is_within(self, box: Bounds) -> bool:
        query = self._query
        return box.intersects(query.bounds) and (
            query.area is None or bool(shapely.intersects(query.area, shapely.box(*box.as_tuple())))
        )

    def _standing(self, states: Sequence[State]) -> list[State]:
        """States that stand at the version and the time asked for, of each feature the newest."""
        interval = self._query.interval
        newest: dict[str, State] = {}
        for state in states:
            version = self._query.layers[self._layers[state.layer]]
            known = state.superseded is None if version is None else _stood_at(state, version)
            if not known or (state.slice and interval is None) or (interval and not _holds_in(state, interval)):
                continue
            before = newest.get(state.feature)
            if before is None or (before.valid_from or "") < (state.valid_from or ""):
                newest[state.feature] = state
        return list(newest.values())

    # -- answers -----------------------------------------------------------------------------------------------------

    def _place(self, named: Candidate, states: Sequence[State], one: _Scored, *, formerly: bool = False) -> Place:
        first, distance = self._first(states)
        kind = kinds()[named.kind]
        matched = _text_of(one.judged.candidate, one.judged.match)
        factor = _OLD_NAME if formerly else 1.0
        whole = states[0].box
        for state in states[1:]:
            whole = whole.union(state.box)
        others = sorted((s for s in states if s is not first), key=lambda s: s.feature)
        layer_id = self._layers[first.layer]
        self._matches[layer_id, first.feature, matched] = one.judged.match
        return Place(
            layer_id=layer_id,
            feature_id=first.feature,
            also=tuple((layer_id, s.feature) for s in others[:_ALSO_AT_MOST]),
            name=LocalText(named.zh, named.en),
            pinyin=read_aloud(named.zh).shown if named.zh and not named.zh.isascii() else "",
            kind=named.kind,
            value=named.value,
            address=named.address,
            lon=first.lon,
            lat=first.lat,
            bounds=whole,
            distance_m=distance,
            score=round(one.judged.match.quality * kind.weight * self._nearness(distance) * factor, 6),
            how=one.judged.match.how,
            matched=matched,
            highlight=(),
            formerly=matched if formerly else "",
        )

    def _first(self, states: Sequence[State]) -> tuple[State, float | None]:
        """The state that stands for all of them, and how far it is."""
        if self._metres is None:
            return min(states, key=lambda s: (-_size(s.box), s.version, s.feature)), None
        metres = self._metres
        distances = [(metres.to_box(state.box), state.feature, i) for i, state in enumerate(states)]
        nearest, _, index = min(distances)
        return states[index], round(nearest, 1)


def _merged(places: Iterable[Place], limit: int) -> list[Place]:
    """The first places; features that are one (the town in two layers, today's name and an old one) become one answer."""
    made: list[Place] = []
    for place in places:
        twin = next((i for i, known in enumerate(made) if _are_one(known, place)), None)
        if twin is None:
            if len(made) < limit:
                made.append(place)
            continue
        known = made[twin]
        itself = (known.layer_id, known.feature_id)
        also = [*known.also, (place.layer_id, place.feature_id), *place.also]
        kept = tuple(dict.fromkeys(pair for pair in also if pair != itself))[:_ALSO_AT_MOST]
        made[twin] = replace(known, also=kept, bounds=known.bounds.union(place.bounds))
    return made


def _are_one(a: Place, b: Place) -> bool:
    if (a.layer_id, a.feature_id) == (b.layer_id, b.feature_id):
        return True
    if a.layer_id == b.layer_id or a.kind != b.kind or a.name.zh != b.name.zh or not a.name.zh:
        return False
    return min(Metres(a.lon, a.lat).to_box(b.bounds), Metres(b.lon, b.lat).to_box(a.bounds)) <= _SAME_PLACE_M


def _order(place: Place) -> tuple[float, float, int, str, str, str, str]:
    name = place.name
    return (
        -place.score,
        -kinds()[place.kind].weight,
        len(name.zh or name.en),
        name.zh,
        name.en,
        place.layer_id,
        place.feature_id,
    )


def _by_name(candidate: Candidate) -> tuple[int, str, str, int]:
    return len(candidate.zh or candidate.en), candidate.zh, candidate.en, candidate.fid


def _text_of(candidate: Candidate, match: Match) -> str:
    """The text that a form comes from, as people write it."""
    if match.key.source == CHINESE:
        return candidate.zh
    if match.key.source == ENGLISH:
        return candidate.en
    if match.key.source == ADDRESS:
        return candidate.address
    aliases = candidate.aliases.split("\n")
    return aliases[match.key.source - FIRST_ALIAS] if match.key.source - FIRST_ALIAS < len(aliases) else candidate.zh


def _stood_at(state: State, version: int) -> bool:
    return state.version <= version and (state.superseded is None or state.superseded > version)


def _holds_in(state: State, interval: Interval) -> bool:
    """Whether a state's validity [from, to) meets an interval, as the store's own readings have it."""
    since = None if interval.start is None else instant_text(interval.start)
    until = None if interval.end is None else instant_text(interval.end)
    begins, ends = state.valid_from, state.valid_to
    if since is not None and ends is not None and not (ends > since or (begins is not None and begins >= since)):
        return False
    return until is None or begins is None or begins <= until


def _size(box: Bounds) -> float:
    return (box.east - box.west) + (box.north - box.south)
