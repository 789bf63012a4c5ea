"""The store port: what every place that keeps layers can do. One page, two adapters, one test suite.

Rules that hold for every adapter

* Geometry is CGCS2000 (EPSG:4490) lon/lat. Whoever writes has converted and checked it (`twin.crs`, `twin.geometry`).
* A write is a transaction: it bumps the layer's `version` by one, stamps every touched row with it, keeps the old state of
  each changed row as history, and records a changeset (who, when, why). Leaving the `with` block by an exception
  undoes all of it, the creation of the layer included.
* A reading with `FeatureQuery.as_of` shows the layer as it stood at that version (system time): rows written by then which
  nothing had superseded. It takes every part of a query, and finds the same rows however often the layer changes afterwards.
* A feature has a timeline of valid time: slices [valid_from, valid_to) that never overlap, ends may be open. The newest is its
  head, the row of the current table; earlier ones stand in the history. A write that begins later than the head ends the head
  there, and the ended slice stays known; one that begins with the head corrects it; one that ends before the head begins is
  recorded as a past slice, or corrects the past slice of the very same validity. Anything else would overlap and is refused.
* `FeatureQuery.interval` finds for each feature the slice that holds then, as known now or at `as_of`: the newest one of those
  that meet an interval. Never two of one feature. Without it, heads are read, whatever their validity.
* A deleted feature is gone from what is known now with all its slices. That something ended in the world is said by valid_to.
* An acknowledged write (the `with` block has ended) survives the death of the process.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from twin.bounds import Bounds
from twin.feature import Feature, FeatureBatch
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.schema import Schema
from twin.store.versions import RevisionAsker, Revisions
from twin.validity import Validity


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, and why."""

    name: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LayerSpec:
    """A layer about to be created.

    Attributes:
        id: Kebab-case, never changes.
        schema: Geometry type and properties: the columns of its table.
        document: The manifest as the registry wrote it. The store keeps it and does not read it.
    """

    id: str
    schema: Schema
    document: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LayerRecord:
    """A layer as it stands.

    Attributes:
        version: Change number; 0 after creation without data.
        feature_count: Rows now.
        bounds: Box of all geometries; None while there is none.
    """

    id: str
    schema: Schema
    document: Mapping[str, Any]
    version: int
    feature_count: int
    bounds: Bounds | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Changeset:
    """One committed write."""

    layer_id: str
    version: int
    at: datetime
    author: Author
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True)
class FeatureVersion:
    """What one write made of a feature, and the stretch of system time in which that was the last word on it.

    Attributes:
        feature: The head as it stood after the write, what `as_of` that version shows. `feature.version` is the layer version
            that wrote it: an earlier one where this write only recorded slices before the head.
        change: The changeset that wrote it.
        ended: The changeset that changed or deleted the feature next; None while this is the last word.
        deleted: Whether `ended` deleted it.
        timeline: Validity of every slice as known after the write, earliest first.
        recorded: Slices before the head that a write recorded which left the head as it was, earliest first.
    """

    feature: Feature
    change: Changeset
    ended: Changeset | None
    deleted: bool
    timeline: tuple[Validity, ...]
    recorded: tuple[Feature, ...] = ()

    @property
    def recorded_at(self) -> datetime:
        return self.change.at

    @property
    def superseded_at(self) -> datetime | None:
        return None if self.ended is None else self.ended.at


@dataclass(frozen=True, slots=True)
class Touched:
    """What a write did to one feature: "inserted", "updated" or "deleted"; `fid` is where the list goes on."""

    feature_id: str
    what: str
    fid: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What a write did."""

    inserted: int = 0
    updated: int = 0
    deleted: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.inserted + other.inserted, self.updated + other.updated, self.deleted + other.deleted)


@dataclass(frozen=True, slots=True)
class GridCount:
    """How many features have the middle of their box in a cell; `column`, `row` count cells from 180°W, 90°S."""

    column: int
    row: int
    count: int


class LayerWriter(Protocol):
    """One open transaction on one layer."""

    @property
    def version(self) -> int:
        """The version the layer will have if this commits."""

    @property
    def document(self) -> Mapping[str, Any]:
        """The layer's document as it stands in this transaction: other writers wait, so it cannot change meanwhile."""

    def describe(self, document: Mapping[str, Any]) -> None:
        """Put another document in its place when this commits; not before, and not if it does not."""

    def upsert(self, batch: FeatureBatch) -> Tally:
        """Insert rows with new ids, replace rows whose id is known; None ids are given by the store.

        Columns the batch does not name become unknown (None). A row without validity corrects the head and keeps the head's; rows
        with validity that share an id are slices of one feature.

        Raises:
            OverlappingValidityError: if a row belongs nowhere on its feature's timeline.
        """

    def insert(self, feature: Feature) -> str:
        """Insert one feature and give its id back.

        Raises:
            DuplicateFeatureError: if its id is taken.
        """

    def replace(
        self, feature: Feature, *, if_version: int | None = None, dated: bool = True, redates: bool = False
    ) -> None:
        """Give the feature of that id a new state, at its place on the timeline.

        Args:
            if_version: Refuse when the head was written at another version.
            dated: Whether the state says when it holds; else it corrects the head and keeps the head's validity.
            redates: The head's validity was wrong: the state takes its place whatever it begins with. A slice that ended where
                the head began now ends where it begins.

        Raises:
            UnknownFeatureError: if there is none.
            VersionConflictError: if `if_version` is given and the head was written at another version.
            OverlappingValidityError: if the state belongs nowhere on the timeline.
        """

    def delete(self, feature_id: str, *, if_version: int | None = None) -> None:
        """Delete a feature; its last state stays in the history. Raises as `replace`."""

    def restore(self, feature_id: str, version: int, *, if_version: int | None = None) -> None:
        """Make a feature again what it was at a version of the layer, earlier slices included; a deleted one comes back.

        Raises:
            UnknownFeatureError: if it did not exist then, or `if_version` is given and it does not exist now.
            VersionConflictError: as `replace`.
        """

    def delete_absent(self, present: Collection[str]) -> int:
        """Delete every feature whose id is not among `present` (history kept) and give their number."""

    def clear(self) -> int:
        """Delete every feature (history kept) and give their number."""


class Store(Protocol):
    """Keeps layers."""

    def close(self) -> None: ...

    def layers(self) -> list[LayerRecord]:
        """All layers, in order of their ids."""

    def layer(self, layer_id: str, *, as_of: int | None = None, interval: Interval | None = None) -> LayerRecord:
        """The layer; with `as_of` the version, count and date of then, and the schema and manifest of now.

        With either time the box is that of what a reading with them finds, rounded outward to single precision.

        Raises:
            UnknownLayerError: if there is none.
        """

    def version(self, layer_id: str) -> int:
        """The layer's change number; cheap enough to ask at every tile."""

    def revisions(self) -> Revisions | None:
        """Revision of every layer by id, without waiting: it moves with the layer's data, its document and its birth.

        The very same object while nothing has been committed, by whatever process. None where the store cannot tell
        without a way to another machine; then `revision_asker` can, or `version` is asked.
        """

    def revision_asker(self) -> RevisionAsker | None:
        """What asks for `revisions` over the wire, from an event loop; None where there is no wire."""

    def count_at(self, layer_id: str, version: int) -> int:
        """How many features the layer had at a version, told by its changesets: no feature is read.

        Raises:
            UnknownLayerError: if there is none.
        """

    def version_at(self, layer_id: str, instant: datetime) -> int:
        """The layer's version at an instant: the last that had been committed by then.

        0 before the first write: a `FeatureQuery.as_of` of 0 finds nothing. An instant to come gives the present version.
        """

    def create_layer(self, spec: LayerSpec, author: Author) -> LayerRecord:
        """Raises DuplicateLayerError if the id is taken."""

    def describe_layer(self, layer_id: str, document: Mapping[str, Any]) -> LayerRecord:
        """Put a new manifest in place of the old one. Data and version stay."""

    def drop_layer(self, layer_id: str) -> None:
        """Remove a layer with its data and history."""

    def index(self, layer_id: str, properties: Sequence[str]) -> None:
        """Make it quick to find features by the values of properties, now and in the past; what is indexed already stays so.

        Raises:
            UnknownLayerError: if there is no such layer.
            UnknownPropertyError: if it has no such property.
        """

    def write(
        self, layer_id: str, author: Author, *, create: LayerSpec | None = None
    ) -> AbstractContextManager[LayerWriter]:
        """A transaction on one layer; with `create` the layer itself is born in it."""

    def select(self, layer_id: str, query: FeatureQuery) -> FeatureBatch:
        """The features that answer `query`, in its order."""

    def iterate(self, layer_id: str, query: FeatureQuery, rows: int = 10_000) -> Generator[FeatureBatch, None, None]:
        """The same in batches of at most `rows`, in one consistent reading, memory bounded.

        Who stops before the end closes the iterator (`contextlib.closing`): that ends the reading.
        """

    def get(
        self, layer_id: str, feature_id: str, *, as_of: int | None = None, interval: Interval | None = None
    ) -> Feature:
        """One feature, as `FeatureQuery` reads it. Raises UnknownFeatureError if there is none, or was none then."""

    def count(self, layer_id: str, query: FeatureQuery) -> int:
        """How many features answer `query` (its limit and position do not count)."""

    def heads_not_holding(
        self, layer_id: str, interval: Interval, *, as_of: int | None = None, limit: int
    ) -> list[str]:
        """Ids of features that a reading with `interval` shows otherwise than one without, or not at all; at most `limit`.

        They are those whose head, as known now or at version `as_of`, does not hold then.

        Raises:
            UnknownLayerError: if there is no such layer.
        """

    def count_grid(
        self,
        layer_id: str,
        bounds: Bounds,
        cell_deg: float,
        *,
        as_of: int | None = None,
        interval: Interval | None = None,
    ) -> list[GridCount]:
        """Features per cell of a lon/lat grid of that cell size, for the cells that `bounds` touches and that hold any."""

    def history(
        self, layer_id: str, feature_id: str, *, limit: int | None = None, before: int | None = None
    ) -> list[FeatureVersion]:
        """Versions of a feature, newest first, with `before` those below it; a deleted one keeps its past.

        Raises:
            UnknownFeatureError: if there never was one.
        """

    def ever_stood(self, layer_id: str, feature_id: str) -> bool:
        """Whether the layer has, or ever had, a feature of that id. Raises UnknownLayerError."""

    def changesets(self, layer_id: str, limit: int = 100, *, before: int | None = None) -> list[Changeset]:
        """The last committed writes, newest first; with `before` those of lower versions."""

    def changeset(self, layer_id: str, version: int) -> Changeset:
        """The write that made a version. Raises UnknownVersionError."""

    def touched(self, layer_id: str, version: int, limit: int = 100, *, after: int = 0) -> list[Touched]:
        """The features that a write inserted, changed or deleted, by row number; those behind row number `after`."""
