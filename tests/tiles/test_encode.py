"""What a foreign decoder reads from our tiles, against the features that went in."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import pytest
import shapely
from shapely import LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon, box

from memory_layers import Drawn, batch_of, decode, schema_of
from tiles.address import Tile
from tiles.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD, Grid
from tiles.mvt.encode import EncodedLayer, encode_layer
from tiles.mvt.shapes import fit_to_window
from tiles.mvt.window import Window
from twin.feature import Feature

TILE = Tile(z=14, x=13654, y=6418)
WINDOW = Window(WEB_MERCATOR_QUAD, TILE)
BOX = WEB_MERCATOR_QUAD.lonlat_bounds(TILE)
WEST, SOUTH, EAST, NORTH = BOX.as_tuple()
WIDE, HIGH = EAST - WEST, NORTH - SOUTH


def at(across: float, up: float) -> tuple[float, float]:
    """A place in the tile by shares of its width and height, from its south-west corner."""
    return WEST + across * WIDE, SOUTH + up * HIGH


def encode(*geometries: shapely.Geometry | None, window: Window = WINDOW) -> EncodedLayer:
    schema = schema_of("Geometry", name="string")
    features = [Feature(None, geometry, {"name": f"n{i}"}) for i, geometry in enumerate(geometries)]
    return encode_layer("things", batch_of(schema, features), window)


def drawn(*geometries: shapely.Geometry | None, window: Window = WINDOW) -> list[Drawn]:
    return decode(encode(*geometries, window=window).data)["things"]


def in_units(geometry: shapely.Geometry, window: Window = WINDOW) -> shapely.Geometry:
    return window.place(np.array([geometry], dtype=object))[0]


def test_a_point_lies_where_it_should() -> None:
    (point,) = drawn(Point(at(0.25, 0.5)))
    x, y = point.geometry.coords[0]
    assert x == 1024
    assert abs(y - 2048) <= 1


def test_a_point_in_jiaozhou_lies_where_proj_puts_it() -> None:
    easting, northing = pyproj.Transformer.from_crs(4326, 3857, always_xy=True).transform(120.0335, 36.2645)
    west, south, east, north = WEB_MERCATOR_QUAD.tile_bounds(TILE)
    unit = (east - west) / 4096
    (point,) = drawn(Point(120.0335, 36.2645))
    x, y = point.geometry.coords[0]
    assert (x, y) == (round((easting - west) / unit), round((north - northing) / unit))
    assert (north - south) / unit == pytest.approx(4096)


def test_a_polygon_with_two_holes_keeps_them() -> None:
    shell = [at(0.1, 0.1), at(0.9, 0.1), at(0.9, 0.9), at(0.1, 0.9)]
    holes = [[at(x, 0.4), at(x, 0.6), at(x + 0.1, 0.6), at(x + 0.1, 0.4)] for x in (0.2, 0.6)]
    (feature,) = drawn(Polygon(shell, holes))
    assert feature.geometry.geom_type == "Polygon"
    assert len(feature.geometry.interiors) == 2
    assert feature.geometry.area == pytest.approx(in_units(Polygon(shell, holes)).area, rel=1e-3)


@pytest.mark.parametrize("reverse", [False, True])
def test_rings_turn_as_the_standard_says_however_they_came(reverse: bool) -> None:
    shell = [at(0.1, 0.1), at(0.9, 0.1), at(0.9, 0.9), at(0.1, 0.9)]
    hole = [at(0.4, 0.4), at(0.4, 0.6), at(0.6, 0.6), at(0.6, 0.4)]
    polygon = Polygon(shell, [hole])
    data = encode(polygon.reverse() if reverse else polygon).data
    assert decode(data) == decode(encode(polygon).data)
    from mapbox_vector_tile.Mapbox import vector_tile_pb2

    message = vector_tile_pb2.tile()
    message.ParseFromString(data)
    areas = ring_areas(list(message.layers[0].features[0].geometry))
    assert [math.copysign(1, area) for area in areas] == [1, -1]


def ring_areas(commands: list[int]) -> list[float]:
    """Surveyor's areas of the rings in a command stream, read by hand from the standard."""
    areas, ring, x, y, i = [], [], 0, 0, 0
    while i < len(commands):
        command, count = commands[i] & 7, commands[i] >> 3
        i += 1
        if command == 7:
            pairs = zip(ring, [*ring[1:], ring[0]], strict=True)
            areas.append(sum(a[0] * b[1] - b[0] * a[1] for a, b in pairs) / 2)
            ring = []
            continue
        for _ in range(count):
            x += (commands[i] >> 1) ^ -(commands[i] & 1)
            y += (commands[i + 1] >> 1) ^ -(commands[i + 1] & 1)
            ring.append((x, y))
            i += 2
    return areas


def test_multi_geometries_keep_their_parts_in_one_feature() -> None:
    points = MultiPoint([at(0.1, 0.1), at(0.2, 0.2), at(0.3, 0.3)])
    lines = MultiLineString([[at(0.1, 0.1), at(0.4, 0.1)], [at(0.1, 0.3), at(0.4, 0.5)]])
    areas = MultiPolygon([box(*at(0.1, 0.1), *at(0.2, 0.2)), box(*at(0.5, 0.5), *at(0.7, 0.7))])
    found = drawn(points, lines, areas)
    assert [f.geometry.geom_type for f in found] == ["MultiPoint", "MultiLineString", "MultiPolygon"]
    assert [len(f.geometry.geoms) for f in found] == [3, 2, 2]
    assert found[1].geometry.length == pytest.approx(in_units(lines).length, rel=1e-3)
    assert found[2].geometry.area == pytest.approx(in_units(areas).area, rel=2e-3)


def test_points_lines_and_areas_of_one_layer_keep_their_order_and_attributes() -> None:
    found = drawn(box(*at(0.1, 0.1), *at(0.2, 0.2)), Point(at(0.5, 0.5)), LineString([at(0, 0), at(1, 1)]))
    assert [f.id for f in found] == [1, 2, 3]
    assert [f.properties["name"] for f in found] == ["n0", "n1", "n2"]


def test_features_without_a_place_are_not_drawn_and_break_nothing() -> None:
    found = drawn(None, Point(at(0.5, 0.5)), Polygon(), Point())
    assert [f.id for f in found] == [2]


def test_the_public_id_travels_only_where_it_is_not_the_row_number() -> None:
    schema = schema_of("Point")
    features = [Feature("lamp-7", Point(at(0.5, 0.5))), Feature("2", Point(at(0.5, 0.5)))]
    found = decode(encode_layer("lamps", batch_of(schema, features), WINDOW).data)["lamps"]
    assert [(f.id, f.properties) for f in found] == [(1, {"_id": "lamp-7"}), (2, {})]


def test_a_property_called_like_the_public_id_gives_way_to_it() -> None:
    schema = schema_of("Point", _id="string", name="string")
    features = [Feature("lamp-7", Point(at(0.5, 0.5)), {"_id": "other", "name": "a"})]
    (found,) = decode(encode_layer("lamps", batch_of(schema, features), WINDOW).data)["lamps"]
    assert found.properties == {"_id": "lamp-7", "name": "a"}


def test_geometry_reaches_the_buffer_and_no_further() -> None:
    (feature,) = drawn(box(WEST - WIDE, SOUTH - HIGH, EAST + WIDE, NORTH + HIGH))
    assert feature.geometry.bounds == (-64, -64, 4160, 4160)
    (line,) = drawn(LineString([at(-1, 0.5), at(2, 0.5)]))
    assert line.geometry.bounds[::2] == (-64, 4160)


def test_points_in_the_buffer_are_drawn_and_those_beyond_are_not() -> None:
    found = drawn(Point(at(-60 / 4096, 0.5)), Point(at(-70 / 4096, 0.5)))
    assert [f.id for f in found] == [1]


def test_a_polygon_that_touches_the_buffer_from_outside_is_not_drawn() -> None:
    edge = WEST - 64 / 4096 * WIDE
    assert encode(box(edge - WIDE, SOUTH, edge, NORTH)).data == b""


def test_a_line_that_leaves_and_returns_becomes_two_parts() -> None:
    (line,) = drawn(LineString([at(0.2, 0.2), at(-0.5, 0.2), at(-0.5, 0.8), at(0.2, 0.8)]))
    assert line.geometry.geom_type == "MultiLineString"
    assert len(line.geometry.geoms) == 2


def test_a_hole_larger_than_the_tile_leaves_nothing() -> None:
    ring = Polygon(box(WEST - 3 * WIDE, SOUTH - 3 * HIGH, EAST + 3 * WIDE, NORTH + 3 * HIGH).exterior)
    ring = ring.difference(box(WEST - WIDE, SOUTH - HIGH, EAST + WIDE, NORTH + HIGH))
    assert encode(ring).features == 0


def test_what_is_smaller_than_a_unit_is_counted_not_hidden() -> None:
    speck = box(*at(0.5, 0.5), *at(0.5 + 0.1 / 4096, 0.5 + 0.1 / 4096))
    encoded = encode(speck, box(*at(0.2, 0.2), *at(0.3, 0.3)))
    assert (encoded.features, encoded.too_small) == (1, 1)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_geometry_with_a_coordinate_that_is_not_finite_is_left_out_and_counted(bad: float) -> None:
    lon, lat = at(0.5, 0.5)
    with np.errstate(invalid="ignore"):  # GEOS remarks on NaN wherever it meets it
        broken = [LineString([(lon, lat), (bad, lat), (lon, lat + 0.001)]), Point(lon, bad)]
        encoded = encode(*broken, Point(lon, lat))
    assert (encoded.features, encoded.broken) == (1, 2)


def test_a_polygon_that_rounding_breaks_is_mended() -> None:
    unit = WIDE / 4096
    lon, lat = at(0.5, 0.5)
    # Two lobes joined by a neck much thinner than a unit: its sides fall on one line.
    neck = Polygon(
        [
            (lon, lat),
            (lon + 20 * unit, lat),
            (lon + 20 * unit, lat + 9.9 * unit),
            (lon + 40 * unit, lat + 9.9 * unit),
            (lon + 40 * unit, lat),
            (lon + 60 * unit, lat),
            (lon + 60 * unit, lat + 20 * unit),
            (lon + 40 * unit, lat + 20 * unit),
            (lon + 40 * unit, lat + 10.1 * unit),
            (lon + 20 * unit, lat + 10.1 * unit),
            (lon + 20 * unit, lat + 20 * unit),
            (lon, lat + 20 * unit),
        ]
    )
    (feature,) = drawn(neck)
    assert feature.geometry.is_valid
    assert feature.geometry.geom_type == "MultiPolygon"
    assert feature.geometry.area == pytest.approx(in_units(neck).area, rel=0.1)


def test_a_bow_tie_becomes_valid_areas() -> None:
    shapes = fit_to_window(
        np.array([Polygon([at(0.1, 0.1), at(0.5, 0.5), at(0.5, 0.1), at(0.1, 0.5)])], dtype=object), WINDOW
    )
    assert shapely.is_valid(shapes.geometries).all()
    assert shapes.geometries[0].area > 0


def test_a_collection_is_drawn_by_its_highest_dimension() -> None:
    lon, lat = at(0.5, 0.5)
    inner = shapely.GeometryCollection([Point(lon, lat), box(*at(0.6, 0.6), *at(0.7, 0.7))])
    collection = shapely.GeometryCollection([Point(lon, lat), LineString([at(0, 0), at(1, 1)]), inner])
    (feature,) = drawn(collection)
    assert feature.geometry.geom_type == "Polygon"
    (line,) = drawn(shapely.GeometryCollection([Point(lon, lat), LineString([at(0, 0), at(1, 1)])]))
    assert line.geometry.geom_type == "LineString"


def test_heights_are_left_behind() -> None:
    (feature,) = drawn(Point(*at(0.25, 0.5), 77.0))
    assert len(feature.geometry.coords[0]) == 2


def test_a_coast_of_a_million_vertices_is_thinned_to_what_can_be_seen() -> None:
    turn = np.linspace(0, 2 * math.pi, 1_000_000, endpoint=False)
    radius = 1.0 + 0.001 * np.sin(turn * 5000)
    ring = np.column_stack(
        [WEST + WIDE * (0.5 + 0.4 * radius * np.cos(turn)), SOUTH + HIGH * (0.5 + 0.4 * radius * np.sin(turn))]
    )
    encoded = encode(Polygon(ring))
    (feature,) = decode(encoded.data)["things"]
    assert feature.geometry.is_valid
    assert feature.geometry.area == pytest.approx(math.pi * (0.4 * 4096) ** 2, rel=0.01)
    assert len(encoded.data) < 200_000


@pytest.mark.parametrize("lat", [90.0, -90.0, 89.0])
def test_a_polygon_to_the_pole_is_cut_at_the_edge_of_the_mercator_world(lat: float) -> None:
    window = Window(WEB_MERCATOR_QUAD, Tile(z=0, x=0, y=0))
    (feature,) = drawn(box(-180, min(lat, 0), 180, max(lat, 0)), window=window)
    assert feature.geometry.is_valid
    _, low, _, high = feature.geometry.bounds
    assert (low, high) == ((-64, 2048) if lat > 0 else (2048, 4160))


@pytest.mark.parametrize(("lon", "column"), [(-180.0, 0), (180.0, 1)])
def test_the_antimeridian_is_drawn_on_the_side_it_is_written(lon: float, column: int) -> None:
    window = Window(WEB_MERCATOR_QUAD, Tile(z=1, x=column, y=0))
    (feature,) = drawn(Point(lon, 40), window=window)
    assert feature.geometry.x == (0 if column == 0 else 4096)


@pytest.mark.parametrize("grid", [WEB_MERCATOR_QUAD, CGCS2000_QUAD], ids=lambda g: g.id)
def test_tile_coordinates_lead_back_to_the_place_in_both_grids(grid: Grid) -> None:
    tile = grid.tile_at(120.0335, 36.2645, 12)
    (feature,) = drawn(Point(120.0335, 36.2645), window=Window(grid, tile))
    edges = grid.lonlat_bounds(tile)
    x, y = feature.geometry.coords[0]
    unit_deg = (edges.east - edges.west) / 4096
    assert edges.west + x * unit_deg == pytest.approx(120.0335, abs=unit_deg)
    assert grid.latitude((tile.y + y / 4096) / 2**tile.z) == pytest.approx(36.2645, abs=unit_deg)


def test_the_same_features_give_the_same_bytes() -> None:
    things = [box(*at(i / 100, 0.1), *at((i + 0.5) / 100, 0.2)) for i in range(50)]
    assert encode(*things).data == encode(*things).data


def test_joined_layers_are_one_tile() -> None:
    schema = schema_of("Point")
    parts = [
        encode_layer(name, batch_of(schema, [Feature(None, Point(at(0.5, 0.5)))]), WINDOW).data for name in ("a", "b")
    ]
    assert set(decode(b"".join(parts))) == {"a", "b"}


def test_an_empty_batch_gives_no_bytes() -> None:
    assert encode().data == b""
