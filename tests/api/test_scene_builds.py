"""Scenes built and delivered over HTTP: jobs that can be watched and stopped, drafts that wait, and bad deliveries that change nothing."""

from __future__ import annotations

import errno
import io
import json
import shutil
import threading
import zipfile

import laspy
import numpy as np
import pytest

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from box_town import SCHEMA, box_town
from layers.policy import Action, Actor, OpenPolicy
from layers.scenes import delivery, serving
from processes import wait_until
from scenes3d.editions import building
from twin.client_errors import raise_for_problem
from twin.client_scenes import TownScenes
from twin.errors import BadCall, BadManifestError, NotFound, PolicyError, TooLargeError
from twin.formats import archive
from twin.store import open_store
from twin.store.port import Author, LayerSpec

ACTOR = {"X-OneMap-Actor": "clerk"}
DOCUMENT = {"id": "houses", "title": {"zh": "房屋", "en": "Houses"}, "owner": "自然资源局", "department": "basemap"}
CLOUD = {"id": "old-town", "crs": "EPSG:4549", "vertical_datum": "EPSG:5737", "title": {"zh": "老城", "en": "Old town"}}


@pytest.fixture(scope="module")
def town(tmp_path_factory):
    """A data folder with a layer of buildings and a cloud in the inbox."""
    folder = tmp_path_factory.mktemp("town")
    store = open_store(folder / "onemap.gpkg")
    with store.write("houses", Author("clerk"), create=LayerSpec("houses", SCHEMA, DOCUMENT)) as writer:
        for batch in box_town(1_500):
            writer.upsert(batch)
    store.close()
    (folder / "inbox").mkdir()
    cloud(folder / "inbox/survey.laz", 3_000)
    return folder


@pytest.fixture
def data(town, tmp_path):
    return shutil.copytree(town, tmp_path / "data")


@pytest.fixture
def client(data):
    store = open_store(data / "onemap.gpkg")
    client = AppClient(create_app(Settings(data_dir=data, max_upload_mb=1), store))
    yield client
    client.app.state.builds.close()
    store.close()


@pytest.fixture
def scenes(client) -> TownScenes:
    """The Python client over it."""

    def send(method: str, address: str, **parts):
        answer = client.request(method, address, headers=ACTOR, **parts)
        raise_for_problem(answer)
        return answer

    return TownScenes(send)


def cloud(path, count: int) -> bytes:
    """Points near the middle of Jiaozhou as LAZ."""
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales, header.offsets = np.full(3, 0.001), np.array([500_000.0, 4_013_000.0, 0.0])
    record = laspy.ScaleAwarePointRecord.zeros(count, header=header)
    number = np.arange(count)
    record.x, record.y, record.z = 500_000 + number % 60, 4_013_000 + number // 60, 20 + number % 7
    with laspy.open(path, mode="w", header=header) as writer:
        writer.write_points(record)
    return path.read_bytes()


def posted(client, scene: dict, name: str, body: bytes, **options):
    return client.request(
        "POST", "/scenes", headers=ACTOR, data={"scene": json.dumps(scene)}, files={"file": (name, body)}, **options
    )


def ended(client, answer) -> dict:
    """The job of an answer, once it is over."""
    assert answer.status_code == 202, answer.text
    address = answer.headers["location"]
    assert wait_until(lambda: client.json(address, headers=ACTOR)["status"] not in ("accepted", "running"), 60)
    return client.json(address, headers=ACTOR)


def test_a_department_builds_a_scene_of_its_layer_and_it_waits_as_a_draft(client, scenes):
    answer = client.request(
        "POST",
        "/scenes",
        headers=ACTOR,
        json={"layer": "houses", "ground": "none", "date": "2024-05-01", "title": {"zh": "白模"}},
    )
    job = ended(client, answer)
    assert (job["status"], job["progress"], job["processID"]) == ("successful", 100, "scene-build")
    made = client.json(f"{answer.headers['location']}/results")
    assert (made["scene"], made["state"], made["report"]["built"], made["date"]) == (
        "houses",
        "draft",
        1_500,
        "2024-05-01",
    )
    assert made["title"] == {"zh": "白模", "en": "Houses"}
    here = client.json("/scenes/houses")
    assert {key: made[key] for key in here} == here
    assert scenes.review("houses", "accept", reason="checked")["state"] == "published"
    again = scenes.build("houses", ground="none", height="", floors="floors").wait()
    assert again["state"] == "published"
    assert again["made"]["rule"]["floors"] == "floors"
    assert scenes.list().loc["houses", "state"] == "published"
    assert scenes.record("houses")["reviews"][0]["reason"] == "checked"


def test_a_cloud_that_is_sent_along_becomes_a_draft_and_leaves_no_upload(client, data):
    body = (data / "inbox/survey.laz").read_bytes()
    answer = posted(client, CLOUD, "Old Town.laz", body)
    assert ended(client, answer)["status"] == "successful"
    made = client.json(f"{answer.headers['location']}/results")
    assert (made["kind"], made["state"], made["report"]["points"]) == ("points", "draft", 3_000)
    assert [source["file"] for source in made["sources"]] == ["Old Town.laz"]
    assert made["title"] == CLOUD["title"]
    assert list((data / "uploads").iterdir()) == []


def test_files_of_the_inbox_and_the_python_client(scenes, data, tmp_path):
    cloud(data / "inbox/second.laz", 500)
    said = {key: value for key, value in CLOUD.items() if key != "id"}
    made = scenes.import_(scene="both", inbox=["survey.laz", "second.laz"], **said).wait()
    assert made["report"]["points"] == 3_500
    replaced = scenes.import_(data / "inbox/second.laz", scene="both", **said).wait()
    assert (replaced["version"], replaced["report"]["points"]) == (made["version"] + 1, 500)
    for name in ("../onemap.gpkg", "/etc/passwd", "missing.laz"):
        with pytest.raises(BadManifestError, match="inbox"):
            scenes.import_(scene="x", inbox=[name], **said)
    with pytest.raises(BadCall):
        scenes.import_(scene="x", **said)
    with pytest.raises(NotFound):
        scenes.record("x")


def test_all_faults_of_a_wish_are_named_before_anything_is_done(client):
    wish = {"layer": "houses", "floor_height_m": 90, "level": "moon", "date": "2024-02-31", "colour": "red"}
    found = client.problem("POST", "/scenes", 422, headers=ACTOR, json=wish)
    assert [finding["where"] for finding in found["findings"]] == ["/level", "/floor_height_m", "/colour"]
    assert client.problem("POST", "/scenes", 422, json={"layer": "houses", "date": "2024-02-31"})["findings"]
    assert client.problem("POST", "/scenes", 404, json={"layer": "lamps"})["code"] == "unknown-layer"
    assert (
        client.problem("POST", "/scenes", 400, json={"layer": "houses", "height": "tall"})["code"] == "unknown-property"
    )
    assert client.problem("POST", "/scenes", 400, json={"layer": "houses", "roofs": {"colour": "name"}})
    assert client.problem("POST", "/scenes", 404, json={"layer": "houses", "ground": "alps"})
    assert client.problem("POST", "/scenes", 422, json={"id": "Old Town", "inbox": ["survey.laz"]})["findings"]
    assert client.problem("POST", "/scenes", 422, json={**CLOUD, "anchor": [200, 0, 0], "inbox": ["survey.laz"]})
    assert client.problem("POST", "/scenes", 400, json=CLOUD)["limit"].startswith("the part 'file'")
    assert client.problem("POST", "/scenes", 415, content=b"x", headers={"content-type": "text/plain"})
    no_file = {"scene": (None, json.dumps(CLOUD))}
    assert client.problem("POST", "/scenes", 400, files=no_file)["detail"] == "No file came along."
    taken = client.problem("POST", "/scenes", 409, json={**CLOUD, "id": "houses", "inbox": ["survey.laz"]})
    assert taken["code"] == "duplicate-layer"
    assert client.json("/collections/houses/items?limit=1")["numberMatched"] == 1_500
    assert client.json("/jobs")["jobs"] == []


def test_who_may_not_is_told_so_at_once(data):
    class Careful(OpenPolicy):
        def authorise(self, actor: Actor, action: Action, layer_id: str) -> None:
            if action in (Action.REGISTER_LAYER, Action.DESCRIBE_LAYER) and actor.name != "chief":
                raise PolicyError("Only the chief.", value=actor.name, remedy="Ask the chief.")
            if action is Action.REVIEW_LAYER:
                raise PolicyError("Not here.", value=actor.name, remedy="Ask the city.")

    store = open_store(data / "onemap.gpkg")
    client = AppClient(create_app(Settings(data_dir=data), store, Careful()))
    assert client.problem("POST", "/scenes", 403, headers=ACTOR, json={"layer": "houses"})["value"] == "clerk"
    body = (data / "inbox/survey.laz").read_bytes()
    assert posted(client, CLOUD, "a.laz", body).status_code == 403
    assert list((data / "uploads").iterdir()) == []
    chief = {"X-OneMap-Actor": "chief"}
    answer = client.request("POST", "/scenes", headers=chief, json={"layer": "houses", "ground": "none"})
    assert wait_until((data / "scenes/houses/scene.json").is_file, 60)
    job = answer.headers["location"]
    assert client.get(job, headers=ACTOR).status_code == 404, "of a draft only who asked, and who reviews, may know"
    assert wait_until(lambda: client.json(job, headers=chief)["status"] != "running", 60)
    assert client.json(job, headers=chief)["status"] == "successful"
    assert client.json("/scenes/houses", headers=chief)["state"] == "draft"
    assert client.get("/scenes/houses", headers=ACTOR).status_code == 404
    client.app.state.builds.close()
    store.close()


def bomb(size: int, names: int = 1) -> bytes:
    """A zip archive of nothing, packed tightly."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(names):
            with archive.open(f"model{number}.obj", "w") as member:
                for _ in range(size >> 20):
                    member.write(bytes(1 << 20))
    return packed.getvalue()


def claimed_ply() -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", "element vertex 4000000000"]
    lines += [f"property float {axis}" for axis in "xyz"]
    lines += ["element face 4000000000", "property list uchar int vertex_indices", "end_header"]
    return "\n".join(lines).encode() + b"\n" + bytes(120)


BAD = {
    "a bomb": ("bomb.zip", lambda laz: bomb(64 << 20), "unsafe-archive"),
    "four thousand million vertices": ("mesh.ply", lambda laz: claimed_ply(), None),
    "a cut cloud": ("cut.laz", lambda laz: laz[: len(laz) // 2], None),
    "nothing known": ("notes.txt", lambda laz: b"notes", "bad-call"),
    "an empty zip": ("empty.zip", lambda laz: bomb(0, 0), None),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_delivery_fails_with_its_reason_and_the_old_scene_serves(client, scenes, data, what):
    said = {key: value for key, value in CLOUD.items() if key != "id"}
    scenes.import_(data / "inbox/survey.laz", scene="old-town", **said).wait()
    scenes.review("old-town", "accept", reason="checked")
    before = client.get("/scenes/old-town/tileset.json").content
    name, body, code = BAD[what]
    wish = {**CLOUD, "crs": None} if name.endswith(".ply") else CLOUD
    wish = wish | ({"anchor": [120.0, 36.2, 0.0], "crs": None} if name.endswith((".ply", ".zip")) else {})
    answer = posted(
        client, {k: v for k, v in wish.items() if v is not None}, name, body((data / "inbox/survey.laz").read_bytes())
    )
    job = ended(client, answer)
    assert job["status"] == "failed"
    assert job["problem"]["code"] == code or code is None
    assert job["problem"]["remedy"]
    assert client.json(f"{answer.headers['location']}/results", 422)["code"] == job["problem"]["code"]
    assert client.get("/scenes/old-town/tileset.json").content == before
    assert list((data / "uploads").iterdir()) == []


def test_too_much_is_refused_while_it_arrives(client, data, monkeypatch):
    body = np.random.default_rng(1).bytes(1_200_000)
    assert posted(client, CLOUD, "a.laz", body).status_code == 413

    async def endless():
        yield b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.laz"\r\n\r\n'
        for _ in range(40):
            yield bytes(100_000)

    form = {"content-type": "multipart/form-data; boundary=x"}
    assert client.problem("POST", "/scenes", 413, headers=form, content=endless())["code"] == "too-large"
    assert list((data / "uploads").iterdir()) == []
    full = shutil.disk_usage(data)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    assert "disk" in posted(client, CLOUD, "a.laz", b"few").json()["detail"]


def test_a_disk_that_fills_up_is_told_and_changes_nothing(client, monkeypatch):
    def full(work):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(building.SceneFolder, "put", lambda self, tile: full(tile))
    job = ended(client, client.request("POST", "/scenes", json={"layer": "houses", "ground": "none"}))
    assert (job["status"], job["problem"]["code"]) == ("failed", "too-large")
    assert client.json("/scenes")["scenes"] == []


def test_a_full_disk_is_no_damaged_archive(tmp_path, monkeypatch):
    (tmp_path / "a.zip").write_bytes(bomb(1 << 20))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive, "_extract", full)
    with pytest.raises(TooLargeError, match="disk is full"), archive.unpacked(tmp_path / "a.zip"):
        pass


def test_a_build_is_stopped_and_what_was_served_is_served(client, scenes, data, monkeypatch):
    scenes.build("houses", ground="none").wait()
    scenes.review("houses", "accept", reason="checked")
    before = client.get("/scenes/houses/tileset.json").content
    begun, go_on, build_tile = threading.Event(), threading.Event(), building.build_tile

    def slow(work):
        begun.set()
        assert go_on.wait(60)
        return build_tile(work)

    monkeypatch.setattr(building, "build_tile", slow)
    job = scenes.build("houses", ground="none", height="", floors="floors")
    assert begun.wait(60)
    assert job.status()["status"] == "running"
    assert job.status()["progress"] >= 50
    assert client.get("/scenes/houses/tileset.json").content == before
    monkeypatch.setattr(serving, "PATIENCE_S", 0.1)
    item = client.json("/collections/houses/items/b7")
    edited = {"type": "Feature", "geometry": item["geometry"], "properties": item["properties"] | {"height": 77.0}}
    assert client.request("PUT", "/collections/houses/items/b7", json=edited).status_code < 300
    late = client.get("/scenes/houses/tileset.json")
    assert (late.content, late.headers["onemap-scene-behind"]) == (before, "1")
    waiting = scenes.import_(data / "inbox/survey.laz", scene="late", crs="EPSG:4549", vertical_datum="EPSG:5737")
    waiting.dismiss()
    job.dismiss()
    go_on.set()
    assert wait_until(lambda: job.status()["status"] == "dismissed", 30)
    assert wait_until(lambda: "onemap-scene-behind" not in client.get("/scenes/houses/tileset.json").headers, 30)
    assert client.json("/scenes/houses")["made"]["rule"]["height"] == "height"
    assert wait_until(lambda: list((data / "uploads").iterdir()) == [], 30), "what waited for its turn is gone as well"
    assert client.get("/scenes/late").status_code == 404


def test_a_delivery_that_is_stopped_leaves_the_one_before(client, scenes, data, monkeypatch):
    said = {"scene": "old-town", "crs": "EPSG:4549", "vertical_datum": "EPSG:5737"}
    before = scenes.import_(data / "inbox/survey.laz", **said).wait()
    cloud(data / "inbox/second.laz", 500)
    begun, go_on, build = threading.Event(), threading.Event(), delivery.build_delivery

    def slow(*arguments, **options):
        built = build(*arguments, **options)
        begun.set()
        assert go_on.wait(60)
        return built

    monkeypatch.setattr(delivery, "build_delivery", slow)
    job = scenes.import_(data / "inbox/second.laz", **said)
    assert begun.wait(60)
    job.dismiss()
    go_on.set()
    assert wait_until(lambda: list((data / "uploads").iterdir()) == [], 30)
    assert scenes.record("old-town")["report"] == before["report"]
    assert client.json("/collections/old-town/items")["numberMatched"] == 1
