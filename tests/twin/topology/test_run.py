"""Whole runs over a store: what is read, counted, listed and put into words, the same from both stores and all windows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import shapely

from drawn_sheets import box, line, streets, tiles
from twin.bounds import Bounds
from twin.crs import CRS, parse_crs
from twin.schema import GeometryType, Schema
from twin.store.port import LayerRecord
from twin.topology.kinds import Severity
from twin.topology.rules import parse_rules
from twin.topology.run import RunOptions, check_layers
from twin.topology.sheet import plane_of, windows_of

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PLANE: CRS = parse_crs("EPSG:4549")


def check(store, rules, **options):
    records = [record for record in store.layers() if record.id in rules]
    return check_layers(store, records, parse_rules(rules), RunOptions(PLANE, **options), at=NOW, others=store.layers())


def counts(report):
    return {(outcome.layer, kind): n for outcome in report.outcomes for (kind, _), n in sorted(outcome.counts.items())}


def test_a_town_with_one_fault_of_each_layer(store, draw):
    draw("districts", [box(-50, -50, 350, 350)], {"kind": ["city"]})
    draw("roads", [*streets(3, 3), line((50, 50), (50, 99))], {"bridge": [None] * 25})
    draw("houses", [box(10, 10, 20, 20), box(15, 10, 25, 20), box(95, 40, 105, 60), box(340, 0, 360, 10)])
    city = {"layer": "districts", "where": {"kind": ["city"]}}
    report = check(
        store,
        {
            "roads": [{"check": "network", "border": city, "border_m": 1}],
            "houses": [
                {"check": "overlaps"},
                {"check": "conflicts", "with": "roads"},
                {"check": "inside", "boundary": city, "severity": {"outside": "error"}},
                {"check": "conflicts", "with": "canals"},
            ],
        },
    )
    assert counts(report) == {
        ("houses", "overlap"): 1,
        ("houses", "line-conflict"): 1,
        ("houses", "outside"): 1,
        ("roads", "undershoot"): 1,
    }
    overlap, conflict, outside, undershoot = sorted(
        report.findings, key=lambda f: ("overlap", "line-conflict", "outside", "undershoot").index(f.kind)
    )
    assert (overlap.feature, overlap.other, overlap.unit) == ("1", "2", "m²")
    assert overlap.measure == pytest.approx(50, abs=0.01)
    assert overlap.message.en == "1 and 2 of houses overlap by 50 m² (limit 1 m²)"
    assert overlap.message.zh == "houses 中 1 与 2 重叠 50 m²（限 1 m²）"
    assert (conflict.feature, conflict.other_layer, conflict.measure) == ("3", "roads", pytest.approx(20, abs=0.01))
    assert (outside.severity, outside.measure) == (Severity.ERROR, pytest.approx(10, abs=0.01))
    assert undershoot.measure == pytest.approx(1.0, abs=0.001)
    assert Bounds(119.9, 36.0, 120.2, 36.5).union(Bounds(*shapely.bounds(undershoot.geometry))) == Bounds(
        119.9, 36.0, 120.2, 36.5
    ), "places are degrees"
    houses = next(outcome for outcome in report.outcomes if outcome.layer == "houses")
    assert houses.skipped == ("conflicts: there is no layer 'canals'",)
    assert next(outcome for outcome in report.outcomes if outcome.layer == "roads").dead_ends == 1
    assert report.count(Severity.ERROR) == 4
    assert "4 errors" in report.summary.en
    assert "错误 4 处" in report.summary.zh


def test_windows_find_what_the_whole_finds(store, draw):
    """Overlaps of every tile with its eastern neighbour, a loose end in each cell, doubles: none twice, none lost."""
    draw("plots", [box(x * 10, y * 10, x * 10 + 12, y * 10 + 10) for x in range(12) for y in range(12)])
    loose = [line((c * 100 + 50, r * 100 + 50), (c * 100 + 50, r * 100 + 99)) for c in range(3) for r in range(3)]
    draw("roads", [*streets(3, 3), *loose, *loose[:2]])
    rules = {
        "plots": [{"check": "overlaps"}, {"check": "duplicates"}],
        "roads": [{"check": "network"}, {"check": "duplicates"}],
    }
    whole, parts = check(store, rules), check(store, rules, rows=10)
    assert counts(whole) == counts(parts)
    assert counts(whole)["plots", "overlap"] == 12 * 11
    assert counts(whole)["roads", "duplicate-feature"] == 2
    assert {f.id for f in whole.findings} == {f.id for f in parts.findings}


def test_all_are_counted_and_the_first_are_listed(store, draw):
    draw("plots", [box(x * 10, 0, x * 10 + 12, 10) for x in range(20)])
    report = check(store, {"plots": [{"check": "overlaps"}]}, listed=5)
    assert (report.total, len(report.findings), report.unlisted) == (19, 5, 14)


def test_two_runs_give_the_same_ids(store, draw):
    draw("plots", [box(x * 10, 0, x * 10 + 12, 10) for x in range(4)])
    rules = {"plots": [{"check": "overlaps"}]}
    first, second = check(store, rules), check(store, rules)
    assert [f.id for f in first.findings] == [f.id for f in second.findings]
    assert len({f.id for f in first.findings}) == 3


def test_a_layer_without_rules_is_checked_for_shapes_and_doubles(store, draw):
    draw("plots", [box(0, 0, 10, 10), box(0, 0, 10, 10)], {"name": ["a", "a"]})
    report = check_layers(store, store.layers(), {}, RunOptions(PLANE), at=NOW)
    assert counts(report) == {("plots", "duplicate-feature"): 1}
    assert report.outcomes[0].checks == ("geometry", "duplicates")


def test_a_coverage_takes_the_selected_features_only(store, draw):
    draw("districts", [box(0, 0, 300, 200), *tiles(3, 2)], {"kind": ["city"] + ["town"] * 6})
    city = {"layer": "districts", "where": {"kind": ["city"]}}
    rule = {"check": "coverage", "where": {"kind": ["town"]}, "boundary": city}
    assert check(store, {"districts": [rule]}).total == 0
    assert counts(check(store, {"districts": [{"check": "coverage"}]})) == {
        ("districts", "overlap"): 6,
        ("districts", "invalid-edge"): 7,
    }


def test_an_empty_layer_has_no_fault(store, draw):
    draw("empty", [])
    checks = [{"check": name} for name in ("geometry", "duplicates", "overlaps", "coverage", "network")]
    assert check(store, {"empty": checks}).total == 0


def test_a_place_far_from_the_city_is_measured_in_its_own_zone():
    assert plane_of(Bounds(119.9, 36, 120.1, 36.3), PLANE) == PLANE
    assert plane_of(Bounds(-71.2, 42.3, -71.0, 42.4), PLANE).to_epsg() == 32619
    assert plane_of(Bounds(18, -34, 19, -33), PLANE).to_epsg() == 32734
    assert plane_of(None, PLANE) == PLANE


def test_every_place_belongs_to_exactly_one_window():
    box_ = Bounds(119.6, 36.0, 120.2, 36.5)
    record = LayerRecord("x", Schema(GeometryType.POINT), {}, 1, 1000, box_, NOW, NOW)
    windows = windows_of(record, 100, 10)
    assert len(windows) == 16
    import numpy as np

    lons, lats = np.meshgrid(np.linspace(119.6, 120.2, 41), np.linspace(36.0, 36.5, 41))
    owners = sum(window.owns(lons.ravel(), lats.ravel()).astype(int) for window in windows)
    assert set(owners.tolist()) == {1}
