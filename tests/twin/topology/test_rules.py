"""Rules are data: what they may say, and how a fault in them is named."""

from __future__ import annotations

import pytest

from twin.errors import BadRulesError
from twin.topology.kinds import Severity, kinds
from twin.topology.rules import (
    ConflictsCheck,
    CoverageCheck,
    NetworkCheck,
    Selection,
    default_rules,
    parse_checks,
    parse_rules,
)


def test_the_shipped_rules_can_be_read_and_cover_the_base_map():
    assert {"districts", "landuse", "water", "rivers", "roads", "railways", "buildings", "places", "poi"} <= set(
        default_rules()
    )


def test_settings_become_typed_values():
    (check,) = parse_checks(
        [
            {
                "check": "coverage",
                "where": {"kind": ["town"]},
                "boundary": {"layer": "districts", "where": {"kind": ["city"]}},
                "max_gap_m2": None,
                "sliver_width_m": 2,
                "severity": {"gap": "info"},
            }
        ]
    )
    assert isinstance(check, CoverageCheck)
    assert check.boundary == Selection("districts", {"kind": ("city",)})
    assert (check.sliver_width_m, check.max_gap_m2, check.min_area_m2) == (2.0, None, 1.0)
    assert (check.severity_of("gap"), check.severity_of("overlap")) == (Severity.INFO, Severity.ERROR)


def test_the_other_layer_is_called_with():
    (check,) = parse_checks([{"check": "conflicts", "with": "water", "with_where": {"kind": ["sea"]}}])
    assert isinstance(check, ConflictsCheck)
    assert (check.other, check.other_where) == ("water", {"kind": ("sea",)})


def test_a_network_reaches_as_far_as_it_snaps():
    assert NetworkCheck(snap_m=20).reach_m > 20


@pytest.mark.parametrize(
    ("entry", "where", "word"),
    [
        ({"check": "magic"}, "/roads/0", "no such check"),
        ("network", "/roads/0", "no such check"),
        ({"check": "network", "snap": 2}, "/roads/0/snap", "no such setting"),
        ({"check": "network", "snap_m": -1}, "/roads/0/snap_m", "from 0 up"),
        ({"check": "network", "snap_m": "2"}, "/roads/0/snap_m", "from 0 up"),
        ({"check": "network", "snap_m": True}, "/roads/0/snap_m", "from 0 up"),
        ({"check": "network", "snap_m": float("nan")}, "/roads/0/snap_m", "from 0 up"),
        ({"check": "network", "split": 1}, "/roads/0/split", "true or false"),
        ({"check": "network", "levels": "bridge"}, "/roads/0/levels", "list of property names"),
        ({"check": "network", "border": "districts"}, "/roads/0/border", "names a layer"),
        ({"check": "network", "where": {"kind": "city"}}, "/roads/0/where", "list of values"),
        ({"check": "network", "severity": {"overshoot": "bad"}}, "/roads/0/severity", "severity"),
        ({"check": "network", "severity": {"lateness": "error"}}, "/roads/0/severity", "severity"),
        ({"check": "conflicts"}, "/roads/0/with", "needs 'with'"),
        ({"check": "conflicts", "other": "water"}, "/roads/0/other", "no such setting"),
        ({"check": "inside"}, "/roads/0/boundary", "needs 'boundary'"),
    ],
)
def test_a_fault_is_named_by_its_place(entry, where, word):
    with pytest.raises(BadRulesError) as caught:
        parse_rules({"roads": [entry]})
    (finding,) = caught.value.findings
    assert finding.where == where
    assert word in finding.problem
    assert finding.remedy


def test_all_faults_are_named_at_once():
    with pytest.raises(BadRulesError) as caught:
        parse_rules({"roads": [{"check": "magic"}], "water": {"check": "geometry"}, "poi": [{"check": "geometry"}]})
    assert [finding.where for finding in caught.value.findings] == ["/roads/0", "/water"]


def test_rules_that_are_no_object_are_refused():
    with pytest.raises(BadRulesError):
        parse_rules([])


def test_every_kind_speaks_both_languages_with_the_same_places():
    for kind in kinds().values():
        said = dict.fromkeys(("layer", "feature", "other_layer", "other", "value", "limit"), "x")
        assert kind.message.zh.format(**said) != kind.message.en.format(**said)
        assert kind.title.zh
        assert kind.title.en
