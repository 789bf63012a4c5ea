"""The tile addresses as clients and the OGC suites use them, on the whole application over a GeoPackage."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import morecantile
import pytest
import zstandard
from shapely import Point, box

from api.app import create_app
from api.settings import Settings
from asgi_caller import AsgiCaller
from layers.policy import Action, Actor
from memory_layers import decode, schema_of
from tiles.grids import CGCS2000_QUAD, WEB_MERCATOR_QUAD, WORLD_CRS84_QUAD
from twin.errors import PolicyError
from twin.feature import Feature, FeatureBatch
from twin.schema import Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

PLACE = (120.0335, 36.2645)
MVT = "application/vnd.mapbox-vector-tile"
LAMPS = schema_of("Point", name="string", wattage="integer")
PARKS = schema_of("Polygon", name="string")

XYZ = "/tiles/lamps/14/13654/6418.mvt"
OGC = "/collections/lamps/tiles/WebMercatorQuad/14/6418/13654"


def write(store: Store, layer_id: str, schema: Schema, features: list[Feature], *, create: bool = False) -> None:
    spec = LayerSpec(layer_id, schema, {"title": {"zh": "层", "en": layer_id}}) if create else None
    with store.write(layer_id, Author("test"), create=spec) as writer:
        writer.upsert(FeatureBatch.of(schema, features))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = open_store(str(tmp_path / "t.gpkg"))
    write(store, "lamps", LAMPS, [Feature("L1", Point(PLACE), {"name": "灯", "wattage": 70})], create=True)
    write(store, "parks", PARKS, [Feature("P1", box(120, 36.2, 120.1, 36.3), {"name": "园"})], create=True)
    write(store, "empty", PARKS, [], create=True)
    yield store
    store.close()


@pytest.fixture
def client(store: Store) -> Iterator[AsgiCaller]:
    with AsgiCaller(create_app(Settings(), store)) as client:
        yield client


def test_an_xyz_tile_holds_the_feature(client: AsgiCaller) -> None:
    answer = client.get(XYZ)
    assert (answer.status_code, answer.headers["content-type"]) == (200, MVT)
    (lamp,) = decode(answer.content)["lamps"]
    assert lamp.properties == {"name": "灯", "wattage": 70, "_id": "L1"}


def test_a_tile_is_the_same_in_every_coding(client: AsgiCaller) -> None:
    plain, body = client.raw(XYZ, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    for coding, decompress in (("gzip", gzip.decompress), ("zstd", zstandard.decompress)):
        answer, compressed = client.raw(XYZ, headers={"accept-encoding": coding})
        assert answer.headers["content-encoding"] == coding
        assert answer.headers["etag"] == plain.headers["etag"]
        assert decompress(compressed) == body


def test_ogc_order_and_xyz_order_give_the_same_bytes(client: AsgiCaller) -> None:
    assert client.get(OGC).content == client.get(XYZ).content
    for grid in (CGCS2000_QUAD, WORLD_CRS84_QUAD):
        place = grid.tile_at(*PLACE, 13)
        ogc = client.get(f"/collections/lamps/tiles/{grid.id}/13/{place.y}/{place.x}")
        xyz = client.get(f"/tiles/lamps/{grid.id}/13/{place.x}/{place.y}.mvt")
        assert ogc.status_code == 200
        assert ogc.content == xyz.content
        assert len(ogc.content) > 0


def test_several_layers_travel_in_one_tile(client: AsgiCaller) -> None:
    layers = decode(client.get("/tiles/lamps,parks/14/13654/6418.mvt").content)
    assert {name: len(found) for name, found in layers.items()} == {"lamps": 1, "parks": 1}


def test_the_data_set_has_tiles_of_all_or_chosen_layers(client: AsgiCaller) -> None:
    everything = client.get("/tiles/WebMercatorQuad/14/6418/13654")
    assert set(decode(everything.content)) == {"lamps", "parks"}
    chosen = client.get("/tiles/WebMercatorQuad/14/6418/13654?collections=parks")
    assert set(decode(chosen.content)) == {"parks"}


class Secretive:
    """Strangers may not know of the parks."""

    def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
        if layer_id == "parks" and actor.name == "stranger":
            raise PolicyError("no")


def test_a_layer_that_one_may_not_read_is_on_no_tile_and_looks_as_if_it_were_not_there(store: Store) -> None:
    stranger = {"X-OneMap-Actor": "stranger"}
    place = "WebMercatorQuad/14/6418/13654"
    with AsgiCaller(create_app(Settings(), store, Secretive())) as client:
        for address in (
            "/tiles/{id}/14/13654/6418.mvt",
            "/tiles/lamps,{id}/14/13654/6418.mvt",
            f"/collections/{{id}}/tiles/{place}",
            f"/tiles/{place}?collections={{id}}",
            "/collections/{id}/tilejson.json",
            "/tiles/lamps,{id}/tilejson.json",
            "/collections/{id}/tiles",
            "/collections/{id}/tiles/WebMercatorQuad",
        ):
            assert client.get(address.format(id="parks")).status_code == 200, address
            hidden, absent = (client.get(address.format(id=name), headers=stranger) for name in ("parks", "packs"))
            assert hidden.status_code == 404, address
            assert hidden.text.replace("parks", "packs") == absent.text
        assert set(decode(client.get(f"/tiles/{place}").content)) == {"lamps", "parks"}
        seen = client.get(f"/tiles/{place}", headers=stranger)
        assert set(decode(seen.content)) == {"lamps"}
        assert "X-OneMap-Actor" in seen.headers["vary"]
        assert "parks" not in client.get("/tiles/WebMercatorQuad", headers=stranger).text


def test_gzip_is_sent_to_those_who_take_it_and_plain_bytes_to_others(client: AsgiCaller) -> None:
    packed, raw = client.raw(XYZ, headers={"accept-encoding": "gzip"})
    plain, bare = client.raw(XYZ, headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == bare
    assert len(raw) == int(packed.headers["content-length"])


def test_an_etag_answers_304_until_a_write_changes_it(client: AsgiCaller, store: Store) -> None:
    first = client.get(XYZ)
    again = client.get(XYZ, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    write(store, "lamps", LAMPS, [Feature("L2", Point(PLACE), {"name": "b"})])
    fresh = client.get(XYZ, headers={"if-none-match": first.headers["etag"]})
    assert fresh.status_code == 200
    assert fresh.headers["etag"] != first.headers["etag"]
    assert {lamp.properties["_id"] for lamp in decode(fresh.content)["lamps"]} == {"L1", "L2"}


def test_a_write_to_one_layer_changes_the_tag_of_every_tile_it_is_in(client: AsgiCaller, store: Store) -> None:
    joined, alone = "/tiles/lamps,parks/14/13654/6418.mvt", "/tiles/parks/14/13654/6418.mvt"
    before = {url: client.get(url).headers["etag"] for url in (joined, alone)}
    write(store, "lamps", LAMPS, [Feature("L2", Point(PLACE), {})])
    after = {url: client.get(url).headers["etag"] for url in (joined, alone)}
    assert after[joined] != before[joined]
    assert after[alone] == before[alone]


def test_a_tile_and_its_tilejson_say_the_budget(client: AsgiCaller) -> None:
    told = client.get("/collections/lamps/tilejson.json").json()["onemap:budget"]
    headers = client.get(XYZ).headers
    assert headers["onemap-budget"] == f"features={told['features']}, bytes={told['bytes']}"
    assert int(headers["onemap-features"]) <= told["features"]


def test_only_an_address_with_the_current_edition_may_be_kept_for_good(store: Store) -> None:
    app = create_app(Settings(), store)
    with AsgiCaller(app) as client:
        edition, version = (
            client.get("/collections/lamps/tilejson.json").json()["onemap:edition"],
            store.version("lamps"),
        )
        assert "immutable" in client.get(f"{XYZ}?v={edition}").headers["cache-control"]
        for url in (XYZ, f"{XYZ}?v={version}", f"{XYZ}?v={version + 1}"):
            assert client.get(url).headers["cache-control"] == "no-cache"
        (asked,) = client.get("/styles/lamps").json()["sources"]["lamps"]["tiles"]
        assert asked.endswith(f"?v={edition}")
        spec = client.get("/view/spec").json()
        assert next(layer for layer in spec["layers"] if layer["id"] == "lamps")["fetch"]["version"] == edition
        store.describe_layer("lamps", {"title": "lamps", "style": {"kind": "circle", "min_zoom": 16}})
        app.state.tiles.forget("lamps")
        changed = client.get(f"{XYZ}?v={edition}")
        assert "_count" in decode(changed.content)["lamps"][0].properties
        assert changed.headers["cache-control"] == "no-cache"


def test_a_tile_without_features_is_204_and_an_empty_200_in_ogc_paths(client: AsgiCaller) -> None:
    for layer in ("lamps", "empty"):
        xyz = client.get(f"/tiles/{layer}/14/0/0.mvt")
        assert (xyz.status_code, xyz.content) == (204, b"")
        ogc = client.get(f"/collections/{layer}/tiles/WebMercatorQuad/14/0/0")
        assert (ogc.status_code, ogc.content, ogc.headers["content-type"]) == (200, b"", MVT)


def test_head_has_the_headers_and_no_body(client: AsgiCaller) -> None:
    get, head = client.get(XYZ), client.request("HEAD", XYZ)
    assert head.content == b""
    assert head.headers["etag"] == get.headers["etag"]
    assert head.headers["content-length"] == get.headers["content-length"]


def test_a_page_of_another_origin_may_read_tiles(client: AsgiCaller) -> None:
    assert client.get(XYZ, headers={"origin": "http://elsewhere"}).headers["access-control-allow-origin"] == "*"
    assert client.request("OPTIONS", XYZ).status_code == 204


@pytest.mark.parametrize(
    ("url", "status", "code"),
    [
        ("/tiles/lamps/25/0/0.mvt", {404}, "tile-outside-grid"),
        ("/tiles/lamps/2/4/0.mvt", {404}, "tile-outside-grid"),
        ("/tiles/lamps/2/0/-1.mvt", {404}, "tile-outside-grid"),
        ("/tiles/lamps/2/0/2147483647.mvt", {404}, "tile-outside-grid"),
        ("/tiles/lamps/2/0/99999999999999999999999.mvt", {404}, "tile-outside-grid"),
        ("/tiles/lamps/2/0/1.5.mvt", {404}, "tile-outside-grid"),
        ("/tiles/lamps/a/b/c.mvt", {404}, "tile-outside-grid"),
        ("/tiles/lamps/2/0/.mvt", {404}, "tile-outside-grid"),
        ("/tiles/lamps/NoQuad/2/0/0.mvt", {404}, "unknown-grid"),
        ("/tiles/lamps/CGCS2000Quad/19/0/0.mvt", {404}, "tile-outside-grid"),
        ("/tiles/nowhere/2/0/0.mvt", {404}, "unknown-layer"),
        ("/tiles/lamps,nowhere,parks/2/0/0.mvt", {404}, "unknown-layer"),
        ("/tiles/,/2/0/0.mvt", {404}, "unknown-layer"),
        ("/tiles/lamps%00/2/0/0.mvt", {404}, "unknown-layer"),
        ("/tiles/%ED%A0%80/2/0/0.mvt", {404}, "unknown-layer"),
        ("/collections/lamps/tiles/WebMercatorQuad/14/2147483647/0", {404}, "tile-outside-grid"),
        ("/collections/lamps/tiles/WebMercatorQuad/14/0/2147483647", {404}, "tile-outside-grid"),
        ("/collections/lamps/tiles/NoQuad/0/0/0", {404}, "unknown-grid"),
        ("/collections/nowhere/tiles/WebMercatorQuad/0/0/0", {404}, "unknown-layer"),
        (OGC + "?colour=red", {400}, "unknown-parameter"),
        (OGC + "?f=png", {400}, "bad-parameter"),
        ("/tiles/WebMercatorQuad/0/0/0?collections=lamps,nowhere", {404}, "unknown-layer"),
        ("/collections/nowhere/tilejson.json", {404}, "unknown-layer"),
        ("/collections/nowhere/tiles", {404}, "unknown-layer"),
        ("/collections/lamps/tiles/NoQuad", {404}, "unknown-grid"),
        ("/tiles/NoQuad", {404}, "unknown-grid"),
        ("/tileMatrixSets/NoQuad", {404}, "unknown-grid"),
    ],
)
def test_what_cannot_be_is_a_problem_with_a_code(client: AsgiCaller, url: str, status: set[int], code: str) -> None:
    answer = client.get(url)
    assert answer.status_code in status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == code


def test_the_unknown_layer_among_several_is_named_in_the_problem(client: AsgiCaller) -> None:
    assert client.get("/tiles/lamps,nowhere,parks/2/0/0.mvt").json()["value"] == "nowhere"


def test_a_client_that_wants_something_else_is_told(client: AsgiCaller) -> None:
    assert client.get(OGC, headers={"accept": "image/png"}).status_code == 406
    assert client.get(OGC, headers={"accept": f"image/png, {MVT};q=0.5"}).status_code == 200


def test_writing_to_a_tile_is_not_offered(client: AsgiCaller) -> None:
    answer = client.request("POST", XYZ)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")


def test_the_tilesets_of_a_layer_are_listed_as_the_ogc_suite_reads_them(client: AsgiCaller) -> None:
    listed = client.get("/collections/lamps/tiles").json()["tilesets"]
    assert len(listed) == 3
    for entry in listed:
        assert entry["tileMatrixSetURI"]
        (self_link,) = [link for link in entry["links"] if link["rel"] == "self"]
        metadata = client.get(self_link["href"]).json()
        (item,) = [link for link in metadata["links"] if link["rel"] == "item"]
        assert item["templated"] is True
        assert item["type"] == MVT
        for literal in ("{tileMatrix}", "{tileRow}", "{tileCol}"):
            assert literal in item["href"]
        assert metadata["dataType"] == "vector"
        assert metadata["layers"][0]["propertiesSchema"]["properties"]["wattage"]["type"] == "integer"


@pytest.mark.parametrize("base", ["/collections/parks/tiles", "/tiles"])
def test_every_tile_within_the_limits_is_200(client: AsgiCaller, base: str) -> None:
    metadata = client.get(f"{base}/WebMercatorQuad").json()
    (template,) = [link["href"] for link in metadata["links"] if link["rel"] == "item"]
    assert f"{base}/WebMercatorQuad/" in template
    limits = metadata["tileMatrixSetLimits"][12]
    for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
        for column in range(limits["minTileCol"], limits["maxTileCol"] + 1):
            url = template.format(tileMatrix=12, tileRow=row, tileCol=column)
            assert client.get(url).status_code == 200


def test_the_tiling_schemes_are_published(client: AsgiCaller) -> None:
    listed = client.get("/tileMatrixSets").json()["tileMatrixSets"]
    assert [entry["id"] for entry in listed] == ["WebMercatorQuad", "WorldCRS84Quad", "CGCS2000Quad"]
    for entry in listed:
        document = client.get(entry["links"][0]["href"]).json()
        assert morecantile.TileMatrixSet.model_validate(document).id == entry["id"]


def test_tilejson_leads_to_the_tile(client: AsgiCaller) -> None:
    document = client.get("/collections/lamps/tilejson.json").json()
    assert document["vector_layers"][0]["id"] == "lamps"
    tile = WEB_MERCATOR_QUAD.tile_at(*PLACE, 14)
    answer = client.get(document["tiles"][0].format(z=14, x=tile.x, y=tile.y))
    assert len(decode(answer.content)["lamps"]) == 1
    joined = client.get("/tiles/lamps,parks/tilejson.json").json()
    assert [layer["id"] for layer in joined["vector_layers"]] == ["lamps", "parks"]


def test_a_deleted_feature_is_gone_from_the_next_tile(client: AsgiCaller, store: Store) -> None:
    assert client.get(XYZ).status_code == 200
    with store.write("lamps", Author("test")) as writer:
        writer.delete("L1")
    assert client.get(XYZ).status_code == 204


def test_a_dropped_layer_is_404_and_its_successor_shows_only_its_own(client: AsgiCaller, store: Store) -> None:
    old = client.get(XYZ).headers["etag"]
    store.drop_layer("lamps")
    assert client.get(XYZ).status_code == 404
    write(store, "lamps", LAMPS, [Feature("N1", Point(PLACE), {"name": "new"})], create=True)
    answer = client.get(XYZ, headers={"if-none-match": old})
    assert answer.status_code == 200
    assert [lamp.properties["name"] for lamp in decode(answer.content)["lamps"]] == ["new"]


def test_the_conformance_classes_of_tiles_are_declared(client: AsgiCaller) -> None:
    declared = client.get("/conformance?f=json").json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/geodata-tilesets" in declared
    assert "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf/mvt" in declared


def test_the_landing_page_leads_to_the_tiles_of_the_data_set(client: AsgiCaller) -> None:
    links = client.get("/?f=json").json()["links"]
    (found,) = [link for link in links if link["rel"].endswith("/tilesets-vector")]
    assert len(client.get(found["href"]).json()["tilesets"]) == 3
