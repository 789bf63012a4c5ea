"""The made-up heights: the same each time, the sea at nought, lakes level, rivers in valleys, hills where the woods are."""

from __future__ import annotations

from pathlib import Path

import geopandas
import numpy as np
import numpy.typing as npt
import pytest
import rasterio
import shapely

from data_samples.town import SEED
from data_samples.town.hills import HILLS
from data_samples.town.relief import Waters, waters_of, write_relief

Frames = dict[str, geopandas.GeoDataFrame]


def objects(series: geopandas.pd.Series) -> npt.NDArray[np.object_]:
    return np.array(list(series), dtype=object)


@pytest.fixture(scope="module")
def waters(layers: Frames) -> Waters:
    water, rivers = layers["water"], layers["rivers"]
    return waters_of(objects(water.geometry), objects(water["kind"]), objects(rivers.geometry))


@pytest.fixture(scope="module")
def relief(layers: Frames, waters: Waters, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("relief") / "relief.tif"
    write_relief(path, tuple(layers["districts"].total_bounds), waters, SEED)
    return path


def heights_at(path: Path, points: npt.ArrayLike) -> npt.NDArray[np.float32]:
    with rasterio.open(path) as file:
        return np.array([value[0] for value in file.sample(np.asarray(points).tolist())])


def test_it_covers_the_city_and_is_drawn_again_alike(
    layers: Frames, waters: Waters, relief: Path, tmp_path: Path
) -> None:
    bounds = layers["districts"].total_bounds
    write_relief(tmp_path / "again.tif", tuple(bounds), waters, SEED)
    with rasterio.open(relief) as file, rasterio.open(tmp_path / "again.tif") as again:
        heights = file.read(1)
        assert np.array_equal(heights, again.read(1))
        assert (file.crs.to_epsg(), heights.dtype) == (4490, np.float32)
        assert shapely.box(*file.bounds).contains(shapely.box(*bounds))
    assert np.isfinite(heights).all()
    assert heights.min() == 0.0
    assert 150 < heights.max() < 300  # Aishan, the highest hill of the real city, has 229 m


def test_the_sea_lies_at_nought_and_lakes_are_level(waters: Waters, relief: Path) -> None:
    sea = waters.sea[0].buffer(-0.002)
    assert (heights_at(relief, shapely.get_coordinates(shapely.segmentize(sea.boundary, 0.01))) == 0.0).all()
    for lake in waters.lakes:
        middle = lake.buffer(-0.0008)
        if not middle.is_empty:
            found = heights_at(relief, shapely.get_coordinates(shapely.segmentize(middle.boundary, 0.0005)))
            assert len(set(found.tolist())) == 1
            assert found[0] > 0


def test_rivers_lie_lower_than_their_banks_and_hills_higher_than_the_plain(waters: Waters, relief: Path) -> None:
    lines = [line for line in waters.rivers if shapely.get_dimensions(line) == 1]
    along = shapely.get_coordinates(
        shapely.line_interpolate_point(lines, np.linspace(0.2, 0.8, 7)[:, None], normalized=True)
    )
    round_about = [(0.006, 0.0), (-0.006, 0.0), (0.0, 0.005), (0.0, -0.005)]
    banks = np.mean([heights_at(relief, along + np.array(step)) for step in round_about], axis=0)
    assert np.mean(heights_at(relief, along) < banks) > 0.85
    tops = heights_at(relief, [(lon, lat) for lon, lat, _, _ in HILLS])
    assert tops.min() > 60
    with rasterio.open(relief) as file:
        assert np.median(file.read(1)) < 50
