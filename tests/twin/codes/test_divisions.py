"""Division codes: what their digits say, editions with dates, and how one edition follows another, in both stores."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
import shapely

from twin.codes.coded_polygons import CodedPolygons
from twin.codes.division_editions import EditionHead, parse_edition, read_divisions_csv, shipped_editions
from twin.codes.division_store import open_divisions
from twin.codes.divisions import parse_division_code
from twin.errors import BadCodeError, BadFeatureError, BadIntervalError, EditionConflictError
from twin.store.port import Author

AUTHOR = Author("王工", "test")
TODAY = date(2026, 11, 28)


@pytest.mark.parametrize(
    ("code", "level", "parent", "statistical"),
    [
        ("370000", "province", None, False),
        ("370200", "prefecture", "370000", False),
        ("370281", "county", "370200", False),
        ("370281001", "town", "370281", False),
        ("370281105", "town", "370281", False),
        ("370281400", "town", "370281", True),
        ("370281001001", "community", "370281001", False),
        ("370281401001", "community", "370281401", True),
    ],
)
def test_digits_say_level_parent_and_whether_the_law_knows_the_unit(code, level, parent, statistical):
    known = parse_division_code(code)
    assert (known.level, known.parent, known.statistical) == (level, parent, statistical)


@pytest.mark.parametrize(
    "code", ["", "37028", "3702810", "370281000", "370281001000", "370081", "37028a", "３７０２８１", "000000"]
)
def test_what_is_no_division_is_refused(code):
    with pytest.raises(BadCodeError) as caught:
        parse_division_code(code)
    assert caught.value.limit
    assert caught.value.remedy


def test_the_shipped_edition_has_jiaozhou_its_twelve_towns_and_two_statistical_units():
    (edition,) = shipped_editions()
    kinds = [parse_division_code(division.code) for division in edition.divisions]
    towns = [known for known in kinds if known.level == "town"]
    assert sum(not known.statistical for known in towns) == 12
    assert [known.code for known in towns if known.statistical] == ["370281400", "370281401"]
    assert all(division.name.zh and division.name.en and division.pinyin for division in edition.divisions)


def test_names_are_those_of_the_statistics_bureau(shared_data):
    listed = (shared_data / "admin" / "qingdao-streets-nbs-2023.csv").read_text("utf-8")
    for division in shipped_editions()[0].divisions:
        if len(division.code) == 9:
            assert f"{division.code},{division.name.zh},370281" in listed


def test_a_new_list_has_the_shipped_edition_and_opening_twice_changes_nothing(store):
    for _ in range(2):
        divisions = open_divisions(store)
        assert [entry.head.id for entry in divisions.editions()] == ["nbs-2023"]
    found = divisions.at(["370281", "370281001", "999999"], TODAY)
    assert {code: division.name.zh for code, division in found.items()} == {"370281": "胶州市", "370281001": "阜安街道"}
    assert len(divisions.children("370281", TODAY)) == 14
    assert divisions.at(["370281"], date(2023, 6, 29)) == {}
    assert divisions.children("370281", date(2020, 1, 1)) == []


def test_the_bureaus_tables_come_in_as_editions(store, shared_data):
    divisions = open_divisions(store)
    counties = (shared_data / "admin" / "china-counties-nbs-2023.csv").read_text("utf-8")
    head = EditionHead("nbs-2022", date(2022, 1, 1), date(2023, 6, 30), "statistics bureau")
    recorded = divisions.add(read_divisions_csv(counties, head), AUTHOR)
    assert (recorded.begun, recorded.ended, recorded.author) == (2978, 0, "王工")
    assert divisions.at(["370281"], date(2022, 6, 1))["370281"].edition == "nbs-2022"
    assert divisions.at(["370281"], date(2023, 6, 30))["370281"].edition == "nbs-2023"
    assert [state.edition for state in divisions.history("370281")] == ["nbs-2023", "nbs-2022"]
    assert "市北区" in {division.name.zh for division in divisions.children("370200", date(2022, 6, 1))}


def test_a_newer_edition_ends_what_it_names_and_what_it_leaves_out(store):
    divisions = open_divisions(store)
    text = "code,name,name_en\n370281001,阜安街道,Fu'an\n370281012,新城街道,New Town\n"
    recorded = divisions.add(read_divisions_csv(text, EditionHead("local-2027", date(2027, 1, 1))), AUTHOR)
    assert (recorded.begun, recorded.ended) == (2, 14)
    before, after = date(2026, 12, 31), date(2027, 1, 1)
    assert len(divisions.children("370281", before)) == 14
    assert [d.code for d in divisions.children("370281", after)] == ["370281001", "370281012"]
    assert "370281" in divisions.at(["370281"], after), "the county stands on another level"
    (now, past) = divisions.history("370281001")
    assert (past.valid_to, now.valid_from, now.valid_to) == (after, after, None)
    (gone,) = divisions.history("370281002")
    assert gone.valid_to == after


def test_overlapping_validity_is_refused_with_both_stretches_and_nothing_is_written(store):
    divisions = open_divisions(store)
    text = "code,name\n370281001,阜安街道\n"
    with pytest.raises(EditionConflictError) as caught:
        divisions.add(read_divisions_csv(text, EditionHead("early", date(2020, 1, 1))), AUTHOR)
    (finding,) = caught.value.findings
    assert "from 2023-06-30 on" in finding.problem
    assert "from 2020-01-01 on" in finding.problem
    with pytest.raises(EditionConflictError):
        divisions.add(read_divisions_csv(text, EditionHead("inside", date(2020, 1, 1), date(2023, 7, 1))), AUTHOR)
    with pytest.raises(EditionConflictError, match="already"):
        divisions.add(read_divisions_csv(text, EditionHead("nbs-2023", date(2030, 1, 1))), AUTHOR)
    assert len(divisions.editions()) == 1
    assert len(divisions.history("370281001")) == 1
    divisions.add(read_divisions_csv(text, EditionHead("before", date(2020, 1, 1), date(2023, 6, 30))), AUTHOR)
    assert divisions.at(["370281001"], date(2023, 6, 29))["370281001"].edition == "before"


def test_a_faulty_table_names_its_rows():
    text = "\ufeff代码,名称\n370281001,阜安街道\n370281001,又一\n37028,短\n370281002,\n"
    with pytest.raises(BadFeatureError) as caught:
        read_divisions_csv(text, EditionHead("x", date(2025, 1, 1)))
    assert [finding.where for finding in caught.value.findings] == ["row 3", "row 4", "row 5"]
    for empty in ("code,name\n", ""):
        with pytest.raises(BadFeatureError):
            read_divisions_csv(empty, EditionHead("x", date(2025, 1, 1)))
    with pytest.raises(BadIntervalError):
        EditionHead("x", date(2025, 1, 1), date(2025, 1, 1))


def test_short_codes_of_provinces_and_prefectures_are_filled():
    edition = read_divisions_csv("code,name\n37,山东省\n3702,青岛市\n", EditionHead("x", date(2025, 1, 1)))
    assert [division.code for division in edition.divisions] == ["370000", "370200"]
    document = {
        "edition": "y",
        "valid_from": "2025-01-01",
        "valid_to": "2026-01-01",
        "divisions": [{"code": "37", "name": "山东"}],
    }
    assert parse_edition(document).divisions[0].valid_to == date(2026, 1, 1)


def test_points_have_the_code_of_the_polygon_that_holds_them():
    rng = np.random.default_rng(2260)
    west, south = (grid.ravel() for grid in np.meshgrid(np.arange(10.0), np.arange(10.0)))
    polygons = CodedPolygons(
        shapely.box(west, south, west + 1, south + 1), np.char.zfill(rng.permutation(100).astype(str), 9)
    )
    lon, lat = rng.uniform(-1, 11, 2000), rng.uniform(-1, 11, 2000)
    lon[:200], lat[:200] = rng.integers(0, 11, 200), rng.integers(0, 11, 200)
    found = polygons.at(lon, lat)
    for x, y, code in zip(lon, lat, found, strict=True):
        holding = polygons.codes[(west <= x) & (x <= west + 1) & (south <= y) & (y <= south + 1)]
        assert code == (min(holding) if len(holding) else "")
