"""Writers at the same time, in threads and in processes of their own: neither number nor ends can be broken between them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from quarter import CLERK, ref, tie
from twin.errors import LinkConflictError, LinkedFeatureError, OneMapError, StoreBusyError
from twin.relations.link import NewLink
from twin.relations.opening import open_relations
from twin.relations.port import LinkQuery
from twin.relations.sql import SqlRelations
from twin.store.port import Store

# Ties the floor to a building of its own, again and again, and counts how often it was let.
WRITER = """
import sys
from twin.errors import LinkConflictError
from twin.relations.link import NewLink, Ref
from twin.relations.opening import open_relations
from twin.store import open_store
from twin.store.port import Author

relations = open_relations(open_store(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
let = 0
for n in range(12):
    link = NewLink("floor-of", Ref("floors", f"B1-{n % 3 + 1}"), Ref("buildings", sys.argv[2]))
    try:
        relations.record([link], Author(sys.argv[2]))
        let += 1
    except LinkConflictError:
        pass
print(let, flush=True)
"""


def at_once(*tasks: Callable[[], object]) -> list[object]:
    """What each task gave or raised, all of them started together."""
    barrier = threading.Barrier(len(tasks))
    outcomes: list[object] = [None] * len(tasks)

    def run(place: int, task: Callable[[], object]) -> None:
        barrier.wait()
        try:
            outcomes[place] = task()
        except OneMapError as error:
            outcomes[place] = error

    threads = [threading.Thread(target=run, args=(i, task)) for i, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def test_of_writers_at_once_one_gives_the_floor_its_building(store: Store, relations: SqlRelations, reopen) -> None:
    others = [open_relations(reopen()) for _ in range(3)]

    def record(where: SqlRelations, link: NewLink) -> Callable[[], object]:
        return lambda: where.record([link], CLERK)

    for floor in ("B1-1", "B1-2", "B1-3"):
        tasks = [
            record(where, tie(f"floors/{floor}", "floor-of", f"buildings/B{i + 1}"))
            for i, where in enumerate((relations, *others))
        ]
        outcomes = at_once(*tasks)
        assert sum(isinstance(outcome, LinkConflictError) for outcome in outcomes) == 3
        assert len(relations.links(LinkQuery(end=ref(f"floors/{floor}")))) == 1


def test_processes_at_once_break_nothing_either(
    spawn, store_target: str, store: Store, relations: SqlRelations
) -> None:
    writers = [spawn(WRITER, store_target, f"B{i}") for i in (1, 2, 3)]
    for writer in writers:
        assert writer.read_line() == "ready"
    for writer in writers:
        writer.process.stdin.write("go\n")
        writer.process.stdin.flush()
    let = sum(int(writer.read_line()) for writer in writers)
    links = relations.links(LinkQuery())
    assert let == 3
    assert sorted(link.source.id for link in links) == ["B1-1", "B1-2", "B1-3"]
    assert relations.version() == 3


def test_a_link_and_the_deletion_of_its_end_cannot_pass_each_other(
    store: Store, relations: SqlRelations, reopen
) -> None:
    other = reopen()
    open_relations(other)

    def delete(building: str) -> Callable[[], object]:
        def task() -> None:
            with other.write("buildings", CLERK) as writer:
                writer.delete(building)

        return task

    for building, floor in (("B1", "B1-1"), ("B2", "B1-2"), ("B3", "B1-3")):
        link = tie(f"floors/{floor}", "floor-of", f"buildings/{building}")
        recorded, deleted = at_once(lambda link=link: relations.record([link], CLERK), delete(building))
        assert not isinstance(recorded, StoreBusyError)
        held = isinstance(deleted, LinkedFeatureError)
        assert held == (not isinstance(recorded, OneMapError)), "either the link holds the building, or it was refused"
        assert bool(relations.standing("buildings", [building])) == held
        assert len(relations.links(LinkQuery(end=ref(f"floors/{floor}")))) == held
