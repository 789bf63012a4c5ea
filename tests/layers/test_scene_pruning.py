"""Pruning a scene: what goes, what stays, what readers still find, and that any date gives the city it gave before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from box_town import SCHEMA, box_town
from layers.policy import Actor
from layers.scenes import editions, serving
from layers.scenes.desk import SceneDesk, SceneWish
from layers.scenes.pruning import Pruned, is_due, prune, prune_when_due
from scenes3d.editions.edition import Edition
from scenes3d.editions.folder import SceneFolder
from scenes3d.editions.keeping import Keep
from tiles.terrain.shelf import TerrainShelf
from twin.basemap.release import Release, ReleasedLayer
from twin.basemap.release_book import open_releases
from twin.errors import UnreadableFileError
from twin.interval import Interval
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store
from twin.text import LocalText

ME = Actor("tester")
LAST = Keep(newest=1, days=0, months=0)
HOUR = timedelta(hours=1)
EDITS = 6


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(tmp_path / "twin.gpkg")
    document = {"id": "houses", "title": {"zh": "房屋", "en": "Houses"}, "department": "basemap"}
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, document)) as writer:
        for batch in box_town(400):
            writer.upsert(batch)
    yield store
    store.close()


@pytest.fixture
def desk(store: Store, tmp_path: Path) -> SceneDesk:
    """The scene at each of seven versions."""
    desk = SceneDesk(store, tmp_path / "scenes", TerrainShelf(tmp_path / "terrain"))
    desk.build("houses", SceneWish(), ME)
    for number in range(EDITS):
        raise_one(store, number)
        desk.served(desk.scene("houses", ME))
    return desk


def raise_one(store: Store, number: int) -> None:
    house = store.get("houses", f"b{number * 50}")
    with store.write("houses", Author("clerk")) as writer:
        writer.replace(replace(house, properties=house.properties | {"height": 60.0 + number}))


def pruned(desk: SceneDesk, keep: Keep | None = LAST, **options: object) -> Pruned:
    now = options.pop("now", datetime.now(UTC))
    return prune(desk, desk.scene("houses", ME), keep, now, **options)  # type: ignore[arg-type]


def tiles_on_disk(desk: SceneDesk) -> set[str]:
    return {path.stem for path in (desk.folder("houses").path / "tiles").rglob("*.glb")}


def named(*editions: Edition) -> set[str]:
    return {entry.content for edition in editions for entry in edition.entries}


def test_readers_end_in_peace_then_the_tiles_go_and_every_date_is_as_before(desk):
    folder = desk.folder("houses")
    before = {version: folder.edition(version) for version in folder.versions()}
    assert list(before) == list(range(1, EDITS + 2))
    done = pruned(desk)
    assert (done.kept, done.given_up, done.held_back) == ([EDITS + 1], list(range(1, EDITS + 1)), [])
    assert done.swept.tiles == 0
    # Who has an old tileset open finds all of its tiles, and who has just looked which editions there are finds the list.
    assert named(*before.values()) <= tiles_on_disk(desk)
    assert folder.versions() == [EDITS + 1]
    assert folder.edition(2) == before[2]
    later = pruned(desk, now=datetime.now(UTC) + HOUR + timedelta(minutes=1))
    assert later.swept.lists == EDITS
    assert later.swept.tiles == len(named(*before.values()) - named(before[EDITS + 1]))
    assert tiles_on_disk(desk) == named(before[EDITS + 1])
    assert {path.stem for path in folder.path.rglob("*.rows")} == tiles_on_disk(desk)
    scene = desk.scene("houses", ME)
    for version, edition in before.items():
        assert desk.served(scene, version).edition == edition
        assert named(edition) <= tiles_on_disk(desk)


def test_what_a_release_of_the_base_map_pins_stays(desk, store):
    pinned = ReleasedLayer("houses", LocalText(), 3, 400, None, "EPSG:4490", "EPSG:4490", None, None, None, "")
    open_releases(store).add(Release("autumn", datetime.now(UTC), "clerk", "first", None, (pinned,), {}), {})
    assert pruned(desk).kept == [3, EDITS + 1]


def test_what_could_not_be_made_again_is_held_back(desk, monkeypatch):
    monkeypatch.setattr(serving, "MOST_AT_ONCE", 100)
    monkeypatch.setattr(editions, "MOST_TOUCHED", 2)
    done = pruned(desk)
    # 1 is six edits from 7, the only one that the policy keeps; 2 and 3 are near 1; 4 is three from either side.
    assert (done.kept, done.held_back) == ([1, 4, 7], [1, 4])
    for version in done.given_up:
        assert desk.served(desk.scene("houses", ME), version).edition.buildings == 400


def test_other_times_and_other_rules_leave_their_tiles_for_the_grace_period(desk):
    scene = desk.scene("houses", ME)
    old = desk.served(scene).edition
    desk.build("houses", SceneWish(height="", floors="floors"), ME)
    late = datetime.now(UTC) + timedelta(minutes=59)
    assert pruned(desk, None, now=late).swept.tiles == 0
    assert named(old) <= tiles_on_disk(desk)
    pruned(desk, None, now=late + HOUR)
    assert not named(old) <= tiles_on_disk(desk)


def test_a_broken_list_stops_the_sweep(desk):
    path = desk.folder("houses").list_path(3)
    path.write_bytes(b"\x1f\x8b")
    before = tiles_on_disk(desk)
    with pytest.raises(UnreadableFileError):
        pruned(desk, None, now=datetime.now(UTC) + 2 * HOUR)
    assert tiles_on_disk(desk) == before


def test_a_dry_run_moves_nothing_and_all_keeps_all(desk):
    files = sorted(desk.folder("houses").path.rglob("*"))
    assert len(pruned(desk, dry=True).given_up) == EDITS
    assert pruned(desk, None).given_up == []
    assert sorted(desk.folder("houses").path.rglob("*")) == files


def test_nobody_waits_for_a_build_to_see_another_time(desk, monkeypatch):
    pruned(desk)
    scene, then = desk.scene("houses", ME), Interval.parse("2024-01-01")
    monkeypatch.setattr(serving, "PATIENCE_S", 0.05)
    with SceneFolder(scene.folder.path).writing():  # another process builds
        assert desk.served(scene).edition.version == EDITS + 1
        for asked in ((1, None), (None, then)):
            with pytest.raises(serving.SceneBusyError):
                desk.served(scene, *asked)
    assert desk.served(scene, None, then).edition.buildings == 400


def test_it_is_done_every_hour_by_one_at_a_time(desk):
    scene, now = desk.scene("houses", ME), datetime.now(UTC)
    assert is_due(scene, now)
    prune_when_due(desk, scene, LAST, now)
    assert scene.folder.versions() == [EDITS + 1]
    assert not is_due(scene, now)
    assert is_due(scene, now + 2 * HOUR)
    with scene.folder.writing():
        asked = threading.Thread(target=prune_when_due, args=(desk, scene, LAST, now + 2 * HOUR))
        asked.start()
        asked.join(20)
    assert not asked.is_alive(), "who finds somebody writing goes on at once"
    assert is_due(scene, now + 2 * HOUR)
