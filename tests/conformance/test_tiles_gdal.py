"""GDAL's MVT driver as a second opinion: counts, attributes with their types, places and areas."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from shapely import LineString, MultiPolygon, Point, Polygon, box

from memory_layers import batch_of, schema_of
from tiles.grids import WEB_MERCATOR_QUAD
from tiles.mvt.encode import encode_layer
from tiles.mvt.window import Window
from twin.feature import Feature

PLACE = (120.0335, 36.2645)
TILE = WEB_MERCATOR_QUAD.tile_at(*PLACE, 14)
UNIT_M = WEB_MERCATOR_QUAD.edges[2] * 2 / 2**14 / 4096

needs_driver = pytest.mark.skipif("MVT" not in pyogrio.list_drivers(), reason="this GDAL has no MVT driver")


def park(lon: float, lat: float, side: float) -> Polygon:
    hole = box(lon + side / 3, lat + side / 3, lon + side / 2, lat + side / 2)
    return box(lon, lat, lon + side, lat + side).difference(hole)


@pytest.fixture
def tile_file(tmp_path: Path) -> Path:
    """One tile with a layer for each kind of geometry, under the name GDAL takes its address from."""
    lon, lat = PLACE
    layers = {
        "lamps": (
            schema_of("Point", name="string", watt="integer", height_m="number", lit="boolean", since="date"),
            [],
        ),
        "roads": (schema_of("LineString"), [Feature(None, LineString([(lon, lat), (lon + 0.003, lat + 0.002)]))]),
        "parks": (
            schema_of("MultiPolygon"),
            [
                Feature(None, MultiPolygon([park(lon, lat, 0.001), park(lon + 0.002, lat, 0.001)])),
                Feature(None, park(lon, lat + 0.002, 0.001)),
            ],
        ),
    }
    for i in range(20):
        layers["lamps"][1].append(
            Feature(
                f"L{i}",
                Point(lon + i * 1e-4, lat),
                {"name": f"灯{i}", "watt": i - 5, "height_m": i + 0.5, "lit": bool(i % 2), "since": "2024-05-01"},
            )
        )
    window = Window(WEB_MERCATOR_QUAD, TILE)
    data = b"".join(
        encode_layer(name, batch_of(schema, found), window).data for name, (schema, found) in layers.items()
    )
    folder = tmp_path / str(TILE.z) / str(TILE.x)
    folder.mkdir(parents=True)
    path = folder / f"{TILE.y}.mvt"
    path.write_bytes(data)
    return path


def read(path: Path, layer: str) -> tuple[dict[str, list], np.ndarray]:
    """Columns and geometries (EPSG:3857) as GDAL reads them."""
    meta, _, geometry, columns = pyogrio.raw.read(
        f"MVT:{path}", layer=layer, X=str(TILE.x), Y=str(TILE.y), Z=str(TILE.z), CLIP="NO"
    )
    assert meta["crs"] == "EPSG:3857"
    return dict(zip(meta["fields"], (c.tolist() for c in columns), strict=True)), shapely.from_wkb(geometry)


@needs_driver
def test_gdal_reads_points_with_typed_attributes_at_their_place(tile_file: Path) -> None:
    columns, places = read(tile_file, "lamps")
    assert len(places) == 20
    assert columns["name"] == [f"灯{i}" for i in range(20)]
    assert columns["watt"] == [i - 5 for i in range(20)]
    assert columns["height_m"] == [i + 0.5 for i in range(20)]
    assert [bool(v) for v in columns["lit"]] == [bool(i % 2) for i in range(20)]
    assert set(columns["since"]) == {"2024-05-01"}
    assert columns["mvt_id"] == list(range(1, 21))
    into = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
    expected = np.column_stack(into.transform([PLACE[0] + i * 1e-4 for i in range(20)], [PLACE[1]] * 20))
    assert np.abs(shapely.get_coordinates(places) - expected).max() <= 0.51 * UNIT_M


@needs_driver
def test_gdal_reads_areas_with_holes_and_parts_in_their_size(tile_file: Path) -> None:
    _, found = read(tile_file, "parks")
    lon, lat = PLACE
    into = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)

    def moved(geometry: shapely.Geometry) -> shapely.Geometry:
        return shapely.transform(geometry, lambda c: np.column_stack(into.transform(c[:, 0], c[:, 1])))

    assert shapely.is_valid(found).all()
    assert [shapely.get_num_geometries(g) for g in found] == [2, 1]
    assert sum(len(p.interiors) for p in shapely.get_parts(found)) == 3
    for got, given in zip(
        found,
        [MultiPolygon([park(lon, lat, 0.001), park(lon + 0.002, lat, 0.001)]), park(lon, lat + 0.002, 0.001)],
        strict=True,
    ):
        expected = moved(given)
        assert abs(got.area - expected.area) <= expected.length * UNIT_M
        assert shapely.hausdorff_distance(got, expected) <= 2 * UNIT_M


@needs_driver
def test_gdal_reads_lines_in_their_length(tile_file: Path) -> None:
    _, (line,) = read(tile_file, "roads")
    into = pyproj.Transformer.from_crs(4326, 3857, always_xy=True)
    ends = [into.transform(*PLACE), into.transform(PLACE[0] + 0.003, PLACE[1] + 0.002)]
    assert line.length == pytest.approx(LineString(ends).length, abs=2 * UNIT_M)


def test_ogrinfo_of_the_system_lists_the_layers_and_counts(tile_file: Path, ogrinfo: str) -> None:
    done = subprocess.run([ogrinfo, "-so", "-al", f"MVT:{tile_file}"], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    counts = {
        block.splitlines()[0]: next(line for line in block.splitlines() if line.startswith("Feature Count"))
        for block in done.stdout.split("Layer name: ")[1:]
    }
    assert counts == {"lamps": "Feature Count: 20", "roads": "Feature Count: 1", "parks": "Feature Count: 2"}
