"""Candidates: the places that one question to the full-text index brings, before anybody judges them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from twin.bounds import Bounds
from twin.places.expressions import Expression


class Candidate(NamedTuple):
    """A place of the index.

    Attributes:
        fid: Its row.
        layer: Number of its layer in the index.
        forms: Its forms, as `twin.places.forms.encode_keys` wrote them.
        west, south, east, north: Box of all its states.
    """

    fid: int
    layer: int
    zh: str
    en: str
    address: str
    aliases: str
    kind: str
    value: str
    forms: str
    west: float
    south: float
    east: float
    north: float

    @property
    def box(self) -> Bounds:
        return Bounds(self.west, self.south, self.east, self.north)


class State(NamedTuple):
    """A state of a feature of a place; times as ISO text, None for open."""

    place: int
    layer: int
    feature: str
    version: int
    superseded: int | None
    slice: int
    valid_from: str | None
    valid_to: str | None
    lon: float
    lat: float
    west: float
    south: float
    east: float
    north: float

    @property
    def box(self) -> Bounds:
        return Bounds(self.west, self.south, self.east, self.north)


@dataclass(frozen=True, slots=True)
class Reach:
    """What every candidate must meet: layers by their numbers, and a box without the antimeridian."""

    layers: tuple[int, ...]
    bounds: Bounds


class CandidateReader(Protocol):
    """One reading of the index."""

    def matching(self, expression: Expression, reach: Reach, limit: int) -> list[Candidate]:
        """At most `limit` places that answer, in no particular order."""

    def states(self, places: Sequence[int]) -> Mapping[int, list[State]]:
        """All states of each place."""

    def named(self, layer: int, features: Sequence[str]) -> list[tuple[Candidate, State]]:
        """The standing states of features, with the places that name them today."""

    def similar(self, text: str, reach: Reach, limit: int) -> list[Candidate]:
        """Places whose forms look like a Latin text, where the database can tell; else none."""
