"""Buildings in rows: slabs and towers in housing blocks, halls in works, houses along the lanes of a village."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.town import zones
from data_samples.town.arithmetic import Floats, angle_of, sine, turned
from data_samples.town.blocks import Block
from data_samples.town.chance import Chance
from data_samples.town.frame import Geometries
from data_samples.town.villages import Village


@dataclass(frozen=True, slots=True)
class Pattern:
    """How a block is built over (metres; pairs are the range that a block draws from).

    Attributes:
        room_m: Open ground between one row and the next.
        kept: Share of the places that are really built.
        shaped: Share of buildings with a corner taken out.
    """

    kind: str
    use: str
    floors: tuple[int, int]
    floor_m: float
    length_m: tuple[float, float]
    depth_m: tuple[float, float]
    gap_m: float
    room_m: float
    setback_m: float
    kept: float = 0.94
    shaped: float = 0.0


SLABS = Pattern("residential", "apartments", (5, 6), 2.95, (38, 64), (11.5, 13.5), 9, 17, 7, 0.95)
MIDRISE = Pattern("residential", "apartments", (9, 11), 2.95, (32, 54), (12.5, 14.5), 13, 27, 9, 0.93)
TOWERS = Pattern("residential", "apartments", (17, 33), 2.95, (27, 40), (14, 17), 20, 36, 12, 0.88, 0.15)
OLD_HOUSES = Pattern("residential", "old-houses", (1, 3), 3.2, (14, 34), (8, 10), 4, 7, 4, 0.9, 0.15)
VILLAS = Pattern("residential", "villas", (2, 4), 3.2, (15, 26), (11, 13), 8, 13, 7, 0.93, 0.3)
SHOPS = Pattern("commercial", "shops", (2, 5), 4.3, (36, 80), (20, 36), 11, 15, 7, 0.88, 0.35)
CORNER_SHOPS = Pattern("commercial", "shops", (2, 3), 4.0, (20, 44), (11, 15), 7, 9, 5, 0.92, 0.2)
OFFICES = Pattern("commercial", "offices", (8, 28), 3.9, (32, 52), (24, 34), 24, 28, 12, 0.8, 0.25)
WORKS = Pattern("industrial", "works", (1, 2), 6.5, (58, 130), (26, 52), 16, 17, 11, 0.86, 0.2)
WORKSHOPS = Pattern("industrial", "workshop", (1, 2), 5.5, (30, 68), (16, 26), 10, 11, 8, 0.88, 0.2)
LOGISTICS = Pattern("industrial", "warehouse", (1, 1), 11.5, (110, 190), (48, 76), 28, 30, 16, 0.9)
SCHOOL = Pattern("public", "school", (4, 5), 3.8, (42, 66), (13, 16), 14, 21, 10, 0.6, 0.3)
CAMPUS = Pattern("public", "university", (5, 8), 3.8, (52, 84), (15, 19), 24, 34, 14, 0.72, 0.35)
HOSPITAL = Pattern("public", "hospital", (5, 14), 3.9, (46, 76), (17, 21), 18, 24, 10, 0.8, 0.35)
OFFICE_YARD = Pattern("public", "government", (4, 9), 3.7, (40, 70), (15, 18), 18, 26, 10, 0.7, 0.3)
HOUSES = Pattern("rural", "farmhouse", (1, 2), 3.3, (17, 60), (8.5, 10), 4.5, 10.5, 3, 0.88, 0.12)

CHOICES: dict[tuple[str, str], tuple[tuple[Pattern, float], ...]] = {
    (zones.OLD, "urban"): ((SLABS, 50), (OLD_HOUSES, 40), (MIDRISE, 10)),
    (zones.CORE, "urban"): ((SLABS, 58), (MIDRISE, 22), (TOWERS, 20)),
    (zones.NEW, "urban"): ((TOWERS, 70), (MIDRISE, 30)),
    (zones.HOMES, "urban"): ((SLABS, 46), (MIDRISE, 27), (TOWERS, 27)),
    (zones.INDUSTRY, "urban"): ((SLABS, 70), (MIDRISE, 30)),
    ("centre", "works"): ((WORKSHOPS, 1),),
    (zones.INDUSTRY, "works"): ((WORKS, 80), (WORKSHOPS, 20)),
    ("centre", "urban"): ((SLABS, 62), (OLD_HOUSES, 30), (MIDRISE, 8)),
}
BY_USE = {
    "villas": VILLAS, "shops": SHOPS, "offices": OFFICES, "works": WORKS, "logistics": LOGISTICS, "school": SCHOOL,
    "university": CAMPUS, "hospital": HOSPITAL, "government": OFFICE_YARD,
}  # fmt: skip


_SMALL_BLOCK_M2 = 13_000.0


@dataclass(frozen=True, slots=True)
class Buildings:
    """Footprints (metres) with what stands on them; all arrays of one length."""

    shapes: Geometries
    kind: NDArray[np.str_]
    use: NDArray[np.str_]
    floors: NDArray[np.int64]
    height_m: Floats

    def __len__(self) -> int:
        return len(self.shapes)

    def only(self, keep: NDArray[np.bool_]) -> Buildings:
        return Buildings(self.shapes[keep], self.kind[keep], self.use[keep], self.floors[keep], self.height_m[keep])


@dataclass(frozen=True, slots=True)
class _Plot:
    """One piece of ground with its pattern and the direction of its rows."""

    ground: shapely.Polygon
    pattern: Pattern
    angle: float


def draw_buildings(chance: Chance, blocks: list[Block], villages: list[Village], single: Buildings) -> Buildings:
    """All buildings of blocks and villages, after those in `single`; they may still stand on a road."""
    plots = _block_plots(chance, blocks)
    plots += [_Plot(v.shape, HOUSES, v.turn) for v in villages]
    setback = np.array([p.pattern.setback_m for p in plots])
    inner = shapely.buffer(np.array([p.ground for p in plots], dtype=object), -setback, quad_segs=2)
    corners: list[Floats] = []
    owners: list[NDArray[np.int64]] = []
    draw = chance.uniform("building/plot", 3 * len(plots)).reshape(-1, 3)
    for i, plot in enumerate(plots):
        if inner[i].is_empty:
            continue
        boxes = _rows(inner[i], plot, draw[i])
        corners.append(boxes)
        owners.append(np.full(len(boxes), i))
    rings, owner = np.concatenate(corners), np.concatenate(owners)
    shapes = shapely.polygons(rings)
    shapely.prepare(inner)
    patterns = [p.pattern for p in plots]
    kept = np.array([p.kept for p in patterns])[owner]
    keep = shapely.covers(inner[owner], shapes) & (chance.uniform("building/kept", len(shapes)) < kept)
    rings, owner = rings[keep], owner[keep]
    shapes = _with_corners_out(chance, rings, np.array([p.shaped for p in patterns])[owner])
    floors = _floors(chance, patterns, owner, draw[:, 2])
    height = floors * np.array([p.floor_m for p in patterns])[owner] + chance.uniform(
        "building/roof", len(owner), 0.4, 2.2
    )
    kinds = np.array([p.kind for p in patterns])[owner]
    uses = np.array([p.use for p in patterns])[owner]
    return Buildings(
        np.concatenate([single.shapes, shapes]),
        np.concatenate([single.kind, kinds]),
        np.concatenate([single.use, uses]),
        np.concatenate([single.floors, floors]),
        np.concatenate([single.height_m, np.round(height, 1)]),
    )


def _block_plots(chance: Chance, blocks: list[Block]) -> list[_Plot]:
    shapes = np.array([b.shape for b in blocks], dtype=object)
    coords = shapely.get_coordinates(shapely.oriented_envelope(shapes)).reshape(-1, 5, 2)
    side = coords[:, 1] - coords[:, 0]
    angle = angle_of(side[:, 1], side[:, 0])
    angle = (angle + np.pi / 4) % (np.pi / 2) - np.pi / 4
    draw = chance.uniform("building/pattern", len(blocks))
    plots = []
    for block, turn, luck in zip(blocks, angle, draw, strict=True):
        pattern = BY_USE.get(block.use)
        if block.kind == "commercial" and block.shape.area < _SMALL_BLOCK_M2:
            pattern = CORNER_SHOPS
        table = CHOICES.get((block.zone, block.use))
        if table is not None:
            edges = np.cumsum([weight for _, weight in table])
            pattern = table[int(np.searchsorted(edges, luck * edges[-1], side="right"))][0]
        if pattern is not None:
            plots.append(_Plot(block.shape, pattern, float(turn)))
    return plots


def _rows(ground: shapely.Polygon, plot: _Plot, draw: Floats) -> Floats:
    """Corners (n, 4, 2) of all places in rows over `ground`."""
    pattern = plot.pattern
    low, high = pattern.length_m
    depth = pattern.depth_m[0] + draw[0] * (pattern.depth_m[1] - pattern.depth_m[0])
    local = turned(shapely.get_coordinates(ground), -plot.angle)
    south, north = local[:, 1].min(), local[:, 1].max()
    count = int((north - south + pattern.room_m) // (depth + pattern.room_m))
    if count < 1:
        return np.empty((0, 4, 2))
    foot = south + np.arange(count) * ((north - south - depth) / max(count - 1, 1))
    west, east = _extents(local, foot + 0.15 * depth, foot + 0.85 * depth)
    width = east - west
    wish = low + (0.5 + 0.5 * sine(12.9 * draw[1] + 4.1 * np.arange(count))) * (high - low)
    number = np.maximum(1, np.round((width + pattern.gap_m) / (wish + pattern.gap_m))).astype(np.int64)
    length = (width - (number - 1) * pattern.gap_m) / number
    number[length < 0.55 * low] = 0
    row = np.repeat(np.arange(count), number)
    place = np.arange(len(row)) - np.repeat(np.cumsum(number) - number, number)
    u = west[row] + place * (length[row] + pattern.gap_m)
    v, far = foot[row], u + np.minimum(length[row], high * 1.25)
    corners = np.stack([u, v, far, v, far, v + depth, u, v + depth], axis=1).reshape(-1, 4, 2)
    return turned(corners, plot.angle)


def _extents(ring: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """West and east end of each row: the narrower of a ring's widths at two heights, a hand's breadth inside it."""
    a, b = ring[:-1], ring[1:]
    levels = np.concatenate([low, high])[:, None]
    crosses = (a[:, 1] <= levels) != (b[:, 1] <= levels)
    rise = np.where(a[:, 1] == b[:, 1], 1.0, b[:, 1] - a[:, 1])
    u = a[:, 0] + (levels - a[:, 1]) / rise * (b[:, 0] - a[:, 0])
    west = np.where(crosses, u, np.inf).min(axis=1).reshape(2, -1).max(axis=0)
    east = np.where(crosses, u, -np.inf).max(axis=1).reshape(2, -1).min(axis=0)
    missing = ~np.isfinite(west) | ~np.isfinite(east)
    return np.where(missing, 0.0, west + 0.6), np.where(missing, 0.0, east - 0.6)


def _with_corners_out(chance: Chance, rings: Floats, share: Floats) -> Geometries:
    """Rectangles, some of them with the north-east or north-west corner taken out."""
    luck = chance.uniform("building/shape", len(rings))
    depth = chance.uniform("building/notch", len(rings), 0.35, 0.6)
    width = chance.uniform("building/wing", len(rings), 0.3, 0.65)
    shapes: Geometries = shapely.polygons(rings)
    some = luck < share
    a, b, d = (rings[some, k] for k in (0, 1, 3))
    up, along = (d - a) * depth[some, None], (b - a) * width[some, None]
    shapes[some] = shapely.polygons(np.stack([a, b, b + up, a + along + up, d + along, d], axis=1))
    return shapes


def _floors(chance: Chance, patterns: list[Pattern], owner: NDArray[np.int64], draw: Floats) -> NDArray[np.int64]:
    """Floors of each building: one level for the block, a step up or down for some where the range allows."""
    low = np.array([p.floors[0] for p in patterns])
    high = np.array([p.floors[1] for p in patterns])
    block = low + np.floor(draw * np.sqrt(draw) * (high - low + 1)).astype(np.int64)
    step = chance.integers("building/step", len(owner), -1, 1) * (chance.uniform("building/vary", len(owner)) < 0.4)
    return np.asarray(np.clip(block[owner] + step, low[owner], high[owner]))


def stand_free(
    buildings: Buildings, roads: Geometries, road_half_m: Floats, keep_out: Geometries, borders: Geometries
) -> Buildings:
    """The buildings that stand on no road, in no water, across no border and not on one another."""
    tree = shapely.STRtree(buildings.shapes)
    bad = np.zeros(len(buildings), dtype=bool)
    bad[tree.query(roads, predicate="dwithin", distance=road_half_m)[1]] = True
    bad[tree.query(keep_out, predicate="intersects")[1]] = True
    bad[tree.query(borders, predicate="intersects")[1]] = True
    first, second = tree.query(buildings.shapes, predicate="dwithin", distance=0.5)
    clash = (first < second) & ~bad[first]
    bad[second[clash]] = True
    return buildings.only(~bad)
