"""Links by id beside the spatial question they replace: derived once in bulk, then read for one feature at a time.

5,000 cells and 300,000 points (fixed seed) are put in both stores. Measured, in turn on each store:

* deriving `in-grid-cell` for all points (`derive` proposes, `settle` checks and records), beside the plain spatial join that would
  otherwise be asked again and again (PostGIS: `ST_Intersects` in SQL; GeoPackage: SQLite has no exact
  test, so each point's cell is computed from its place in the regular grid, and shapely tests that one cell: a peer without an
  index, possible only because the cells are regular);
* with 700,000 declared links more, one million in all: which cell holds a point and what is tied to a cell, read as links and asked
  of geometry; and a whole page of `…/items/{id}/relations` from the running server.

Before anything is timed, links and geometry are compared: the same pairs of point and cell, all 300,000 of them.

    python benchmarks/relations.py --work DIR [--postgis postgresql://…] [--reads 2000]
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import shapely
from machine import print_machine
from measure import CHECKOUT, print_table
from services import Spawned, database, execute, free_port, seconds_until_answer

from twin.crs import parse_crs
from twin.feature import FeatureBatch
from twin.query import FeatureQuery
from twin.relations.deriving import derive
from twin.relations.link import NewLink, Ref
from twin.relations.opening import open_relations
from twin.relations.port import LinkQuery
from twin.relations.sql import SqlRelations
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store import open_store
from twin.store.port import Author, LayerSpec, Store

SEED = 20261128
POINTS, COLUMNS, ROWS, DECLARED = 300_000, 100, 50, 700_000
WEST, SOUTH, EAST, NORTH = 119.70, 36.05, 120.20, 36.45
AUTHOR = Author("benchmark")
METRES = parse_crs("EPSG:4549")
_AT_ONCE = 100_000
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """One store under test."""

    name: str
    target: str


def main() -> None:
    """Prepare, compare answers, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the stores (1 GB)")
    parser.add_argument("--postgis", help="database to use; without it a private cluster is started")
    parser.add_argument("--reads", type=int, default=2_000, help="single reads of each kind")
    arguments = parser.parse_args()
    print_machine()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    with database(arguments.postgis, work) as server:
        data = work / "relations-data"
        data.mkdir(exist_ok=True)
        (data / "onemap.gpkg").unlink(missing_ok=True)
        for place in (Place("GeoPackage", str(data / "onemap.gpkg")), Place("PostGIS", server.url)):
            with closing(open_store(place.target)) as store:
                print(f"{place.name}: filling", flush=True)
                fill(store)
                if place.name == "PostGIS":
                    execute(server.url, "VACUUM ANALYZE")
                relations = open_relations(store)
                bulk = measure_bulk(place, store, relations)
                print_table([f"{POINTS:,} points, {COLUMNS * ROWS:,} cells", "seconds", "points/s"], bulk)
                add_declared(relations)
                if place.name == "PostGIS":
                    execute(server.url, "VACUUM ANALYZE")
                reads = measure_reads(place, store, relations, arguments.reads)
            reads.append(measure_pages(place, data, arguments.reads // 4))
            print_table(["one question among 1,000,000 links", "p50 ms", "p95 ms"], reads)


def fill(store: Store) -> None:
    """Cells side by side, and points among them, a few outside."""
    draw = np.random.default_rng(SEED)
    xs, ys = np.linspace(WEST, EAST, COLUMNS + 1), np.linspace(SOUTH, NORTH, ROWS + 1)
    cells = shapely.box(
        *(a.ravel() for a in np.meshgrid(xs[:-1], ys[:-1])), *(a.ravel() for a in np.meshgrid(xs[1:], ys[1:]))
    )
    points = shapely.points(draw.uniform(WEST - 0.01, EAST, POINTS), draw.uniform(SOUTH, NORTH, POINTS))
    layers = (("cells", "C", GeometryType.POLYGON, cells), ("points", "P", GeometryType.POINT, points))
    for layer, letter, kind, shapes in layers:
        department = "grid-governance" if layer == "cells" else "iot"
        schema = Schema(kind, (Property("name", PropertyType.STRING),))
        with store.write(
            layer, AUTHOR, create=LayerSpec(layer, schema, {"id": layer, "department": department})
        ) as writer:
            for start in range(0, len(shapes), _AT_ONCE):
                part = shapes[start : start + _AT_ONCE]
                ids = [f"{letter}{start + i}" for i in range(len(part))]
                wkb = list(shapely.to_wkb(part, flavor="iso"))
                writer.upsert(FeatureBatch(schema, np.zeros(len(part), dtype=np.int64), ids, wkb, {"name": ids}))


def measure_bulk(place: Place, store: Store, relations: SqlRelations) -> list[list[str]]:
    """Deriving all links, and the spatial join beside it; ends the run when they disagree."""
    kind = relations.types()["in-grid-cell"]
    joined, join_s = timed(lambda: spatial_join(place, store))
    found, derive_s = timed(lambda: derive(store, kind, "points", "cells", METRES))
    _, settle_s = timed(lambda: relations.settle(found.proposals, AUTHOR))
    again, again_s = timed(lambda: relations.settle(derive(store, kind, "points", "cells", METRES).proposals, AUTHOR))
    links = {(link.source.id, link.target.id) for link in relations.links(LinkQuery(types=("in-grid-cell",)))}
    if links != joined:
        sys.exit(f"{place.name}: {len(links)} links against {len(joined)} pairs of the spatial join")
    if again.kept != len(links) or again.added or again.ended:
        sys.exit(f"{place.name}: deriving again changed something: {again}")
    rows = (
        ("links proposed from geometry", derive_s),
        ("links checked and recorded", settle_s),
        ("derived again, nothing new", again_s),
        ("plain spatial join, nothing kept", join_s),
    )
    return [[f"{place.name}: {what}", f"{seconds:.2f}", f"{POINTS / seconds:,.0f}"] for what, seconds in rows]


def spatial_join(place: Place, store: Store) -> set[tuple[str, str]]:
    """All pairs of point and cell by geometry alone."""
    if place.name == "PostGIS":
        statement = (
            'SELECT p.om_id, c.om_id FROM onemap."cells" c JOIN onemap."points" p ON ST_Intersects(c.geom, p.geom)'
        )
        return set(execute(place.target, statement))  # type: ignore[arg-type]
    cells = store.select("cells", FeatureQuery(properties=()))
    pairs: set[tuple[str, str]] = set()
    for batch in store.iterate("points", FeatureQuery(properties=())):
        for number, id_ in enumerate(batch.ids):
            where = batch.geometries[number]
            x, y = where.x, where.y
            column, row = (x - WEST) / (EAST - WEST) * COLUMNS, (y - SOUTH) / (NORTH - SOUTH) * ROWS
            if 0 <= column < COLUMNS and 0 <= row < ROWS:
                near = int(row) * COLUMNS + int(column)
                if cells.geometries[near].intersects(where):
                    pairs.add((str(id_), str(cells.ids[near])))
    return pairs


def add_declared(relations: SqlRelations) -> None:
    """Declared links of another type up to a million in all, through every check."""
    draw = random.Random(SEED)
    wanted = {(draw.randrange(POINTS), draw.randrange(COLUMNS * ROWS)) for _ in range(DECLARED + 2_000)}
    links = [NewLink("monitors", Ref("points", f"P{a}"), Ref("cells", f"C{b}")) for a, b in sorted(wanted)[:DECLARED]]
    _, seconds = timed(
        lambda: [relations.record(links[i : i + _AT_ONCE], AUTHOR) for i in range(0, len(links), _AT_ONCE)]
    )
    print(f"{DECLARED:,} declared links recorded in {seconds:.1f} s, {DECLARED / seconds:,.0f} a second", flush=True)


def measure_reads(place: Place, store: Store, relations: SqlRelations, count: int) -> list[list[str]]:
    """One feature at a time: by link, and by geometry."""
    draw = random.Random(SEED + 1)
    points = [f"P{draw.randrange(POINTS)}" for _ in range(count)]
    cells = [f"C{draw.randrange(COLUMNS * ROWS)}" for _ in range(count // 10)]

    def by_link(point: str) -> set[str]:
        query = LinkQuery(end=Ref("points", point), types=("in-grid-cell",), direction="out")
        return {link.target.id for link in relations.links(query)}

    def by_geometry(point: str) -> set[str]:
        shape = store.get("points", point).geometry
        return set(map(str, store.select("cells", _meeting(shape)).ids))

    def held_by_link(cell: str) -> set[str]:
        query = LinkQuery(end=Ref("cells", cell), types=("in-grid-cell",), direction="in")
        return {link.source.id for link in relations.links(query)}

    def held_by_geometry(cell: str) -> set[str]:
        return set(map(str, store.select("points", _meeting(store.get("cells", cell).geometry)).ids))

    for link, geometry, some in ((by_link, by_geometry, points[:200]), (held_by_link, held_by_geometry, cells[:50])):
        differ = [name for name in some if link(name) != geometry(name)]
        if differ:
            sys.exit(f"{place.name}: links and geometry answer otherwise for {differ[:5]}")
    everything: list[tuple[str, Callable[[str], object], list[str]]] = [
        ("everything tied to a point, links", lambda p: relations.links(LinkQuery(end=Ref("points", p))), points),
        ("the cell of a point, link", by_link, points),
        ("the cell of a point, geometry", by_geometry, points),
        ("the points of a cell, links", held_by_link, cells),
        ("the points of a cell, geometry", held_by_geometry, cells),
    ]
    return [[f"{place.name}: {what}", *percentiles(ask, names)] for what, ask, names in everything]


def _meeting(shape: shapely.Geometry | None) -> FeatureQuery:
    """Features whose geometry meets `shape`, ids only."""
    assert shape is not None
    literal = shapely.geometry.mapping(shape)
    return FeatureQuery(
        filter={"op": "s_intersects", "args": [{"property": "geometry"}, literal]}, properties=(), geometry=False
    )


def measure_pages(place: Place, data: Path, count: int) -> list[str]:
    """A page of relations from the running server, one connection."""
    port = free_port()
    program = str(Path(sys.executable).with_name("onemap"))
    environment = {"ONEMAP_STORE": "" if place.name == "GeoPackage" else place.target, "ONEMAP_LOG_LEVEL": "warning"}
    server = Spawned([program, "serve", "--port", str(port), "--data", str(data)], environment, CHECKOUT)
    draw = random.Random(SEED + 2)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def ask(point: str) -> None:
        with opener.open(f"http://127.0.0.1:{port}/collections/points/items/{point}/relations", timeout=60) as answer:
            answer.read()

    try:
        seconds_until_answer(f"http://127.0.0.1:{port}/health")
        points = [f"P{draw.randrange(POINTS)}" for _ in range(count)]
        ask(points[0])
        return [f"{place.name}: …/items/{{id}}/relations over HTTP", *percentiles(ask, points)]
    finally:
        server.stop()


def percentiles(ask: Callable[[str], object], names: Sequence[str]) -> list[str]:
    """p50 and p95 in milliseconds, after a few that warm up."""
    for name in names[:20]:
        ask(name)
    taken = np.array([timed(lambda name=name: ask(name))[1] for name in names]) * 1000
    return [f"{np.percentile(taken, 50):.2f}", f"{np.percentile(taken, 95):.2f}"]


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What `work` gives, and the seconds it took."""
    started = time.perf_counter()
    given = work()
    return given, time.perf_counter() - started


if __name__ == "__main__":
    main()
