"""A build of a scene that is killed goes on where it stood, ends in the same bytes, and takes nothing away meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest

from box_town import SCHEMA, box_town
from layers.policy import Actor
from layers.scenes.desk import SceneDesk, SceneWish
from scenes3d.editions import building
from tiles.terrain.shelf import TerrainShelf
from twin.query import FeatureQuery
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


@pytest.fixture
def store(tmp_path: Path):
    store = open_store(tmp_path / "twin.gpkg")
    document = {"id": "houses", "title": {"zh": "房屋", "en": "Houses"}, "department": "basemap"}
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, document)) as writer:
        for batch in box_town(1_500):
            writer.upsert(batch)
    yield store
    store.close()


def desk_of(store: Store, root: Path) -> SceneDesk:
    return SceneDesk(store, root, TerrainShelf(root / "terrain"))


def made_again(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many buildings each tile has that is made from now on."""
    made, build_tile = [], building.build_tile

    def counted(work):
        made.append(len(work.buildings))
        return build_tile(work)

    monkeypatch.setattr(building, "build_tile", counted)
    return made


def test_a_killed_build_goes_on_and_the_old_scene_serves_meanwhile(store: Store, tmp_path: Path, spawn, monkeypatch):
    desk = desk_of(store, tmp_path / "scenes")
    before = desk.build("houses", SceneWish(), ME)
    served = desk.served(before).edition
    with store.write("houses", Author("clerk")) as writer:
        for batch in box_town(1_500, seed=2):
            writer.upsert(batch)
    program = spawn(BUILDER, str(tmp_path / "twin.gpkg"), str(tmp_path / "scenes"))
    assert program.read_line() == "six tiles"
    program.kill()
    folder = desk.scene("houses", ME).folder
    assert folder.edition(folder.record()["current"]) == served
    assert all(folder.read_tile(entry.content) for entry in served.entries)
    journal = folder.path / "building.jsonl"
    with journal.open("ab") as torn:
        torn.write(b"[12, 17, ")
    made = made_again(monkeypatch)
    edition = desk.served(desk.build("houses", SceneWish(), ME)).edition
    assert len(made) == len(edition.entries) - 6 > 0
    assert not journal.exists()
    whole = desk_of(store, tmp_path / "other")
    assert whole.served(whole.build("houses", SceneWish(), ME)).edition.to_bytes() == edition.to_bytes()


def test_another_layer_of_the_same_name_or_other_settings_begin_anew(store: Store, tmp_path: Path, spawn, monkeypatch):
    program = spawn(BUILDER, str(tmp_path / "twin.gpkg"), str(tmp_path / "scenes"))
    program.read_line()
    program.kill()
    desk = desk_of(store, tmp_path / "scenes")
    folder = desk.folder("houses")
    kept = (folder.path / "building.jsonl").read_bytes()
    made = made_again(monkeypatch)
    edition = desk.served(desk.build("houses", SceneWish(height="", floors="floors"), ME)).edition
    assert len(made) == len(edition.entries)
    (folder.path / "building.jsonl").write_bytes(kept)
    features = list(store.iterate("houses", FeatureQuery()))
    store.drop_layer("houses")
    document = {"id": "houses", "title": {"zh": "房屋", "en": "Houses"}, "department": "basemap"}
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, document)) as writer:
        for batch in features:
            writer.upsert(batch)
    made.clear()
    edition = desk.served(desk.build("houses", SceneWish(), ME)).edition
    assert len(made) == len(edition.entries)


def test_a_tile_that_is_lost_meanwhile_is_made_again(store: Store, tmp_path: Path, spawn, monkeypatch):
    program = spawn(BUILDER, str(tmp_path / "twin.gpkg"), str(tmp_path / "scenes"))
    program.read_line()
    program.kill()
    desk = desk_of(store, tmp_path / "scenes")
    lost = sorted(desk.folder("houses").path.glob("tiles/*/*.glb"))[:2]
    lost[0].unlink()
    lost[1].write_bytes(b"half")
    made = made_again(monkeypatch)
    edition = desk.served(desk.build("houses", SceneWish(), ME)).edition
    assert len(made) == len(edition.entries) - 4
    assert all(entry.length == len(desk.folder("houses").read_tile(entry.content)) for entry in edition.entries)
