"""The index follows the layers: changes, deletions, dropped layers, other processes, and the past."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from places_town import AUTHOR, CITY, Town, line, point
from twin.feature import Feature, FeatureBatch
from twin.interval import Interval
from twin.places import following
from twin.places.entries import Entry
from twin.places.port import PlaceIndex, PlaceQuery
from twin.schema import GeometryType
from twin.store.port import Store


def change(town: Town, layer_id: str, *features: Feature) -> None:
    with town.store.write(layer_id, AUTHOR) as writer:
        writer.upsert(FeatureBatch.of(town.store.layer(layer_id).schema, list(features)))


def rows(town: Town, table: str) -> int:
    tables = town.index.tables  # type: ignore[attr-defined]
    with town.store.reading() as connection:  # type: ignore[attr-defined]
        return connection.execute(sa.select(sa.func.count()).select_from(getattr(tables, table))).scalar_one()


def test_an_acknowledged_write_is_found_by_the_next_search(town: Town) -> None:
    town.layer("poi", point("1", "少海公园"))
    assert town.names("少海公园") == ["少海公园"]

    change(town, "poi", point("2", "少海码头"))
    assert town.index.refresh(60).is_stale is False
    assert set(town.names("少海")) == {"少海公园", "少海码头"}

    with town.store.write("poi", AUTHOR) as writer:
        writer.delete("1")
    assert town.names("少海") == ["少海码头"]

    with town.store.write("poi", AUTHOR) as writer:
        writer.clear()
    assert town.names("少海") == []


def test_an_old_name_finds_what_bears_another_one_today(town: Town) -> None:
    town.layer("roads", line("r", "郑州路", (120.0, 36.2), (120.01, 36.2)), kind=GeometryType.LINESTRING)
    town.search("郑州路")
    change(town, "roads", line("r", "杭州路", (120.0, 36.2), (120.01, 36.2)))

    (found,) = town.search("郑州路")
    assert (found.name.zh, found.formerly, found.feature_id) == ("杭州路", "郑州路", "r")
    (found,) = town.search("杭州路")
    assert (found.name.zh, found.formerly) == ("杭州路", "")

    with town.store.write("roads", AUTHOR) as writer:
        writer.delete("r")
    assert town.search("郑州路") == []


def test_names_are_found_as_of_each_version(town: Town) -> None:
    """Indexed step by step, or all at once afterwards: the answers are the same."""
    town.layer("roads", line("r", "第一路", (120.0, 36.2), (120.01, 36.2)), kind=GeometryType.LINESTRING)
    town.index.refresh(60)
    for name in ("第二路", "第三路", "第三路", "第四路"):
        change(town, "roads", line("r", name, (120.0, 36.2), (120.01, 36.2)))
        town.index.refresh(60)
    with town.store.write("roads", AUTHOR) as writer:
        writer.delete("r")

    def history() -> dict[int, str]:
        return {
            version: ",".join(
                place.name.zh
                for name in ("第一路", "第二路", "第三路", "第四路")
                for place in town.search(name, layers={"roads": version})
                if place.name.zh == name
            )
            for version in range(town.store.version("roads") + 1)
        }

    step_by_step = history()
    assert step_by_step == {0: "", 1: "第一路", 2: "第二路", 3: "第三路", 4: "第四路", 5: ""}
    with town.store.writing() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.delete(town.index.tables.layers))  # type: ignore[attr-defined]
    assert history() == step_by_step


def test_names_are_found_at_the_time_for_which_they_are_valid(town: Town) -> None:
    spring, autumn = datetime(2020, 3, 1, tzinfo=UTC), datetime(2020, 9, 1, tzinfo=UTC)
    town.layer(
        "poi",
        point("old", "东风商场", valid=(None, autumn)),
        point("new", "新世纪广场", valid=(autumn, None)),
        point("ever", "少海公园"),
    )
    then, later = Interval(spring, spring), Interval(datetime(2021, 1, 1, tzinfo=UTC), None)

    assert town.names("东风商场", interval=then) == ["东风商场"]
    assert town.names("东风商场", interval=later) == []
    assert town.names("新世纪广场", interval=then) == []
    assert town.names("新世纪广场", interval=later) == ["新世纪广场"]
    assert town.names("少海公园", interval=then) == ["少海公园"]


def test_a_dropped_layer_disappears_and_one_of_the_same_name_starts_anew(town: Town) -> None:
    town.layer("poi", point("1", "少海公园"))
    town.search("少海")
    town.store.drop_layer("poi")
    assert town.search("少海", layers={"poi": None}) == []

    town.layer("poi", point("1", "三里河公园"))
    assert town.names("少海公园") == []
    assert town.names("三里河公园") == ["三里河公园"]
    assert rows(town, "places") == rows(town, "states") == 1


def test_a_changed_rule_indexes_the_layer_anew(town: Town) -> None:
    town.layer("lamps", point("1", None, label="少海灯塔"), point("2", "无名灯", label="其他"))
    assert town.names("少海灯塔") == []

    town.store.describe_layer("lamps", {"search": {"name": "label"}})
    assert town.names("少海灯塔") == ["少海灯塔"]
    assert town.names("无名灯") == []

    town.store.describe_layer("lamps", {"search": {"off": True}})
    assert town.names("少海灯塔") == []
    assert rows(town, "places") == rows(town, "states") == 0


def test_a_feature_that_changes_all_day_under_one_name_stays_one_row(town: Town) -> None:
    town.layer("sensors", point("s", "少海水位站", level="1.0"))
    town.index.refresh(60)
    for level in range(6):
        change(town, "sensors", point("s", "少海水位站", level=f"{level}.5"))
        assert town.names("少海水位站") == ["少海水位站"]

    assert rows(town, "states") == 1
    assert town.search("少海水位站", layers={"sensors": 3})[0].feature_id == "s"


def test_the_parts_of_a_road_come_and_go(town: Town) -> None:
    parts = [line(str(i), "广州路", (120.0 + i * 0.01, 36.2), (120.01 + i * 0.01, 36.2)) for i in range(3)]
    town.layer("roads", *parts, kind=GeometryType.LINESTRING)
    assert len(town.search("广州路")[0].also) == 2

    with town.store.write("roads", AUTHOR) as writer:
        writer.delete("0")
        writer.replace(line("1", "深圳路", (120.01, 36.2), (120.02, 36.2)))
    (found,) = [p for p in town.search("广州路") if not p.formerly]
    assert (found.feature_id, found.also) == ("2", ())
    assert town.names("深圳路") == ["深圳路"]


def test_two_servers_share_one_index(reopen: Callable[[], tuple[Store, PlaceIndex]]) -> None:
    one, other = Town(*reopen()), Town(*reopen())
    one.layer("poi", *(point(str(i), f"第{i}食堂") for i in range(50)))

    threads = [threading.Thread(target=town.index.refresh, args=(60,)) for town in (one, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert one.names("第17食堂", limit=1) == other.names("第17食堂", limit=1) == ["第17食堂"]
    assert rows(one, "places") == 50
    change(other, "poi", point("x", "清真食堂"))
    assert one.names("清真食堂") == ["清真食堂"]


def test_searches_answer_while_layers_are_written(reopen: Callable[[], tuple[Store, PlaceIndex]]) -> None:
    reader, writer = Town(*reopen()), Town(*reopen())
    reader.layer("poi", point("0", "不变的公园"))
    failures: list[Exception] = []
    done = threading.Event()

    def search() -> None:
        try:
            while not done.is_set():
                assert reader.names("不变的公园", limit=1) == ["不变的公园"]
        except Exception as error:  # noqa: BLE001  every failure of the thread is the test's
            failures.append(error)

    threads = [threading.Thread(target=search) for _ in range(2)]
    for thread in threads:
        thread.start()
    for i in range(15):
        change(writer, "poi", point(str(i + 1), f"第{i}花园"))
    done.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert reader.names("第14花园", limit=1) == ["第14花园"]


def test_a_long_rebuild_says_that_it_is_not_done_and_the_old_state_serves(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.layer("poi", point("1", "少海公园"))
    assert town.names("少海公园") == ["少海公园"]
    gate = threading.Event()
    real = following.read_standing

    def slowly(*arguments: object) -> object:
        assert gate.wait(30)
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(following, "read_standing", slowly)
    change(town, "poi", point("2", "少海码头"))

    status = town.index.refresh(0.05)
    assert status.is_stale
    assert town.index.search(PlaceQuery("少海", CITY, {"poi": None}))[0].name.zh == "少海公园"
    gate.set()
    assert not town.index.refresh(60).is_stale
    assert len(town.names("少海")) == 2


def test_a_search_waits_only_briefly_where_an_old_state_serves(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.layer("poi", point("1", "少海公园"))
    gate, waited = threading.Event(), []
    real, join = following.read_standing, threading.Thread.join

    def slowly(*arguments: object) -> object:
        assert gate.wait(30)
        return real(*arguments)  # type: ignore[arg-type]

    def joined(thread: threading.Thread, timeout: float | None = None) -> None:
        if thread.name == "place-index" and timeout is not None:
            waited.append(timeout)
        join(thread, timeout)

    monkeypatch.setattr(threading.Thread, "join", joined)
    monkeypatch.setattr(following, "read_standing", slowly)
    assert town.index.refresh(1.0, behind_s=0.05).is_stale
    assert max(waited) > 0.05, "nothing serves yet: the longer wait"
    gate.set()
    assert not town.index.refresh(60).is_stale
    gate.clear()
    waited.clear()
    change(town, "poi", point("2", "少海码头"))
    assert town.index.refresh(30, behind_s=0.05).is_stale
    assert all(timeout <= 0.05 for timeout in waited)
    gate.set()
    assert not town.index.refresh(60).is_stale


def test_many_changes_come_in_by_parts_that_let_other_writers_in(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_FEATURES_AT_ONCE", 10)
    town.layer("poi", *(point(str(i), f"第{i}花园") for i in range(35)))
    assert town.names("第14花园", limit=1) == ["第14花园"]
    parts: list[int] = []
    real = following.EntryWriter.change

    def counted(writer: following.EntryWriter, past: list[Entry], standing: list[Entry]) -> None:
        parts.append(len({entry.feature for entry in (*past, *standing)}))
        real(writer, past, standing)

    monkeypatch.setattr(following.EntryWriter, "change", counted)
    change(town, "poi", *(point(str(i), f"第{i}码头") for i in range(35)))
    assert town.names("第14码头", limit=1) == ["第14码头"]
    assert parts == [10, 10, 10, 5]
    assert (rows(town, "places"), rows(town, "states")) == (70, 70)


def test_who_is_interrupted_between_two_parts_indexes_the_layer_anew(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "_FEATURES_AT_ONCE", 10)
    monkeypatch.setattr(following, "_REST_AFTER_FAILURE_S", 0.0)
    town.layer("poi", *(point(str(i), f"第{i}花园") for i in range(35)))
    town.index.refresh(60)
    real, calls = following.EntryWriter.change, []

    def breaks(writer: following.EntryWriter, past: list[Entry], standing: list[Entry]) -> None:
        calls.append(len(standing))
        if len(calls) == 3:
            raise OSError("the process ends here")
        real(writer, past, standing)

    monkeypatch.setattr(following.EntryWriter, "change", breaks)
    change(town, "poi", *(point(str(i), f"第{i}码头") for i in range(35)))
    town.index.refresh(0)
    assert not town.index.refresh(60).is_stale
    assert len(calls) == 3, "the second time the layer is indexed anew"
    assert (rows(town, "places"), rows(town, "states")) == (70, 70)
    assert town.names("第14码头", limit=1) == ["第14码头"]


def test_a_failure_is_told_and_does_not_stop_the_search(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    town.layer("poi", point("1", "少海公园"))
    town.index.refresh(60)

    def broken(*arguments: object) -> object:
        raise ValueError("unreadable")

    monkeypatch.setattr(following, "read_standing", broken)
    change(town, "poi", point("2", "少海码头"))
    status = town.index.refresh(60)

    assert status.is_stale
    assert "unreadable" in status.failure
    assert [p.name.zh for p in town.index.search(PlaceQuery("少海", CITY, {"poi": None}))] == ["少海公园"]


def test_a_process_that_died_while_indexing_holds_nobody_up_for_ever(town: Town) -> None:
    town.layer("poi", point("1", "少海公园"))
    town.index.refresh(60)
    change(town, "poi", point("2", "少海码头"))
    layers = town.index.tables.layers  # type: ignore[attr-defined]
    with town.store.writing() as connection:  # type: ignore[attr-defined]
        connection.execute(sa.update(layers).values(worker="dead", busy_until=time.time() + 0.3))

    assert town.index.refresh(0).is_stale
    assert not town.index.refresh(30).is_stale


def test_the_status_counts_names(town: Town) -> None:
    town.layer("poi", point("1", "少海公园"), point("2", None), point("3", "三里河"))
    town.layer("mute", point("1", None))
    town.index.refresh(60)

    status = town.index.status()
    assert (status.names, status.is_stale, status.failure) == (2, False, "")
    assert {layer.layer_id for layer in status.layers} == {"poi", "mute"}
