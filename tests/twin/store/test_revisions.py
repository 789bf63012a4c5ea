"""The present revisions of all layers, told in microseconds: no commit of any process is missed, and nothing else moves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from shapely import Point

from processes import Spawned
from twin.errors import DuplicateFeatureError
from twin.feature import Feature
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

SCHEMA = Schema(GeometryType.POINT, (Property("n", PropertyType.INTEGER),))
AUTHOR = Author("test")
# Writes one lamp for each line it is sent. With "die" it is killed inside the store, after the commit and before anybody is told.
WRITER = """
import os, signal, sys
import shapely
from twin.feature import Feature
from twin.store import open_store
from twin.store.port import Author

store = open_store(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:
    with store.writing() as connection:
        known = store.catalogue.reread(connection, "lamps", lock=True)
        writer = store.writer(connection, known, born=False)
        writer.insert(Feature(None, shapely.Point(120, 36), {"n": 1}))
        writer.finish(Author("other"), store.catalogue)
        if line.strip() == "die":
            connection.commit()
            os.kill(os.getpid(), signal.SIGKILL)
    print("done", flush=True)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "twin.gpkg"


@pytest.fixture
def watched(file: Path) -> Iterator[Store]:
    with closing(open_store(file)) as store:
        for layer_id in ("lamps", "roads"):
            store.create_layer(LayerSpec(layer_id, SCHEMA), AUTHOR)
        yield store


def write(store: Store, layer_id: str) -> None:
    with store.write(layer_id, AUTHOR) as writer:
        writer.insert(Feature(None, Point(120, 36), {"n": 1}))


def write_twice(store: Store) -> None:
    with store.write("lamps", AUTHOR) as writer:
        for _ in range(2):
            writer.insert(Feature("same", Point(120, 36), {"n": 1}))


def test_while_nothing_is_committed_the_very_same_object_is_given(watched: Store) -> None:
    first = watched.revisions()
    assert first is not None
    assert set(first) == {"lamps", "roads"}
    watched.layers()
    assert watched.revisions() is first


def test_every_kind_of_commit_moves_the_layer_it_touches_and_no_other(watched: Store) -> None:
    def after(change: Callable[[], object]) -> dict[str, int]:
        change()
        return dict(watched.revisions() or {})

    seen = [dict(watched.revisions() or {})]
    seen.append(after(lambda: write(watched, "lamps")))
    seen.append(after(lambda: watched.describe_layer("lamps", {"title": "灯"})))
    seen.append(after(lambda: watched.drop_layer("lamps")))
    seen.append(after(lambda: watched.create_layer(LayerSpec("lamps", SCHEMA), AUTHOR)))
    assert "lamps" not in seen[3]
    numbers = [revisions["lamps"] for revisions in seen if "lamps" in revisions]
    assert numbers == sorted(set(numbers))  # a new one each time, that of a second birth above all before
    assert {revisions["roads"] for revisions in seen} == {seen[0]["roads"]}


def test_a_write_that_is_undone_moves_nothing(watched: Store) -> None:
    before = watched.revisions()
    with pytest.raises(DuplicateFeatureError):
        write_twice(watched)
    assert watched.revisions() == before


def test_a_write_of_another_process_is_seen_as_soon_as_that_process_may_say_so(
    watched: Store, file: Path, spawn: Callable[..., Spawned]
) -> None:
    other = spawn(WRITER, str(file))
    assert other.read_line() == "ready"
    assert other.process.stdin is not None
    for _ in range(20):
        before = watched.revisions()
        other.process.stdin.write("go\n")
        other.process.stdin.flush()
        assert other.read_line() == "done"
        after = watched.revisions()
        assert before is not None
        assert after is not None
        assert after["lamps"] == before["lamps"] + 1


def test_a_writer_killed_between_its_commit_and_its_word_is_not_missed(
    watched: Store, file: Path, spawn: Callable[..., Spawned]
) -> None:
    before = watched.revisions()
    other = spawn(WRITER, str(file))
    assert other.read_line() == "ready"
    assert other.process.stdin is not None
    other.process.stdin.write("die\n")
    other.process.stdin.flush()
    assert other.wait() == -9
    after = watched.revisions()
    assert before is not None
    assert after is not None
    assert after["lamps"] == before["lamps"] + 1


def test_a_closed_or_broken_file_gives_none_and_does_not_raise(file: Path) -> None:
    store = open_store(file)
    store.close()
    assert store.revisions() is None


def test_postgis_says_that_it_cannot_tell_without_asking_the_server(postgis_url: str) -> None:
    with closing(open_store(postgis_url)) as store:
        assert store.revisions() is None
