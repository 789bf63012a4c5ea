"""The whole plan of the town in metres: each part drawn after the parts it has to keep clear of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import shapely
from numpy.typing import NDArray

from data_samples.town import zones
from data_samples.town.airport import Airport, draw_airport
from data_samples.town.arithmetic import Floats
from data_samples.town.blocks import Block, draw_blocks, zone_of_faces
from data_samples.town.buildings import Buildings, draw_buildings, stand_free
from data_samples.town.chance import Chance
from data_samples.town.fields import Parcel, draw_parcels
from data_samples.town.frame import Geometries, to_metres
from data_samples.town.gazetteer import TOWNS
from data_samples.town.hills import draw_hills
from data_samples.town.landmarks import draw_landmarks
from data_samples.town.network import (
    EDGE,
    Segment,
    cross_water_and_rails,
    cut_at_crossings,
    drop_drowned,
    join_loose_ends,
    loose_stubs,
)
from data_samples.town.outline import Ground, draw_ground
from data_samples.town.rivers import WaterBody, WaterWay, draw_bodies, draw_ponds, draw_ways
from data_samples.town.road_classes import CLASSES
from data_samples.town.rural_roads import draw_lanes, draw_village_roads
from data_samples.town.streets import Urban, draw_centre_streets, draw_city_streets
from data_samples.town.towns import draw_towns
from data_samples.town.trunk_roads import Rail, Road, draw_motorways, draw_railways, draw_through_roads
from data_samples.town.villages import Village, draw_villages

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Water:
    """All water, and the strips along it, as the other parts need it."""

    ways: list[WaterWay]
    bodies: list[WaterBody]
    beds: list[shapely.Polygon]
    lakes: shapely.Geometry
    surface: shapely.Geometry


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that was drawn, in metres (see `frame`).

    Attributes:
        towns: One polygon each, in the order of `TOWNS`; they tile the city.
        faces: Ground between roads, rivers and borders; they tile the city too.
        face_town: Index of the town each face belongs to.
        face_zone: Zone of each face, "" in the country.
    """

    ground: Ground
    towns: Geometries
    water: Water
    motorways: list[Road]
    rails: list[Rail]
    segments: list[Segment]
    faces: Geometries
    face_town: NDArray[np.int64]
    face_zone: NDArray[np.str_]
    blocks: list[Block]
    parcels: list[Parcel]
    villages: list[Village]
    airport: Airport
    buildings: Buildings


def draw_plan(chance: Chance, step: Step) -> Plan:
    """The town, drawn from the outline inwards; `step` hears the name of each part as it begins."""
    step("outline")
    ground = draw_ground(chance)
    towns = draw_towns(ground, chance)
    step("rivers")
    water = _draw_water(ground, chance)
    step("streets")
    motorways, rails = draw_motorways(ground.city.union(ground.sea)), draw_railways(ground.city)
    city, centres, through = _draw_streets(chance, ground)
    airport = draw_airport()
    urban = shapely.union_all([city.area, *[c.area for c in centres]])
    hills = draw_hills(chance, ground.city).difference(urban)
    banks = [m.line.buffer(24) for m in motorways] + [r.line.buffer(15) for r in rails if r.kind != "metro"]
    step("villages")
    free = _country(ground, urban, water, airport, banks)
    villages = draw_villages(chance, free, hills)
    no_way = shapely.union_all([urban.buffer(-30), water.surface, airport.ground.buffer(30)])
    rural = draw_village_roads(chance, villages, _gates([city, *centres]), no_way) + draw_lanes(villages)
    step("crossings")
    roads = [*through, *city.roads, *[road for centre in centres for road in centre.roads], *rural]
    borders = shapely.get_parts(shapely.union_all(shapely.boundary(towns)).difference(city.area))
    edges = [
        Road("", "", "", EDGE, line) for line in [*[w.line for w in water.ways], *[m.line for m in motorways], *borders]
    ]
    cut_roads, pieces = cut_at_crossings(roads + edges)
    faces = _faces(cut_roads, pieces, ground.city)
    segments = _segments(cut_roads, pieces, water, banks, rails, motorways)
    step("blocks")
    zone = zone_of_faces(chance, faces, city.area, [c.area for c in centres])
    keep_out = np.array([b.shape for b in water.bodies] + water.beds + banks, dtype=object)
    blocks = draw_blocks(chance, faces, zone, keep_out, water.lakes)
    landmarks, blocks = draw_landmarks(airport, blocks)
    step("fields")
    wide = [bed for bed, way in zip(water.beds, water.ways, strict=True) if 25 <= way.width_m < 300]
    taken = [*[b.shape for b in water.bodies], *[v.shape for v in villages], airport.ground, *wide, *banks]
    parcels = draw_parcels(chance, faces[zone == ""], np.array(taken, dtype=object), hills)
    step("buildings")
    towns, face_town = _towns_of_faces(faces, towns)
    buildings = draw_buildings(chance, blocks, villages, landmarks)
    lines = np.array([s.line for s in segments], dtype=object)
    half = np.array([CLASSES[s.road.road_class].half_width_m for s in segments])
    buildings = stand_free(buildings, lines, half, keep_out, shapely.boundary(towns))
    return Plan(
        ground=ground, towns=towns, water=_with_ponds(chance, water, parcels), motorways=motorways,
        rails=_below_the_airport(rails, airport), segments=segments, faces=faces, face_town=face_town, face_zone=zone,
        blocks=blocks, parcels=parcels, villages=villages, airport=airport, buildings=buildings,
    )  # fmt: skip


def _draw_water(ground: Ground, chance: Chance) -> Water:
    ways, bodies = draw_ways(ground, chance), draw_bodies(ground, chance)
    # The Dagu river has its own surface among the bodies; its middle line only needs a narrow bed.
    beds = [w.line.buffer(min(w.width_m, 60) / 2) for w in ways]
    lakes = shapely.union_all([b.shape for b in bodies if b.kind in ("lake", "reservoir")])
    return Water(ways, bodies, beds, lakes, shapely.union_all([b.shape for b in bodies]))


def _draw_streets(chance: Chance, ground: Ground) -> tuple[Urban, list[Urban], list[Road]]:
    """The city proper, the town centres, and the through roads joined to the ring."""
    city = draw_city_streets(chance, lambda xy: zones.block_ha(chance, xy))
    through = join_loose_ends(draw_through_roads(ground.city, chance), city.area)
    centres = [
        draw_centre_streets(
            chance, town.name, to_metres([(town.seat_lon, town.seat_lat)])[0], town.centre_radius_m, through
        )
        for town in TOWNS
        if town.centre_radius_m
    ]
    return city, centres, through


def _country(
    ground: Ground, urban: shapely.Geometry, water: Water, airport: Airport, banks: list[shapely.Polygon]
) -> shapely.Geometry:
    """Land where a village may lie."""
    strips = [b.buffer(230) for b in banks] + [b.buffer(190) for b in water.beds]
    taken = [urban.buffer(420), water.surface.buffer(330), airport.ground.buffer(350), *strips]
    return ground.city.buffer(-350).difference(shapely.union_all(taken))


def _gates(areas: list[Urban]) -> Floats:
    """Points on the rims of the built-up areas, about a kilometre apart."""
    points = []
    for area in areas:
        rim = area.area.exterior
        shares = np.linspace(0, 1, int(rim.length // 1100) + 1)[:-1]
        points.append(shapely.get_coordinates(shapely.line_interpolate_point(rim, shares, normalized=True)))
    return np.vstack(points)


def _faces(roads: list[Road], pieces: Geometries, city: shapely.Polygon) -> Geometries:
    """Ground between the pieces; lanes of villages divide nothing."""
    divides = np.array([road.road_class != "lane" for road in roads])
    faces = shapely.get_parts(shapely.polygonize(pieces[divides]))
    shapely.prepare(city)
    return np.asarray(faces[shapely.contains(city, shapely.point_on_surface(faces))])


def _segments(
    roads: list[Road],
    pieces: Geometries,
    water: Water,
    banks: list[shapely.Polygon],
    rails: list[Rail],
    motorways: list[Road],
) -> list[Segment]:
    """Roads one drives on, without drowned and stubby ones, and with the motorways."""
    keep = np.array([road.road_class != EDGE for road in roads])
    keep &= drop_drowned(roads, pieces, water.lakes, shapely.union_all([*water.beds, *banks]))
    roads, pieces = [road for road, k in zip(roads, keep, strict=True) if k], pieces[keep]
    stub = loose_stubs(pieces)
    roads, pieces = [road for road, s in zip(roads, stub, strict=True) if not s], pieces[~stub]
    surface = cross_water_and_rails(roads, pieces, water.ways, water.bodies, rails, motorways)
    lines = np.array([m.line for m in motorways], dtype=object)
    return surface + cross_water_and_rails(motorways, lines, water.ways, water.bodies, rails, [])


def _towns_of_faces(faces: Geometries, towns: Geometries) -> tuple[Geometries, NDArray[np.int64]]:
    """Towns made of whole faces: in the streets their borders now follow the streets."""
    middles = shapely.point_on_surface(faces)
    face, town = shapely.STRtree(towns).query(middles, predicate="intersects")
    owner = np.zeros(len(faces), dtype=np.int64)
    owner[face] = town
    for i in range(len(towns)):
        parts = shapely.get_parts(shapely.coverage_union_all(faces[owner == i]))
        for exclave in sorted(parts, key=lambda p: -float(p.area))[1:]:
            inside = np.flatnonzero(shapely.covers(exclave, middles))
            rim = shapely.length(shapely.intersection(shapely.boundary(faces), exclave.boundary))
            rim[owner == i] = 0
            owner[inside] = owner[rim.argmax()]
    return np.array([shapely.coverage_union_all(faces[owner == i]) for i in range(len(towns))], dtype=object), owner


def _with_ponds(chance: Chance, water: Water, parcels: list[Parcel]) -> Water:
    """Ponds dug into fields."""
    large = np.array([p.shape for p in parcels if p.kind == "farmland" and p.shape.area > 9e4], dtype=object)
    fields = [inner for inner in shapely.buffer(large, -25, quad_segs=1) if not inner.is_empty]
    ponds = draw_ponds(chance, fields)
    return Water(water.ways, [*water.bodies, *ponds], water.beds, water.lakes, water.surface)


def _below_the_airport(rails: list[Rail], airport: Airport) -> list[Rail]:
    """Railways as seen from above: those under the airport end at its fence."""
    return [
        replace(rail, line=part)
        for rail in rails
        for part in shapely.get_parts(shapely.difference(rail.line, airport.ground))
    ]
