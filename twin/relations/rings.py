"""Whether links lead back to where they began, at some instant. Pure arithmetic on ends and windows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from twin.relations.link import Ref, Window

Edge = tuple[Ref, Ref, Window]
Successors = dict[Ref, list[tuple[Ref, Window]]]


def edges_that_close_a_ring(standing: Iterable[Edge], new: Sequence[Edge]) -> list[int]:
    """Indexes of the new edges that would close a ring, when those before them (the closing ones left out) are in.

    A ring is one only if all its edges hold at some common instant. The standing edges have none.

    >>> a, b = Ref("l", "a"), Ref("l", "b")
    >>> edges_that_close_a_ring([(a, b, ALWAYS)], [(b, a, ALWAYS)])
    [0]
    """
    following: Successors = {}
    for source, target, window in standing:
        following.setdefault(source, []).append((target, window))
    suspects = _in_rings(following, new)
    closing = []
    for index, (source, target, window) in enumerate(new):
        if index in suspects and _reaches(following, target, source, window):
            closing.append(index)
        else:
            following.setdefault(source, []).append((target, window))
    return closing


def _reaches(following: Successors, start: Ref, goal: Ref, window: Window) -> bool:
    """Whether a path leads from `start` to `goal` whose edges all hold at an instant of `window`."""
    if start == goal:
        return True
    been: dict[Ref, list[Window]] = {start: [window]}
    waiting = [(start, window)]
    while waiting:
        place, so_far = waiting.pop()
        for target, held in following.get(place, ()):
            if not held.meets(so_far):
                continue
            if target == goal:
                return True
            rest = held.both(so_far)
            known = been.setdefault(target, [])
            if not any(_covers(wider, rest) for wider in known):
                known.append(rest)
                waiting.append((target, rest))
    return False


def _covers(wide: Window, narrow: Window) -> bool:
    starts = wide.start is None or (narrow.start is not None and wide.start <= narrow.start)
    return starts and (wide.end is None or (narrow.end is not None and narrow.end <= wide.end))


def _in_rings(following: Successors, new: Sequence[Edge]) -> set[int]:
    """Indexes of new edges that lie in a ring of the whole graph, time left out of account: the only suspects.

    Ends without a way in or without a way out are taken away until none is left; what remains holds every ring.
    """
    ahead: dict[Ref, set[Ref]] = {source: {t for t, _ in targets} for source, targets in following.items()}
    for source, target, _ in new:
        ahead.setdefault(source, set()).add(target)
    behind: dict[Ref, set[Ref]] = {}
    for source, targets in ahead.items():
        for target in targets:
            behind.setdefault(target, set()).add(source)
    _peel(ahead, behind)
    _peel(behind, ahead)
    return {i for i, (source, target, _) in enumerate(new) if target in ahead.get(source, ())}


def _peel(ahead: dict[Ref, set[Ref]], behind: dict[Ref, set[Ref]]) -> None:
    """Take away every end from which nothing leads on, and then those that only led to it."""
    bare = [end for end in behind if not ahead.get(end)]
    while bare:
        end = bare.pop()
        ahead.pop(end, None)
        for before in behind.pop(end, ()):
            onward = ahead.get(before)
            if onward is None:
                continue
            onward.discard(end)
            if not onward:
                bare.append(before)
