"""The relations port: what every place that keeps links can do. One page; `sql.py` is the adapter over both databases.

Rules that hold for every adapter

* A write is a transaction: it moves the version of the link table by one, and leaves who, when and why. The state before stays
  readable (`LinkQuery.version`). An acknowledged write survives the death of the process.
* What `record` accepts is whole: both ends stand, the type allows them, and neither cardinality, nor a forbidden ring, nor an
  overlap with the same link is broken; also when several processes write at once.
* A feature that goes takes its links along, or stays because of them, as the type says (`WhenDeleted`); in the transaction
  that removes the feature.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from twin.interval import Interval
from twin.relations.link import Link, LinkSource, NewLink, Ref
from twin.relations.relation_type import RelationType
from twin.store.port import Author

Direction = Literal["out", "in", "both"]


@dataclass(frozen=True, slots=True)
class LinkQuery:
    """Which links.

    Attributes:
        end: Only links of this feature.
        layer: Only links of this layer's features.
        direction: Whether `end` or `layer` is the `from` end ("out"), the `to` end ("in"), or either.
        types: Only these types; empty for all.
        holds: Only links whose window meets it.
        version: The links as the table stood at that version of it; None for now.
        hidden: No links from or to these layers: the one who asks may not know of them.
        known_by: Only links known so.
        limit: At most so many; after: behind this row number (keyset paging).
    """

    end: Ref | None = None
    layer: str | None = None
    direction: Direction = "both"
    types: tuple[str, ...] = ()
    holds: Interval | None = None
    version: int | None = None
    hidden: frozenset[str] = frozenset()
    known_by: LinkSource | None = None
    limit: int | None = None
    after: int | None = None


@dataclass(frozen=True, slots=True)
class LinkChange:
    """One committed write of links."""

    version: int
    at: datetime
    author: Author
    added: int
    ended: int


@dataclass(frozen=True, slots=True)
class LinkFault:
    """Why one link was not taken; `code` is stable, `row` counts from 1."""

    row: int
    code: str
    value: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class LinkReport:
    """What became of links handed in.

    Attributes:
        ids: Of the links recorded, in the order of the good rows.
        faults: One for each row refused.
        version: Of the link table afterwards.
    """

    ids: tuple[int, ...]
    faults: tuple[LinkFault, ...]
    version: int


@dataclass(frozen=True, slots=True)
class Proposals:
    """Links found in space between two layers, to stand in place of all derived ones of that type between them.

    Attributes:
        versions: Of both layers when they were read: the write is refused if one has moved.
    """

    type: str
    from_layer: str
    to_layer: str
    links: Sequence[NewLink]
    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Settled:
    """What settling proposals did; `overruled` are those that a declared or imported link stands against."""

    kept: int
    added: int
    ended: int
    overruled: int
    version: int


class Relations(Protocol):
    """Keeps links and their types."""

    def version(self) -> int:
        """Moves with every write of links; cheap."""

    def version_at(self, instant: datetime) -> int:
        """The version that stood at an instant; 0 before the first write."""

    def changes(self, limit: int = 100) -> list[LinkChange]:
        """The last committed writes, newest first."""

    def types(self) -> Mapping[str, RelationType]:
        """All types by id: the shipped ones and the city's own."""

    def add_type(self, made: RelationType) -> None:
        """Raises DuplicateRelationTypeError if its id, or its way back, is taken."""

    def drop_type(self, type_id: str) -> None:
        """Raises UnknownRelationError if the city has none such, LinkConflictError while links of it stand."""

    def links(self, query: LinkQuery) -> list[Link]:
        """The links that answer `query`, in order of arrival."""

    def counts(self, query: LinkQuery) -> dict[tuple[str, Direction], int]:
        """How many links answer `query` by type and by direction as seen from `query.end`."""

    def get(self, link_id: int) -> Link:
        """The standing link. Raises UnknownRelationError."""

    def history(self, link_id: int) -> list[Link]:
        """Every state of a link, newest first. Raises UnknownRelationError if there never was one."""

    def record(
        self, links: Sequence[NewLink], author: Author, *, partial: bool = False, hidden: frozenset[str] = frozenset()
    ) -> LinkReport:
        """Record links after every check, in one transaction.

        Args:
            partial: Record the good ones and report the rest; otherwise one fault refuses all.
            hidden: Layers that the author may not know of: taken as if there were none such.

        Raises:
            BadLinkError, LinkConflictError: without `partial`, with one finding per faulty row.
        """

    def amend(self, link_id: int, change: Callable[[Link], NewLink], author: Author, if_version: int | None) -> Link:
        """Another state of the same link, after every check.

        Raises:
            UnknownRelationError: if it does not stand.
            VersionConflictError: if `if_version` is given and another version wrote its state.
            BadLinkError, LinkConflictError: as `record`.
        """

    def end(self, link_ids: Collection[int], author: Author, if_version: int | None = None) -> int:
        """End links; their past stays. Raises UnknownRelationError if one does not stand, VersionConflictError."""

    def settle(self, proposals: Proposals, author: Author) -> Settled:
        """Make the derived links of a type between two layers those proposed; all other links stay as they are.

        Raises:
            VersionConflictError: if a layer was changed since it was read.
        """

    def layer_names(self) -> set[str]:
        """Every layer that links may name: those that exist, and those that once did."""

    def standing(self, layer: str, ids: Collection[str]) -> set[str]:
        """Which of these features stand now; none when there is no such layer."""


def faults_by_code(faults: Sequence[LinkFault]) -> dict[str, Any]:
    """How often each fault occurs, commonest first, with the first examples: what a bulk report shows."""
    counted: dict[str, dict[str, Any]] = {}
    for fault in faults:
        entry = counted.setdefault(
            fault.code, {"code": fault.code, "count": 0, "problem": fault.problem, "remedy": fault.remedy, "rows": []}
        )
        entry["count"] += 1
        if len(entry["rows"]) < 5:
            entry["rows"].append({"row": fault.row, "value": fault.value})
    return dict(sorted(counted.items(), key=lambda item: -item[1]["count"]))
