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
        self._one_target, self._one_source = kind.cardinality.one_target, kind.cardinality.one_source
        self._of_source: dict[Ref, list[tuple[Ref, Window, str]]] = defaultdict(list)
        self._of_target: dict[Ref, list[tuple[Ref, Window, str]]] = defaultdict(list)

    def put(self, source: Ref, target: Ref, window: Window, name: str) -> None:
        """A link that stands, under the name by which a message tells of it; empty where it must not be told."""
        self._of_source[source].append((target, window, name))
        if self._one_source:
            self._of_target[target].append((source, window, name))

    def fault(self, row: int, link: NewLink) -> LinkFault | None:
        """Why `link` cannot be put beside those that stand; None when it can."""
        of_source = self._of_source.get(link.source)
        if of_source is not None:
            for other, window, name in of_source:
                if other == link.target and window.meets(link.window):
                    return self._twice(row, link, window, name)
            if self._one_target:
                for held in of_source:
                    if held[1].meets(link.window):
                        return self._too_many(row, link.source, link, held)
        if self._kind.symmetric:
            for other, window, name in self._of_source.get(link.target, ()):
                if other == link.source and window.meets(link.window):
                    return self._twice(row, link, window, name)
        if self._one_source:
            for held in self._of_target.get(link.target, ()):
                if held[1].meets(link.window):
                    return self._too_many(row, link.target, link, held)
        return None

    def _twice(self, row: int, link: NewLink, window: Window, name: str) -> LinkFault:
        value, problem = f"{link.window} and {window}", f"The same link stands already ({name})."
        return LinkFault(row, "overlap", value, problem, "End that link, or choose a window apart from it.")

    def _too_many(self, row: int, end: Ref, link: NewLink, held: tuple[Ref, Window, str]) -> LinkFault:
        other, window, name = held
        told = f"to {other} already ({name})" if name else "already"
        problem = f"'{self._kind.id}' is {self._kind.cardinality.value}, and {end} is tied {told}."
        remedy = "End that link, or choose a window apart from it."
        return LinkFault(row, "cardinality", f"{link.window} and {window}", problem, remedy)
