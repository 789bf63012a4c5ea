"""A layer that looks wrong is never seen published, even by a death in the middle of its import."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from layers.importing import ImportOptions, import_file
from layers.manifest import parse_manifest
from twin.store import open_store

IMPORT_AND_STOP_BEFORE_THE_COMMIT = """
import sys, time
from pathlib import Path
from layers import import_source
from layers.importing import ImportOptions, import_file
from twin.store import open_store

def stop(*arguments, **named):
    print("judged", flush=True)
    time.sleep(600)

import_source.settle = stop
import_file(open_store(Path(sys.argv[1])), Path(sys.argv[2]), ImportOptions("county"))
"""


def test_a_kill_between_judgement_and_commit_leaves_no_layer(
    tmp_path: Path, shared_data: Path, spawn: Callable[..., Any]
) -> None:
    target, county = tmp_path / "s.gpkg", shared_data / "admin/jiaozhou-boundary-datav-gcj02.geojson"
    plain = {"id": "districts", "title": "区划", "department": "basemap", "owner": "o", "licence": "l"}
    store = open_store(target)
    districts = ImportOptions("districts", manifest=parse_manifest(plain))
    import_file(store, shared_data / "admin/qingdao-admin-osm.geojson", districts)
    process = spawn(IMPORT_AND_STOP_BEFORE_THE_COMMIT, target, county)
    assert process.read_line().strip() == "judged"
    assert [record.id for record in store.layers()] == ["districts"], "nothing is seen before the commit"
    process.kill()
    store.close()
    again = open_store(target)
    assert [record.id for record in again.layers()] == ["districts"]
    assert import_file(again, county, ImportOptions("county")).state == "held"
    again.close()
