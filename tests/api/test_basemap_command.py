"""`onemap basemap`: what each verb prints, its exit code, and one line for every error."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli import run
from base_map_town import base_map_manifests
from layers.policy import Actor
from layers.registry import Registry
from twin.store import open_store


@pytest.fixture
def onemap(tmp_path: Path, monkeypatch, capfd):
    """Run a command line on a data folder with the small base map in it: (exit code, standard output, standard error)."""
    for name in ("ONEMAP_STORE", "ONEMAP_CITY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ONEMAP_DATA_DIR", str(tmp_path / "data"))
    store = open_store(tmp_path / "data" / "onemap.gpkg")
    for manifest in base_map_manifests():
        Registry(store).register(manifest, Actor("survey"))
    store.close()

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def test_a_check_prints_what_was_found_and_ends_in_trouble(onemap):
    code, out, _ = onemap("basemap", "check")
    assert code == 1
    assert "穿越 Crosses another layer" in out
    assert "检查 3 个图层 8 个要素：错误 1 处" in out
    assert "not run · 未执行: conflicts: there is no layer 'water'" in out
    code, out, _ = onemap("basemap", "check", "--layer", "districts", "--json")
    assert (code, json.loads(out)["errors"]) == (0, 0)


def test_a_check_takes_rules_from_a_file(onemap, tmp_path):
    rules = tmp_path / "rules.json"
    rules.write_text('{"buildings": [{"check": "geometry"}]}', encoding="utf-8")
    assert onemap("basemap", "check", "--rules", rules)[0] == 0
    rules.write_text('{"buildings": [{"check": "magic"}]}', encoding="utf-8")
    code, _, err = onemap("basemap", "check", "--rules", rules)
    assert code == 2
    assert "/buildings/0: There is no such check." in err
    rules.write_text("[", encoding="utf-8")
    assert "The rules cannot be read" in onemap("basemap", "check", "--rules", rules)[2]


def test_a_release_from_refusal_to_verification(onemap, tmp_path):
    assert "No release yet" in onemap("basemap", "releases")[1]
    code, _, err = onemap("basemap", "release", "2026.11")
    assert code == 2
    assert "The topology check found 1 error." in err
    code, out, _ = onemap("basemap", "release", "2026.11", "--force", "--reason", "汛期", "--notes", "首次")
    assert code == 0
    assert "2026.11: 3 layers released · 已发布" in out
    code, out, _ = onemap("basemap", "release", "2026.12", "--max-errors", 1, "--actor", "王工")
    assert "与 2026.11 相比：新增 0，删除 0，变更 0 个要素。" in out
    code, out, _ = onemap("basemap", "releases")
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["2026.12", "2026.11"]
    assert json.loads(onemap("basemap", "releases", "--json")[1])[0]["author"] == "王工"
    assert json.loads(onemap("basemap", "show", "2026.11")[1])["forced_reason"] == "汛期"
    code, out, _ = onemap("basemap", "report", "2026.12", "2026.11")
    assert "roads: 无变化（2 个要素）。 No change (2 features)." in out
    page = tmp_path / "report.html"
    onemap("basemap", "report", "2026.12", "--html", page)
    assert "变更报告 What changed" in page.read_text(encoding="utf-8")
    assert json.loads(onemap("basemap", "report", "2026.11", "--json")[1])["since"] is None
    code, out, _ = onemap("basemap", "verify", "2026.11")
    assert code == 0
    assert "2026.11: holds · 校验通过" in out


def test_a_release_that_differs_says_which_layer(onemap, tmp_path):
    onemap("basemap", "release", "2026.11", "--max-errors", 1)
    store = open_store(tmp_path / "data" / "onemap.gpkg")
    with store.writing() as connection:
        connection.exec_driver_sql("UPDATE roads SET name = 'forged' WHERE om_id = 'R1'")
    store.close()
    code, out, _ = onemap("basemap", "verify", "2026.11")
    assert code == 1
    assert "roads: DIFFERS · 不一致" in out
    assert "buildings: holds · 一致" in out
    assert "2026.11: DIFFERS · 校验不通过" in out


def test_what_is_not_there_is_one_line(onemap):
    code, _, err = onemap("basemap", "verify", "1999")
    assert code == 2
    assert err.startswith("onemap: There is no release '1999'.")


def test_a_pinned_layer_stays_on_the_command_line_too(onemap):
    onemap("basemap", "release", "2026.11", "--max-errors", 1)
    code, _, err = onemap("layers", "remove", "roads", "--yes")
    assert code == 2
    assert "part of 1 release of the base map" in err
    assert onemap("layers", "remove", "lamps", "--yes")[0] == 0
