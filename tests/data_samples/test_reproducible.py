"""The same seed draws the same town, down to the bytes of its files."""

from __future__ import annotations

from pathlib import Path

import geopandas
import geopandas.testing
import numpy as np
import pytest

from data_samples.town import sample
from data_samples.town.chance import Chance

COMMITTED = Path(sample.__file__).resolve().parents[1] / "jiaozhou"
SAME_BYTES = [name for name, _ in sample.FILES.values() if not name.endswith((".gpkg", ".fgb"))]
"""SQLite and GDAL write their own version into the other two."""


@pytest.mark.parametrize("name", SAME_BYTES)
def test_drawing_again_gives_the_committed_bytes(drawn, name):
    again = next(file.path for file in drawn.values() if file.path.name == name)
    assert again.read_bytes() == (COMMITTED / name).read_bytes(), "run `python -m data_samples.town`, look, commit"


@pytest.mark.parametrize("layer", ["grid-cells", "railways"])
def test_drawing_again_gives_the_committed_rows(drawn, layers, layer):
    geopandas.testing.assert_geodataframe_equal(geopandas.read_file(drawn[layer].path), layers[layer])


def test_every_layer_has_a_file_a_manifest_and_its_rows(drawn, layers):
    assert set(drawn) == set(sample.FILES) == set(layers)
    for layer_id, file in drawn.items():
        assert file.manifest.is_file()
        assert file.rows == len(layers[layer_id])


def test_the_committed_town_stays_small():
    assert sum(path.stat().st_size for path in COMMITTED.iterdir()) < 8_000_000


def test_chance_depends_on_seed_and_name_alone():
    one = Chance(1)
    one.uniform("other", 5)
    assert one.uniform("roads", 4).tolist() == Chance(1).uniform("roads", 4).tolist()
    assert one.uniform("roads", 4).tolist() != Chance(2).uniform("roads", 4).tolist()
    assert one.uniform("roads", 4).tolist() != one.uniform("rivers", 4).tolist()


def test_chance_is_even_between_its_limits():
    numbers = Chance(7).uniform("even", 20_000, 10, 20)
    assert numbers.min() >= 10
    assert numbers.max() < 20
    assert np.histogram(numbers, bins=10, range=(10, 20))[0].min() > 1800


def test_whole_numbers_reach_both_limits():
    assert set(Chance(3).integers("dice", 500, 1, 6).tolist()) == {1, 2, 3, 4, 5, 6}
