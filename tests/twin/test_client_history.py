"""The past of a layer through the Python client, against a real server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import twin
from server_process import ServerProcess
from twin.client import Town
from twin.errors import BadMomentError, UnknownFeatureError, UnknownLayerError

LAMPS = [("L7", 3.5), ("L8", 4.0)]
FEATURES = [
    {
        "type": "Feature",
        "id": name,
        "geometry": {"type": "Point", "coordinates": [120.0, 36.2]},
        "properties": {"name": name, "height_m": height},
    }
    for name, height in LAMPS
]
MANIFEST = {
    "id": "lamps",
    "title": {"zh": "路灯", "en": "Lamps"},
    "department": "works",
    "department_title": {"zh": "市政", "en": "Works"},
    "owner": "o",
    "licence": "l",
    "geometry_type": "Point",
    "schema": [{"name": "name", "type": "string"}, {"name": "height_m", "type": "number", "unit": "m"}],
    "source": {"type": "inline", "features": {"type": "FeatureCollection", "features": FEATURES}},
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    server = ServerProcess(folder / "data")
    try:
        with twin.connect(server.url, actor="王工") as opened:
            opened.register(MANIFEST)
            for height in (11.0, 12.0):
                patch = {"properties": {"height_m": height}}
                headers = {"Content-Type": "application/merge-patch+json", "X-OneMap-Reason": "survey"}
                opened._send("PATCH", "/collections/lamps/items/L7", json=patch, headers=headers)
            yield opened
    finally:
        server.stop()


def test_versions_differences_and_changes_are_tables(town: Town):
    lamps = town.history("lamps")
    versions = lamps.versions("L7")
    assert list(versions.index) == [3, 2, 1]
    assert list(versions["reason"])[:2] == ["survey", "survey"]
    assert versions.loc[3, "author"] == "王工"
    assert lamps.version("L7", 2)["properties"]["height_m"] == 11.0
    (change,) = lamps.diff("L7", 1, 3)["properties"]
    assert (change["from"], change["to"], change["unit"]) == (3.5, 12.0, "m")
    assert lamps.diff("L7")["properties"][0]["from"] == 11.0
    assert list(lamps.changes(2).index) == [3, 2]
    assert lamps.change(1)["inserted"] == 2


@pytest.mark.parametrize("limit", [None, 2])
def test_a_layer_is_read_as_of_a_version_or_an_instant(town: Town, limit: int | None):
    recorded = town.history("lamps").versions("L7")["recorded_at"]
    assert town.read("lamps", as_of=1, limit=limit).loc["L7", "height_m"] == 3.5
    assert town.read("lamps", as_of=recorded[2], limit=limit).loc["L7", "height_m"] == 11.0
    with pytest.raises(BadMomentError):
        town.read("lamps", as_of=99, limit=limit)


def test_a_restored_version_is_a_new_one(town: Town):
    lamps = town.history("lamps")
    before = lamps.versions("L8")
    assert lamps.restore("L8", 1, reason="试一下")["properties"]["name"] == "L8"
    after = lamps.versions("L8")
    assert len(after) == len(before) + 1
    assert after.iloc[0]["reason"] == "试一下"
    with pytest.raises(UnknownFeatureError):
        lamps.restore("never", 1)
    with pytest.raises(UnknownLayerError):
        town.history("never")
