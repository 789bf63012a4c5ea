"""GCJ-02 and BD-09 against what others publish: 167 places in six systems, and pairs with all their digits."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from twin.datums import bd09, gcj02
from twin.datums.baidu_mercator import from_baidu_mercator, to_baidu_mercator
from twin.datums.bd09 import bd09_to_gcj02, bd09_to_wgs84, gcj02_to_bd09, wgs84_to_bd09
from twin.datums.gcj02 import gcj02_to_wgs84, wgs84_to_gcj02
from twin.datums.offset_datums import BD09MC, GCJ02MC, Move

# toBeCloseTo(…, n) of the fixture's own tests: half a unit of the n-th decimal.
ONE_STEP_DEG, TWO_STEPS_DEG = 0.5e-5, 0.5e-4
Places = dict[str, npt.NDArray[np.float64]]


@pytest.fixture(scope="module")
def places(shared_data: Path) -> Places:
    """Coordinates (2, 167), east first, by system."""
    cities = json.loads((shared_data / "coords/china-cities-six-crs.json").read_text(encoding="utf-8"))
    assert len(cities) == 167
    return {name: np.array([city["coords"][name] for city in cities]).T for name in cities[0]["coords"]}


@pytest.mark.parametrize(
    ("move", "source", "target", "tolerance"),
    [
        # The services' GCJ-02 differs from every published formula by up to 0.7 m: four decimals.
        (wgs84_to_gcj02, "WGS84", "GCJ02", TWO_STEPS_DEG),
        (gcj02_to_wgs84, "GCJ02", "WGS84", TWO_STEPS_DEG),
        (gcj02_to_bd09, "GCJ02", "BD09", ONE_STEP_DEG),
        (bd09_to_gcj02, "BD09", "GCJ02", ONE_STEP_DEG),
        (wgs84_to_bd09, "WGS84", "BD09", TWO_STEPS_DEG),
        (bd09_to_wgs84, "BD09", "WGS84", TWO_STEPS_DEG),
        (from_baidu_mercator, "BD09MC", "BD09", ONE_STEP_DEG),
        (to_baidu_mercator, "BD09", "BD09MC", 0.01),
        (from_baidu_mercator, "GCJ02MC", "GCJ02", ONE_STEP_DEG),
        (to_baidu_mercator, "GCJ02", "GCJ02MC", 0.01),
        (BD09MC.to_wgs84, "BD09MC", "WGS84", TWO_STEPS_DEG),
        (GCJ02MC.to_wgs84, "GCJ02MC", "WGS84", TWO_STEPS_DEG),
        (BD09MC.from_wgs84, "WGS84", "BD09MC", 1.0),
        (GCJ02MC.from_wgs84, "WGS84", "GCJ02MC", 1.0),
    ],
)
def test_all_167_places(places: Places, move: Move, source: str, target: str, tolerance: float) -> None:
    """Degrees to the tolerances of the fixture's own tests; metres to 1 cm one step, 1 m over the formula."""
    found = np.array(move(*places[source]))
    assert np.abs(found - places[target]).max() < tolerance


@pytest.fixture(scope="module")
def pairs(shared_data: Path) -> list[dict[str, str]]:
    with (shared_data / "coords/gcj02-bd09-reference-pairs.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def numbers(pair: dict[str, str], kind: str) -> tuple[float, float]:
    return float(pair[f"{kind}_lon"]), float(pair[f"{kind}_lat"])


def test_gcj02_pairs_with_all_their_digits(pairs: list[dict[str, str]]) -> None:
    chosen = [pair for pair in pairs if pair["kind"] == "wgs84_to_gcj02"]
    assert len(chosen) == 3
    for pair in chosen:
        for move, given, wanted in ((wgs84_to_gcj02, "in", "out"), (gcj02_to_wgs84, "out", "in")):
            lon, lat = move(*numbers(pair, given))
            assert (lon[0], lat[0]) == pytest.approx(numbers(pair, wanted), abs=1e-6)


def test_bd09_pairs_made_with_another_frequency(pairs: list[dict[str, str]], monkeypatch: pytest.MonkeyPatch) -> None:
    """Their library swings with pi where Baidu, its other direction and the 167 places have 3000/180 pi, and takes one step.

    With its two habits put in, our arithmetic gives its digits; without them it stays within their 36 m error.
    """
    chosen = [pair for pair in pairs if pair["kind"] == "bd09_to_wgs84"]
    assert len(chosen) == 2
    for pair in chosen:
        lon, lat = bd09_to_wgs84(*numbers(pair, "in"))
        assert (lon[0], lat[0]) == pytest.approx(numbers(pair, "out"), abs=4e-4)
    monkeypatch.setattr(bd09, "_FREQUENCY", np.pi)
    monkeypatch.setattr(gcj02, "INVERSE_STEPS", 1)
    for pair in chosen:
        lon, lat = bd09_to_wgs84(*numbers(pair, "in"))
        assert (lon[0], lat[0]) == pytest.approx(numbers(pair, "out"), abs=5e-8)


def test_the_vector_of_the_standards_reference() -> None:
    east, north = wgs84_to_gcj02(120.0335, 36.2645)
    assert (east[0], north[0]) == pytest.approx((120.03883526, 36.26473757), abs=5e-9)
    east, north = gcj02_to_bd09(east, north)
    assert (east[0], north[0]) == pytest.approx((120.04540224, 36.27058242), abs=5e-9)
