"""Tiles of several layers, freshness, descriptions."""

from __future__ import annotations

import threading
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from shapely import Point, box

from memory_layers import BORN, MemoryStore, decode, schema_of
from tiles.address import Tile
from tiles.density import density_zoom
from tiles.features import StoreTileSource
from tiles.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD
from tiles.service import TileService
from tiles.tilejson import tilejson
from tiles.tilesets import tileset_document
from twin.bounds import Bounds
from twin.errors import BadLimitError, StoreBusyError, TileOutsideGridError, UnknownLayerError, UnknownPropertyError
from twin.feature import Feature
from twin.interval import Interval
from twin.moment import Moment
from twin.store.port import LayerRecord

PLACE = (120.0335, 36.2645)
TILE = WEB_MERCATOR_QUAD.tile_at(*PLACE, 14)
LAMPS = schema_of("Point", name="string", height_m="number")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    store.put("lamps", LAMPS, [Feature("a", Point(PLACE), {"name": "灯", "height_m": 8.0})], {"title": "Lamps"})
    store.put("parks", schema_of("Polygon"), [Feature(None, box(120, 36.2, 120.1, 36.3))])
    return store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def service(store: MemoryStore, clock: Clock) -> TileService:
    return TileService(StoreTileSource(store, clock=clock))


def names(service: TileService, layer: str = "lamps") -> list[str]:
    stored = service.tile(service.describe([layer]), TILE, WEB_MERCATOR_QUAD)
    return [f.properties["name"] for f in decode(stored.plain()).get(layer, [])]


def test_layers_are_joined_in_one_tile_each_once(service: TileService) -> None:
    stored = service.tile(service.describe(["lamps", "parks", "lamps"]), TILE, WEB_MERCATOR_QUAD)
    layers = decode(stored.plain())
    assert {name: len(features) for name, features in layers.items()} == {"lamps": 1, "parks": 1}
    assert layers["lamps"][0].properties == {"name": "灯", "height_m": 8.0, "_id": "a"}
    assert stored.features == 2


def test_a_tile_is_made_once_until_a_write_and_is_fresh_after_it(store: MemoryStore, service: TileService) -> None:
    assert names(service) == ["灯"]
    assert names(service) == ["灯"]
    assert store.selects == 1
    store.put("lamps", LAMPS, [Feature("a", Point(PLACE), {"name": "new"})])
    assert names(service) == ["new"]


def test_a_write_changes_the_stamp_of_that_layer_only(store: MemoryStore, service: TileService) -> None:
    lamps, parks = service.describe(["lamps"]), service.describe(["parks"])
    store.put("lamps", LAMPS, [])
    assert service.describe(["lamps"]).stamp != lamps.stamp
    assert service.describe(["parks"]).stamp == parks.stamp


def test_a_layer_dropped_and_made_anew_shows_nothing_of_its_past(
    store: MemoryStore, service: TileService, clock: Clock
) -> None:
    assert names(service) == ["灯"]
    store.drop("lamps")
    with pytest.raises(UnknownLayerError):
        service.describe(["lamps"])
    store.put("lamps", LAMPS, [Feature("b", Point(PLACE), {"name": "other"})], born=datetime(2026, 2, 2, tzinfo=UTC))
    service.forget("lamps")
    assert names(service) == ["other"]


def test_a_changed_manifest_is_noticed_after_a_moment_or_at_once_when_told(
    store: MemoryStore, service: TileService, clock: Clock
) -> None:
    assert service.describe(["lamps"]).layers[0].density_below == 0
    store.documents["lamps"] = {"style": {"min_zoom": 16}}
    clock.now += 10
    assert service.describe(["lamps"]).layers[0].density_below == 16
    store.documents["lamps"] = {"style": {"min_zoom": 3}}
    service.forget("lamps")
    assert service.describe(["lamps"]).layers[0].density_below == 3


def test_an_unknown_layer_among_several_is_named(service: TileService) -> None:
    with pytest.raises(UnknownLayerError) as refused:
        service.describe(["lamps", "nowhere", "parks"])
    assert refused.value.value == "nowhere"


@pytest.mark.parametrize("ids", [[], [""]])
def test_naming_no_layer_is_refused(service: TileService, ids: list[str]) -> None:
    with pytest.raises(UnknownLayerError):
        service.describe(ids)


def test_too_many_layers_are_refused(service: TileService) -> None:
    with pytest.raises(BadLimitError) as refused:
        service.describe([f"l{i}" for i in range(1000)])
    assert refused.value.value == "1000"


def test_a_tile_outside_the_grid_is_refused(service: TileService) -> None:
    with pytest.raises(TileOutsideGridError):
        service.tile(service.describe(["lamps"]), Tile(z=1, x=2147483647, y=0), WEB_MERCATOR_QUAD)


def test_an_empty_layer_gives_empty_tiles(store: MemoryStore, service: TileService) -> None:
    store.put("empty", LAMPS, [])
    stored = service.tile(service.describe(["empty"]), TILE, WEB_MERCATOR_QUAD)
    assert (stored.body, stored.plain(), stored.features) == (b"", b"", 0)


def test_only_the_chosen_attributes_travel(store: MemoryStore) -> None:
    service = TileService(StoreTileSource(store, properties=("height_m",)))
    stored = service.tile(service.describe(["lamps"]), TILE, WEB_MERCATOR_QUAD)
    assert decode(stored.plain())["lamps"][0].properties == {"height_m": 8.0, "_id": "a"}


def test_choosing_an_attribute_that_does_not_exist_is_refused(store: MemoryStore) -> None:
    with pytest.raises(UnknownPropertyError):
        StoreTileSource(store, properties=("colour",)).describe("lamps")


def test_the_same_tile_has_the_same_bytes_in_two_services(store: MemoryStore) -> None:
    one, two = (TileService(StoreTileSource(store)) for _ in range(2))
    assert one.tile(one.describe(["lamps"]), TILE, WEB_MERCATOR_QUAD) == two.tile(
        two.describe(["lamps"]), TILE, WEB_MERCATOR_QUAD
    )


class DatedStore(MemoryStore):
    """A store that counts how often it is asked for the box of another time, and can be held up at it."""

    boxes = 0
    gate: threading.Event | None = None

    def version_at(self, layer_id: str, instant: datetime) -> int:
        return self.version(layer_id)

    def count_at(self, layer_id: str, version: int) -> int:
        return len(self.batches[layer_id])

    def layer(self, layer_id: str, *, as_of: int | None = None, interval: Interval | None = None) -> LayerRecord:
        if as_of is not None or interval is not None:
            self.boxes += 1
            assert self.gate is None or self.gate.wait(20)
        return super().layer(layer_id)


@pytest.fixture
def dated() -> DatedStore:
    store = DatedStore()
    store.put("lamps", LAMPS, [Feature("a", Point(PLACE), {"name": "灯"})], {"title": "Lamps"})
    store.put("lamps", LAMPS, [Feature("a", Point(PLACE), {"name": "灯"})])
    return store


def test_tiles_of_any_time_read_no_box_and_tilejson_reads_it_once_however_many_ask(dated: DatedStore) -> None:
    service = TileService(StoreTileSource(dated))
    for millisecond in range(50):
        at = datetime(2026, 1, 1, 0, 0, 0, millisecond * 1000, tzinfo=UTC)
        service.describe(["lamps"], Moment(as_of=1, interval=Interval(at, at)))
        service.describe(["lamps"], Moment(interval=Interval(at, at)))
    assert dated.boxes == 0
    layers = service.describe(["lamps"], Moment(as_of=1))
    dated.gate = threading.Event()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(service.with_bounds, layers) for _ in range(8)]
        dated.gate.set()
        assert {answer.result().layers[0].bounds for answer in asked} == {dated.layer("lamps").bounds}
    assert dated.boxes == 1


def test_more_boxes_than_the_server_has_room_for_are_refused_not_queued(
    dated: DatedStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tiles.features._BOX_WAIT_S", 0.05)
    service = TileService(StoreTileSource(dated))
    dated.gate = threading.Event()
    times = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
    several = [service.describe(["lamps"], Moment(interval=Interval(at, at))) for at in times]
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(service.with_bounds, layers) for layers in several]
        failures = next(iter(wait(asked, 10, FIRST_COMPLETED).done)).exception()
        dated.gate.set()
    assert isinstance(failures, StoreBusyError)
    assert service.with_bounds(several[0]).layers[0].bounds == dated.layer("lamps").bounds


class EmptiedStore(DatedStore):
    """It held 300,000 lamps of a city once and holds none now."""

    def count_at(self, layer_id: str, version: int) -> int:
        return 300_000

    def layer(self, layer_id: str, *, as_of: int | None = None, interval: Interval | None = None) -> LayerRecord:
        record = super().layer(layer_id, as_of=as_of, interval=interval)
        return record if as_of is None else replace(record, bounds=Bounds(119.9, 36.0, 120.4, 36.5))


def test_a_layer_emptied_since_is_still_a_density_where_it_was_full() -> None:
    store = EmptiedStore()
    for _ in range(2):
        store.put("lamps", LAMPS, [])
    source = StoreTileSource(store)
    plans = [source.describe("lamps", Moment(as_of=1)) for _ in range(3)]
    assert {plan.density_below for plan in plans} == {density_zoom(300_000, Bounds(119.9, 36.0, 120.4, 36.5), None)}
    assert plans[0].density_below > 0
    assert store.boxes == 1


def test_a_changed_manifest_shows_in_descriptions_of_other_times(dated: DatedStore, clock: Clock) -> None:
    service = TileService(StoreTileSource(dated, clock=clock))
    moments = (Moment(as_of=1), Moment(interval=Interval(BORN, None)))
    assert [service.describe(["lamps"], moment).layers[0].title.en for moment in moments] == ["Lamps"] * 2
    dated.documents["lamps"] = {"title": "Street lamps", "style": {"min_zoom": 16}}
    service.forget("lamps")
    for moment in moments:
        (layer,) = service.describe(["lamps"], moment).layers
        assert (layer.title.en, layer.density_below) == ("Street lamps", 16)


def test_tilejson_lists_fields_with_titles_and_says_what_low_zooms_hold(store: MemoryStore) -> None:
    store.put("many", LAMPS, [Feature(None, Point(PLACE))], {"style": {"min_zoom": 15}, "attribution": "城管局"})
    document = tilejson(TileService(StoreTileSource(store)).describe(["many", "parks"]).layers, "http://h")
    assert document["tilejson"] == "3.0.0"
    assert document["tiles"] == ["http://h/tiles/many,parks/{z}/{x}/{y}.mvt"]
    assert document["bounds"] == [120.0, 36.2, 120.1, 36.3]
    assert document["attribution"] == "城管局"
    many, parks = document["vector_layers"]
    assert (many["id"], many["onemap:density_below"], parks["onemap:density_below"]) == ("many", 15, 0)
    assert set(many["fields"]) == {"name", "height_m", "_id", "_count"}
    assert "_count" not in parks["fields"]


def test_tilejson_of_an_empty_layer_has_no_bounds(store: MemoryStore) -> None:
    store.put("empty", LAMPS, [])
    assert "bounds" not in tilejson(TileService(StoreTileSource(store)).describe(["empty"]).layers, "http://h")


def test_tileset_limits_hold_the_tile_of_the_data(service: TileService) -> None:
    layers = service.describe(["lamps"]).layers
    document = tileset_document(layers, CGCS2000_QUAD, "http://h/collections/lamps/tiles", "http://h", "Lamps")
    tile = CGCS2000_QUAD.tile_at(*PLACE, 9)
    assert document["tileMatrixSetLimits"][9] == {
        "tileMatrix": "9",
        "minTileRow": tile.y,
        "maxTileRow": tile.y,
        "minTileCol": tile.x,
        "maxTileCol": tile.x,
    }
