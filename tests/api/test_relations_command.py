"""`onemap relations`: what each verb prints, its exit code, and one line for every error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli import run
from quarter import CLERK, with_quarter
from twin.store import open_store


@pytest.fixture
def onemap(tmp_path: Path, monkeypatch, capfd):
    """Run a command line on a data folder with the quarter in it: (exit code, standard output, standard error)."""
    for name in ("ONEMAP_STORE", "ONEMAP_CITY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ONEMAP_DATA_DIR", str(tmp_path / "data"))
    with_quarter(open_store(tmp_path / "data" / "onemap.gpkg")).close()

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    file = tmp_path / "pairs.csv"
    file.write_text(
        "type,from_layer,from_id,to_layer,to_id,floor_number\n"
        "floor-of,floors,B1-1,buildings,B1,1\nlocated-in,sensors,S1,floors,B1-1,\nfloor-of,floors,B1-8,buildings,B1,8\n",
        encoding="utf-8",
    )
    return file


def test_a_file_of_pairs_is_recorded_whole_or_the_good_rows_of_it(onemap, pairs: Path) -> None:
    code, out, err = onemap("relations", "add", pairs)
    assert (code, out) == (2, "")
    assert "1 of 3 links cannot be recorded" in err
    assert "link 3: There is no such feature." in err
    code, out, _ = onemap("relations", "add", pairs, "--partial")
    assert code == 1
    assert "2 links recorded, 1 refused" in out
    assert "row 3: floors/B1-8" in out
    code, out, _ = onemap("relations", "show", "sensors", "S1", "--depth", "2")
    assert code == 0
    first, second = out.splitlines()
    assert first.startswith("位于 Located in: floors/B1-1 floors B1-1")
    assert second.startswith("  楼层属于 Floor of: buildings/B1")


def test_links_are_tried_derived_and_checked(onemap) -> None:
    arguments = ("relations", "derive", "in-grid-cell", "--from", "sensors", "--to", "cells")
    assert "Nothing was written" in onemap(*arguments, "--dry-run")[1]
    assert "kept 0, added 2, ended 0" in onemap(*arguments)[1]
    code, out, _ = onemap("relations", "check")
    assert (code, "2 links" in out, "Nothing is broken" in out) == (0, True, True)
    assert onemap("relations", "derive", "nonsense", "--from", "sensors", "--to", "cells")[0] == 2


def test_a_broken_link_makes_the_check_fail(onemap, tmp_path: Path) -> None:
    onemap("relations", "derive", "in-grid-cell", "--from", "sensors", "--to", "cells")
    store = open_store(tmp_path / "data" / "onemap.gpkg")
    with store.write("cells", CLERK) as writer:
        writer.delete("C1")
    store.close()
    code, out, _ = onemap("relations", "check")
    assert code == 1
    assert "error: orphan × 1" in out
    code, out, _ = onemap("relations", "check", "--json")
    assert (code, json.loads(out)["sound"]) == (1, False)
    assert onemap("relations", "resolve", "cells", "C1")[:2] == (1, "cells/C1: gone\n")


def test_types_are_listed_and_added_and_links_ended(onemap, tmp_path: Path, pairs: Path) -> None:
    kind = {"id": "lights", "title": {"zh": "照亮", "en": "Lights"}, "inverse": {"id": "lit-by", "title": "被照亮"}}
    file = tmp_path / "lights.json"
    file.write_text(json.dumps(kind), encoding="utf-8")
    code, out, _ = onemap("relations", "types", "--add", file)
    assert code == 0
    assert "照亮 Lights" in out
    assert "floor-of" in out
    onemap("relations", "add", pairs, "--partial")
    assert onemap("relations", "end", 1)[0] == 0
    assert onemap("relations", "end", 1)[0] == 2
    file.write_text("[", encoding="utf-8")
    assert onemap("relations", "types", "--add", file)[0] == 2


def test_removing_a_layer_that_others_are_tied_to_is_refused_on_the_command_line_too(onemap, pairs: Path) -> None:
    onemap("relations", "add", pairs, "--partial")
    code, _, err = onemap("layers", "remove", "buildings", "--yes")
    assert code == 2
    assert "floors/B1-1 floor-of buildings/B1" in err
