"""A build of a scene that is killed goes on where it stood, ends in the same bytes, and takes nothing away meanwhile."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from box_town import SCHEMA, box_town
from layers.policy import Actor
from layers.scenes.desk import SceneDesk, SceneWish
from processes import spawn_python
from scenes3d.editions import building
from tiles.terrain.shelf import TerrainShelf
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

BUILDER = """
import sys
from pathlib import Path
from layers.policy import Actor
from layers.scenes.desk import SceneDesk, SceneWish
from tiles.terrain.shelf import TerrainShelf
from twin.store import open_store

tiles = 0
def told(what, count):
    global tiles
    tiles += what == "built" and count > 0
    if tiles == 6:
        print("six tiles", flush=True)
        sys.stdin.readline()
desk = SceneDesk(open_store(sys.argv[1]), Path(sys.argv[2]), TerrainShelf(Path(sys.argv[2]) / "terrain"))
desk.build("houses", SceneWish(), Actor("clerk"), told)
"""
ME = Actor("clerk")


@pytest.fixture(scope="module")
def killed(tmp_path_factory) -> Path:
    """A folder with a scene that is served, and a build of the layer's next version that was killed after six tiles."""
    folder = tmp_path_factory.mktemp("killed")
    store = open_store(folder / "twin.gpkg")
    document = {"id": "houses", "title": {"zh": "房屋", "en": "Houses"}, "department": "basemap"}
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, document)) as writer:
        for batch in box_town(1_500):
            writer.upsert(batch)
    desk_of(store, folder / "scenes").build("houses", SceneWish(), ME)
    with store.write("houses", Author("clerk")) as writer:
        for batch in box_town(1_500, seed=2):
            writer.upsert(batch)
    store.close()
    program = spawn_python(BUILDER, str(folder / "twin.gpkg"), str(folder / "scenes"))
    try:
        assert program.read_line() == "six tiles"
        program.kill()
    finally:
        program.stop()
    return folder


@pytest.fixture
def folder(killed: Path, tmp_path: Path) -> Path:
    return shutil.copytree(killed, tmp_path / "killed")


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    store = open_store(folder / "twin.gpkg")
    yield store
    store.close()


@pytest.fixture
def desk(store: Store, folder: Path) -> SceneDesk:
    return desk_of(store, folder / "scenes")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many buildings each tile has that is made from now on."""
    made, build_tile = [], building.build_tile

    def counted(work):
        made.append(len(work.buildings))
        return build_tile(work)

    monkeypatch.setattr(building, "build_tile", counted)
    return made


def desk_of(store: Store, root: Path) -> SceneDesk:
    return SceneDesk(store, root, TerrainShelf(root / "terrain"))


def journal(desk: SceneDesk) -> Path:
    return desk.folder("houses").path / "building.jsonl"


def test_a_killed_build_goes_on_in_the_same_bytes_and_the_old_scene_serves_meanwhile(store, desk, made, tmp_path):
    folder = desk.scene("houses", ME).folder
    served = folder.edition(folder.record()["current"])
    assert served.version == 1
    assert all(folder.read_tile(entry.content) for entry in served.entries)
    with journal(desk).open("ab") as torn:
        torn.write(b"[12, 17, ")
    edition = desk.served(desk.build("houses", SceneWish(), ME)).edition
    assert len(made) == len(edition.entries) - 6 > 0
    assert not journal(desk).exists()
    whole = desk_of(store, tmp_path / "other")
    assert whole.served(whole.build("houses", SceneWish(), ME)).edition.to_bytes() == edition.to_bytes()


def test_other_settings_begin_anew(desk, made):
    edition = desk.served(desk.build("houses", SceneWish(height="", floors="floors"), ME)).edition
    assert len(made) == len(edition.entries)


def test_a_tile_that_is_lost_meanwhile_is_made_again(desk, made):
    folder = desk.folder("houses")
    lost = [folder.tile_path(json.loads(line)[2]) for line in journal(desk).read_text().splitlines()[1:3]]
    lost[0].unlink()
    lost[1].write_bytes(b"half")
    edition = desk.served(desk.build("houses", SceneWish(), ME)).edition
    assert len(made) == len(edition.entries) - 4
    assert all(entry.length == len(folder.read_tile(entry.content)) for entry in edition.entries)
