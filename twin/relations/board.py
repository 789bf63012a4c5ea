"""Links of one type as their ends see them: whether one more fits beside those that stand. Pure arithmetic."""

from __future__ import annotations

from collections import defaultdict

from twin.relations.link import NewLink, Ref, Window
from twin.relations.port import LinkFault
from twin.relations.relation_type import RelationType


class LinkBoard:
    """The links of one type as ends see them, to judge the next one: who is tied to whom, and when."""

    def __init__(self, kind: RelationType) -> None:
        self._kind = kind
        self._of_source: dict[Ref, list[tuple[Ref, Window, str]]] = defaultdict(list)
        self._of_target: dict[Ref, list[tuple[Ref, Window, str]]] = defaultdict(list)

    def put(self, source: Ref, target: Ref, window: Window, name: str) -> None:
        """A link that stands, under the name by which a message tells of it; empty where it must not be told."""
        self._of_source[source].append((target, window, name))
        if self._kind.cardinality.one_source:
            self._of_target[target].append((source, window, name))

    def fault(self, row: int, link: NewLink) -> LinkFault | None:
        """Why `link` cannot be put beside those that stand; None when it can."""
        pairs = [(link.source, link.target)] + ([(link.target, link.source)] if self._kind.symmetric else [])
        for source, target in pairs:
            for other, window, name in self._of_source.get(source, ()):
                if other == target and window.meets(link.window):
                    value, problem = f"{link.window} and {window}", f"The same link stands already ({name})."
                    return LinkFault(row, "overlap", value, problem, "End that link, or choose a window apart from it.")
        if self._kind.cardinality.one_target:
            held = next((h for h in self._of_source.get(link.source, ()) if h[1].meets(link.window)), None)
            if held is not None:
                return self._too_many(row, link.source, link, held)
        held = next((h for h in self._of_target.get(link.target, ()) if h[1].meets(link.window)), None)
        return None if held is None else self._too_many(row, link.target, link, held)

    def _too_many(self, row: int, end: Ref, link: NewLink, held: tuple[Ref, Window, str]) -> LinkFault:
        other, window, name = held
        told = f"to {other} already ({name})" if name else "already"
        problem = f"'{self._kind.id}' is {self._kind.cardinality.value}, and {end} is tied {told}."
        remedy = "End that link, or choose a window apart from it."
        return LinkFault(row, "cardinality", f"{link.window} and {window}", problem, remedy)
