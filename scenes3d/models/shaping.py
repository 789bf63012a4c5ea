"""Features to shapes: their surfaces moved to the globe, cut into triangles, and what cannot be drawn counted with an example."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from scenes3d.models.cutting import Ints, Polygons, cut
from scenes3d.models.surfaces import Feature, Value
from scenes3d.sources.reference import Placing
from twin.ellipsoid import Floats, earth_centred

_BATCH_POINTS = 200_000
_EXAMPLES = 5
_NOWHERE = np.full((1, 3), np.nan)


@dataclass(frozen=True, slots=True)
class Shape:
    """A feature as triangles.

    Attributes:
        earth: float64 (n, 3), Earth-centred metres; surfaces share no vertex, so that each keeps its normal.
        normals: float32 (n, 3), Earth-centred directions.
        corners: uint32 (t, 3), rows of `earth`.
        box: West, south, east, north in degrees, lowest, highest in metres.
        area_m2: Of all its surfaces.
        parts: What its surfaces are parts of: RoofSurface, WallSurface, …; empty where nobody says.
        part: uint16 (n,), row of `parts` for each vertex, 0 where nobody says.
    """

    id: str
    kind: str
    lod: float
    attributes: Mapping[str, Value]
    earth: Floats
    normals: npt.NDArray[np.float32]
    corners: npt.NDArray[np.uint32]
    box: tuple[float, float, float, float, float, float]
    area_m2: float
    parts: tuple[str, ...] = ()
    part: npt.NDArray[np.uint16] | None = None


@dataclass
class Faults:
    """What was left out, how often, and where first."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def add(self, fault: str, where: str, count: int = 1) -> None:
        """Count a fault of a feature."""
        self.counts[fault] = self.counts.get(fault, 0) + count
        known = self.examples.setdefault(fault, [])
        if len(known) < _EXAMPLES and where not in known:
            known.append(where)

    def take(self, other: Faults) -> None:
        """Count what another found too."""
        for fault in sorted(other.counts):
            examples = other.examples[fault]
            self.add(fault, examples[0], other.counts[fault])
            for example in examples[1:]:
                self.add(fault, example, 0)

    def to_document(self) -> list[dict[str, object]]:
        return [
            {"fault": key, "count": self.counts[key], "examples": self.examples[key]} for key in sorted(self.counts)
        ]


NO_NUMBER = "coordinate-no-number"
NO_AREA = "surface-without-area"
FEW_POINTS = "ring-of-fewer-than-three-points"
NO_SURFACE = "feature-without-surface"


def shapes_of(features: Iterable[Feature], reference: Placing, faults: Faults) -> Iterator[Shape]:
    """The shape of each feature that has one, in their order; `faults` grows meanwhile.

    Raises:
        BallparkTransformError: if only a guess leads from the source's CRS to CGCS2000.
    """
    waiting = iter(features)
    while batch := list(_enough(waiting)):
        yield from _shaped(batch, reference, faults)


def _enough(features: Iterator[Feature]) -> Iterator[Feature]:
    points = 0
    for feature in features:
        yield feature
        points += sum(len(ring) for surface in feature.surfaces for ring in surface.rings)
        if points > _BATCH_POINTS:
            return


def _shaped(batch: list[Feature], reference: Placing, faults: Faults) -> Iterator[Shape]:
    rings = _rings(batch, faults)
    if rings is None:
        for feature in batch:
            faults.add(NO_SURFACE, feature.id)
        return
    lon, lat, height = reference.place(rings.points[:, 0], rings.points[:, 1], rings.points[:, 2])
    earth = earth_centred(lon, lat, height)
    # Where PROJ found no place for a point there is none; nothing of its surface is drawn.
    lost = ~np.isfinite(earth).all(axis=1)
    earth[lost] = 0.0
    triangles = cut(Polygons(earth, rings.rings, rings.surfaces))
    first_points = rings.rings[rings.surfaces]
    no_place = np.maximum.reduceat(lost, first_points[:-1])
    keep = ~no_place[triangles.surface]
    corners, owner = triangles.corners[keep], triangles.surface[keep]
    lengths = np.diff(first_points)
    normals = np.repeat(triangles.normals, lengths, axis=0).astype(np.float32)
    names = list(dict.fromkeys(["", *rings.parts]))
    numbers = {name: number for number, name in enumerate(names)}
    part = np.repeat(np.array([numbers[name] for name in rings.parts], dtype=np.uint16), lengths)
    bounds = np.searchsorted(owner, rings.features)
    for number, feature in enumerate(batch):
        own = slice(rings.features[number], rings.features[number + 1])
        for fault, count in (
            (NO_NUMBER, int(no_place[own].sum())),
            (NO_AREA, int(((triangles.areas[own] == 0) & ~no_place[own]).sum())),
        ):
            if count:
                faults.add(fault, feature.id, count)
        used, renamed = np.unique(corners[bounds[number] : bounds[number + 1]], return_inverse=True)
        if not len(used):
            faults.add(NO_SURFACE, feature.id)
            continue
        low = [float(values[used].min()) for values in (lon, lat, height)]
        high = [float(values[used].max()) for values in (lon, lat, height)]
        yield Shape(
            feature.id,
            feature.kind,
            feature.lod,
            feature.attributes,
            earth[used],
            normals[used],
            renamed.reshape(-1, 3).astype(np.uint32),
            (low[0], low[1], high[0], high[1], low[2], high[2]),
            float(triangles.areas[own][~no_place[own]].sum()),
            tuple(names),
            part[used],
        )


@dataclass(frozen=True)
class _Rings:
    """Sound rings of a batch of features: points in the source's CRS, offsets of rings, surfaces and features, and what each surface is a part of."""

    points: Floats
    rings: Ints
    surfaces: Ints
    features: Ints
    parts: tuple[str, ...]


def _rings(batch: list[Feature], faults: Faults) -> _Rings | None:
    """Rings without repeated points, open; a surface whose outer ring is none is left out. None where nothing is left."""
    surfaces = [
        (number, surface) for number, feature in enumerate(batch) for surface in feature.surfaces if surface.rings
    ]
    raw = [ring if len(ring) else _NOWHERE for _, surface in surfaces for ring in surface.rings]
    if not raw:
        return None
    counts = np.array([len(surface.rings) for _, surface in surfaces])
    owner = np.repeat(np.arange(len(surfaces)), counts)
    points, lengths = np.concatenate(raw), np.array([len(ring) for ring in raw])
    ends = np.cumsum(lengths)
    starts = ends - lengths
    before = np.arange(len(points)) - 1
    before[starts] = ends - 1
    new = (points != points[before]).any(axis=1)
    new[starts[lengths == 1]] = True
    numbers = np.logical_and.reduceat(np.isfinite(points).all(axis=1), starts)
    sizes = np.add.reduceat(new.astype(np.int64), starts)
    sound = numbers & (sizes >= 3)
    for ring in np.flatnonzero(~sound).tolist():
        faults.add(FEW_POINTS if numbers[ring] else NO_NUMBER, batch[surfaces[owner[ring]][0]].id)
    outer = np.cumsum(counts) - counts
    kept = sound & sound[outer][owner]
    if not kept.any():
        return None
    standing = np.bincount(owner[kept], minlength=len(surfaces))
    of_feature = np.array([number for number, _ in surfaces])[standing > 0]
    left = np.flatnonzero(standing).tolist()
    return _Rings(
        points[new & np.repeat(kept, lengths)],
        _offsets(sizes[kept]),
        _offsets(standing[standing > 0]),
        _offsets(np.bincount(of_feature, minlength=len(batch))),
        tuple(surfaces[number][1].part for number in left),
    )


def _offsets(lengths: Ints) -> Ints:
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(lengths, dtype=np.int64)])
