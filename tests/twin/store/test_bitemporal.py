"""Random edits, read at random versions and times, against a naive model that copies everything at each write."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
import shapely
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from street_lights import CLERK
from twin.bounds import Bounds
from twin.errors import OverlappingValidityError, UnknownFeatureError
from twin.feature import Feature, FeatureBatch
from twin.interval import Interval
from twin.query import FeatureQuery
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import GridCount, LayerSpec, Store
from twin.store.sql import SqlStore

SCHEMA = Schema(GeometryType.POINT, (Property("value", PropertyType.INTEGER),))
EPOCH = datetime(2020, 1, 1, tzinfo=UTC)
EARLY, LATE = -1_000, 1_000
IDS = ("a", "b", "c")
WINDOW = Bounds(120.0, 36.0, 120.5, 36.5)
numbers = itertools.count()

Span = tuple[int | None, int | None]  # days since the epoch
OPEN: Span = (None, None)


@dataclass(frozen=True)
class Slice:
    span: Span
    value: int
    east: bool

    @property
    def days(self) -> set[int]:
        """Every day the slice holds, by brute force."""
        start, end = (EARLY if self.span[0] is None else self.span[0]), (LATE if self.span[1] is None else self.span[1])
        return {start} if start == end else set(range(start, end))


@dataclass
class Model:
    """Timelines as they stand, and a copy of them for each version."""

    now: dict[str, list[Slice]] = field(default_factory=dict)
    copies: list[dict[str, list[Slice]]] = field(default_factory=lambda: [{}])

    def put(self, feature_id: str, new: Slice, *, dated: bool = True) -> bool:
        """Whether there was a place for it; the head is the last of a timeline."""
        slices = self.now.get(feature_id)
        if not slices:
            self.now[feature_id] = [new]
            return True
        head = slices[-1]
        if not dated:
            slices[-1] = replace(new, span=head.span)
            return True
        start, head_start = (EARLY if s.span[0] is None else s.span[0] for s in (new, head))
        same = [i for i, known in enumerate(slices) if known.span == new.span]
        if start == head_start:
            slices[-1] = new
        elif start > head_start:
            left = head.span[1] if head.span[1] is not None and head.span[1] <= start else start
            slices[-1:] = [replace(head, span=(head.span[0], left)), new]
        elif same:
            slices[same[0]] = new
        elif any(known.days & new.days for known in slices):
            return False
        else:
            slices.insert(sum(min(known.days) < start for known in slices), new)
        return True

    def commit(self) -> None:
        self.copies.append(deepcopy(self.now))

    def read(self, version: int, days: set[int] | None) -> dict[str, Slice]:
        found: dict[str, Slice] = {}
        for feature_id, slices in self.copies[version].items():
            meeting = slices[-1:] if days is None else [s for s in slices if s.days & days]
            if meeting:
                found[feature_id] = meeting[-1]
        return found


def instant(day: int | None) -> datetime | None:
    return None if day is None else EPOCH + timedelta(days=day)


def feature(feature_id: str, state: Slice) -> Feature:
    place = shapely.Point(120.7 if state.east else 120.2, 36.2)
    start, end = map(instant, state.span)
    return Feature(feature_id, place, {"value": state.value}, valid_from=start, valid_to=end)


def answer(store: Store, layer: str, **query: object) -> dict[str | None, Slice]:
    batch = store.select(layer, FeatureQuery(**query))  # type: ignore[arg-type]
    assert len(set(batch.ids)) == len(batch), "no feature twice"
    return {
        f.id: Slice((day(f.valid_from), day(f.valid_to)), f.properties["value"], f.geometry.x > 120.5)  # type: ignore[arg-type,union-attr]
        for f in batch.features()
    }


def day(at: datetime | None) -> int | None:
    return None if at is None else (at - EPOCH).days


spans = st.one_of(
    st.just(OPEN),
    st.tuples(st.integers(0, 9), st.integers(0, 4)).map(lambda p: (p[0], p[0] + p[1])),
    st.integers(0, 9).map(lambda start: (start, None)),
    st.integers(1, 9).map(lambda end: (None, end)),
)
states = st.builds(Slice, spans, st.integers(0, 3), st.booleans())
edits = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(IDS), states),
    st.tuples(st.just("put"), st.sampled_from(IDS), states),
    st.tuples(st.just("correct"), st.sampled_from(IDS), states),
    st.tuples(st.just("delete"), st.sampled_from(IDS), st.none()),
    st.tuples(st.just("restore"), st.sampled_from(IDS), st.integers(0, 8)),
    st.tuples(st.just("batch"), st.lists(st.tuples(st.sampled_from(IDS), states), min_size=2, max_size=4), st.none()),
)
moments = st.one_of(
    st.none(),
    st.tuples(st.integers(0, 13), st.integers(0, 5)).map(lambda p: (p[0], p[0] + p[1])),
    st.integers(0, 9).map(lambda start: (start, None)),
    st.integers(0, 9).map(lambda end: (None, end)),
)


def apply(store: Store, layer: str, model: Model, edit: tuple[str, object, object]) -> None:
    """One write to both, refused by both or taken by both."""
    kind, what, state = edit
    before = deepcopy(model.now)
    version = store.version(layer)
    try:
        with store.write(layer, CLERK) as writer:
            taken = _write(writer, model, kind, what, state)
    except OverlappingValidityError:
        model.now = before
        assert _refused(model, kind, what, state)
        assert store.version(layer) == version
        return
    except UnknownFeatureError:
        assert kind in ("delete", "restore")
        return
    assert taken
    if store.version(layer) > version:
        model.commit()


def _write(writer, model: Model, kind: str, what, state) -> bool:
    if kind == "batch":
        writer.upsert(FeatureBatch.of(SCHEMA, [feature(id_, s) for id_, s in what]))
        return _put_all(model, what)
    if kind == "delete":
        writer.delete(what)
        del model.now[what]
        return True
    if kind == "restore":
        writer.restore(what, state)
        past = model.copies[min(state, len(model.copies) - 1)]
        model.now[what] = list(past[what])
        return True
    if what not in model.now:
        writer.insert(feature(what, state))
    else:
        writer.replace(feature(what, state), dated=kind == "put")
    return model.put(what, state, dated=kind == "put")


def _put_all(model: Model, what: list[tuple[str, Slice]]) -> bool:
    """Of rows with the same id and start the last counts; earlier ones first."""
    last = {(id_, s.span[0]): (id_, s) for id_, s in what}.values()
    ordered = sorted(last, key=lambda row: EARLY if row[1].span[0] is None else row[1].span[0])
    return all(model.put(id_, s, dated=s.span != OPEN) for id_, s in ordered)


def _refused(model: Model, kind: str, what, state) -> bool:
    attempt = deepcopy(model)
    return not (_put_all(attempt, what) if kind == "batch" else attempt.put(what, state))


@pytest.mark.parametrize("examples", [25])
def test_any_edits_read_at_any_version_and_time_agree_with_a_naive_model(store: Store, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        script=st.lists(edits, min_size=1, max_size=8),
        reads=st.lists(st.tuples(st.integers(0, 8), moments), min_size=3, max_size=8),
    )
    def agree(script, reads) -> None:
        layer = f"layer-{next(numbers)}"
        store.create_layer(LayerSpec(layer, SCHEMA), CLERK)
        model = Model()
        for edit in script:
            apply(store, layer, model, edit)
        assert store.version(layer) == len(model.copies) - 1
        for version, span in reads:
            _compare(store, layer, model, min(version, len(model.copies) - 1), span)
        store.drop_layer(layer)

    agree()


def _compare(store: Store, layer: str, model: Model, version: int, span: Span | None) -> None:
    days = None if span is None else _days_of(span)
    interval = None if span is None else Interval(instant(span[0]), instant(span[1]))
    expected = model.read(version, days)
    assert answer(store, layer, as_of=version, interval=interval) == expected
    inside = {id_: s for id_, s in expected.items() if not s.east}
    assert answer(store, layer, as_of=version, interval=interval, bounds=WINDOW) == inside
    assert store.count(layer, FeatureQuery(as_of=version, interval=interval, bounds=WINDOW)) == len(inside)
    cells = store.count_grid(layer, WINDOW, 1.0, as_of=version, interval=interval)
    assert cells == ([GridCount(300, 126, len(expected))] if expected else [])
    if interval is not None:
        heads = model.read(version, None)
        others = sorted(id_ for id_, head in heads.items() if expected.get(id_) is not head)
        assert sorted(store.heads_not_holding(layer, interval, as_of=version, limit=9)) == others
        assert len(store.heads_not_holding(layer, interval, as_of=version, limit=1)) == min(1, len(others))
    if version == len(model.copies) - 1:
        assert answer(store, layer, interval=interval) == expected
        assert answer(store, layer, interval=interval, bounds=WINDOW) == inside


def _days_of(span: Span) -> set[int]:
    """Interval ends count, unlike the ends of slices."""
    return set(range(EARLY if span[0] is None else span[0], (LATE if span[1] is None else span[1]) + 1))


def test_the_error_for_an_overlap_names_both_intervals(store: Store) -> None:
    store.create_layer(LayerSpec("roads", SCHEMA), CLERK)
    with store.write("roads", CLERK) as writer:
        writer.insert(feature("r1", Slice((10, None), 1, east=False)))
    overlapping = feature("r1", Slice((5, 20), 2, east=False))
    with pytest.raises(OverlappingValidityError) as caught, store.write("roads", CLERK) as writer:
        writer.replace(overlapping)
    assert "2020-01-06T00:00:00Z/2020-01-21T00:00:00Z overlaps 2020-01-11T00:00:00Z/.." in caught.value.message
    assert store.version("roads") == 1


def test_every_version_tells_who_when_why_and_what_was_known(store: Store) -> None:
    store.create_layer(LayerSpec("roads", SCHEMA), CLERK)
    with store.write("roads", CLERK) as writer:
        writer.insert(feature("r1", Slice((0, None), 1, east=False)))
    with store.write("roads", replace(CLERK, reason="widened")) as writer:
        writer.replace(feature("r1", Slice((10, None), 2, east=False)))
    with store.write("roads", CLERK) as writer:
        writer.replace(feature("r1", Slice((-9, -5), 0, east=False)))
    with store.write("roads", CLERK) as writer:
        writer.delete("r1")
    with store.write("roads", CLERK) as writer:
        writer.restore("r1", 3)
    back, past, widened, first = store.history("roads", "r1")
    assert [v.feature.properties["value"] for v in (first, widened, past, back)] == [1, 2, 2, 2]
    assert [[slice_.properties["value"] for slice_ in v.recorded] for v in (widened, past, back)] == [[], [0], []]
    for version in (first, widened, past, back):
        assert version.feature == store.get("roads", "r1", as_of=version.change.version)
    pages = [store.history("roads", "r1", limit=1, before=v) for v in (None, 5, 4, 3, 2)]
    assert pages == [[back], [past], [past], [widened], [first]]
    assert store.history("roads", "r1", before=1) == []
    assert store.ever_stood("roads", "r1")
    assert not store.ever_stood("roads", "r2")
    assert (widened.change.author.reason, widened.change.version) == ("widened", 2)
    assert [v.ended and v.ended.version for v in (first, widened, past, back)] == [2, 3, 4, None]
    assert [v.deleted for v in (first, widened, past, back)] == [False, False, True, False]
    spans = [[(day(v.start), day(v.end)) for v in version.timeline] for version in (first, widened, past, back)]
    assert spans == [
        [(0, None)],
        [(0, 10), (10, None)],
        [(-9, -5), (0, 10), (10, None)],
        [(-9, -5), (0, 10), (10, None)],
    ]
    touched = [[(t.feature_id, t.what) for t in store.touched("roads", v)] for v in range(1, 6)]
    assert touched == [[("r1", what)] for what in ("inserted", "updated", "updated", "deleted", "inserted")]
    assert [c.version for c in store.changesets("roads", 2, before=5)] == [4, 3]
    assert store.changeset("roads", 2).author.reason == "widened"


def test_a_slice_made_and_ended_by_one_write_was_never_touched(store: Store) -> None:
    store.create_layer(LayerSpec("roads", SCHEMA), CLERK)
    with store.write("roads", CLERK) as writer:
        writer.insert(feature("r1", Slice((10, None), 1, east=False)))
    with store.write("roads", CLERK) as writer:
        writer.insert(feature("r2", Slice((10, None), 1, east=False)))
        writer.replace(feature("r2", Slice((0, 5), 0, east=False)))
        writer.delete("r2")
    assert store.touched("roads", 2) == []


@pytest.mark.parametrize("at", range(1, 9))
def test_a_write_between_the_statements_of_a_reading_tears_nothing(
    store: SqlStore, reopen: Callable[[], Store], at: int
) -> None:
    store.create_layer(LayerSpec("roads", SCHEMA), CLERK)
    with store.write("roads", CLERK) as writer:
        writer.insert(feature("r1", Slice((10, None), 1, east=False)))
    other, statements = reopen(), itertools.count(1)

    def write_in_between(*_: object) -> None:
        if next(statements) == at:
            with other.write("roads", CLERK) as writer:
                writer.replace(feature("r1", Slice((20, None), 2, east=True)))

    readings: list[Callable[[], object]] = [
        lambda: store.history("roads", "r1"),
        lambda: store.select("roads", FeatureQuery(interval=Interval(EPOCH, EPOCH + timedelta(days=90)))).versions,
        lambda: store.touched("roads", 1),
    ]
    for read in readings:
        before = read()
        statements = itertools.count(1)
        sa.event.listen(store.engine, "before_cursor_execute", write_in_between)
        during = read()
        sa.event.remove(store.engine, "before_cursor_execute", write_in_between)
        after = read()
        assert during in (before, after)
        with other.write("roads", CLERK) as writer:
            writer.restore("r1", 1)


def test_the_record_of_a_layer_as_it_stood(store: Store) -> None:
    store.create_layer(LayerSpec("roads", SCHEMA), CLERK)
    with store.write("roads", CLERK) as writer:
        writer.insert(feature("r1", Slice(OPEN, 1, east=True)))
        writer.insert(feature("r2", Slice(OPEN, 1, east=False)))
    with store.write("roads", CLERK) as writer:
        writer.clear()
    record = store.layer("roads", as_of=1)
    assert (record.version, record.feature_count) == (1, 2)
    assert record.updated_at == store.changeset("roads", 1).at
    assert record.bounds is not None
    assert record.bounds.as_tuple() == pytest.approx((120.2, 36.2, 120.7, 36.2), abs=2e-5)
    assert store.layer("roads", as_of=0).bounds is None
    assert [store.count_at("roads", version) for version in (0, 1)] == [0, record.feature_count]


def test_undated_layers_do_not_look_into_the_past_for_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.create_layer(LayerSpec("roads", SCHEMA), CLERK)
    with store.write("roads", CLERK) as writer:
        writer.insert(feature("r1", Slice(OPEN, 1, east=True)))
    with store.write("roads", CLERK) as writer:
        writer.replace(feature("r1", Slice(OPEN, 2, east=True)))
    statements: list[str] = []
    watch: Callable[..., None] = lambda *args: statements.append(args[2])  # noqa: E731
    import sqlalchemy as sa

    query = FeatureQuery(interval=Interval(EPOCH, EPOCH))
    store.select("roads", query)
    sa.event.listen(store.engine, "before_cursor_execute", watch)  # type: ignore[attr-defined]
    assert list(store.select("roads", query).ids) == ["r1"]
    assert not any("__history" in statement for statement in statements)
    assert statements
