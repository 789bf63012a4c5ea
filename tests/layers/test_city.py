"""City profiles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from layers.city import read_city
from twin.errors import BadManifestError

PROFILE = {
    "name": {"zh": "高密市", "en": "Gaomi"},
    "code": "370785",
    "bounds": [119.4, 36.1, 120.0, 36.7],
    "home": {"lon": 119.75, "lat": 36.38, "zoom": 12},
}


def test_jiaozhou_ships_and_holds_its_own_home():
    city = read_city()
    assert (city.name.zh, city.code, city.projected_crs) == ("胶州市", "370281", "EPSG:4549")
    assert city.bounds.west < city.home.lon < city.bounds.east
    assert city.bounds.south < city.home.lat < city.bounds.north


def test_another_city_is_a_file(tmp_path: Path):
    path = tmp_path / "gaomi.json"
    path.write_text(json.dumps(PROFILE, ensure_ascii=False), encoding="utf-8")
    assert read_city(path).to_document()["name"] == {"zh": "高密市", "en": "Gaomi"}


def test_a_profile_that_does_not_exist_is_answered_with_those_that_do():
    with pytest.raises(BadManifestError) as caught:
        read_city("atlantis")
    assert "jiaozhou" in caught.value.limit


def test_every_fault_of_a_profile_is_named(tmp_path: Path):
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({**PROFILE, "code": "37", "home": {"lon": 190, "lat": 36}}))
    with pytest.raises(BadManifestError) as caught:
        read_city(path)
    assert {finding.where for finding in caught.value.findings} == {"/code", "/home/lon"}
