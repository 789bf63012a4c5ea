"""Is a clean file ever accused? Every readable vector file through the real import, dry, and wrong copies of the town's layers beside.

    python benchmarks/false_alarms.py

The base map is the sample town's and the boundaries of Qingdao. Each file is imported with `dry_run` as a new layer, as the check before
a delivery does; a layer of the town is never its own witness. Files that are known to be GCJ-02 or BD-09 count as wrong copies. A copy
of a layer of the town holds at most 3,000 of its features. Files that are no vector data with places are named at the end.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import shapely

CHECKOUT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(CHECKOUT), str(CHECKOUT / "tests/services")]

from layers.city import read_city  # noqa: E402
from layers.importing import ImportOptions, Origin, import_file, import_osm  # noqa: E402
from layers.manifest import parse_manifest  # noqa: E402
from layers.seeding import seed_layers  # noqa: E402
from twin.crs import from_cgcs2000, parse_crs  # noqa: E402
from twin.datums.offset_datums import BD09, GCJ02  # noqa: E402
from twin.errors import OneMapError  # noqa: E402
from twin.query import FeatureQuery  # noqa: E402
from twin.store import open_store  # noqa: E402
from twin.store.port import Store  # noqa: E402

DATA = CHECKOUT.parent / "shared/data"
TOWN = CHECKOUT / "data_samples/jiaozhou"
FORMATS = {".geojson", ".topojson", ".csv", ".zip", ".parquet", ".fgb", ".gpkg", ".sqlite", ".gml"}
BORDERS = DATA / "admin/qingdao-admin-osm.geojson"
KNOWN_WRONG = ("gcj02", "bd09")
ORIGIN = Origin(city=read_city("jiaozhou"))
MOST_COPIED = 3_000
Geometries = Any


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(Path(folder) / "s.gpkg")
        seed_layers(store, TOWN)
        borders = {"id": "districts-of-qingdao", "title": "区市", "department": "basemap", "owner": "o", "licence": "l"}
        import_file(store, BORDERS, ImportOptions("districts-of-qingdao", manifest=parse_manifest(borders)))
        print(
            "| file | rows | verdict | confidence | share | counted | by |\n| --- | ---: | --- | ---: | ---: | --- | --- |"
        )
        told = Counter(judged_files(store))
        for verdict, count in sorted(told.items()):
            print(f"\n{verdict}: {count}")
        print("\n| layer of the town | " + " | ".join(COPIES) + " |\n|" + " --- |" * (len(COPIES) + 1))
        found = Counter(judged_copies(store, Path(folder)))
        print(
            "\n"
            + ", ".join(f"{name}: {found[name, True]} of {found[name, True] + found[name, False]}" for name in COPIES)
        )
        store.close()


def judged_files(store: Store) -> Iterator[str]:
    """One row a file; gives what became of each."""
    unread = []
    paths = [p for p in DATA.rglob("*") if p.suffix in FORMATS and "model3d/lod" not in str(p)]
    for path in sorted([*paths, *(p for p in TOWN.iterdir() if p.suffix in FORMATS)], key=lambda p: p.stat().st_size):
        own = path.stem if path.parent == TOWN else "districts-of-qingdao" if path == BORDERS else "candidate"
        try:
            belief, rows = tried(store, path, own)
        except OneMapError as error:
            unread.append(f"{path.name} ({error.code})")
            continue
        wrong = any(word in path.name for word in KNOWN_WRONG)
        print(row(path.name, rows, belief), flush=True)
        accused = belief["verdict"] == "suspicious"
        yield (
            f"{'wrong files found' if accused else 'wrong files missed'}"
            if wrong
            else ("clean files accused" if accused else "clean files not accused")
        )
    reports = import_osm(store, DATA / "vector/andorra.osm.pbf", "andorra", origin=ORIGIN)
    for report in reports:
        print(row(f"andorra.osm.pbf: {report.layer_id}", report.rows, report.belief or {}), flush=True)
        yield "clean files accused" if report.state == "held" else "clean files not accused"
    print("\nnot vector data with places: " + ", ".join(unread))


def tried(store: Store, path: Path, layer_id: str, crs: str | None = None) -> tuple[Mapping[str, Any], int]:
    """The belief of a dry import, and the rows read."""
    report = import_file(store, path, ImportOptions(layer_id, crs=crs, dry_run=True), origin=ORIGIN)
    return report.belief or {}, report.rows


def row(name: str, rows: int, belief: Mapping[str, Any]) -> str:
    counted = f"{belief.get('counted', 0):,} of {belief.get('of', 0):,} {belief.get('unit', '')}"
    by = ", ".join(belief.get("compared_with", ()))
    return f"| {name} | {rows:,} | {belief['verdict']} | {belief['confidence']:.2f} | {belief['share']:.2f} | {counted} | {by} |"


def by_datum(move: Callable[..., Any]) -> Callable[[Geometries], Geometries]:
    return lambda clean: shapely.transform(clean, lambda xy: np.column_stack(move(xy[:, 0], xy[:, 1])))


def in_feet(clean: Geometries) -> Geometries:
    return shapely.transform(from_cgcs2000(clean, parse_crs("EPSG:4549")), lambda xy: xy / 0.3048)


# What is done to the numbers, and the CRS they are then said to be in.
COPIES: Mapping[str, tuple[Callable[[Geometries], Geometries], str]] = {
    "GCJ-02": (by_datum(GCJ02.from_wgs84), "EPSG:4490"),
    "BD-09": (by_datum(BD09.from_wgs84), "EPSG:4490"),
    "swapped": (lambda clean: shapely.transform(clean, lambda xy: xy[:, ::-1]), "EPSG:4490"),
    "other zone": (lambda clean: from_cgcs2000(clean, parse_crs("EPSG:4528")), "EPSG:4549"),
    "zone beside": (lambda clean: from_cgcs2000(clean, parse_crs("EPSG:4549")), "EPSG:4548"),
    "other sign": (lambda clean: shapely.transform(clean, lambda xy: xy * [-1, 1]), "EPSG:4490"),
    "feet": (in_feet, "EPSG:4549"),
}


def judged_copies(store: Store, folder: Path) -> Iterator[tuple[str, bool]]:
    """One row a layer of the town; gives each copy and whether it was found."""
    for record in store.layers():
        if not (record.feature_count and any(TOWN.glob(f"{record.id}.*"))):
            continue
        clean = store.select(record.id, FeatureQuery(properties=())).geometries
        clean = clean[~(shapely.is_missing(clean) | shapely.is_empty(clean))]
        clean = clean[:: max(1, -(-len(clean) // MOST_COPIED))]
        # While its copies are judged the layer is no base map: nobody shall bear witness against their own copy.
        store.describe_layer(record.id, {**record.document, "department": "held-out"})
        cells = []
        for name, (spoil, stated) in COPIES.items():
            path = folder / "copy.geojson"
            features = ",".join(
                f'{{"type":"Feature","properties":{{}},"geometry":{text}}}' for text in shapely.to_geojson(spoil(clean))
            )
            path.write_text(f'{{"type":"FeatureCollection","features":[{features}]}}', encoding="utf-8")
            accused, word = wrongly_read(store, path, stated)
            cells.append(word)
            yield name, accused
        store.describe_layer(record.id, record.document)
        print(f"| {record.id} | {' | '.join(cells)} |", flush=True)


def wrongly_read(store: Store, path: Path, stated: str) -> tuple[bool, str]:
    """Whether a wrong copy is held or refused, and how it is told."""
    try:
        belief, _ = tried(store, path, "candidate", stated)
    except OneMapError as error:  # no row can be taken: the findings name what it looks like
        named = any("looks like" in finding.problem for finding in error.findings)
        return named, "refused, named" if named else "refused"
    accused = belief["verdict"] == "suspicious"
    return accused, str(belief["hypothesis"] if accused else belief["verdict"])


if __name__ == "__main__":
    main()
