"""Is a clean layer ever accused? Every clean file held against the base maps there are, and wrong copies of it beside.

    python benchmarks/false_alarms.py

Each file is judged against the boundaries of Qingdao, and against its own neighbours (the other layers of the same town) where
there are any. "found in GCJ-02/BD-09" is how the same layer fares after it was moved into that datum (only in China).
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests/services")]

from layers.city import read_city  # noqa: E402
from layers.importing import Origin, import_osm  # noqa: E402
from real_layers import Geometries, geometries_of, moved, sampled  # noqa: E402
from twin.crs import parse_crs  # noqa: E402
from twin.datums.offset_datums import BD09, GCJ02  # noqa: E402
from twin.guard.judging import Witness, judge_position  # noqa: E402
from twin.guard.readings import CityFrame, judge_reading  # noqa: E402
from twin.query import FeatureQuery  # noqa: E402
from twin.store import open_store  # noqa: E402

DATA = CHECKOUT.parent / "shared/data"
TOWN = CHECKOUT / "data_samples/jiaozhou"
WGS84 = parse_crs("EPSG:4490")
GROUPS = {
    "Qingdao": [
        *("admin/jiaozhou-boundary-osm.geojson", "admin/jiaozhou-townships-osm.geojson"),
        *("admin/qingdao-admin-osm.geojson", "admin/china-prefectures-ocha.zip"),
    ],
    "Shanghai": [f"poi/shanghai-poi-{kind}.csv" for kind in ("medical", "schools", "bus-stops")],
    "Cambridge": [
        *("vector/cambridge-street-centerlines.geojson", "vector/cambridge-street-lights.geojson"),
        *("vector/cambridge-hydrants.geojson", "vector/cambridge-open-space.geojson"),
        *("vector/cambridge-water-bodies.geojson", "vector/cambridge-parcels-2014.topojson"),
    ],
    "Boulder": ["vector/boulder-buildings.zip"],
    "Tokyo": ["vector/tokyo-buildings-east-south.parquet"],
    "coords": ["coords/geolife-track-20081023-beijing.csv"],
}


def main() -> None:
    groups = {town: {Path(name).name: geometries_of(DATA / name) for name in names} for town, names in GROUPS.items()}
    groups["Andorra"] = andorra()
    groups["Tokyo"] |= halves(groups["Tokyo"]["tokyo-buildings-east-south.parquet"])
    groups["sample town"] = {
        path.name: geometries_of(path)
        for path in sorted(TOWN.iterdir())
        if path.suffix in {".parquet", ".csv", ".fgb", ".gpkg", ".zip", ".geojson"}
    }
    borders = Witness("borders of Qingdao", groups["Qingdao"]["qingdao-admin-osm.geojson"])
    print(
        "| layer | features | verdict | by | found in GCJ-02 | found in BD-09 |\n| --- | ---: | --- | --- | --- | --- |"
    )
    accused = judged = 0
    for town, layers in groups.items():
        for name, geometries in layers.items():
            witnesses = [borders, *(Witness(other, known) for other, known in layers.items() if other != name)]
            verdict, by = verdict_of(geometries, witnesses)
            copies = [wrong_copy(geometries, datum, witnesses, town) for datum in (GCJ02, BD09)]
            print(
                f"| {town}: {name} | {len(geometries):,} | {verdict} | {by} | {copies[0]} | {copies[1]} |", flush=True
            )
            accused, judged = accused + (verdict == "suspicious"), judged + 1
    print(f"\n{accused} of {judged} clean layers accused")


def verdict_of(geometries: Geometries, witnesses: list[Witness]) -> tuple[str, str]:
    sample, city = sampled(geometries), read_city("jiaozhou")
    odd = judge_reading(sample, WGS84, CityFrame(city.bounds, city.projected_crs))
    belief = odd or judge_position(sample, WGS84, sorted(witnesses, key=lambda witness: len(witness.geometries)))
    return belief.verdict.value, ", ".join(belief.compared_with)


def wrong_copy(geometries: Geometries, datum: object, witnesses: list[Witness], town: str) -> str:
    if town in {"Cambridge", "Boulder", "Tokyo", "Andorra"}:
        return "-"
    verdict, _ = verdict_of(moved(geometries, datum.from_wgs84), witnesses)  # type: ignore[attr-defined]
    return "yes" if verdict == "suspicious" else verdict


def andorra() -> dict[str, Geometries]:
    """The layers that the extract becomes when it is imported."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "s.gpkg")
        reports = import_osm(store, DATA / "vector/andorra.osm.pbf", "andorra", origin=Origin())
        layers = {r.layer_id: store.select(r.layer_id, FeatureQuery()).geometries for r in reports}
        states = {r.layer_id: r.state for r in reports}
        again = import_osm(store, DATA / "vector/andorra.osm.pbf", "andorra", origin=Origin())
        assert set(states.values()) == {"published"}, states
        assert all(report.updated == 0 for report in again)
        store.close()
    return layers


def halves(buildings: Geometries) -> dict[str, Geometries]:
    """Every second building of one ward against the others: neighbours that share no wall."""
    some = buildings[:40_000]
    return {"every second building": some[::2], "the other buildings": some[1::2]}


if __name__ == "__main__":
    main()
