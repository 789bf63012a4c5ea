"""Entries into the tables of the index: places found or made, states put in their order, terms written again where needed."""

from __future__ import annotations

import abc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

import sqlalchemy as sa

from twin.bounds import Bounds
from twin.places.entries import Entry, Names, coalesced
from twin.places.forms import decode_keys, encode_keys, forms_of
from twin.places.kinds import kinds
from twin.places.tables import PlaceTables
from twin.places.terms import name_terms, place_terms

# Values in one statement: below SQLite's limit of bound variables on old builds.
_AT_ONCE = 800
_ALIASES_AT_MOST = 5
Item = TypeVar("Item")


class TermWriter(abc.ABC):
    """Where a database keeps the terms of places."""

    @abc.abstractmethod
    def write_terms(self, connection: sa.Connection, terms: Mapping[int, set[str]]) -> None:
        """Put terms in the place of what each place had."""

    @abc.abstractmethod
    def remove_terms(self, connection: sa.Connection, places: Sequence[int]) -> None: ...

    @abc.abstractmethod
    def settle(self, connection: sa.Connection) -> None:
        """Told that many terms have come in: put them in order, where the database wants that."""


@dataclass(frozen=True)
class EntryWriter:
    """Writes entries of one layer inside a transaction of the caller.

    Attributes:
        number: The layer's number in the index.
    """

    connection: sa.Connection
    tables: PlaceTables
    terms: TermWriter
    number: int

    def add(self, entries: Sequence[Entry]) -> None:
        """States that the index has nothing of yet."""
        self._insert(coalesced(entries))

    def change(self, past: Sequence[Entry], standing: Sequence[Entry]) -> None:
        """What became of features since the last time: their states that ended meanwhile, and those that stand."""
        heads = sorted([e for e in (*past, *standing) if not e.slice], key=lambda e: (e.feature, e.version))
        self._end_slices([e for e in past if e.slice and e.superseded is not None])
        open_since, left = self._take_open_heads({e.feature for e in heads})
        continued: list[Entry] = []
        seen: set[str] = set()
        for entry in heads:
            first = entry.feature not in seen
            seen.add(entry.feature)
            before = open_since.get(entry.feature)
            continued.append(
                replace(entry, version=min(before, entry.version)) if first and before is not None else entry
            )
        known = self._known_slices([e for e in past if e.slice])
        slices = [e for e in past if e.slice and (e.feature, e.version, e.valid_from) not in known]
        written = self._insert([*coalesced(continued), *slices])
        self._settle(left - written)

    # -- states ------------------------------------------------------------------------------------------------------

    def _take_open_heads(self, features: set[str]) -> tuple[dict[str, int], set[int]]:
        """Remove the standing states of features; gives since when each stood, and the places that lost one."""
        s = self.tables.states
        since: dict[str, int] = {}
        places: set[int] = set()
        for chunk in _chunks(sorted(features)):
            found = sa.and_(s.c.layer == self.number, s.c.feature.in_(chunk), s.c.superseded.is_(None), s.c.slice == 0)
            for row in self.connection.execute(sa.select(s.c.feature, s.c.version, s.c.place).where(found)):
                since[row.feature] = row.version
                places.add(row.place)
            self.connection.execute(sa.delete(s).where(found))
        return since, places

    def _end_slices(self, ended: Sequence[Entry]) -> None:
        s = self.tables.states
        for entry in ended:
            same = sa.and_(
                s.c.layer == self.number,
                s.c.feature == entry.feature,
                s.c.version == entry.version,
                s.c.slice == 1,
                s.c.valid_from.is_not_distinct_from(entry.valid_from),
            )
            self.connection.execute(sa.update(s).where(same).values(superseded=entry.superseded))

    def _known_slices(self, slices: Sequence[Entry]) -> set[tuple[str, int, str | None]]:
        s = self.tables.states
        known: set[tuple[str, int, str | None]] = set()
        for chunk in _chunks(sorted({e.feature for e in slices})):
            found = sa.and_(s.c.layer == self.number, s.c.feature.in_(chunk), s.c.slice == 1)
            rows = self.connection.execute(sa.select(s.c.feature, s.c.version, s.c.valid_from).where(found))
            known.update((row.feature, row.version, row.valid_from) for row in rows)
        return known

    def _insert(self, entries: Sequence[Entry]) -> set[int]:
        """Put states in, under places that are made where they are new; gives the places."""
        if not entries:
            return set()
        places = self._places(entries)
        rows = [
            {
                "place": places[e.key],
                "layer": self.number,
                "feature": e.feature,
                "version": e.version,
                "superseded": e.superseded,
                "slice": e.slice,
                "valid_from": e.valid_from,
                "valid_to": e.valid_to,
                "lon": e.lon,
                "lat": e.lat,
                **_edges(e.box),
            }
            for e in entries
        ]
        self.connection.execute(sa.insert(self.tables.states), rows)
        self._settle(set(places.values()))
        return set(places.values())

    # -- places ------------------------------------------------------------------------------------------------------

    def _places(self, entries: Sequence[Entry]) -> dict[str, int]:
        """The place of each key; new ones are made, and one that learns another alias or its English name takes it over."""
        p = self.tables.places
        wanted: dict[str, Names] = {}
        boxes: dict[str, Bounds] = {}
        for entry in entries:
            wanted[entry.key] = _together(wanted.get(entry.key), entry.names)
            boxes[entry.key] = entry.box.union(boxes.get(entry.key))
        found: dict[str, int] = {}
        for chunk in _chunks(list(wanted)):
            statement = sa.select(p).where(p.c.layer == self.number, p.c.key.in_(chunk))
            for row in self.connection.execute(statement).mappings():
                found[row["key"]] = row["fid"]
                names = _together(_names_of(row), wanted[row["key"]])
                if names != _names_of(row):
                    self.connection.execute(sa.update(p).where(p.c.fid == row["fid"]).values(_texts(names)))
        new = [key for key in wanted if key not in found]
        highest = self.connection.execute(sa.select(sa.func.coalesce(sa.func.max(p.c.fid), 0))).scalar_one()
        made = dict(zip(new, range(highest + 1, highest + 1 + len(new)), strict=True))
        if new:
            rows = [
                {"fid": fid, "layer": self.number, "key": key, **_texts(wanted[key]), **_edges(boxes[key])}
                for key, fid in made.items()
            ]
            self.connection.execute(sa.insert(p), rows)
        return found | made

    def _settle(self, touched: set[int]) -> None:
        """Boxes and terms of places whose states have changed; a place without states goes."""
        p, s = self.tables.places, self.tables.states
        for chunk in _chunks(sorted(touched)):
            standing: dict[int, list[Bounds]] = {}
            ever: dict[int, list[Bounds]] = {}
            states = sa.select(s.c.place, s.c.superseded, *_box_columns(s)).where(s.c.place.in_(chunk))
            for place, superseded, *edges in self.connection.execute(states):
                box = Bounds(*edges)
                ever.setdefault(place, []).append(box)
                if superseded is None:
                    standing.setdefault(place, []).append(box)
            self._remove([place for place in chunk if place not in ever])
            terms: dict[int, set[str]] = {}
            for row in self.connection.execute(sa.select(p).where(p.c.fid.in_(list(ever)))).mappings():
                boxes = ever[row["fid"]]
                whole = _union(boxes)
                if whole.as_tuple() != (row["west"], row["south"], row["east"], row["north"]):
                    self.connection.execute(sa.update(p).where(p.c.fid == row["fid"]).values(_edges(whole)))
                terms[row["fid"]] = _terms_of(row, self.number, standing.get(row["fid"], boxes))
            self.terms.write_terms(self.connection, terms)

    def _remove(self, places: Sequence[int]) -> None:
        if places:
            self.terms.remove_terms(self.connection, places)
            p = self.tables.places
            self.connection.execute(sa.delete(p).where(p.c.fid.in_(places)))


def remove_layer(
    connection: sa.Connection, tables: PlaceTables, terms: TermWriter, number: int, *, at_most: int = 5_000
) -> bool:
    """Take at most so many places of a layer out of the index, with their states; says whether some are left."""
    p, s = tables.places, tables.states
    found = connection.execute(sa.select(p.c.fid).where(p.c.layer == number).limit(at_most)).scalars().all()
    for chunk in _chunks(found):
        terms.remove_terms(connection, chunk)
        connection.execute(sa.delete(s).where(s.c.place.in_(chunk)))
        connection.execute(sa.delete(p).where(p.c.fid.in_(chunk)))
    return len(found) == at_most


def _together(known: Names | None, names: Names) -> Names:
    """Names of a place whose parts do not all say everything."""
    if known is None:
        return names
    aliases = tuple(dict.fromkeys((*known.aliases, *names.aliases)))[:_ALIASES_AT_MOST]
    return replace(
        known,
        zh=known.zh or names.zh,
        en=known.en or names.en,
        address=known.address or names.address,
        aliases=aliases,
        value=known.value or names.value,
    )


def _texts(names: Names) -> dict[str, str]:
    """Columns of a place that come from its names."""
    return {
        "zh": names.zh,
        "en": names.en,
        "address": names.address,
        "aliases": "\n".join(names.aliases),
        "kind": names.kind.id,
        "value": names.value,
        "forms": encode_keys(forms_of(names.zh, names.en, names.address, names.aliases)),
    }


def _names_of(row: Mapping[Any, Any]) -> Names:
    aliases = tuple(row["aliases"].split("\n")) if row["aliases"] else ()
    return Names(row["zh"], row["en"], row["address"], aliases, kinds()[row["kind"]], row["value"])


def _terms_of(row: Mapping[Any, Any], number: int, boxes: Sequence[Bounds]) -> set[str]:
    texts = [text for text in (row["zh"], row["en"], *row["aliases"].split("\n")) if text]
    where = place_terms(kinds()[row["kind"]].tier, (row["kind"], row["value"]), number, boxes)
    if not row["forms"]:
        return where
    return where | name_terms(decode_keys(row["forms"]), texts, row["address"])


def _edges(box: Bounds) -> dict[str, float]:
    return dict(zip(("west", "south", "east", "north"), box.as_tuple(), strict=True))


def _box_columns(table: sa.Table) -> list[sa.ColumnElement[Any]]:
    return [table.c.west, table.c.south, table.c.east, table.c.north]


def _union(boxes: Sequence[Bounds]) -> Bounds:
    whole = boxes[0]
    for box in boxes[1:]:
        whole = whole.union(box)
    return whole


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    waiting = iter(items)
    while chunk := list(islice(waiting, _AT_ONCE)):
        yield chunk
