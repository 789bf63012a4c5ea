"""`onemap places`: a search and a point on the command line."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from api.cli import run
from layers.policy import Actor
from layers.registry import Registry
from small_town import LAT, LON, small_town_manifests
from twin.store import open_store

Said = tuple[int, str, str]


@pytest.fixture
def onemap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Said]:
    """Run a command line on a small town: (exit code, standard output, standard error)."""
    for name in ("ONEMAP_STORE", "ONEMAP_PORT", "ONEMAP_HOST"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ONEMAP_DATA_DIR", str(tmp_path))
    with closing(open_store(tmp_path / "onemap.gpkg")) as store:
        for manifest in small_town_manifests():
            Registry(store).register(manifest, Actor("tester"))

    def call(*arguments: object) -> Said:
        code = run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


def test_a_search_lists_places(onemap: Callable[..., Said]) -> None:
    code, out, _ = onemap("places", "fuan", "--near", f"{LON},{LAT}")

    assert code == 0
    assert "阜安街道" in out
    assert "places/1" in out
    assert "143" in out
    assert "Nothing was found" in onemap("places", "北京故宫")[1]


def test_a_point_tells_what_lies_there(onemap: Callable[..., Said]) -> None:
    code, out, _ = onemap("places", "--at", f"{LON},{LAT}")

    assert code == 0
    assert "blocks" not in out.split("road")[0]
    assert "Outside of Jiaozhou" in onemap("places", "--at", "0,0")[1]


@pytest.mark.parametrize(
    "arguments", [(), ("fuan", "--at", "120,36"), ("--at", "120"), ("--at", "500,1"), ("fuan", "--near", "x"), ("!!",)]
)
def test_what_cannot_be_done_is_one_line(onemap: Callable[..., Said], arguments: tuple[str, ...]) -> None:
    code, out, err = onemap("places", *arguments)

    assert (code, out) == (2, "")
    assert len(err.strip().splitlines()) == 1
    assert "Remedy" in err
