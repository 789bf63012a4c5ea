"""Real layers, and PostGIS as the second opinion about them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from layers.importing import ImportOptions, import_file
from twin.crs import parse_crs
from twin.store import open_store
from twin.store.postgis import PostGISStore
from twin.topology.faults import TopologyFinding
from twin.topology.rules import parse_rules
from twin.topology.run import RunOptions, check_layers

NOW = datetime(2026, 11, 1, tzinfo=UTC)
OVERLAPS = """
    SELECT a.om_id, b.om_id, ST_Area(ST_Intersection(a.g, b.g)) AS area
    FROM (SELECT fid, om_id, ST_MakeValid(ST_Transform(geom, {srid})) AS g, geom FROM onemap."{layer}" WHERE {where}) a
    JOIN (SELECT fid, om_id, ST_MakeValid(ST_Transform(geom, {srid})) AS g, geom FROM onemap."{layer}" WHERE {where}) b
      ON a.fid < b.fid AND a.geom && b.geom AND ST_Intersects(a.g, b.g)
    WHERE ST_Area(ST_Intersection(a.g, b.g)) > {limit}"""
HOLES = """
    SELECT ST_Area(ST_BuildArea(ST_InteriorRingN(part, n))) AS area
    FROM (SELECT (ST_Dump(ST_Union(ST_Transform(geom, {srid})))).geom AS part FROM onemap."{layer}") parts,
         LATERAL generate_series(1, ST_NumInteriorRings(part)) AS n
    WHERE ST_Area(ST_BuildArea(ST_InteriorRingN(part, n))) > {limit}"""


@pytest.fixture
def real_store(postgis_url: str) -> Iterator[PostGISStore]:
    store = open_store(postgis_url)
    assert isinstance(store, PostGISStore)
    yield store
    store.close()


@pytest.fixture
def findings(
    real_store: PostGISStore, shared_data: Path
) -> Callable[[str, str, list[dict[str, object]]], list[TopologyFinding]]:
    def check(layer: str, file: str, checks: list[dict[str, object]]) -> list[TopologyFinding]:
        import_file(real_store, shared_data / file, ImportOptions(layer))
        record = real_store.layer(layer)
        options = RunOptions(parse_crs("EPSG:4549"))
        return list(
            check_layers(
                real_store, [record], parse_rules({layer: checks}), options, at=NOW, others=real_store.layers()
            ).findings
        )

    return check


def asked(
    store: PostGISStore, statement: str, layer: str, srid: int, limit: float, where: str = "true"
) -> list[tuple[object, ...]]:
    with store.reading() as connection:
        rows = connection.execute(sa.text(statement.format(layer=layer, srid=srid, limit=limit, where=where)))
        return [tuple(row) for row in rows]


def test_the_townships_tile_the_county_to_four_square_metres(findings, real_store):
    found = findings("towns", "admin/jiaozhou-townships-osm.geojson", [{"check": "coverage", "min_area_m2": 4}])
    assert [f.kind for f in found] == []
    assert asked(real_store, OVERLAPS, "towns", 4549, 4.0) == []
    assert asked(real_store, HOLES, "towns", 4549, 4.0) == []


def test_overlapping_buildings_are_those_that_postgis_finds(findings, real_store):
    found = findings("houses", "vector/boulder-buildings.zip", [{"check": "overlaps", "min_area_m2": 1}])
    ours = {(f.feature, f.other): f.measure for f in found}
    theirs = {(a, b): area for a, b, area in asked(real_store, OVERLAPS, "houses", 32613, 1.0)}
    assert len(ours) > 250
    assert ours.keys() == theirs.keys()
    assert all(ours[pair] == pytest.approx(area, rel=1e-6, abs=1e-3) for pair, area in theirs.items())


def test_a_township_moved_by_ten_metres_leaves_gaps_and_overlaps(findings, real_store):
    """The same layer with one town pushed east: PostGIS and the check agree on every gap and overlap."""
    findings("towns", "admin/jiaozhou-townships-osm.geojson", [])
    with real_store.writing() as connection:
        connection.execute(
            sa.text(
                "UPDATE onemap.towns SET geom = ST_Translate(geom, 0.0001, 0) WHERE fid = (SELECT min(fid) FROM onemap.towns)"
            )
        )
    rules = parse_rules({"towns": [{"check": "coverage", "min_area_m2": 4}]})
    report = check_layers(
        real_store,
        [real_store.layer("towns")],
        rules,
        RunOptions(parse_crs("EPSG:4549")),
        at=NOW,
        others=real_store.layers(),
    )
    overlaps = {(f.feature, f.other): f.measure for f in report.findings if "overlap" in f.kind}
    theirs = {(a, b): area for a, b, area in asked(real_store, OVERLAPS, "towns", 4549, 4.0)}
    assert len(overlaps) >= 2
    assert overlaps == {pair: pytest.approx(area, rel=1e-6, abs=1e-3) for pair, area in theirs.items()}
    gaps = sorted(f.measure or 0.0 for f in report.findings if "gap" in f.kind)
    holes = sorted(float(str(area)) for (area,) in asked(real_store, HOLES, "towns", 4549, 4.0))
    assert gaps == [pytest.approx(area, rel=1e-6, abs=1e-3) for area in holes]
    assert gaps


def test_the_parcels_of_cambridge_overlap_where_postgis_says(findings, real_store):
    """Of the last 2,100 all but the streets' own parcels, whose thousands of vertices PostGIS would walk for each neighbour."""
    found = findings("parcels", "vector/cambridge-parcels-2014.topojson", [{"check": "overlaps", "min_area_m2": 0.5}])
    some = "ST_NPoints(geom) < 1000 AND om_id::int > 11000"
    with real_store.reading() as connection:
        asked_about = set(connection.execute(sa.text(f"SELECT om_id FROM onemap.parcels WHERE {some}")).scalars())
    ours = {(f.feature, f.other): f.measure for f in found if {f.feature, f.other} <= asked_about}
    theirs = {(a, b): area for a, b, area in asked(real_store, OVERLAPS, "parcels", 32619, 0.5, some)}
    assert len(ours) >= 9
    assert ours == {pair: pytest.approx(area, rel=1e-6, abs=1e-3) for pair, area in theirs.items()}
