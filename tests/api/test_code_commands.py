"""`onemap codes` and `onemap divisions`: a place, a code, an edition, and one line for every error."""

from __future__ import annotations

import json

import pytest

from api.cli import run


@pytest.fixture
def onemap(tmp_path, monkeypatch, capfd):
    """Run a command line on a data folder of its own: (exit code, standard output, standard error)."""
    monkeypatch.delenv("ONEMAP_STORE", raising=False)
    monkeypatch.setenv("ONEMAP_DATA_DIR", str(tmp_path / "data"))

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def test_a_place_has_its_codes(onemap):
    code, said, _ = onemap("codes", "120.0335", "36.2645", "--height", "50")
    assert code == 0
    for wanted in ("J51G090001", "N51J002250D020361341", "N051J00000202500D000206364131414", "4014892.496", "未知"):
        assert wanted in said


def test_western_and_southern_numbers_are_no_options(onemap):
    code, said, _ = onemap("codes", "-57.702155", "-31.396478", "--json")
    assert code == 0
    assert json.loads(said)["beidou"]["codes"][-1]["code"] == "S21H764C31B375022200"


def test_a_code_says_what_it_is(onemap):
    assert "阜安街道" in onemap("codes", "370281001")[1]
    document = json.loads(onemap("codes", "j51g090001", "--json")[1])
    assert document["features"][0]["properties"]["code"] == "J51G090001"
    assert "暴露垃圾" in onemap("codes", "37028106010")[1]
    assert len(json.loads(onemap("codes", "N51J07121103", "--json", "--system", "sheet")[1])["features"]) == 1


def test_a_list_comes_in_as_an_edition_and_names_change_with_the_day(onemap, tmp_path):
    table = tmp_path / "towns.csv"
    table.write_text("code,name\n370281001,新阜安街道\n", encoding="utf-8")
    code, said, _ = onemap("divisions", "import", str(table), "--edition", "next", "--valid-from", "2030-01-01")
    assert (code, said.startswith("next: 1 divisions begun")) == (0, True)
    assert "nbs-2023" in onemap("divisions")[1]
    assert "新阜安街道" in onemap("codes", "370281001", "--at", "2030-01-01")[1].splitlines()[0]
    assert "新阜安街道" not in onemap("codes", "370281001", "--at", "2029-12-31")[1].splitlines()[0]
    code, _, error = onemap("divisions", "import", str(table), "--edition", "clash", "--valid-from", "2020-01-01")
    assert code == 2
    assert "from 2023-06-30" in error


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        (("1", "2", "3"), "LON LAT, or CODE"),
        (("hello",), "17 digits"),
        (("200", "36"), "-180 to 180"),
        (("120", "x"), "-90 to 90"),
    ],
)
def test_what_goes_wrong_is_one_line_with_the_limit(onemap, words, limit):
    code, _, error = onemap("codes", *words)
    assert code == 2
    assert len(error.strip().splitlines()) == 1
    assert limit in error
    assert "Remedy" in error
