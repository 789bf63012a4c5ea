"""Grids against published vectors and against morecantile."""

from __future__ import annotations

import json
from importlib.resources import files

import morecantile
import numpy as np
import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiles.address import Tile
from tiles.grids import CGCS2000_QUAD, GRIDS, WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD, Grid, grid_called
from tiles.matrix_sets import matrix_set_document
from twin.errors import TileOutsideGridError, UnknownGridError

JIAOZHOU = (120.0335, 36.2645)


@pytest.mark.parametrize(
    ("grid", "z", "x", "y"),
    [
        (WEB_MERCATOR_QUAD, 10, 853, 401),
        (WEB_MERCATOR_QUAD, 14, 13654, 6418),
        (WEB_MERCATOR_QUAD, 18, 218477, 102701),
        (CGCS2000_QUAD, 9, 853, 152),
        (CGCS2000_QUAD, 13, 13654, 2445),
        (CGCS2000_QUAD, 17, 218477, 39128),
    ],
)
def test_a_point_in_jiaozhou_lies_in_the_tile_that_the_standards_sheet_names(
    grid: Grid, z: int, x: int, y: int
) -> None:
    assert grid.tile_at(*JIAOZHOU, z) == Tile(z=z, x=x, y=y)


def test_the_cgcs2000_tile_of_jiaozhou_has_its_published_edges() -> None:
    tile = Tile(z=9, x=853, y=152)
    assert CGCS2000_QUAD.tile_bounds(tile) == (119.8828125, 36.2109375, 120.234375, 36.5625)
    assert CGCS2000_QUAD.lonlat_bounds(tile).as_tuple() == (119.8828125, 36.2109375, 120.234375, 36.5625)


def test_our_grid_document_is_the_one_morecantile_makes() -> None:
    made = morecantile.TileMatrixSet.custom(
        [-180, -90, 180, 90], pyproj.CRS.from_epsg(4490), matrix_scale=[2, 1], maxzoom=18, id="CGCS2000Quad"
    )
    ours = matrix_set_document("CGCS2000Quad")
    theirs = json.loads(made.model_dump_json(exclude_none=True))
    assert ours["tileMatrices"] == theirs["tileMatrices"]
    assert ours["crs"] == theirs["crs"]
    assert ours["tileMatrices"][0]["cellSize"] == 0.703125
    assert ours["tileMatrices"][0]["scaleDenominator"] == pytest.approx(279541132.0143589)
    assert ours["tileMatrices"][0]["pointOfOrigin"] == [90, -180]  # the axis order of EPSG:4490


@pytest.mark.parametrize("grid_id", ["WebMercatorQuad", "WorldCRS84Quad"])
def test_the_documents_of_the_registry_say_what_morecantile_knows_of_them(grid_id: str) -> None:
    theirs, ours = morecantile.tms.get(grid_id), morecantile.TileMatrixSet.model_validate(matrix_set_document(grid_id))
    assert str(ours.uri) == str(theirs.uri) == f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{grid_id}"
    assert (ours.orderedAxes, ours.crs.to_epsg()) == (theirs.orderedAxes, theirs.crs.to_epsg())
    for mine, known in zip(ours.tileMatrices, theirs.tileMatrices, strict=True):
        assert mine.scaleDenominator == pytest.approx(known.scaleDenominator, rel=1e-9)
        assert mine.pointOfOrigin == pytest.approx(known.pointOfOrigin)


def test_the_two_grids_in_degrees_cut_the_world_alike_and_name_the_axes_each_in_its_own_order() -> None:
    tile = Tile(z=13, x=13654, y=2445)
    assert WORLD_CRS84_QUAD.tile_at(*JIAOZHOU, 13) == tile
    assert WORLD_CRS84_QUAD.lonlat_bounds(tile) == CGCS2000_QUAD.lonlat_bounds(tile)
    origins = {id_: matrix_set_document(id_)["tileMatrices"][0]["pointOfOrigin"] for id_ in GRIDS}
    assert (origins["WorldCRS84Quad"], origins["CGCS2000Quad"]) == ([-180, 90], [90, -180])


@pytest.mark.parametrize("grid", GRIDS.values(), ids=list(GRIDS))
def test_each_grid_has_a_document_that_morecantile_reads_and_that_agrees_on_every_matrix(grid: Grid) -> None:
    text = files("tiles").joinpath("tms", f"{grid.id}.json").read_text("utf-8")
    read = morecantile.TileMatrixSet.model_validate_json(text)
    assert read.maxzoom == grid.max_zoom
    for matrix in read.tileMatrices:
        assert (matrix.matrixWidth, matrix.matrixHeight) == grid.matrix_size(int(matrix.id))


@given(st.sampled_from(list(GRIDS.values())), st.integers(0, 18), st.floats(0, 0.999), st.floats(0, 0.999))
def test_tile_edges_agree_with_morecantile(grid: Grid, z: int, across: float, down: float) -> None:
    reference = morecantile.TileMatrixSet.model_validate(matrix_set_document(grid.id))
    columns, rows = grid.matrix_size(z)
    tile = Tile(z=z, x=int(across * columns), y=int(down * rows))
    edges = reference.xy_bounds(morecantile.Tile(tile.x, tile.y, z))
    assert grid.tile_bounds(tile) == pytest.approx((edges.left, edges.bottom, edges.right, edges.top), abs=1e-6)


@given(st.floats(-180, 180), st.floats(-85, 85))
def test_mercator_agrees_with_proj(lon: float, lat: float) -> None:
    transformer = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:3857", always_xy=True)
    easting, northing = transformer.transform(lon, lat)
    x, y = WEB_MERCATOR_QUAD.forward(np.array([lon]), np.array([lat]))
    west, _, east, north = WEB_MERCATOR_QUAD.edges
    assert west + x[0] * (east - west) == pytest.approx(easting, abs=1e-5)
    assert north - y[0] * (east - west) == pytest.approx(northing, abs=1e-5)


@given(st.sampled_from(list(GRIDS.values())), st.integers(0, 18), st.floats(-179.9, 179.9), st.floats(-85, 85))
def test_a_point_lies_in_the_box_of_its_tile(grid: Grid, z: int, lon: float, lat: float) -> None:
    box = grid.lonlat_bounds(grid.tile_at(lon, lat, z))
    assert box.west - 1e-9 <= lon <= box.east + 1e-9
    assert box.south - 1e-9 <= lat <= box.north + 1e-9


@pytest.mark.parametrize("lat", [90.0, -90.0])
def test_the_poles_are_finite_in_mercator_and_outside_every_tile(lat: float) -> None:
    _, y = WEB_MERCATOR_QUAD.forward(np.array([0.0]), np.array([lat]))
    assert np.isfinite(y[0])
    assert not 0 <= y[0] <= 1


def test_the_box_of_a_tile_at_the_edge_of_the_world_stays_in_the_world() -> None:
    box = WEB_MERCATOR_QUAD.lonlat_bounds(Tile(z=0, x=0, y=0), margin=0.1)
    assert (box.west, box.east) == (-180.0, 180.0)
    assert CGCS2000_QUAD.lonlat_bounds(Tile(z=0, x=1, y=0), margin=0.1).as_tuple() == (-18.0, -90.0, 180.0, 90.0)


@pytest.mark.parametrize(
    "tile",
    [
        Tile(z=-1, x=0, y=0),
        Tile(z=25, x=0, y=0),
        Tile(z=2, x=4, y=0),
        Tile(z=2, x=0, y=4),
        Tile(z=2, x=-1, y=0),
        Tile(z=2, x=0, y=2147483647),
    ],
)
def test_an_address_outside_the_matrix_is_refused_with_value_and_limit(tile: Tile) -> None:
    with pytest.raises(TileOutsideGridError) as refused:
        WEB_MERCATOR_QUAD.check(tile)
    assert refused.value.value in {str(tile.z), str(tile.x), str(tile.y)}
    assert refused.value.limit.startswith("0 to ")


@pytest.mark.parametrize("text", ["", "1.5", "abc", "1e3", "１", "+1", " 1", "0x1", "nan", "9" * 40])
def test_a_level_that_is_no_plain_whole_number_is_refused(text: str) -> None:
    with pytest.raises(TileOutsideGridError, match="whole number"):
        Tile.parse(z=text, x="0", y="0")


def test_an_unknown_grid_is_refused_with_the_known_ones() -> None:
    with pytest.raises(UnknownGridError) as refused:
        grid_called("WorldCRS84Quart")
    assert refused.value.limit == "one of: WebMercatorQuad, WorldCRS84Quad, CGCS2000Quad"


def test_the_registry_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        GRIDS["mine"] = WEB_MERCATOR_QUAD  # type: ignore[index]
