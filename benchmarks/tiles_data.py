"""A made-up city for tile benchmarks: 300,000 buildings, 200,000 roads, 500,000 points, the same rows for us and for every peer.

Seeded: the same scale gives the same rows on every machine. 119.6–120.2 E, 36.0–36.5 N, four fifths of it in 60 clusters, eleven attributes with
Chinese text: categories of 3 to 200 values, and two that differ in nearly every row. Buildings are star-shaped, so each is valid; some have a
court, some consist of two parts.

    python benchmarks/tiles_data.py --work DIR [--scale 0.1] [--geopackage] [--postgis postgresql://…]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely
from measure import CHECKOUT
from services import execute

sys.path.insert(0, str(CHECKOUT))

from layers.importing import ImportOptions, import_file
from twin.store import open_store

SEED = 20261128
WEST, SOUTH, EAST, NORTH = 119.6, 36.0, 120.2, 36.5
COUNTS = {"buildings": 300_000, "roads": 200_000, "points": 500_000}
PEER_SCHEMA = "peer"
_CLUSTERS = 60
_M_PER_DEG_LAT = 111_000.0
_M_PER_DEG_LON = _M_PER_DEG_LAT * float(np.cos(np.radians(36.25)))
_COURTS, _TWINS = 0.03, 0.02
_LETTERS = "福宁阳云海胶州安泰和兴金水山东南北新城华锦绣景丽源瑞祥德仁义礼智信春夏秋冬梅兰竹菊松柏荷桂"

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Objects = npt.NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Kind:
    """What a layer's rows are made of: `shapes` draws their geometries, `categories` are its kinds, states and materials."""

    shapes: Callable[[np.random.Generator, tuple[Floats, Floats]], Objects]
    categories: tuple[str, str, str]
    suffix: str


def main() -> None:
    """Write the files, and load them where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the files (1 GB at full scale)")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--geopackage", action="store_true", help="also load them into DIR/data/onemap.gpkg")
    parser.add_argument("--postgis", help="also load them into this database, and a plain copy into its schema peer")
    arguments = parser.parse_args()
    started = time.perf_counter()
    files = write_city(arguments.work, arguments.scale)
    print(f"{', '.join(str(file) for file in files.values())}: {time.perf_counter() - started:.1f} s")
    if arguments.geopackage:
        load(str(geopackage_in(arguments.work)), files)
    if arguments.postgis:
        load(arguments.postgis, files)
        copy_for_peers(arguments.postgis, tuple(files))


def write_city(folder: Path, scale: float = 1.0) -> dict[str, Path]:
    """GeoParquet files by layer; one that is there already is taken as it stands."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {layer: folder / f"{layer}-{scale:g}.parquet" for layer in COUNTS}
    for layer, file in files.items():
        if not file.exists():
            table = make_table(layer, max(1, round(COUNTS[layer] * scale)))
            part = file.with_suffix(".part")
            pq.write_table(table, part, compression="zstd")
            part.rename(file)
    return files


def geopackage_in(folder: Path) -> Path:
    """Where the layers are loaded to; its parent is what `--data` of the program is to be."""
    return folder / "data" / "onemap.gpkg"


def load(location: str, files: dict[str, Path]) -> None:
    """Layers of a store, through the import everybody uses; a layer that is there already is taken as it stands."""
    if "://" not in location:
        Path(location).parent.mkdir(parents=True, exist_ok=True)
    with closing(open_store(location)) as store:
        there = {record.id for record in store.layers()}
        for layer in (layer for layer in files if layer not in there):
            started = time.perf_counter()
            report = import_file(store, files[layer], ImportOptions(layer))
            print(f"{layer}: {report.inserted:,} rows stored, {time.perf_counter() - started:.1f} s", flush=True)


def copy_for_peers(url: str, layers: Sequence[str]) -> None:
    """Plain tables `peer.<layer>` of layers that the database has: EPSG:4326, primary key, GiST index."""
    execute(url, f"CREATE SCHEMA IF NOT EXISTS {PEER_SCHEMA}")
    for layer in layers:
        table = f"{PEER_SCHEMA}.{layer}"
        if execute(url, f"SELECT to_regclass('{table}') IS NOT NULL") == [(True,)]:
            continue
        columns = ", ".join(f'"{name}"' for name in column_names(url, layer))
        geometry = "ST_SetSRID(geom, 4326)::geometry(Geometry, 4326) AS geom"
        execute(url, f'CREATE TABLE {table} AS SELECT fid, {columns}, {geometry} FROM onemap."{layer}" ORDER BY fid')
        execute(url, f"ALTER TABLE {table} ADD PRIMARY KEY (fid)")
        execute(url, f"CREATE INDEX ON {table} USING gist (geom)")
        execute(url, f"VACUUM ANALYZE {table}")


def column_names(url: str, layer: str) -> tuple[str, ...]:
    """Attributes of a layer in the store."""
    with closing(open_store(url)) as store:
        return store.layer(layer).schema.names


def mvt_statement(url: str, layer: str) -> str:
    """SQL for a tile of the peers' copy of a layer with all its attributes, made by PostGIS; parameters z, x, y."""
    columns = ", ".join(f'"{name}"' for name in column_names(url, layer))
    return f"""
        SELECT ST_AsMVT(t, '{layer}', 4096, 'shape', 'fid') FROM (
            SELECT ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(%(z)s, %(x)s, %(y)s), 4096, 64, true) AS shape, fid, {columns}
            FROM {PEER_SCHEMA}.{layer}
            WHERE geom && ST_Transform(ST_TileEnvelope(%(z)s, %(x)s, %(y)s, margin => 64.0 / 4096), 4326)
        ) AS t WHERE shape IS NOT NULL"""


def make_table(layer: str, count: int) -> pa.Table:
    """Rows of a layer with their geometry as WKB, and what GeoParquet says about it."""
    kind = KINDS[layer]
    draw = np.random.default_rng([SEED, list(COUNTS).index(layer)])
    geometries = kind.shapes(draw, draw_places(draw, count))
    columns = attributes(draw, kind, count)
    columns["geometry"] = pa.array(shapely.to_wkb(geometries, flavor="iso"), type=pa.binary())
    described = {"geometry": {"encoding": "WKB", "geometry_types": []}}
    about = {"version": "1.1.0", "primary_column": "geometry", "columns": described}
    return pa.table(columns).replace_schema_metadata({"geo": json.dumps(about)})


def draw_places(draw: np.random.Generator, count: int) -> tuple[Floats, Floats]:
    """Longitudes and latitudes: four fifths in clusters of different weight and width, those of every layer; the rest anywhere."""
    town = np.random.default_rng(SEED)
    lon, lat = town.uniform(WEST + 0.04, EAST - 0.04, _CLUSTERS), town.uniform(SOUTH + 0.04, NORTH - 0.04, _CLUSTERS)
    weight = town.pareto(1.6, _CLUSTERS) + 0.4
    width_m = town.uniform(500.0, 1_300.0, _CLUSTERS) * np.sqrt(np.minimum(weight, 4.0))
    cluster = draw.choice(_CLUSTERS, count, p=weight / weight.sum())
    x = lon[cluster] + draw.normal(size=count) * width_m[cluster] / _M_PER_DEG_LON
    y = lat[cluster] + draw.normal(size=count) * width_m[cluster] / _M_PER_DEG_LAT
    inside = (x > WEST + 0.002) & (x < EAST - 0.002) & (y > SOUTH + 0.002) & (y < NORTH - 0.002)
    anywhere = np.flatnonzero((draw.random(count) < 0.2) | ~inside)
    x[anywhere] = draw.uniform(WEST + 0.002, EAST - 0.002, len(anywhere))
    y[anywhere] = draw.uniform(SOUTH + 0.002, NORTH - 0.002, len(anywhere))
    return x, y


def attributes(draw: np.random.Generator, kind: Kind, count: int) -> dict[str, pa.Array]:
    """The eleven attributes."""
    kinds, states, materials = (pa.array(words.split()) for words in kind.categories)
    street = made_names(200, "路").take(pa.array(draw.integers(0, 200, count)))
    number = pa.array(draw.integers(1, 4_000, count))
    days = np.datetime64("2000-01-01") + draw.integers(0, 9_000, count).astype("timedelta64[D]")
    return {
        "name": made_names(3_000, kind.suffix).take(pa.array(draw.integers(0, 3_000, count))),
        "kind": pick(draw, kinds, count),
        "status": pick(draw, states, count),
        "material": pick(draw, materials, count),
        "district": made_names(20, "街道").take(pa.array(draw.integers(0, 20, count))),
        "street": street,
        "levels": pa.array(draw.integers(1, 34, count).astype(np.int32)),
        "size": pa.array(np.round(draw.gamma(3.0, 6.0, count), 1)),
        "surveyed": pa.array(days),
        "address": pc.binary_join_element_wise(street, pc.cast(number, pa.string()), "号", ""),
        "score": pa.array(draw.random(count)),
    }


def made_names(count: int, suffix: str) -> pa.Array:
    """Different made-up names, the same ones in every run."""
    letters = np.random.default_rng([SEED, count]).integers(0, len(_LETTERS), (count * 2, 3))
    made = dict.fromkeys("".join(_LETTERS[i] for i in row) + suffix for row in letters)
    return pa.array(list(made)[:count])


def pick(draw: np.random.Generator, values: pa.Array, count: int) -> pa.Array:
    """Values drawn so that earlier ones are more frequent."""
    share = 1.0 / np.arange(1, len(values) + 1)
    return values.take(pa.array(draw.choice(len(values), count, p=share / share.sum())))


def buildings(draw: np.random.Generator, places: tuple[Floats, Floats]) -> Objects:
    """Star-shaped polygons of 5 to 20 vertices; some with a court, some of two parts."""
    lon, lat = places
    count = len(lon)
    corners = np.minimum(draw.geometric(0.3, count) + 4, 20)
    radius_m = draw.gamma(4.0, 3.0, count) + 3.0
    chance = draw.random(count)
    made = stars(draw, corners, radius_m, places)
    # A court is the outline drawn smaller round the same middle: a star holds every smaller copy of itself.
    hollow = np.flatnonzero(chance < _COURTS)
    rings = shapely.get_exterior_ring(made[hollow])
    sizes = shapely.get_num_coordinates(rings)
    middle = np.repeat(np.column_stack([lon[hollow], lat[hollow]]), sizes, axis=0)
    courts = shapely.transform(rings, lambda vertices: middle + (vertices - middle) * 0.4)
    made[hollow] = [shapely.Polygon(ring, [court]) for ring, court in zip(rings, courts, strict=True)]
    double = np.flatnonzero(chance > 1.0 - _TWINS)
    beside = (lon[double] + 2.5 * radius_m[double] / _M_PER_DEG_LON, lat[double])
    pairs = np.column_stack([made[double], stars(draw, corners[double], radius_m[double], beside)]).ravel()
    made[double] = shapely.multipolygons(pairs, indices=np.repeat(np.arange(len(double)), 2))
    return made


def stars(draw: np.random.Generator, corners: Ints, radius_m: Floats, places: tuple[Floats, Floats]) -> Objects:
    """Polygons whose vertices lie in order of their direction from the middle."""
    start, owner, step = runs(corners + 1)
    angle = (step + 0.6 * draw.random(len(owner))) / corners[owner] * 2.0 * np.pi
    reach_m = radius_m[owner] * draw.uniform(0.6, 1.0, len(owner))
    lon = places[0][owner] + np.cos(angle) * reach_m / _M_PER_DEG_LON
    lat = places[1][owner] + np.sin(angle) * reach_m / _M_PER_DEG_LAT
    last = start[1:] - 1
    lon[last], lat[last] = lon[start[:-1]], lat[start[:-1]]
    rings = shapely.linearrings(np.column_stack([lon, lat]), indices=owner)
    return np.array(shapely.polygons(rings), dtype=object)


def roads(draw: np.random.Generator, places: tuple[Floats, Floats]) -> Objects:
    """Lines of 2 to 14 vertices that bend a little at each."""
    sizes = np.minimum(draw.geometric(0.22, len(places[0])) + 1, 14)
    start, owner, step = runs(sizes)
    turn = draw.normal(0.0, 0.25, len(owner))
    turn[start[:-1]] = draw.uniform(0.0, 2.0 * np.pi, len(sizes))
    heading = sums_within(turn, start, sizes)
    stride_m = draw.uniform(15.0, 90.0, len(owner)) * (step > 0)
    lon = places[0][owner] + sums_within(np.cos(heading) * stride_m, start, sizes) / _M_PER_DEG_LON
    lat = places[1][owner] + sums_within(np.sin(heading) * stride_m, start, sizes) / _M_PER_DEG_LAT
    return np.asarray(shapely.linestrings(np.column_stack([lon, lat]), indices=owner))


def points(_draw: np.random.Generator, places: tuple[Floats, Floats]) -> Objects:
    """The places themselves."""
    return np.asarray(shapely.points(*places))


def runs(sizes: Ints) -> tuple[Ints, Ints, Ints]:
    """Where each run of elements begins (and the last one ends), which run each element belongs to, and its place in it."""
    start = np.concatenate([[0], np.cumsum(sizes)])
    owner = np.repeat(np.arange(len(sizes)), sizes)
    return start, owner, np.arange(start[-1]) - start[owner]


def sums_within(values: Floats, start: Ints, sizes: Ints) -> Floats:
    """Running sums that begin anew with each run."""
    total = np.cumsum(values)
    before = np.concatenate([[0.0], total])[start[:-1]]
    return np.asarray(total - np.repeat(before, sizes))


KINDS = {
    "buildings": Kind(
        buildings,
        (
            "住宅 商业 工业 学校 医院 仓储 办公 文化 体育 宗教 农业 其他",
            "使用中 在建 已拆除",
            "砖混 钢筋混凝土 钢结构 木结构 土坯 石结构 混合 未知",
        ),
        "小区",
    ),
    "roads": Kind(
        roads,
        (
            "居民区道路 支路 次干路 主干路 快速路 高速公路 国道 省道 县道 乡道 步行街",
            "通车 施工 封闭",
            "沥青 水泥 砂石 石板 土路",
        ),
        "大道",
    ),
    "points": Kind(
        points,
        (
            "路灯 井盖 消火栓 公交站 摄像头 垃圾箱 行道树 信号灯 传感器 变压器 公厕 充电桩",
            "正常 报警 离线",
            "铸铁 不锈钢 塑料 混凝土 铝合金",
        ),
        "设施",
    ),
}

if __name__ == "__main__":
    main()
