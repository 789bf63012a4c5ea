"""Real, openly published files: our counts, boxes and values beside those of GDAL's own readers."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path

import geopandas
import numpy as np
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely

from twin.errors import MissingCRSError, UnreadableFileError
from twin.formats.port import FeatureSource, RowBatch
from twin.formats.reading import is_osm, open_source
from twin.schema import GeometryType, PropertyType


def all_geometries(batches: Iterable[RowBatch]) -> list[shapely.Geometry | None]:
    return [None if w is None else shapely.from_wkb(w) for batch in batches for w in batch.wkb]


def count(source: FeatureSource) -> tuple[int, int]:
    batches = list(source.batches())
    return sum(map(len, batches)), sum(len(b.rejected) for b in batches)


@pytest.mark.parametrize(
    ("name", "features", "kind"),
    [
        ("admin/jiaozhou-townships-osm.geojson", 12, GeometryType.MULTIPOLYGON),
        ("admin/qingdao-admin-osm.geojson", 103, GeometryType.MULTIPOLYGON),
        ("vector/cambridge-street-lights.geojson", 6117, GeometryType.POINT),
        ("vector/cambridge-hydrants.geojson", 1960, GeometryType.POINT),
        ("vector/cambridge-street-centerlines.geojson", 2643, GeometryType.MULTILINESTRING),
        ("vector/cambridge-open-space.geojson", 276, GeometryType.MULTIPOLYGON),
        ("vector/cambridge-water-bodies.geojson", 74, GeometryType.MULTIPOLYGON),
        ("vector/cambridge-parcels-2014.topojson", 13116, GeometryType.MULTIPOLYGON),
        ("vector/boulder-buildings.zip", 13491, GeometryType.MULTIPOLYGON),
        ("admin/china-prefectures-ocha.zip", 361, GeometryType.MULTIPOLYGON),
        ("transport/qingdao-bus-routes-bd09.geojson", 538, GeometryType.LINESTRING),
    ],
)
def test_counts_boxes_and_shapes_agree_with_gdal(
    shared_data: Path, name: str, features: int, kind: GeometryType
) -> None:
    path = shared_data / name
    with open_source(path) as source:
        assert source.info.feature_count == features
        assert source.info.geometry_type is kind
        batches = list(source.batches(rows=5000))
    assert [r for b in batches for r in b.rejected] == []
    ours = all_geometries(batches)
    if path.suffix == ".zip":  # the archive also holds the same layer in other formats
        stem = {"boulder-buildings": "boulder_buildings", "china-prefectures-ocha": "chn_admin_level2"}[path.stem]
        theirs = pyogrio.read_dataframe(f"/vsizip/{path}/{stem}.shp").geometry.to_numpy()
    else:
        theirs = pyogrio.read_dataframe(path).geometry.to_numpy()
    assert len(ours) == len(theirs) == features
    same = shapely.equals_exact(shapely.normalize(ours), shapely.normalize(theirs), tolerance=1e-9)
    assert int((~same).sum()) <= (2 if path.suffix == ".topojson" else 0)  # two rings that quantisation has collapsed
    box = np.asarray(shapely.total_bounds(ours))
    assert box == pytest.approx(np.asarray(shapely.total_bounds(theirs)), abs=1e-9)


def test_the_townships_keep_their_chinese_names_and_codes_as_text(shared_data: Path) -> None:
    with open_source(shared_data / "admin/jiaozhou-townships-osm.geojson", id_property="nbs_code") as source:
        (batch,) = source.batches()
        assert source.info.crs == "OGC:CRS84"
    names = dict(zip(batch.ids or [], batch.columns["name"], strict=True))
    assert names["370281111"] == "洋河镇"
    assert names["370281102"] == "李哥庄镇"


def test_the_parcels_keep_their_ids_dates_and_leading_zeros(shared_data: Path) -> None:
    with open_source(shared_data / "vector/cambridge-parcels-2014.topojson") as source:
        types = {p.name: p.type for p in source.info.properties}
        first = next(iter(source.batches()))
        assert source.info.crs is None
        with pytest.raises(MissingCRSError, match="does not say"):
            source.info.require_crs()
    assert types["EditDate"] is PropertyType.DATE
    assert types["MAP"] is PropertyType.STRING
    assert first.ids is not None
    assert first.ids[0] == "10002"
    theirs = pyogrio.read_dataframe(shared_data / "vector/cambridge-parcels-2014.topojson", read_geometry=False)
    assert [str(v) for v in first.columns["EditDate"][:500] if v] == [
        str(v)[:10] for v in theirs["EditDate"][:500] if str(v)[0] in "12"
    ]


def test_the_bus_stops_are_points_where_their_columns_say(shared_data: Path) -> None:
    with open_source(shared_data / "poi/shanghai-poi-bus-stops.csv", crs="EPSG:4326") as source:
        assert source.info.feature_count == 10186
        assert source.info.crs == "EPSG:4326"
        assert [p.name for p in source.info.properties] == ["name", "address", "adname", "pname", "type"]
        first = next(iter(source.batches()))
        assert count(source) == (10186, 0)
    assert first.wkb[0] is not None
    assert shapely.from_wkb(first.wkb[0]) == shapely.Point(121.48870001007684, 31.231351802577716)
    assert first.columns["name"][0] == "城隍庙(公交站)"


def test_tokyo_is_handed_through_and_its_single_precision_heights_stay_readable(shared_data: Path) -> None:
    path = shared_data / "vector/tokyo-buildings-east-south.parquet"
    with open_source(path) as source:
        assert source.info.feature_count == 1_277_744
        assert source.info.crs == "EPSG:4326"
        assert source.info.geometry_type is GeometryType.MULTIPOLYGON
        first, second = islice(source.batches(rows=10_000), 2)
    assert (first.rows[0], second.rows[0]) == (1, 10_001)
    assert first.columns["height_m"][0] == 5.7
    assert max(len(repr(v)) for v in first.columns["height_m"] if v is not None) <= 8
    table = pq.ParquetFile(path).read_row_group(0)
    expected = geopandas.GeoSeries.from_wkb(table.column("geometry").to_pylist()[:10_000]).to_numpy()
    assert bool(shapely.equals_exact(all_geometries([first]), expected, tolerance=0).all())


def test_a_batch_of_tokyo_can_be_asked_for_twice(shared_data: Path) -> None:
    with open_source(shared_data / "vector/tokyo-buildings-east-south.parquet") as source:
        one = next(iter(source.batches(rows=5)))
        two = next(iter(source.batches(rows=5)))
    assert one.wkb == two.wkb
    assert one.columns == two.columns


def test_an_extract_is_sent_to_the_base_map_reader(shared_data: Path) -> None:
    path = shared_data / "vector/andorra.osm.pbf"
    assert is_osm(path)
    with pytest.raises(UnreadableFileError, match="base map"):
        open_source(path)


def test_a_table_whose_coordinate_columns_have_odd_names_is_read_when_they_are_named(shared_data: Path) -> None:
    path = shared_data / "coords/gcj02-bd09-reference-pairs.csv"
    with pytest.raises(UnreadableFileError, match="--lon NAME"):
        open_source(path)
    with open_source(path, lon="in_lon", lat="in_lat") as source:
        assert count(source) == (5, 0)
