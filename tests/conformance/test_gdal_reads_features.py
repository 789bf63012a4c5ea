"""GDAL's OAPIF driver, somebody else's client, reads the real server: counts, pages, filters."""

from __future__ import annotations

import re
import subprocess

import httpx
import pytest

from lamp_layer import COUNT, with_lamps
from twin.store import open_store


@pytest.fixture
def lamp_server(running_server, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    store = with_lamps(open_store(data / "onemap.gpkg"))
    store.close()
    return running_server(data_dir=data)


def run(ogrinfo, *arguments):
    finished = subprocess.run([ogrinfo, *arguments], capture_output=True, text=True, timeout=60)
    assert finished.returncode == 0, finished.stderr
    assert "ERROR" not in finished.stderr
    return finished.stdout


def count(text):
    return len(re.findall(r"^OGRFeature\(lamps\)", text, re.MULTILINE))


def test_gdal_lists_the_collection_and_follows_the_pages_to_the_end(ogrinfo, lamp_server):
    source = f"OAPIF:{lamp_server.url}"
    assert "路灯 Street lamps" in run(ogrinfo, "-ro", source)
    text = run(ogrinfo, "-ro", "-al", "-oo", "PAGE_SIZE=4", source, "lamps")
    assert f"Feature Count: {COUNT}" in text
    assert count(text) == COUNT
    assert "POINT (120.024 36.224)" in text
    assert "height_m (Real) = 6.5" in text
    assert re.search(r"checked_at \(DateTime\) = 2024/05/01 08:00:00\+00", text)
    page = run(ogrinfo, "-ro", "-al", "-so", f"{lamp_server.url}/collections/lamps/items?f=json&limit=100")
    assert f"Feature Count: {COUNT}" in page


def test_gdal_gets_the_features_that_a_filter_and_a_box_leave(ogrinfo, lamp_server):
    source = f"OAPIF:{lamp_server.url}"
    expected = sum(1 for n in range(COUNT) if n % 3 == 2 and n % 5 and n % 7 + 0.5 > 3)
    assert count(run(ogrinfo, "-ro", "-al", "-where", "lamps = 2 AND height_m > 3", source, "lamps")) == expected
    box = ["-spat", "119.9995", "36.1", "120.0025", "36.3"]
    assert count(run(ogrinfo, "-ro", "-al", *box, source, "lamps")) == 3


def test_gdal_reads_the_bulk_formats(ogrinfo, lamp_server, tmp_path):
    for suffix in ("fgb", "gpkg"):
        answer = httpx.get(f"{lamp_server.url}/collections/lamps/items?f={suffix}", trust_env=False, timeout=30)
        path = tmp_path / f"lamps.{suffix}"
        path.write_bytes(answer.content)
        text = run(ogrinfo, "-ro", "-al", "-so", str(path))
        assert f"Feature Count: {COUNT}" in text
        assert "Geometry: Point" in text
