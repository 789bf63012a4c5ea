"""Component and matter classes by edition, and the identifiers built on them."""

from __future__ import annotations

from collections import Counter

import pytest

from twin.codes.class_ids import check_classed_id, compose_classed_id, parse_classed_ids
from twin.codes.classes import Kind, shipped_classes
from twin.errors import BadCodeError, BadManifestError, UnknownCodeError

NEW, OLD = "47678.5-2026", "30428.2-2013"
CATALOGUE = shipped_classes()
VACANT = ["01016", "05001", "05004", "05005", "05006", "05007", "05008"]
VACANT_MATTERS = ["06031", "07005", "09007"]


def test_the_new_list_has_153_components_and_250_matters_in_their_majors():
    edition = CATALOGUE.edition(NEW)
    components, matters = edition.of_kind(Kind.COMPONENT), edition.of_kind(Kind.MATTER)
    assert Counter(known.major for known in components) == {"01": 76, "02": 44, "03": 16, "04": 14, "05": 3}
    assert len(matters) == 250
    assert sum(known.derived for known in matters) == 153
    assert Counter(known.major for known in matters if not known.derived) == {
        "06": 51,
        "07": 7,
        "08": 16,
        "09": 21,
        "10": 2,
    }
    assert all(known.name.zh and known.name.en for known in edition.of_kind(None))


def test_vacant_numbers_stay_vacant():
    edition = CATALOGUE.edition(NEW)
    for number in VACANT:
        assert edition.find(Kind.COMPONENT, number[:2], number[2:]) is None
    for number in VACANT + VACANT_MATTERS:
        assert edition.find(Kind.MATTER, number[:2], number[2:]) is None


@pytest.mark.parametrize(
    ("kind", "number", "zh"),
    [
        (Kind.COMPONENT, "01037", "路灯"),
        (Kind.COMPONENT, "01077", "综合杆"),
        (Kind.COMPONENT, "02044", "公路隧道"),
        (Kind.COMPONENT, "05009", "文物古迹"),
        (Kind.MATTER, "01037", "路灯异常"),
        (Kind.MATTER, "06010", "暴露垃圾"),
        (Kind.MATTER, "09006", "占道经营"),
        (Kind.MATTER, "10002", "架空线缆脱落"),
    ],
)
def test_a_number_means_its_class_by_kind(kind, number, zh):
    known = CATALOGUE.edition(NEW).find(kind, number[:2], number[2:])
    assert known is not None
    assert known.name.zh == zh
    assert known.key == (NEW, kind, number[:2], number[2:])


def test_keys_are_unique_over_all_editions():
    keys = [known.key for edition in CATALOGUE.editions.values() for known in edition.of_kind(None)]
    assert len(keys) == len(set(keys))
    assert list(CATALOGUE.editions) == [NEW, OLD]
    assert all(edition.weak for edition in CATALOGUE.editions.values())
    with pytest.raises(UnknownCodeError, match="no edition"):
        CATALOGUE.edition("2030")


def test_seventeen_digits_are_the_new_form_and_sixteen_have_two_old_ones():
    (new,) = parse_classed_ids("37028101037000012", Kind.COMPONENT, CATALOGUE)
    assert (new.form.edition, new.county, new.major, new.minor, new.sequence) == (NEW, "370281", "01", "037", "000012")
    assert new.code_class(CATALOGUE).name.zh == "路灯"
    first, second = parse_classed_ids("3205080101000001", Kind.COMPONENT, CATALOGUE)
    assert (first.major, first.minor, first.sequence) == ("01", "01", "000001")
    assert first.code_class(CATALOGUE).name.zh == "上水井盖"
    assert (second.minor, second.sequence) == ("010", "00001")
    assert [str(reading) for reading in (first, second)] == ["3205080101000001"] * 2


def test_eleven_digits_name_a_matter_class():
    (matter,) = parse_classed_ids("37028106010", Kind.MATTER, CATALOGUE)
    assert matter.code_class(CATALOGUE).name.zh == "暴露垃圾"
    assert matter.sequence == ""


def test_compose_undoes_parse():
    for text, kind in (
        ("37028101037000012", Kind.COMPONENT),
        ("3205080101000001", Kind.COMPONENT),
        ("37028106010", Kind.MATTER),
    ):
        for reading in parse_classed_ids(text, kind, CATALOGUE):
            sequence = int(reading.sequence) if reading.sequence else None
            assert compose_classed_id(reading.form, reading.county, reading.major, reading.minor, sequence) == text
    form = parse_classed_ids("37028101037000012", Kind.COMPONENT, CATALOGUE)[0].form
    for wrong in ({"sequence": 1_000_000}, {"sequence": None}, {"sequence": -1}):
        with pytest.raises(BadCodeError):
            compose_classed_id(form, "370281", "01", "037", **wrong)


@pytest.mark.parametrize("text", ["", "3702810103700001x", "370281010370000123", "３７０２８１０１０３７０００００１"])
def test_what_is_no_identifier_is_refused_with_the_forms(text):
    with pytest.raises(BadCodeError) as caught:
        parse_classed_ids(text, Kind.COMPONENT, CATALOGUE)
    assert "17 digits" in caught.value.limit
    with pytest.raises(BadCodeError):
        parse_classed_ids("37028106010", Kind.MATTER, CATALOGUE, OLD)


def test_checking_names_county_vacant_number_and_zero_sequence():
    (good,) = parse_classed_ids("37028101037000012", Kind.COMPONENT, CATALOGUE)
    assert check_classed_id(good, CATALOGUE, "370281") == ()
    (bad,) = parse_classed_ids("37020201016000000", Kind.COMPONENT, CATALOGUE)
    found = check_classed_id(bad, CATALOGUE, "370281")
    assert [finding.where for finding in found] == ["county", "class", "sequence"]
    assert "vacant" in found[1].problem


def local(**more):
    return {
        "edition": NEW,
        "kind": "component",
        "major": "01",
        "minor": "999",
        "name": {"zh": "大沽河界桩", "en": "River marker"},
    } | more


def test_a_county_adds_classes_from_999_down_to_080():
    catalogue = CATALOGUE.with_local([local(), local(minor="080", kind="matter", major="06")])
    known = catalogue.edition(NEW).find(Kind.COMPONENT, "01", "999")
    assert known.local
    assert known.name.zh == "大沽河界桩"
    assert CATALOGUE.edition(NEW).find(Kind.COMPONENT, "01", "999") is None, "the shipped list is untouched"
    (reading,) = parse_classed_ids("37028101999000001", Kind.COMPONENT, catalogue)
    assert reading.code_class(catalogue) == known


def test_local_classes_outside_the_range_taken_or_of_nothing_are_all_named():
    wrong = [
        local(minor="079"),
        local(minor="1000"),
        local(major="77"),
        local(edition=OLD),
        local(kind="thing"),
        local(name=""),
        local(),
        local(),
    ]
    with pytest.raises(BadManifestError) as caught:
        CATALOGUE.with_local(wrong)
    assert [finding.where for finding in caught.value.findings] == [
        f"/local_classes/{n}" for n in (0, 1, 2, 3, 4, 5, 7)
    ]
