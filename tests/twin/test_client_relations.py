"""`town.relations` against a real server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import twin
from quarter import with_quarter
from server_process import ServerProcess
from twin.client import Town
from twin.errors import BadData, Conflict, NotFound
from twin.store import open_store


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    data = tmp_path_factory.mktemp("town")
    with_quarter(open_store(data / "onemap.gpkg")).close()
    server = ServerProcess(Path(data), None, ())
    try:
        with twin.connect(server.url, actor="analyst") as connected:
            yield connected
    finally:
        server.stop()


def test_links_are_recorded_read_as_frames_and_ended(town: Town) -> None:
    made = town.relations.link("floor-of", ("floors", "B1-1"), ("buildings", "B1"), floor_number=1)
    assert (made["author"], made["properties"]) == ("analyst", {"floor_number": 1})
    with pytest.raises(Conflict, match="many-to-one"):
        town.relations.link("floor-of", ("floors", "B1-1"), ("buildings", "B2"))
    with pytest.raises(BadData, match="no such feature"):
        town.relations.link("floor-of", ("floors", "B1-9"), ("buildings", "B2"))
    links = town.relations.links("floors")
    assert links[["from_id", "type", "to_id"]].to_numpy().tolist() == [["B1-1", "floor-of", "B1"]]
    town.relations.end(made["id"])
    assert len(town.relations.links("floors")) == 0
    assert len(town.relations.links("floors", as_of=made["version"])) == 1
    with pytest.raises(NotFound):
        town.relations.end(made["id"])


def test_a_frame_of_pairs_is_recorded_and_followed_onward(town: Town) -> None:
    frame = pd.DataFrame(
        {
            "type": ["located-in", "on-parcel", "located-in"],
            "from_layer": ["sensors", "buildings", "sensors"],
            "from_id": ["S2", "B3", "S9"],
            "to_layer": ["buildings", "parcels", "buildings"],
            "to_id": ["B3", "P2", "B3"],
            "confidence": [0.9, None, None],
        }
    )
    report = town.relations.record(frame, partial=True)
    assert (report["recorded"], [fault["code"] for fault in report["faults"]]) == (2, ["unknown-feature"])
    ties = town.relations.of("sensors", "S2", type="located-in,on-parcel", depth=2)
    assert ties[["level", "relation", "id"]].to_numpy().tolist() == [[1, "located-in", "B3"], [2, "on-parcel", "P2"]]
    assert ties.loc[0, "title"] == "buildings B3"


def test_derived_links_join_a_layer_to_its_cells(town: Town) -> None:
    assert town.relations.derive("in-grid-cell", "sensors", "cells", dry_run=True)["settled"] is None
    report = town.relations.derive("in-grid-cell", "sensors", "cells")
    assert (report["proposed"], report["unmatched"]) == (2, 1)
    joined = town.relations.joined(town.read("sensors"), "sensors", "in-grid-cell")
    assert joined["in-grid-cell"].where(joined["in-grid-cell"].notna(), "").to_dict() == {
        "S1": "C1",
        "S2": "C2",
        "S3": "",
    }
    assert town.relations.check()["sound"]
    assert town.relations.types.loc["in-grid-cell", "zh"] == "属于单元网格"
    assert town.relations.resolve("buildings", "B1")["outcome"] == "standing"
