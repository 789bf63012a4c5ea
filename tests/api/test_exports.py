"""A selection in each bulk format, read back by somebody else's reader."""

from __future__ import annotations

import csv
import io

import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from api.app import create_app
from api.settings import Settings
from app_client import AppClient
from lamp_layer import COUNT

ITEMS = "/collections/lamps/items"
MEDIA_TYPES = {
    "csv": "text/csv",
    "fgb": "application/flatgeobuf",
    "parquet": "application/vnd.apache.parquet",
    "gpkg": "application/geopackage+sqlite3",
}


def read(answer, tmp_path, suffix):
    path = tmp_path / f"answer.{suffix}"
    path.write_bytes(answer.content)
    if suffix == "parquet":
        table = pq.read_table(path).to_pylist()
        return {row["id"]: (row["name"], shapely.from_wkb(row["geometry"])) for row in table}
    meta, _, geometries, fields = pyogrio.raw.read(path)
    columns = dict(zip(meta["fields"], fields, strict=True))
    named = zip(columns["id"], columns["name"], shapely.from_wkb(geometries), strict=True)
    return {id_: (name, geometry) for id_, name, geometry in named}


@pytest.mark.parametrize("suffix", ["fgb", "parquet", "gpkg"])
def test_the_whole_layer_is_in_the_file(client, tmp_path, suffix):
    answer = client.get(f"{ITEMS}?f={suffix}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MEDIA_TYPES[suffix]
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert f'filename="lamps.{suffix}"' in answer.headers["content-disposition"]
    rows = read(answer, tmp_path, suffix)
    assert len(rows) == COUNT
    name, geometry = rows["lamp-3"]
    assert name == "路灯 3"
    assert (geometry.x, geometry.y) == pytest.approx((120.003, 36.203))


def test_csv_opens_in_a_spreadsheet(client):
    answer = client.get(ITEMS, headers={"accept": "text/csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(rows) == COUNT
    assert rows[3]["name"] == "路灯 3"
    assert float(rows[3]["lon"]) == pytest.approx(120.003)


@pytest.mark.parametrize("suffix", ["fgb", "parquet", "gpkg"])
def test_box_filter_order_limit_and_system_are_kept(client, tmp_path, suffix):
    parameters = {
        "f": suffix,
        "bbox": "120.0015,36,120.0105,37",
        "filter": "lit = true",
        "limit": 3,
        "crs": "http://www.opengis.net/def/crs/EPSG/0/4549",
    }
    answer = client.get(ITEMS, params=parameters)
    rows = read(answer, tmp_path, suffix)
    assert set(rows) == {"lamp-2", "lamp-4", "lamp-6"}
    easting, northing = rows["lamp-2"][1].x, rows["lamp-2"][1].y
    assert easting == pytest.approx(500180, abs=1)
    assert northing > 4_000_000


@pytest.mark.parametrize("suffix", ["fgb", "parquet", "gpkg", "csv"])
def test_a_selection_without_features_is_still_a_file(client, suffix):
    answer = client.get(ITEMS, params={"f": suffix, "filter": "lamps = 99"})
    assert answer.status_code == 200
    assert len(answer.content) > 0


def test_more_features_than_the_operator_allows_are_refused(store):
    client = AppClient(create_app(Settings(export_rows_max=10), store))
    problem = client.problem("GET", ITEMS + "?f=csv", 413)
    assert (problem["code"], problem["value"]) == ("too-large", "25")
    assert client.get(ITEMS + "?f=csv&lamps=1").status_code == 200
    assert client.get(ITEMS + "?f=csv&limit=5").status_code == 200


def test_too_many_exports_at_once_are_asked_to_come_again(client, monkeypatch):
    monkeypatch.setattr("api.responses.exports._PATIENCE_S", 0.01)
    slots = client.app.state.parts.export_slots
    while slots.acquire(blocking=False):
        pass
    assert client.problem("GET", ITEMS + "?f=csv", 503)["code"] == "store-busy"
    slots.release()
    for _ in range(3):
        assert client.get(ITEMS + "?f=csv").status_code == 200
