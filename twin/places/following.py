"""How the index follows the layers: what is behind, and a worker that brings it up while the old state serves.

Several processes may share one store. A layer is indexed by one of them at a time: it writes its name and a time limit into the
layer's row; a process that dies leaves nothing but a limit that runs out.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from twin.errors import OneMapError
from twin.places.entries import Entry, read_past, read_standing
from twin.places.port import IndexStatus, LayerStatus
from twin.places.sources import SearchRule, rule_of
from twin.places.tables import PlaceTables
from twin.places.writing import EntryWriter, TermWriter, remove_layer
from twin.store.prepared import PreparedStatement
from twin.store.sql import SqlStore

log = logging.getLogger(__name__)

_LEASE_S = 60.0
_REST_AFTER_FAILURE_S = 30.0
# More changes than this and the layer is indexed anew, beside the old rows.
_CHANGES_AT_ONCE = 50_000
# So many features are changed in one transaction (some tenths of a second), and so long other writers then have for their turn.
_FEATURES_AT_ONCE = 500
_TURN_S = 0.005


@dataclass(frozen=True, slots=True)
class Followed:
    """One layer and how far the index is with it.

    Attributes:
        number: What the index names the layer by; None where it holds nothing of this layer.
        indexed: Version indexed last; None where the first indexing has not ended.
        digest: Of the rule it was indexed by.
    """

    id: str
    birth: str
    version: int
    rule: SearchRule
    number: int | None
    indexed: int | None
    digest: str

    @property
    def is_current(self) -> bool:
        if not self.rule.is_searchable:
            return self.number is None
        return self.indexed == self.version and self.digest == self.rule.digest

    @property
    def status(self) -> LayerStatus:
        done = self.indexed if self.digest in ("", self.rule.digest) else None
        return LayerStatus(self.id, self.version, done)


class Follower:
    """Brings the index up to the layers."""

    def __init__(
        self, store: SqlStore, tables: PlaceTables, terms: TermWriter, alone: Callable[[sa.Connection], None]
    ) -> None:
        self._store, self._tables, self._terms, self._alone = store, tables, terms, alone
        self._name = uuid.uuid4().hex
        self._rules: dict[tuple[str, int], SearchRule] = {}
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False
        self._failure, self._failed_at = "", -_REST_AFTER_FAILURE_S
        layers, indexed = store.catalogue.tables.layers, tables.layers
        self._overview = PreparedStatement(
            sa.select(
                layers.c.id,
                layers.c.revision,
                layers.c.created_at,
                layers.c.version,
                indexed.c.birth,
                indexed.c.number,
                indexed.c.version,
                indexed.c.digest,
            )
            .select_from(layers.outerjoin(indexed, indexed.c.id == layers.c.id))
            .order_by(layers.c.id)
        )

    def overview(self) -> list[Followed]:
        """Every layer and how far the index is with it: one small statement, asked at every search."""
        with self._store.reading() as connection:
            rows = self._overview.rows(connection)
        followed = []
        for layer_id, revision, created, version, birth, number, indexed, digest in rows:
            rule = self._rule(layer_id, revision)
            if rule is None:
                continue
            same = birth == created
            followed.append(
                Followed(
                    layer_id,
                    created,
                    version,
                    rule,
                    number if same else None,
                    indexed if same else None,
                    digest if same else "",
                )
            )
        return followed

    def refresh(self, wait_s: float, behind_s: float | None = None) -> IndexStatus:
        """See `twin.places.port.PlaceIndex.refresh`."""
        began = time.monotonic()
        while True:
            behind = [f for f in self.overview() if not f.is_current]
            serves = behind_s is not None and all(f.indexed is not None for f in behind)
            until = began + (behind_s if behind_s is not None and serves else wait_s)
            left = until - time.monotonic()
            if not behind or self._closed or time.monotonic() - self._failed_at < _REST_AFTER_FAILURE_S:
                return self.status()
            worker = self._started()
            if left <= 0:
                return self.status()
            worker.join(left)
            # Where another process has taken the layer there is nothing to do but to look again a little later.
            if not worker.is_alive():
                time.sleep(min(0.01, max(0.0, until - time.monotonic())))

    def status(self) -> IndexStatus:
        layers = tuple(f.status for f in self.overview() if f.rule.is_searchable)
        return IndexStatus(layers, failure=self._failure)

    def close(self) -> None:
        self._closed = True
        worker = self._thread
        if worker is not None:
            worker.join()

    # -- the worker --------------------------------------------------------------------------------------------------

    def _started(self) -> threading.Thread:
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._bring_up, name="place-index", daemon=True)
                self._thread.start()
            return self._thread

    def _bring_up(self) -> None:
        try:
            self._forget_dropped()
            for followed in self.overview():
                if not followed.is_current and not self._closed:
                    self._index(followed)
            self._failure = ""
        except OneMapError as error:
            self._fail(str(error))
            log.warning("The place index stays behind: %s", error)
        except Exception as error:
            self._fail(f"{type(error).__name__}: {error}")
            log.exception("The place index stays behind")

    def _fail(self, text: str) -> None:
        self._failure, self._failed_at = text, time.monotonic()

    def _index(self, followed: Followed) -> None:
        """One layer: what changed since the last time, or all of it."""
        if not followed.rule.is_searchable:
            self._drop(followed.id)
            return
        goes_on = followed.indexed is not None and followed.digest == followed.rule.digest
        if goes_on and self._changes(followed) <= _CHANGES_AT_ONCE:
            self._take_changes(followed)
        else:
            self._take_all(followed)

    def _changes(self, followed: Followed) -> int:
        """About how many rows the layer's writes have touched since it was indexed."""
        c = self._store.catalogue.tables.changesets.c
        with self._store.reading() as connection:
            touched = sa.select(sa.func.coalesce(sa.func.sum(c.inserted + c.updated + c.deleted), 0)).where(
                c.layer_id == followed.id, c.version > followed.indexed
            )
            return int(connection.execute(touched).scalar_one())

    def _take_changes(self, followed: Followed) -> None:
        assert followed.indexed is not None
        assert followed.number is not None
        since = followed.indexed
        with self._store.snapshot() as connection:
            known = self._store.catalogue.known(connection, followed.id)
            standing = _joined(read_standing(connection, known, self._store.dialect, followed.rule, since))
            past = _joined(read_past(connection, known, self._store.dialect, followed.rule, since))
        *parts, last = _by_features(past, standing)
        for place, part in enumerate(parts):
            with self._store.writing() as connection:
                if self._closed or not self._claimed(connection, followed):
                    return
                if place == 0:
                    # Who is interrupted between two parts finds a digest that no rule has, and indexes the layer anew.
                    self._note(connection, followed, digest="")
                EntryWriter(connection, self._tables, self._terms, followed.number).change(*part)
            time.sleep(_TURN_S)
        with self._store.writing() as connection:
            if not self._claimed(connection, followed):
                return
            EntryWriter(connection, self._tables, self._terms, followed.number).change(*last)
            self._done(connection, followed, followed.number, known.record.version)

    def _take_all(self, followed: Followed) -> None:
        """Index a layer anew under a number of its own, in parts, so that writers of layers get their turn between them."""
        with self._store.writing() as connection:
            if not self._claimed(connection, followed, make=True):
                return
            number = self._free_number(connection)
            # Where nothing serves yet, what is there can be found while the rest comes in.
            serving = {"number": number} if followed.indexed is None else {}
            self._note(connection, followed, filling=number, **serving)
        with self._store.snapshot() as connection:
            known = self._store.catalogue.known(connection, followed.id)
            for read in (read_standing, read_past):
                for entries in read(connection, known, self._store.dialect, followed.rule, -1):
                    if self._closed:
                        return
                    self._add(followed, number, entries)
        with self._store.writing() as connection:
            if self._claimed(connection, followed):
                self._done(connection, followed, number, known.record.version)
        self._clear_unused()
        self._settle_terms()

    def _settle_terms(self) -> None:
        with self._store.writing() as connection:
            self._terms.settle(connection)

    def _add(self, followed: Followed, number: int, entries: Sequence[Entry]) -> None:
        with self._store.writing() as connection:
            if self._claimed(connection, followed):
                EntryWriter(connection, self._tables, self._terms, number).add(entries)
        time.sleep(_TURN_S)

    # -- rows about layers -------------------------------------------------------------------------------------------

    def _claimed(self, connection: sa.Connection, followed: Followed, *, make: bool = False) -> bool:
        """Take the layer for this process, or keep it; False where another one has it or has brought it further."""
        t = self._tables.layers
        self._alone(connection)
        row = connection.execute(sa.select(t).where(t.c.id == followed.id)).mappings().first()
        until = time.time() + _LEASE_S
        if row is None or row["birth"] != followed.birth:
            if not make:
                return False
            connection.execute(sa.delete(t).where(t.c.id == followed.id))
            values = {"id": followed.id, "birth": followed.birth, "digest": "", "version": None}
            number = self._free_number(connection)
            connection.execute(sa.insert(t).values(**values, number=number, worker=self._name, busy_until=until))
            return True
        if row["worker"] != self._name and row["busy_until"] > time.time():
            return False
        if row["version"] != followed.indexed:
            return False
        connection.execute(sa.update(t).where(t.c.id == followed.id).values(worker=self._name, busy_until=until))
        return True

    def _note(self, connection: sa.Connection, followed: Followed, **values: object) -> None:
        t = self._tables.layers
        connection.execute(sa.update(t).where(t.c.id == followed.id).values(values))

    def _done(self, connection: sa.Connection, followed: Followed, number: int, version: int) -> None:
        digest = followed.rule.digest
        self._note(
            connection, followed, number=number, filling=None, version=version, digest=digest, worker="", busy_until=0
        )

    def _free_number(self, connection: sa.Connection) -> int:
        numbers = [
            connection.execute(sa.select(sa.func.coalesce(sa.func.max(column), 0))).scalar_one()
            for column in (self._tables.layers.c.number, self._tables.layers.c.filling, self._tables.places.c.layer)
        ]
        return int(max(numbers)) + 1

    def _drop(self, layer_id: str) -> None:
        t = self._tables.layers
        with self._store.writing() as connection:
            connection.execute(sa.delete(t).where(t.c.id == layer_id))
        self._clear_unused()

    def _forget_dropped(self) -> None:
        """Take out layers that are gone."""
        t, layers = self._tables.layers, self._store.catalogue.tables.layers
        gone = ~sa.exists().where(layers.c.id == t.c.id, layers.c.created_at == t.c.birth)
        with self._store.reading() as connection:
            if connection.execute(sa.select(t.c.id).where(gone)).first() is None:
                return
        with self._store.writing() as connection:
            connection.execute(sa.delete(t).where(gone))
        self._clear_unused()

    def _clear_unused(self) -> None:
        """Remove the rows of numbers that no layer goes by any more, in parts."""
        t, p = self._tables.layers, self._tables.places
        with self._store.reading() as connection:
            used = sa.union(sa.select(t.c.number), sa.select(t.c.filling).where(t.c.filling.is_not(None)))
            unused = connection.execute(sa.select(p.c.layer).where(p.c.layer.not_in(used)).distinct()).scalars().all()
        for number in unused:
            more = True
            while more and not self._closed:
                with self._store.writing() as connection:
                    more = remove_layer(connection, self._tables, self._terms, number)

    def _rule(self, layer_id: str, revision: int) -> SearchRule | None:
        """The layer's rule, read anew only when its manifest or data have moved; None where it has just gone."""
        rule = self._rules.get((layer_id, revision))
        if rule is None:
            try:
                rule = rule_of(self._store.layer(layer_id))
            except OneMapError:
                return None
            for known in [key for key in self._rules if key[0] == layer_id]:
                self._rules.pop(known, None)
            self._rules[layer_id, revision] = rule
        return rule


def _joined(parts: Iterable[list[Entry]]) -> list[Entry]:
    return [entry for part in parts for entry in part]


def _by_features(past: Sequence[Entry], standing: Sequence[Entry]) -> list[tuple[list[Entry], list[Entry]]]:
    """The states of so many features at a time, all of one feature together; at least one part, which may be empty."""
    features = sorted({entry.feature for entry in (*past, *standing)})
    part_of = {feature: i // _FEATURES_AT_ONCE for i, feature in enumerate(features)}
    parts: list[tuple[list[Entry], list[Entry]]] = [([], []) for _ in range(max(part_of.values(), default=0) + 1)]
    for kind, entries in enumerate((past, standing)):
        for entry in entries:
            parts[part_of[entry.feature]][kind].append(entry)
    return parts
