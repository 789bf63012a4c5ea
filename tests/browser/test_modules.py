"""The page's own arithmetic against somebody else's: tiles, triangles, coordinates, addresses."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from scipy.ndimage import gaussian_filter

from map_page import MapPage
from server_process import ServerProcess
from tiles.kernel.contours import outlines

VECTORS = [  # lon, lat, easting, northing; PROJ's EPSG:4549
    (120.0335, 36.2645, 503010.3651, 4014892.4956),
    (119.62, 36.1, 465781.0291, 3996705.5224),
    (120.19, 36.4, 517044.181, 4029944.5261),
    (120.0, 36.0, 500000.0, 3985542.6703),
]

TRIANGLE_AREAS = """async (cases) => {
  const { triangulate } = await import("/view/static/triangulate.js");
  return cases.map(({points, ends}) => {
    const out = [];
    triangulate(points, ends, out);
    let area = 0;
    for (let i = 0; i < out.length; i += 3) {
      const [a, b, c] = [out[i], out[i + 1], out[i + 2]];
      area += Math.abs((points[2*b]-points[2*a])*(points[2*c+1]-points[2*a+1])-(points[2*c]-points[2*a])*(points[2*b+1]-points[2*a+1]));
    }
    return area / 2;
  });
}"""


@pytest.fixture
def modules(browser_context: Any, town_server: ServerProcess) -> Iterator[MapPage]:
    """A page of the server on which modules can be imported."""
    page = MapPage(browser_context, town_server.url, 400, 300)
    page.page.goto(f"{town_server.url}/health")
    yield page
    page.close()


def decode(page: MapPage, data: bytes) -> dict[str, Any]:
    script = """async (bytes) => {
      const { readTile, readGeometry, readProperties } = await import("/view/static/mvt.js");
      const out = {};
      for (const [name, layer] of readTile(new Uint8Array(bytes)))
        out[name] = {extent: layer.extent, features: layer.features.map((f) =>
          ({id: f.id, type: f.type, properties: readProperties(layer, f), parts: readGeometry(layer, f)}))};
      return out;
    }"""
    decoded: dict[str, Any] = page.evaluate(script, list(data))
    return decoded


def test_the_tile_decoder_agrees_with_the_reference_encoder(modules: MapPage) -> None:
    features = [
        {"id": 7, "geometry": "POINT (100 200)", "properties": {"name": "阜安", "count": 3, "level": -2.5, "on": True}},
        {"id": 8, "geometry": "LINESTRING (0 0, 10 10, 500 4000)", "properties": {"deep": -12345678901}},
        {
            "id": 9,
            "geometry": "POLYGON ((0 0, 100 0, 100 100, 0 100, 0 0), (20 20, 20 40, 40 40, 40 20, 20 20))",
            "properties": {},
        },
        {"id": 10, "geometry": "MULTIPOINT (1 2, 3 4)", "properties": {"big": 2**40}},
    ]
    data = mapbox_vector_tile.encode([{"name": "things", "features": features}], default_options={"y_coord_down": True})
    ours = decode(modules, data)["things"]["features"]
    theirs = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})["things"]["features"]
    assert [feature["id"] for feature in ours] == [7, 8, 9, 10]
    for own, other in zip(ours, theirs, strict=True):
        assert own["properties"] == pytest.approx(other["properties"])
        points = shapely.get_coordinates(shapely.geometry.shape(other["geometry"])).ravel().tolist()
        assert [value for part in own["parts"] for value in part] == points


def test_random_tiles_decode_as_the_reference_says(modules: MapPage) -> None:
    chance = random.Random(4549)
    for _ in range(5):
        boxes = [shapely.box(x, y, x + chance.randint(1, 300), y + chance.randint(1, 300))
                 for x, y in ((chance.randint(-80, 4000), chance.randint(-80, 4000)) for _ in range(40))]  # fmt: skip
        features = [{"geometry": box, "properties": {"n": i, "t": f"t{i % 7}"}} for i, box in enumerate(boxes)]
        data = mapbox_vector_tile.encode([{"name": "b", "features": features}], default_options={"y_coord_down": True})
        ours = decode(modules, data)["b"]["features"]
        theirs = mapbox_vector_tile.decode(data, default_options={"y_coord_down": True})["b"]["features"]
        assert [f["properties"] for f in ours] == [f["properties"] for f in theirs]
        rings = [f["parts"][0] for f in ours]
        expected = [shapely.get_coordinates(shapely.geometry.shape(f["geometry"])).ravel().tolist() for f in theirs]
        assert rings == expected


def test_a_cut_off_tile_is_an_error_and_not_a_hang(modules: MapPage) -> None:
    data = mapbox_vector_tile.encode(
        [{"name": "x", "features": [{"geometry": "POINT (1 1)", "properties": {"a": "b"}}]}]
    )
    with pytest.raises(Exception, match=r"cut off|ends inside"):
        decode(modules, data[:-5])


def test_triangles_cover_a_polygon_with_holes_exactly(modules: MapPage) -> None:
    chance = random.Random(7)
    polygons = [star(chance, holes=i % 4) for i in range(200)]
    cases = []
    for polygon in polygons:
        rings = [polygon.exterior, *polygon.interiors]
        points = [value for ring in rings for value in shapely.get_coordinates(ring).ravel().tolist()]
        ends = [sum(len(ring.coords) for ring in rings[: i + 1]) for i in range(len(rings))]
        cases.append({"points": points, "ends": ends})
    areas = modules.evaluate(TRIANGLE_AREAS, cases)
    assert areas == pytest.approx([polygon.area for polygon in polygons])


def test_triangles_cover_ground_full_of_courts(modules: MapPage) -> None:
    """Blocks as they come: large, with dozens of bent holes on whole numbers, bridges to which meet at the same vertices."""
    rng = np.random.default_rng(5)
    cases, areas = [], []
    for _ in range(12):
        field = gaussian_filter(rng.random((60, 60)), 1.2).astype(np.float32)
        found = outlines(field, float(np.quantile(field, 0.3)))
        for owner in np.unique(found.owners):
            rings = [
                shapely.LinearRing(np.rint(16 * np.column_stack([found.x[a:b], found.y[a:b]])))
                for a, b in zip(found.starts[:-1], found.starts[1:], strict=True)
                if found.owners[np.searchsorted(found.starts, a)] == owner
            ]
            polygon = shapely.Polygon(rings[0], rings[1:]).normalize()
            if polygon.is_valid:
                parts = [shapely.get_coordinates(ring) for ring in (polygon.exterior, *polygon.interiors)]
                ends = np.cumsum([len(part) for part in parts]).tolist()
                cases.append({"points": np.concatenate(parts).ravel().tolist(), "ends": ends})
                areas.append(polygon.area)
    assert max(len(case["ends"]) for case in cases) > 20
    assert modules.evaluate(TRIANGLE_AREAS, cases) == pytest.approx(areas)


def star(chance: random.Random, holes: int) -> shapely.Polygon:
    """A spiky ring of whole-number corners with up to three holes near its middle."""
    corners = chance.randint(12, 60)
    outer = [spoke(2000, 2000, chance.randint(1000, 2000), i / corners) for i in range(corners)]
    inner = []
    for x, y in ((1700, 1900), (2300, 1800), (2050, 2350))[:holes]:
        sides = chance.randint(3, 9)
        inner.append([spoke(x, y, chance.randint(60, 140), i / sides) for i in range(sides)])
    return shapely.Polygon(outer, inner)


def spoke(x: int, y: int, radius: int, turn: float) -> tuple[int, int]:
    return round(x + radius * math.cos(2 * math.pi * turn)), round(y + radius * math.sin(2 * math.pi * turn))


def test_metres_of_epsg_4549_are_right_to_the_millimetre(modules: MapPage) -> None:
    script = """async (places) => {
      const { toPlane } = await import("/view/static/coordinates.js");
      return places.map(([lon, lat]) => { const { e, n } = toPlane(lon, lat); return [e, n]; });
    }"""
    found = modules.evaluate(script, [list(vector[:2]) for vector in VECTORS])
    for (east, north), vector in zip(found, VECTORS, strict=True):
        assert east == pytest.approx(vector[2], abs=0.001)
        assert north == pytest.approx(vector[3], abs=0.001)


def test_metres_far_from_the_meridian_are_not_given(modules: MapPage) -> None:
    script = """async () => (await import("/view/static/coordinates.js")).formatPlane(100, 36)"""
    assert modules.evaluate(script) == "—"


def test_an_address_with_nonsense_in_it_still_opens_a_map(modules: MapPage) -> None:
    script = """async (text) => (await import("/view/static/share.js")).readAddress(text)"""
    read = modules.evaluate(script, "?at=abc,1&opacity=a:x,b:7&theme=pink&lang=fr&feature=nothing")
    assert read["camera"] is None
    assert read["opacity"] == {"b": 1}
    assert (read["theme"], read["language"], read["feature"]) == (None, None, None)


def test_a_cluster_has_its_number_the_size_of_its_count_and_the_ring_of_an_alarm(modules: MapPage) -> None:
    feature = {"geometry": "POINT (2048 1024)", "properties": {"_count": 100, "_alarms": 1}}
    single = {"geometry": "POINT (10 10)", "properties": {"name": "a"}}
    tile = mapbox_vector_tile.encode(
        [{"name": "s", "features": [feature, single]}], default_options={"y_coord_down": True}
    )
    script = """async (bytes) => {
      const { readTile } = await import("/view/static/mvt.js");
      const { buildColumns } = await import("/view/static/columns.js");
      const { createFunctions } = await import("/view/static/functions.js");
      const columns = buildColumns(readTile(new Uint8Array(bytes)).get("s"), {});
      const { number, outline, ring } = createFunctions(null);
      const radius = number({ property: "", values: [], fallback: 6, clusters: true });
      const edge = outline({ fallback: "calm", alarm: "red" });
      const of = (properties) => [radius({ properties }), edge({ properties }), ring({ width: 1 })({ properties })];
      return [columns.anchors, [{ _count: 100, _alarms: 1 }, { _count: 100, _alarms: 0 }, {}].map(of)];
    }"""
    anchors, looks = modules.evaluate(script, list(tile))
    assert anchors == [{"count": 100, "x": 0.5, "y": 0.25, "size": 0, "kind": "count"}]
    assert looks == [[16, "red", 3], [16, "calm", 1], [6, "calm", 1]]
