"""One open write on one layer, over any SQL database.

Rows on their way in are tuples in the order of the current table's columns. A replaced or deleted row is first copied to the
history with the version that ended it. Where a row belongs on its feature's timeline of validity, `timeline` says.
"""

from __future__ import annotations

import abc
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import islice, repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
import sqlalchemy as sa

from twin.bounds import Bounds
from twin.errors import DuplicateFeatureError, UnknownFeatureError, VersionConflictError
from twin.feature import Feature, FeatureBatch
from twin.schema import PropertyType
from twin.store.catalogue import Catalogue, KnownLayer
from twin.store.dialect import Dialect
from twin.store.past_writing import IDS_AT_ONCE, PastWriter, is_changed, validity
from twin.store.port import Author, Changeset, Tally
from twin.store.tables import FID, ID
from twin.store.timeline import Place, Row, ended, overlapping, place_of, rounds, with_validity_of
from twin.store.values import now, to_milliseconds
from twin.store.watching import Removal
from twin.validity import Validity

_FID, _GEOM, _ID, _VERSION, _VALID_FROM = range(5)
# A box this close to the layer's edge (degrees) may be what holds the edge there; the index keeps single precision.
_EDGE_DEG = 2e-5


class SqlLayerWriter(PastWriter, abc.ABC):
    """See `twin.store.port.LayerWriter`."""

    def __init__(self, connection: sa.Connection, known: KnownLayer, dialect: Dialect, *, born: bool) -> None:
        super().__init__(connection, known.tables, dialect, known.record.version + 1)
        self.known = known
        self._next_fid = known.next_fid
        # While rows stream into a layer that was born in this transaction, nothing need be looked up and indexes can wait.
        self.streaming = born
        self._streamed_ids: set[str] = set()
        self._tally = Tally()
        self._removed: set[str] = set()
        self._cleared = False
        self.bounds = known.record.bounds
        self._edge_touched = False
        self.document: Mapping[str, Any] = known.record.document

    # -- what an adapter brings --------------------------------------------------------------------------------------

    @abc.abstractmethod
    def insert_rows(self, rows: list[Row], boxes: npt.NDArray[np.float64]) -> None:
        """Add rows; `boxes` float64 (n, 4), NaN where there is no geometry."""

    @abc.abstractmethod
    def encode_geometries(self, wkb: Sequence[bytes | None], boxes: npt.NDArray[np.float64]) -> Sequence[Any]: ...

    @abc.abstractmethod
    def exact_bounds(self) -> Bounds | None:
        """Box of all rows as they now are."""

    def note_heights(self) -> None:
        """Told that geometries with heights are coming in, for databases that want to know."""

    def settle(self) -> None:
        """End the streaming: make the indexes that were put off. Called once, before any row is looked up by its id."""

    # -- the port ----------------------------------------------------------------------------------------------------

    def describe(self, document: Mapping[str, Any]) -> None:
        self.document = document

    def upsert(self, batch: FeatureBatch) -> Tally:
        if len(batch) == 0:
            return Tally()
        given = {id_ for id_ in batch.ids if id_ is not None}
        rows, boxes = self._rows(batch, given)
        if self._can_stream(batch, given):
            self._add(rows, boxes)
            tally = Tally(inserted=len(rows))
        else:
            self._stop_streaming()
            tally = sum((self._merge([rows[i] for i in turn], boxes[turn]) for turn in rounds(rows)), Tally())
        self._tally += tally
        return tally

    def insert(self, feature: Feature) -> str:
        self._stop_streaming()
        if feature.id is not None and self._existing([feature.id]):
            raise DuplicateFeatureError(
                f"A feature '{feature.id}' exists already.",
                value=feature.id,
                limit="one feature per id",
                remedy="Use PUT to replace it, or leave the id out to be given a new one.",
            )
        batch = FeatureBatch.of(self.tables.schema, [feature])
        rows, boxes = self._rows(batch, set() if feature.id is None else {feature.id})
        self._add(rows, boxes)
        self._tally += Tally(inserted=1)
        return str(rows[0][_ID])

    def replace(
        self, feature: Feature, *, if_version: int | None = None, dated: bool = True, redates: bool = False
    ) -> None:
        assert feature.id is not None
        self._stop_streaming()
        old = self._standing(feature.id, if_version)
        batch = FeatureBatch.of(self.tables.schema, [feature])
        rows, boxes = self._rows(batch, {feature.id})
        if dated and redates:
            self.make_room(old, rows[0])
            self._supersede([(old, rows[0])], boxes)
        else:
            self._revise([(old, rows[0])], boxes, dated=dated, always=True)
        self._tally += Tally(updated=1)

    def delete(self, feature_id: str, *, if_version: int | None = None) -> None:
        self._stop_streaming()
        self._standing(feature_id, if_version)
        self._delete([feature_id])

    def delete_absent(self, present: Collection[str]) -> int:
        self._stop_streaming()
        absent = set(self.connection.execute(sa.select(self.tables.current.c[ID])).scalars()).difference(present)
        self._delete(sorted(absent))
        return len(absent)

    def _delete(self, ids: Sequence[str]) -> None:
        """Delete features that stand."""
        t, h = self.tables.current, self.tables.history
        for start in range(0, len(ids), IDS_AT_ONCE):
            chunk = ids[start : start + IDS_AT_ONCE]
            self._watch_edge(list(self._existing(chunk).values()))
            self.archive(t.c[ID].in_(chunk))
            self.connection.execute(sa.delete(t).where(t.c[ID].in_(chunk)))
            self.end_slices(h.c[ID].in_(chunk))
        self._removed.update(ids)
        self._tally += Tally(deleted=len(ids))

    def restore(self, feature_id: str, version: int, *, if_version: int | None = None) -> None:
        self._stop_streaming()
        standing = self._existing([feature_id]).get(feature_id)
        if standing is not None or if_version is not None:
            standing = self._standing(feature_id, if_version)
        head, slices = self.state_at(feature_id, version)
        if head is None:
            raise no_such_state(self.known.record.id, feature_id, version)
        head = (*head[:_VERSION], self.version, *head[_VERSION + 1 :])
        wkb = np.array(self.dialect.decode_geometries([head[_GEOM]]), dtype=object)
        boxes = shapely.bounds(shapely.from_wkb(wkb))
        self.end_slices(self.tables.history.c[ID] == feature_id)
        if standing is None:
            self._add([head], boxes)
        else:
            self._supersede([(standing, head)], boxes)
        self.keep_slices([(*row[:_VERSION], self.version, *row[_VERSION + 1 :]) for row in slices])
        self._tally += Tally(inserted=1) if standing is None else Tally(updated=1)

    def clear(self) -> int:
        self._stop_streaming()
        self.archive(sa.true())
        removed = self.connection.execute(sa.delete(self.tables.current)).rowcount
        self.end_slices(sa.true())
        self.bounds, self._edge_touched = None, False
        self._cleared = True
        self._tally += Tally(deleted=removed)
        return removed

    def removal(self, author: Author) -> Removal | None:
        """What was deleted in this transaction, some of which may have come back since; None when nothing was."""
        if not (self._removed or self._cleared):
            return None
        ids = None if self._cleared else frozenset(self._removed)
        return Removal(self.known.record.id, self.tables, ids, author)

    def finish(self, author: Author, catalogue: Catalogue) -> None:
        """Settle what was put off, and move the layer's version if anything changed."""
        self._stop_streaming()
        if self.document is not self.known.record.document:
            catalogue.describe(self.connection, self.known.record.id, self.document)
        total = self._tally
        if total == Tally():
            return
        # A clock that was set back must not hide this write behind an earlier one from those who ask for an instant.
        at = max(now(), self.known.record.updated_at)
        change = Changeset(self.known.record.id, self.version, at, author, total.inserted, total.updated, total.deleted)
        bounds = self.exact_bounds() if self._edge_touched else self.bounds
        catalogue.commit_version(self.connection, self.known, change, bounds, self._next_fid)

    # -- rows --------------------------------------------------------------------------------------------------------

    def _can_stream(self, batch: FeatureBatch, given: set[str]) -> bool:
        """Whether the rows of a batch are certain to be new: a streaming layer, and no id seen before."""
        if not self.streaming:
            return False
        if not given:
            return not self._streamed_ids
        given_before = bool(self._streamed_ids) or not self._tally.inserted
        if len(given) < len(batch) or not given_before or not self._streamed_ids.isdisjoint(given):
            return False
        self._streamed_ids |= given
        return True

    def _stop_streaming(self) -> None:
        if self.streaming:
            self.settle()
            self.streaming = False

    def _rows(self, batch: FeatureBatch, given: set[str]) -> tuple[list[Row], npt.NDArray[np.float64]]:
        """Database rows for a batch with their boxes, float64 (n, 4); of rows that share id and start only the last stays."""
        count = len(batch)
        boxes = shapely.bounds(batch.geometries)
        if shapely.has_z(batch.geometries).any():
            self.note_heights()
        fids = range(self._next_fid, self._next_fid + count)
        self._next_fid += count
        ids = batch.ids if len(given) == count else self._ids(batch, fids, given)
        columns: list[Iterable[Any]] = [
            fids,
            self.encode_geometries(batch.wkb, boxes),
            ids,
            repeat(self.version, count),
            self._instants(batch.valid_from, count),
            self._instants(batch.valid_to, count),
        ]
        for prop in self.tables.schema:
            values = batch.columns.get(prop.name)
            columns.append(repeat(None, count) if values is None else self._bound(prop.type, values))
        rows = list(zip(*columns, strict=True))
        if len(given) + sum(id_ is None for id_ in batch.ids) == count:
            return rows, boxes
        last = sorted({(row[_ID], row[_VALID_FROM]): i for i, row in enumerate(rows)}.values())
        return [rows[i] for i in last], boxes[last]

    def _ids(self, batch: FeatureBatch, fids: range, given: set[str]) -> Sequence[str]:
        """The rows' ids; where the store is to give one it is the row number, or a later free number if a client has used it."""
        ids = [str(fid) if id_ is None else id_ for fid, id_ in zip(fids, batch.ids, strict=True)]
        if self.streaming and not given and not self._streamed_ids:
            return ids
        made = [i for i, id_ in enumerate(batch.ids) if id_ is None]
        self._stop_streaming()
        taken = given | self._existing([ids[i] for i in made]).keys()
        for i in made:
            while ids[i] in taken:
                ids[i] = str(self._next_fid)
                self._next_fid += 1
                if self._existing([ids[i]]):
                    taken.add(ids[i])
            taken.add(ids[i])
        return ids

    def _instants(self, values: Sequence[Any], count: int) -> Iterable[Any]:
        if not values:
            return repeat(None, count)
        return [None if v is None else self.dialect.bind(PropertyType.DATETIME, to_milliseconds(v)) for v in values]

    def _bound(self, kind: PropertyType, values: Sequence[Any]) -> Iterable[Any]:
        if kind is PropertyType.DATETIME:
            return self._instants(values, len(values))
        if kind in {PropertyType.BOOLEAN, PropertyType.DATE}:
            return [self.dialect.bind(kind, v) for v in values]
        return values

    def _add(self, rows: list[Row], boxes: npt.NDArray[np.float64]) -> None:
        if not rows:
            return
        self.insert_rows(rows, boxes)
        self._grow(boxes)

    def _grow(self, boxes: npt.NDArray[np.float64]) -> None:
        known = boxes[~np.isnan(boxes[:, 0])]
        if len(known):
            low, high = known[:, :2].min(axis=0), known[:, 2:].max(axis=0)
            self.bounds = Bounds(float(low[0]), float(low[1]), float(high[0]), float(high[1])).union(self.bounds)

    def _merge(self, rows: list[Row], boxes: npt.NDArray[np.float64]) -> Tally:
        """Insert what is new, put what differs in its place, leave alone what is the same. No id may occur twice."""
        standing = self._existing([row[_ID] for row in rows])
        new = [i for i, row in enumerate(rows) if row[_ID] not in standing]
        known = [i for i, row in enumerate(rows) if row[_ID] in standing]
        updated = self._revise([(standing[rows[i][_ID]], rows[i]) for i in known], boxes[known], dated=None)
        self._add([rows[i] for i in new], boxes[new])
        return Tally(inserted=len(new), updated=updated)

    def _revise(
        self,
        pairs: list[tuple[Row, Row]],
        boxes: npt.NDArray[np.float64],
        *,
        dated: bool | None,
        always: bool = False,
    ) -> int:
        """Put new states of standing features where they belong on their timelines, and give their number.

        Args:
            dated: Whether the new rows say when they hold, or else correct the head and keep its validity; None where each row
                tells, by being open at both ends or not.
            always: Whether a row that changes nothing is written all the same.

        Raises:
            OverlappingValidityError: if one belongs nowhere.
        """
        heads: list[int] = []
        slices: list[Row] = []
        earlier: list[tuple[Row, Row]] = []
        for i, (old, new) in enumerate(pairs):
            says_when = dated if dated is not None else validity(new) != Validity()
            if not says_when:
                pairs[i] = (old, with_validity_of(new, old))
            place = place_of(validity(new), validity(old)) if says_when else Place.CORRECTS
            if place is None:
                raise overlapping(new[_ID], *map(self.decoded_validity, (new, old)))
            if place is Place.PRECEDES:
                earlier.append((old, new))
            elif place is Place.FOLLOWS or always or is_changed(old, pairs[i][1]):
                heads.append(i)
                slices += [ended(old, new[_VALID_FROM], self.version)] if place is Place.FOLLOWS else []
        self._supersede([pairs[i] for i in heads], boxes[heads])
        self.keep_slices(slices)
        return len(heads) + self.record_earlier(earlier, always=always)

    def _existing(self, ids: Sequence[str]) -> dict[str, Row]:
        """Rows that stand under these ids, in the order of the table's columns, geometry as stored."""
        t = self.tables.current
        found: dict[str, Row] = {}
        waiting = iter(ids)
        while chunk := list(islice(waiting, IDS_AT_ONCE)):
            statement = sa.select(*self.stored_columns(t)).where(t.c[ID].in_(chunk))
            found.update((row[_ID], tuple(row)) for row in self.connection.execute(statement))
        return found

    def _standing(self, feature_id: str, if_version: int | None) -> Row:
        row = self._existing([feature_id]).get(feature_id)
        if row is None:
            raise UnknownFeatureError(
                f"The layer '{self.known.record.id}' has no feature '{feature_id}'.",
                value=feature_id,
                remedy="It may have been deleted meanwhile.",
            )
        if if_version is not None and row[_VERSION] != if_version:
            raise VersionConflictError(
                f"The feature '{feature_id}' was changed meanwhile.",
                value=f"version {if_version}",
                limit=f"now at version {row[_VERSION]}",
                remedy="Read it again, put your change on top, and send it with the new ETag.",
            )
        return row

    def _supersede(self, pairs: list[tuple[Row, Row]], boxes: npt.NDArray[np.float64]) -> None:
        """Put new rows in the place of old ones, which go to the history; the row number stays."""
        if not pairs:
            return
        t = self.tables.current
        self._watch_edge([old for old, _ in pairs])
        for start in range(0, len(pairs), IDS_AT_ONCE):
            fids = [old[_FID] for old, _ in pairs[start : start + IDS_AT_ONCE]]
            self.archive(t.c[FID].in_(fids))
        names = [c.name for c in t.c][1:]
        assignments = {name: sa.bindparam(f"v{i}", type_=t.c[name].type) for i, name in enumerate(names)}
        statement = sa.update(t).where(t.c[FID] == sa.bindparam("row_fid")).values(assignments)
        self.connection.execute(
            statement,
            [{"row_fid": old[_FID], **{f"v{i}": value for i, value in enumerate(new[1:])}} for old, new in pairs],
        )
        self._grow(boxes)

    def _watch_edge(self, old: list[Row]) -> None:
        """Remember whether a row that goes may have held the layer's edge in its place."""
        if self.bounds is None or self._edge_touched:
            return
        geometries = [row[_GEOM] for row in old if row[_GEOM] is not None]
        wkb = np.array(self.dialect.decode_geometries(geometries), dtype=object)
        if len(wkb) == 0:
            return
        boxes = shapely.bounds(shapely.from_wkb(wkb))
        edge = self.bounds
        inner = (
            (boxes[:, 0] > edge.west + _EDGE_DEG)
            & (boxes[:, 1] > edge.south + _EDGE_DEG)
            & (boxes[:, 2] < edge.east - _EDGE_DEG)
            & (boxes[:, 3] < edge.north - _EDGE_DEG)
        )
        self._edge_touched = not bool(inner.all())


def no_such_state(layer_id: str, feature_id: str, version: int) -> UnknownFeatureError:
    """The error that says a feature did not exist at a version."""
    return UnknownFeatureError(
        f"The layer '{layer_id}' had no feature '{feature_id}' at version {version}.",
        value=f"version {version}",
        limit="a version at which the feature stood",
        remedy="Its versions are listed under …/versions.",
    )
