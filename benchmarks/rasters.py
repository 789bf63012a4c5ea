"""Raster tiles over HTTP, not cached: One Map beside titiler as it ships, the same COGs, the same kind of file, the same tiles.

One machine, one run, in turn, one worker each. CPU is that of the server's process tree, from /proc; the caches of One Map are off (titiler
has none; GDAL's cache of blocks works for both). COGs are those that `onemap import` made. titiler resamples by the nearest pixel as it
ships; the rows "bilinear" ask it for what One Map does anyway. Before anything is timed the pictures are compared.

    python benchmarks/rasters.py --work DIR --peers DIR [--rounds 5] [--tiles 24]
"""

from __future__ import annotations

import argparse
import io
import sys
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import numpy as np
import rasterio
import rasterio.warp
from load import drive_from_outside
from machine import print_machine
from measure import CHECKOUT, cpu_seconds, print_table, resident_mb, run_program, spread
from peers import Server, environment
from PIL import Image
from rasterio.transform import from_origin
from services import Spawned, free_port, seconds_until_answer

sys.path.insert(0, str(CHECKOUT))

from tiles.address import Tile
from tiles.grids import WEB_MERCATOR_QUAD
from twin.bounds import Bounds

TITILER = ("titiler-core==2.4.0", "uvicorn[standard]")
# What titiler's manual advises for its environment.
ADVISED = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_CACHEMAX": "200", "PYTHONPATH": ""}
APPLICATION = """from fastapi import FastAPI
from titiler.core.factory import TilerFactory

app = FastAPI()
app.include_router(TilerFactory().router)


@app.get("/health")
def health():
    return {}
"""
SHARED = CHECKOUT.parent / "shared/data/raster"
CONNECTIONS = 4
REQUESTS = 40
_LARGE = 4096


@dataclass(frozen=True, slots=True)
class Subject:
    """A raster that is drawn.

    Attributes:
        id: Of the raster, and its file's name.
        source: What is imported.
        kinds: Kinds of file that are asked for.
        ours, theirs: Words of the address that make both draw alike.
    """

    id: str
    source: Path
    kinds: tuple[str, ...]
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Contender:
    """A running server: address of a tile, and its process."""

    name: str
    address: Callable[[Subject, Tile, str], str]
    pid: int


def main() -> None:
    """Prepare, compare, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="folder for the data (1 GB)")
    parser.add_argument("--peers", type=Path, required=True, help="folder for the peer's environment")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tiles", type=int, default=24, help="tiles of each level")
    arguments = parser.parse_args()
    print_machine()
    work, peers = arguments.work.resolve(), arguments.peers.resolve()
    for folder in (work, peers):
        folder.mkdir(parents=True, exist_ok=True)
    subjects = prepared(work)
    with ExitStack() as stack:
        contenders = [one_map(stack, work), *titiler(stack, work, peers)]
        rows, ratios = [], []
        for subject in subjects:
            for level in levels_of(work, subject):
                tiles = tiles_of(work, subject, level, arguments.tiles)
                compare(contenders, subject, tiles)
                for kind in subject.kinds:
                    cpu = [[cpu_ms(each, subject, tiles, kind) for each in contenders] for _ in range(arguments.rounds)]
                    label = f"{subject.id} z{level} {kind} ({len(tiles)} tiles)"
                    rows.append([label, *(spread(column) for column in zip(*cpu, strict=True))])
                    ratios.append([label, *(spread([r[n] / r[0] for r in cpu], 1) for n in range(1, len(contenders)))])
        names = [each.name for each in contenders]
        print_table(["CPU ms/tile", *names], rows)
        print_table(["times One Map's CPU", *names[1:]], ratios)
        print_table(
            ["memory after the run", "MB"], [[each.name, f"{resident_mb(each.pid):.0f}"] for each in contenders]
        )


def prepared(work: Path) -> list[Subject]:
    """The rasters, imported once: an aerial photograph, a drone's with holes, a large photograph and a large elevation raster."""
    grey = "bidx=1&rescale=0,400&colormap_name=terrain"
    subjects = [
        Subject("ortho", generated(work, "ortho"), ("jpg", "png", "webp"), "", "bidx=1,2,3"),
        Subject("dem", generated(work, "dem"), ("png",), "rescale=0,400&colormap=terrain", grey),
    ]
    if SHARED.is_dir():
        naip, drone = (SHARED / f"{name}.tif" for name in ("naip-m4709963se-20200831", "uav-pix4d-orthomosaic-bali"))
        subjects.append(Subject("naip", naip, ("jpg", "png"), "", "bidx=1,2,3"))
        subjects.append(Subject("drone", drone, ("png", "webp"), "", "bidx=1,2,3"))
    else:
        print("NOT MEASURED: photographs; remedy: put the folder shared/data beside the checkout")
    for subject in subjects:
        if not cog_of(work, subject).exists():
            words = ["--layer", subject.id, "--image", "a", "--accept-because", "benchmark", "--data", work / "data"]
            run_program([sys.executable, "-m", "api.cli", "import", subject.source, *words])
    return subjects


def cog_of(work: Path, subject: Subject) -> Path:
    """Where the import puts the COG."""
    return work / "data" / "rasters" / subject.id / "a.tif"


def generated(work: Path, name: str) -> Path:
    """A photograph (three bands, uint8) or heights (float32) of 4096 x 4096 pixels of 0.5 m in EPSG:4549, from noise of many sizes."""
    path = work / f"{name}.tif"
    if path.exists():
        return path
    draw = np.random.default_rng(20261129)
    height = np.zeros((_LARGE, _LARGE), dtype=np.float32)
    for side in (8, 32, 128, 512, 2048):
        noise = draw.random((side, side), dtype=np.float32)
        height += np.kron(noise, np.ones((_LARGE // side,) * 2, dtype=np.float32)) * (400 / side**0.7)
    height *= 400 / height.max()
    if name == "dem":
        bands = height[None]
    else:
        grain = draw.integers(0, 24, (3, _LARGE, _LARGE), dtype=np.uint8)
        bands = (np.stack([height, height[::-1], height[:, ::-1]]) / 400 * 230).astype(np.uint8) + grain
    draft = path.with_suffix(".part")
    with rasterio.open(
        draft, "w", driver="GTiff", width=_LARGE, height=_LARGE, count=len(bands), dtype=bands.dtype, tiled=True,
        crs="EPSG:4549", transform=from_origin(500_000, 4_019_000, 0.5, 0.5), photometric="RGB" if len(bands) == 3 else None,
    ) as file:  # fmt: skip
        file.write(bands)
    draft.replace(path)
    return path


def bounds_of(work: Path, subject: Subject) -> Bounds:
    """The lon/lat box of a raster."""
    with rasterio.open(cog_of(work, subject)) as file:
        return Bounds(*rasterio.warp.transform_bounds(file.crs, "EPSG:4326", *file.bounds))


def levels_of(work: Path, subject: Subject) -> tuple[int, int]:
    """The level at which a pixel is about a pixel, and one two above it, where an overview is read."""
    with rasterio.open(cog_of(work, subject)) as file:
        wide = file.width
    box = bounds_of(work, subject)
    level = int(np.log2(360 / 256 * wide / (box.east - box.west)))
    return level, level - 2


def tiles_of(work: Path, subject: Subject, level: int, most: int) -> list[Tile]:
    """Tiles of a level over the raster, the inner ones first, edges among them where there are not enough."""
    box = bounds_of(work, subject)
    first = WEB_MERCATOR_QUAD.tile_at(box.west, box.north, level)
    last = WEB_MERCATOR_QUAD.tile_at(box.east, box.south, level)
    found = [Tile(z=level, x=x, y=y) for y in range(first.y, last.y + 1) for x in range(first.x, last.x + 1)]
    inner = [tile for tile in found if first.x < tile.x < last.x and first.y < tile.y < last.y]
    chosen = inner if len(inner) >= most // 4 else found
    step = max(1, len(chosen) // most)
    return chosen[::step][:most]


class OneMapServer(Spawned):
    """Our server, one worker, its tile caches off."""

    def __init__(self, work: Path) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "api.cli", "serve", "--port", str(self.port), "--data", str(work / "data")]
        super().__init__(command, {"ONEMAP_LOG_LEVEL": "warning", "ONEMAP_TILE_MEMORY_MB": "0"}, CHECKOUT)


def one_map(stack: ExitStack, work: Path) -> Contender:
    """Our server, started."""
    server = OneMapServer(work)
    stack.callback(server.stop)
    base = f"http://127.0.0.1:{server.port}"
    seconds_until_answer(f"{base}/health")
    return Contender(
        "One Map", lambda s, t, kind: f"{base}/rasters/{s.id}/{t.z}/{t.x}/{t.y}.{kind}?{s.ours}", server.process.pid
    )


def titiler(stack: ExitStack, work: Path, peers: Path) -> list[Contender]:
    """titiler with the settings that its manual advises: as it ships, and asked for bilinear resampling."""
    (peers / "titiler_app.py").write_text(APPLICATION)
    server = Server(environment(peers / "titiler", TITILER), "titiler_app:app", "", ADVISED, peers)
    stack.callback(server.stop)
    base = server.items
    seconds_until_answer(f"{base}/health")

    def address(more: str) -> Callable[[Subject, Tile, str], str]:
        def written(s: Subject, t: Tile, kind: str) -> str:
            words = s.theirs.replace("bidx=1,2,3", "bidx=1&bidx=2&bidx=3")
            file = quote(str(cog_of(work, s)))
            return f"{base}/tiles/WebMercatorQuad/{t.z}/{t.x}/{t.y}.{kind}?url={file}&{words}{more}"

        return written

    return [
        Contender("titiler", address(""), server.process.pid),
        Contender("titiler, bilinear", address("&resampling=bilinear&reproject=bilinear"), server.process.pid),
    ]


def compare(contenders: Sequence[Contender], subject: Subject, tiles: Sequence[Tile]) -> None:
    """Stop where our pictures are not those of the bilinear peer: mean difference of colours, where both are opaque."""
    differences = []
    for tile in tiles:
        ours, theirs = (picture(each.address(subject, tile, "png")) for each in (contenders[0], contenders[-1]))
        both = (ours[..., 3] == 255) & (theirs[..., 3] == 255)
        if both.any():
            differences.append(np.abs(ours - theirs)[both][:, :3].mean())
    if not differences or max(differences) > 16:
        sys.exit(f"{subject.id} z{tiles[0].z}: the pictures differ by {differences} of 255")


def picture(address: str) -> np.ndarray:
    """Colours (rows, columns, 4) of an address."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=120) as answer:
        return np.asarray(Image.open(io.BytesIO(answer.read())).convert("RGBA"), dtype=float)


def cpu_ms(contender: Contender, subject: Subject, tiles: Sequence[Tile], kind: str) -> float:
    """CPU milliseconds of a tile; the first pass over the tiles is not counted."""
    addresses = [contender.address(subject, tile, kind) for tile in tiles]
    drive_from_outside(addresses, CONNECTIONS, 1, {})
    repeats = -(-REQUESTS // len(tiles))
    before = cpu_seconds(contender.pid)
    load = drive_from_outside(addresses, CONNECTIONS, repeats, {})
    return (cpu_seconds(contender.pid) - before) / load.requests * 1000


if __name__ == "__main__":
    main()
