"""What changed in a layer between two of its versions: features added, removed, moved, described otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

import numpy as np
import shapely

from twin.bounds import Bounds
from twin.crs import CRS, from_cgcs2000
from twin.farthest import farthest_apart
from twin.feature import Feature
from twin.query import FeatureQuery
from twin.store.port import Store
from twin.topology.sheet import plane_of

_SAMPLE = 20
_EXAMPLES = 3
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Moves:
    """How far changed geometries lie from where they were, in metres: points by distance, others by Hausdorff distance."""

    count: int = 0
    median_m: float = 0.0
    largest_m: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return {"count": self.count, "median_m": round(self.median_m, 3), "largest_m": round(self.largest_m, 3)}


@dataclass(frozen=True, slots=True)
class LayerChanges:
    """Changes of one layer.

    Attributes:
        before, after: Versions of the layer; None where it was, or is, not part of the release.
        changed: Features with another geometry, other attributes or another valid time.
        geometry_changed, attributes_changed: Of these; a feature may be in both.
        attributes: How many features changed in each property, with first examples (id, before, after).
        bounds: Where anything changed, before or after; None where nothing did, or the whole layer came or went.
        added_ids, removed_ids, changed_ids: The first of each.
    """

    layer: str
    before: int | None
    after: int | None
    added: int = 0
    removed: int = 0
    changed: int = 0
    geometry_changed: int = 0
    attributes_changed: int = 0
    unchanged: int = 0
    moves: Moves = field(default_factory=Moves)
    attributes: Mapping[str, tuple[int, tuple[tuple[str, Any, Any], ...]]] = field(default_factory=dict)
    bounds: Bounds | None = None
    added_ids: tuple[str, ...] = ()
    removed_ids: tuple[str, ...] = ()
    changed_ids: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        return {
            "layer": self.layer,
            "before": self.before,
            "after": self.after,
            "added": self.added,
            "removed": self.removed,
            "changed": self.changed,
            "geometry_changed": self.geometry_changed,
            "attributes_changed": self.attributes_changed,
            "unchanged": self.unchanged,
            "moved": self.moves.to_dict(),
            "attributes": {
                name: {
                    "count": count,
                    "examples": [{"id": i, "before": _json(b), "after": _json(a)} for i, b, a in examples],
                }
                for name, (count, examples) in sorted(self.attributes.items())
            },
            "bounds": None if self.bounds is None else list(self.bounds.as_tuple()),
            "added_ids": list(self.added_ids),
            "removed_ids": list(self.removed_ids),
            "changed_ids": list(self.changed_ids),
        }


def layer_changes(store: Store, layer_id: str, before: int | None, after: int | None, plane: CRS) -> LayerChanges:
    """What became of the features from one version to the other; None for a version at which there is nothing.

    A feature is what its newest state says; earlier slices of its valid time are not compared.
    Ids and versions of all features are read, features themselves only where these differ. Memory: an id and a number
    for each feature of the layer.
    """
    old, new = _versions(store, layer_id, before), _versions(store, layer_id, after)
    added = [id_ for id_ in new if id_ not in old]
    removed = [id_ for id_ in old if id_ not in new]
    touched = [id_ for id_, version in new.items() if old.get(id_, version) != version]
    pairs = _Comparison(plane)
    for was, now in _pairs(store, layer_id, before, after, touched):
        pairs.take(was, now)
    boxes = [pairs.bounds]
    if before is not None and after is not None:
        boxes += [_bounds(store, layer_id, after, added), _bounds(store, layer_id, before, removed)]
    return LayerChanges(
        layer=layer_id,
        before=before,
        after=after,
        added=len(added),
        removed=len(removed),
        changed=len(pairs.changed),
        geometry_changed=pairs.geometry_changed,
        attributes_changed=pairs.attributes_changed,
        unchanged=len(new) - len(added) - len(pairs.changed),
        moves=pairs.moves(),
        attributes={name: (n, tuple(pairs.examples[name])) for name, n in pairs.counts.items()},
        bounds=_union(boxes),
        added_ids=tuple(added[:_SAMPLE]),
        removed_ids=tuple(removed[:_SAMPLE]),
        changed_ids=tuple(pairs.changed[:_SAMPLE]),
    )


class _Comparison:
    """Two states of features, one pair after the other."""

    def __init__(self, plane: CRS) -> None:
        self.plane = plane
        self.changed: list[str] = []
        self.geometry_changed = self.attributes_changed = 0
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[tuple[str, Any, Any]]] = {}
        self.distances: list[float] = []
        self.bounds: Bounds | None = None

    def take(self, was: Feature, now: Feature) -> None:
        """Compare a pair; one that was written again as it was is no change."""
        moved = was.geometry != now.geometry
        names = [name for name, value in now.properties.items() if was.properties.get(name) != value]
        if not moved and not names and (was.valid_from, was.valid_to) == (now.valid_from, now.valid_to):
            return
        self.changed.append(str(now.id))
        self.geometry_changed += moved
        self.attributes_changed += bool(names)
        for name in names:
            self.counts[name] += 1
            kept = self.examples.setdefault(name, [])
            if len(kept) < _EXAMPLES:
                kept.append((str(now.id), was.properties.get(name), now.properties[name]))
        shapes = [shape for shape in (was.geometry, now.geometry) if shape is not None and not shape.is_empty]
        for shape in shapes:
            self.bounds = Bounds(*shapely.bounds(shape).tolist()).union(self.bounds)
        if moved and len(shapes) == 2:
            pair = np.array(shapes, dtype=object)
            a, b = from_cgcs2000(pair, plane_of(self.bounds, self.plane))
            self.distances.append(farthest_apart(a, b))

    def moves(self) -> Moves:
        """How far things moved."""
        if not self.distances:
            return Moves()
        return Moves(len(self.distances), float(np.median(self.distances)), max(self.distances))


def _versions(store: Store, layer_id: str, version: int | None) -> dict[str, int]:
    """The version that wrote each feature, by id, as the layer stood at a version."""
    if version is None:
        return {}
    query = FeatureQuery(as_of=version, properties=(), geometry=False)
    found: dict[str, int] = {}
    for batch in store.iterate(layer_id, query):
        found.update(zip(map(str, batch.ids), batch.versions, strict=True))
    return found


def _pairs(
    store: Store, layer_id: str, before: int | None, after: int | None, ids: Sequence[str]
) -> Iterator[tuple[Feature, Feature]]:
    for chunk in _chunks(ids):
        old = {f.id: f for f in store.select(layer_id, FeatureQuery(as_of=before, ids=chunk)).features()}
        new = {f.id: f for f in store.select(layer_id, FeatureQuery(as_of=after, ids=chunk)).features()}
        yield from ((old[id_], new[id_]) for id_ in chunk)


def _bounds(store: Store, layer_id: str, version: int | None, ids: Sequence[str]) -> Bounds | None:
    boxes = []
    for chunk in _chunks(ids):
        batch = store.select(layer_id, FeatureQuery(as_of=version, ids=chunk, properties=()))
        box = shapely.total_bounds(batch.geometries)
        boxes.append(None if np.isnan(box).any() else Bounds(*box.tolist()))
    return _union(boxes)


def _union(boxes: Sequence[Bounds | None]) -> Bounds | None:
    whole: Bounds | None = None
    for box in boxes:
        whole = whole if box is None else box.union(whole)
    return whole


def _chunks(ids: Sequence[str]) -> Iterator[tuple[str, ...]]:
    waiting = iter(ids)
    while chunk := tuple(islice(waiting, _AT_ONCE)):
        yield chunk


def _json(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
