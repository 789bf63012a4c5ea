"""Height-control surfaces and what pierces them: obstacle limitation round a runway, and cones that keep a view open.

A surface is a function of the place: the highest elevation allowed there, NaN where it does not reach. Dimensions are data, by kind of
runway in `control_surfaces.json`.
Source: ICAO Annex 14 volume I, 4.1 and tables 4-1 and 4-2; MH 5001 has the same surfaces.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from scenes3d.analysis.blocks import Blocks
from scenes3d.analysis.surfaces import OpenSurfaces, highest
from scenes3d.rays.port import NOTHING, Floats, Indices
from twin.errors import BadAnalysisError
from twin.text import LocalText

# Footprints are looked at along their edges this densely; a surface that rises 1:5 changes by a metre in between at most.
EDGE_STEP_M = 5.0
Limit = Callable[[Floats, Floats], Floats]


@dataclass(frozen=True, slots=True)
class Surface:
    """The highest elevation allowed at points (east, north, any shape), NaN where the surface does not reach."""

    name: str
    limit: Limit


@dataclass(frozen=True, slots=True)
class RunwayDimensions:
    """Dimensions of the surfaces of one kind of runway; metres and rise over run."""

    strip_half_width: float
    strip_beyond_end: float
    approach_start: float
    approach_half_width: float
    approach_divergence: float
    approach_sections: tuple[tuple[float, float], ...]
    transitional_slope: float
    horizontal_radius: float
    horizontal_height: float
    conical_slope: float
    conical_height: float
    takeoff_half_width: float
    takeoff_start: float
    takeoff_divergence: float
    takeoff_final_half_width: float
    takeoff_length: float
    takeoff_slope: float
    title: LocalText = field(default_factory=LocalText)
    source: str = ""
    weak: bool = False


@cache
def runway_kinds() -> dict[str, RunwayDimensions]:
    """The dimensions that come along, by kind of runway."""
    return parse_runways(json.loads(Path(__file__).with_name("control_surfaces.json").read_text(encoding="utf-8")))


def parse_runways(document: Mapping[str, Any]) -> dict[str, RunwayDimensions]:
    """Dimensions by kind of runway, of a document like `control_surfaces.json`.

    Raises:
        KeyError, TypeError, ValueError: if it is none, with what is wrong.
    """
    found = {}
    numbers = [each.name for each in fields(RunwayDimensions) if each.type == "float"]
    for kind, row in document["runways"].items():
        sections = tuple((float(length), float(slope)) for length, slope in row["approach_sections"])
        said = {name: float(row[name]) for name in numbers}
        if min(said.values()) < 0 or any(part < 0 for section in sections for part in section):
            raise ValueError(f"runway '{kind}': dimensions are not negative")
        found[str(kind)] = RunwayDimensions(
            **said,
            approach_sections=sections,
            title=LocalText.parse(row.get("title") or kind),
            source=str(row.get("source", document.get("source", ""))),
            weak=bool(row.get("weak", document.get("weak", False))),
        )
    return found


def runway_dimensions(
    kind: str = "precision-3-4", kinds: Mapping[str, RunwayDimensions] | None = None
) -> RunwayDimensions:
    """The dimensions of that name, of those that come along where none are given. Raises BadAnalysisError if there are none."""
    kinds = runway_kinds() if kinds is None else kinds
    if kind not in kinds:
        raise BadAnalysisError(
            "There is no such kind of runway. 没有这类跑道。",
            value=kind,
            limit=", ".join(kinds),
            remedy="Name one of these; the digits are code numbers.",
        )
    return kinds[kind]


def runway_surfaces(
    ends: tuple[Floats, Floats], elevations: tuple[float, float], size: RunwayDimensions
) -> tuple[Surface, ...]:
    """The obstacle limitation surfaces of a runway.

    Args:
        ends: East and north of both thresholds, (2,) each.
        elevations: Of both thresholds, above the vertical datum.
    """
    line = shapely.LineString(ends)
    along = (ends[1] - ends[0]) / np.linalg.norm(ends[1] - ends[0])
    length = float(np.linalg.norm(ends[1] - ends[0]))
    datum = float(np.mean(elevations))
    base = datum + size.horizontal_height

    def own(east: Floats, north: Floats) -> tuple[Floats, Floats]:
        """Along the runway from the first threshold, and to its left."""
        x, y = east - ends[0][0], north - ends[0][1]
        return x * along[0] + y * along[1], y * along[0] - x * along[1]

    def horizontal(east: Floats, north: Floats) -> Floats:
        return np.where(_distance(line, east, north) <= size.horizontal_radius, base, np.nan)

    def conical(east: Floats, north: Floats) -> Floats:
        beyond = _distance(line, east, north) - size.horizontal_radius
        reach = size.conical_height / size.conical_slope
        return np.where((beyond > 0) & (beyond <= reach), base + beyond * size.conical_slope, np.nan)

    def strip_edge(s: Floats) -> Floats:
        return elevations[0] + (elevations[1] - elevations[0]) * np.clip(s / length, 0, 1)

    def transitional(east: Floats, north: Floats) -> Floats:
        s, left = own(east, north)
        beside = np.abs(left) - size.strip_half_width
        rise = strip_edge(s) + beside * size.transitional_slope
        inside = (beside >= 0) & (s >= -size.strip_beyond_end) & (s <= length + size.strip_beyond_end) & (rise <= base)
        return np.where(inside, rise, np.nan)

    def strip(east: Floats, north: Floats) -> Floats:
        s, left = own(east, north)
        inside = (np.abs(left) < size.strip_half_width) & (s >= -size.strip_beyond_end)
        return np.where(inside & (s <= length + size.strip_beyond_end), strip_edge(s), np.nan)

    def outwards(end: int, start: float) -> Callable[[Floats, Floats], tuple[Floats, Floats]]:
        def from_start(east: Floats, north: Floats) -> tuple[Floats, Floats]:
            s, left = own(east, north)
            return (-s if end == 0 else s - length) - start, np.abs(left)

        return from_start

    def approach(end: int) -> Limit:
        position = outwards(end, size.approach_start)

        def limit(east: Floats, north: Floats) -> Floats:
            out, beside = position(east, north)
            inside = (out >= 0) & (beside <= size.approach_half_width + out * size.approach_divergence)
            inside &= out <= sum(section for section, _ in size.approach_sections)
            return np.where(inside, elevations[end] + _sections(out, size.approach_sections), np.nan)

        return limit

    def takeoff(end: int) -> Limit:
        position = outwards(end, size.takeoff_start)

        def limit(east: Floats, north: Floats) -> Floats:
            out, beside = position(east, north)
            half = np.minimum(size.takeoff_half_width + out * size.takeoff_divergence, size.takeoff_final_half_width)
            inside = (out >= 0) & (out <= size.takeoff_length) & (beside <= half)
            return np.where(inside, elevations[end] + out * size.takeoff_slope, np.nan)

        return limit

    return (
        Surface("strip", strip),
        Surface("transitional", transitional),
        Surface("approach-1", approach(0)),
        Surface("approach-2", approach(1)),
        Surface("take-off-1", takeoff(0)),
        Surface("take-off-2", takeoff(1)),
        Surface("inner-horizontal", horizontal),
        Surface("conical", conical),
    )


def view_cone(name: str, eye: Floats, left: Floats, right: Floats, target_m: float) -> Surface:
    """A cone from an eye to a thing whose sight is to be kept: nothing in between may stand above the line to its foot.

    Args:
        eye: (3,), metres; left, right: (2,), the edges of what is looked at.
        target_m: Elevation that must stay visible, at the distance of the line between `left` and `right`.
    """
    a, b = left - eye[:2], right - eye[:2]
    if a[0] * b[1] - a[1] * b[0] > 0:
        a, b = b, a

    def limit(east: Floats, north: Floats) -> Floats:
        x, y = east - eye[0], north - eye[1]
        # p = i·a + j·b; within the triangle both are positive, and their sum is the share of the way.
        det = a[0] * b[1] - a[1] * b[0]
        i, j = (x * b[1] - y * b[0]) / det, (a[0] * y - a[1] * x) / det
        share = i + j
        return np.where((i >= 0) & (j >= 0) & (share <= 1), eye[2] + share * (target_m - eye[2]), np.nan)

    return Surface(name, limit)


@dataclass(frozen=True, slots=True)
class Judged:
    """Buildings against surfaces.

    Attributes:
        limit_m: float64 (n,), the lowest allowed elevation anywhere in the footprint; NaN where no surface reaches.
        excess_m: float64 (n,), how far the top stands above it; NaN where the top is unknown or no surface reaches.
        surface: n names of the surface that decides; "" where none reaches.
    """

    limit_m: Floats
    excess_m: Floats
    surface: Sequence[str]


def judge_heights(blocks: Blocks, surfaces: Sequence[Surface]) -> Judged:
    """Every building against the lowest surface over it, looked at along its edges and at a point inside."""
    dense = shapely.segmentize(blocks.footprints, EDGE_STEP_M)
    points, owner = shapely.get_coordinates(dense, return_index=True)
    inner = shapely.point_on_surface(blocks.footprints)
    points = np.concatenate([points, shapely.get_coordinates(inner)])
    owner = np.concatenate([owner, np.flatnonzero(~shapely.is_empty(inner))])
    limit = np.full(len(blocks.ids), np.inf)
    names = np.full(len(blocks.ids), "", dtype=object)
    for surface in surfaces:
        here = np.full(len(blocks.ids), np.inf)
        allowed = surface.limit(points[:, 0], points[:, 1])
        reached = np.isfinite(allowed)
        np.minimum.at(here, owner[reached], allowed[reached])
        names[here < limit] = surface.name
        limit = np.minimum(limit, here)
    limit[np.isinf(limit)] = np.nan
    return Judged(limit, blocks.top_m - limit, names.tolist())


@dataclass(frozen=True, slots=True)
class JudgedSurfaces:
    """Meshes and models against surfaces, one row for each owner of triangles that any surface reaches.

    Attributes:
        owner: int32 (n,), rows of the owners.
        limit_m, top_m, excess_m: float64 (n,), at the place where the excess is greatest.
        place: (n, 2), of it.
        surface: n names of the surface that decides there.
    """

    owner: Indices
    limit_m: Floats
    top_m: Floats
    excess_m: Floats
    place: Floats
    surface: Sequence[str]


def judge_surfaces(
    opened: OpenSurfaces, limits: Sequence[Surface], area: shapely.Geometry, step_m: float
) -> JudgedSurfaces:
    """Meshes and models in an area against the lowest surface over each place: at their corners, and from above every `step_m`."""
    corners = opened.surfaces.triangles.faces.ravel()
    owner = np.repeat(opened.surfaces.part, 3)
    west, south, east, north = area.bounds
    grid = np.meshgrid(np.arange(west, east, step_m), np.arange(south, north, step_m))
    places = np.column_stack([part.ravel() for part in grid])
    height, below = highest(opened, places)
    met = below != NOTHING
    points = np.concatenate([opened.surfaces.triangles.vertices[corners], np.column_stack([places, height])[met]])
    owner = np.concatenate([owner, below[met]])
    shapely.prepare(area)
    inside = shapely.contains_xy(area, points[:, 0], points[:, 1])
    points, owner = points[inside], owner[inside]
    limit = np.full(len(points), np.inf)
    names = np.full(len(points), "", dtype=object)
    for surface in limits:
        allowed = surface.limit(points[:, 0], points[:, 1])
        lower = allowed < limit
        limit[lower], names[lower] = allowed[lower], surface.name
    reached = np.isfinite(limit)
    points, owner, limit, names = points[reached], owner[reached], limit[reached], names[reached]
    excess = points[:, 2] - limit
    # The greatest excess of each owner stands last among its corners.
    order = np.lexsort((excess, owner))
    last = order[np.append(owner[order][1:] != owner[order][:-1], True)] if len(order) else order
    return JudgedSurfaces(
        owner[last].astype(np.int32), limit[last], points[last, 2], excess[last], points[last, :2], names[last].tolist()
    )


def _sections(out: Floats, sections: Sequence[tuple[float, float]]) -> Floats:
    """Height gained over sections of (length, slope) after a distance."""
    gained, start = np.zeros_like(out), 0.0
    for length, slope in sections:
        gained += np.clip(out - start, 0, length) * slope
        start += length
    return gained


def _distance(line: shapely.LineString, east: Floats, north: Floats) -> Floats:
    return np.asarray(shapely.distance(line, shapely.points(east, north)), dtype=np.float64)
