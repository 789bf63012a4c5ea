"""Rays, scenes, flood and viewshed of the 3D analyses, beside the peers that are installed: Embree through embreex, Open3D, SciPy.

    python benchmarks/analysis3d.py [--rays 10_000_000] [--only rays,scenes,flood,viewshed,raster] [--engines embreex,open3d,numba]

CPU is of all threads; the machine may be shared, so quote it rather than the clock. Open3D takes part where it is installed
(pip install open3d-cpu libusb-package, in an environment of its own with numba and this checkout on PYTHONPATH).
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from layers.analysis.raster import Meaning, Raster, cog_bytes
from scenes3d.analysis.blocks import Blocks, block_triangles
from scenes3d.analysis.flood import flood_by_inflow, flood_to_level
from scenes3d.analysis.ground import Ground
from scenes3d.analysis.scene import Scene, open_scene
from scenes3d.analysis.sight import viewshed
from scenes3d.analysis.surfaces import open_surfaces, shown_by, surfaces_of
from scenes3d.rays.opening import ENGINES, open_rays
from scenes3d.rays.port import Floats, Triangles
from scenes3d.rays.together import Together
from scenes3d.tileset.finest import Patch
from twin.ellipsoid import earth_centred
from twin.local_frame import LocalFrame
from twin.text import LocalText

BUILDINGS = 50_000
SIDE_M = 13_400.0
PLACE = LocalFrame(120.0, 36.28)


def timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds by the clock, seconds of CPU, result."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return time.perf_counter() - wall, time.process_time() - cpu, result


def row(name: str, wall: float, cpu: float, remark: str) -> None:
    print(f"| {name} | {wall:.2f} | {cpu:.2f} | {remark} |", flush=True)


def city(random: np.random.Generator) -> Blocks:
    """Rectangular buildings of 8 to 40 m, 5 to 100 m high, over the whole square."""
    import shapely

    corner = random.uniform(0, SIDE_M, (BUILDINGS, 2))
    size = random.uniform(8, 40, (BUILDINGS, 2))
    footprints = shapely.box(corner[:, 0], corner[:, 1], *(corner + size).T)
    heights = 5 + 95 * random.beta(1, 6, BUILDINGS)
    return Blocks([str(i) for i in range(BUILDINGS)], footprints, np.zeros(BUILDINGS), heights)


def street_rays(random: np.random.Generator, count: int) -> tuple[Floats, Floats, Floats]:
    """Rays of cameras: 6 m above the ground, a little downwards and upwards, 150 m long."""
    origins = np.column_stack([random.uniform(0, SIDE_M, (count, 2)), np.full(count, 6.0)])
    azimuth, altitude = random.uniform(0, 2 * np.pi, count), random.uniform(-0.05, 0.3, count)
    level = np.cos(altitude)
    directions = np.column_stack([np.sin(azimuth) * level, np.cos(azimuth) * level, np.sin(altitude)])
    return origins, directions, np.full(count, 150.0)


def measure_rays(count: int, engines: list[str]) -> None:
    random = np.random.default_rng(1)
    wall, cpu, (triangles, _) = timed(lambda: block_triangles(city(random)))
    print(f"\n## Rays against {len(triangles.faces):,} triangles of {BUILDINGS:,} buildings, {count:,} rays\n")
    print("| what | wall s | CPU s | remark |\n| --- | ---: | ---: | --- |")
    row("extrusion", wall, cpu, "footprints to triangles")
    rays = street_rays(random, count)
    seen: dict[str, Any] = {}
    for name in engines:
        if find_spec(name) is None:
            print(f"| {name} | – | – | not installed |")
            continue
        wall, cpu, engine = timed(lambda name=name: open_rays(triangles, name))
        warm(engine, triangles)
        row(f"{engine.engine}: build", wall, cpu, "")
        wall, cpu, occluded = timed(lambda engine=engine: engine.occluded(*rays))
        row(f"{engine.engine}: occluded", wall, cpu, f"{count / wall / 1e6:.1f} M rays/s, {occluded.mean():.1%} hidden")
        wall, cpu, hits = timed(lambda engine=engine: engine.first_hit(*rays))
        row(f"{engine.engine}: first hit", wall, cpu, f"{count / wall / 1e6:.1f} M rays/s")
        seen[name] = (occluded, hits.triangle)
    first, *others = seen.values()
    for name, other in zip(list(seen)[1:], others, strict=True):
        same = (first[0] == other[0]).mean(), (first[1] == other[1]).mean()
        print(
            f"\n{name} agrees with {next(iter(seen))} on {same[0]:.4%} of occlusions and {same[1]:.4%} of triangles hit."
        )


def warm(engine: Any, triangles: Triangles) -> None:
    """Compile, or load, whatever is compiled at the first ray."""
    origin, up = triangles.middle[None], np.array([[0.0, 0.0, 1.0]])
    engine.occluded(origin, up, np.ones(1))
    engine.first_hit(origin, up, np.ones(1))


def measure_scenes() -> None:
    """The same city delivered as a model: its triangles out of tiles, which footprints it shows, rays over both."""
    random = np.random.default_rng(1)
    blocks = city(random)
    triangles, _ = block_triangles(blocks)
    lon, lat = PLACE.to_geodetic(triangles.vertices[:, 0], triangles.vertices[:, 1])
    earth = earth_centred(lon, lat, triangles.vertices[:, 2])
    # As many patches as tiles of a model of this size: about a thousand triangles each.
    patches = []
    for start in range(0, len(triangles.faces), 1_000):
        used, rows = np.unique(triangles.faces[start : start + 1_000], return_inverse=True)
        faces = rows.reshape(-1, 3)
        patches.append(Patch(earth[used], faces, np.full(len(faces), -1), ()))
    box = (-100.0, -100.0, SIDE_M + 100, SIDE_M + 100)
    print(f"\n## {len(triangles.faces):,} triangles of a model, {BUILDINGS:,} footprints beside it\n")
    print("| what | wall s | CPU s | remark |\n| --- | ---: | ---: | --- |")

    def level(east: Floats, north: Floats) -> Floats:
        return np.zeros(len(east))

    wall, cpu, found = timed(lambda: surfaces_of("model", patches, PLACE, box, level, 5_000_000))
    row("tiles to surfaces", wall, cpu, f"{len(found.part):,} triangles in {len(patches):,} patches, ground left out")
    wall, cpu, opened = timed(lambda: open_surfaces(found))
    row("opened", wall, cpu, opened.rays.engine)
    wall, cpu, shown = timed(lambda: shown_by(blocks, opened))
    row("footprints that the model shows", wall, cpu, f"{shown.mean():.1%}")
    rays = street_rays(random, 1_000_000)
    together = Together([(open_rays(triangles), len(triangles.faces)), (opened.rays, len(found.part))])
    wall, cpu, _ = timed(lambda: together.occluded(*rays))
    row("occluded, 1 million rays, both asked", wall, cpu, "")


def measure_raster() -> None:
    """A result of 4 million cells as a COG."""
    depth = np.asarray(terrain(2000, 2000).heights, dtype=np.float32)
    meaning = Meaning(LocalText("水深", "Depth"), "m", "blues")
    raster = Raster(depth, 0.0, 0.0, 5.0, meaning)
    cog_bytes(Raster(depth[:20, :20], 0.0, 0.0, 5.0, meaning), PLACE, {})
    wall, cpu, data = timed(lambda: cog_bytes(raster, PLACE, {}))
    print("\n## A result of 4 million cells\n\n| what | wall s | CPU s | remark |\n| --- | ---: | ---: | --- |")
    row("Cloud Optimized GeoTIFF", wall, cpu, f"{len(data) / 1e6:.1f} MB, checked by rio-cogeo")


def terrain(rows: int, columns: int) -> Ground:
    """Hills with a valley through them, heights to the millimetre."""
    random = np.random.default_rng(2)
    coarse = ndimage.zoom(random.normal(size=(rows // 100, columns // 100)), 100, order=3)[:rows, :columns]
    heights = np.full((rows, columns), 20.0)
    heights[: coarse.shape[0], : coarse.shape[1]] += 8 * coarse
    return Ground(heights, 0.0, 0.0, 5.0)


def measure_flood() -> None:
    ground = terrain(4000, 4800)
    lowest = int(ground.heights.argmin())
    small = Ground(ground.heights[:100, :100].copy(), 0, 0, 5)
    inside = int(small.heights[1:-1, 1:-1].argmin())
    flood_to_level(small, np.array([inside]), 20.0)
    flood_by_inflow(small, inside, 10.0)
    level = 22.0
    print(
        f"\n## Flood over {ground.heights.size:,} cells\n\n| what | wall s | CPU s | remark |\n| --- | ---: | ---: | --- |"
    )
    wall, cpu, flood = timed(lambda: flood_to_level(ground, np.array([lowest]), level))
    row("One Map, to a level, connected", wall, cpu, f"{flood.wet.mean():.1%} of the cells, {flood.volume_m3:,.0f} m³")

    def peer() -> Any:
        labels, _ = ndimage.label(ground.heights < level, structure=np.ones((3, 3)))
        wet = labels == labels.ravel()[lowest]
        return wet, float((level - ground.heights[wet]).sum() * ground.cell_m**2)

    wall, cpu, (wet, volume) = timed(peer)
    same = "the same cells" if (wet == flood.wet).all() else "OTHER CELLS"
    row("SciPy label", wall, cpu, f"{same}, {volume:,.0f} m³")
    hollow = int(ground.heights[1900:2100, 2300:2500].argmin())
    source = (1900 + hollow // 200) * 4800 + 2300 + hollow % 200
    wall, cpu, poured = timed(lambda: flood_by_inflow(ground, source, 5_000_000.0))
    row("One Map, 5 million m³ of inflow", wall, cpu, f"{poured.ending}, {poured.wet.sum():,} cells wet")


def measure_viewshed() -> None:
    random = np.random.default_rng(3)
    ground = Ground(np.asarray(terrain(1001, 1001).heights), 0.0, 0.0, 2.0)
    blocks = city(random)
    near = np.flatnonzero([b.bounds[2] < 2000 and b.bounds[3] < 2000 for b in blocks.footprints])
    feet = np.full(len(near), 20.0)
    part = Blocks([blocks.ids[i] for i in near], blocks.footprints[near], feet, blocks.height_m[near])
    scene: Scene = open_scene(PLACE, ground, part, refraction=0.13)
    eye = np.array([[1000.0, 1000.0, 80.0]])
    viewshed(scene, eye, reach_m=20)
    print(f"\n## Viewshed: 2 × 2 km in cells of 2 m, {len(near):,} buildings and terrain\n")
    print("| what | wall s | CPU s | remark |\n| --- | ---: | ---: | --- |")
    wall, cpu, seen = timed(lambda: viewshed(scene, eye, reach_m=1000))
    row("one viewpoint", wall, cpu, f"{seen.within.sum():,} cells, {seen.areas_m2()['visible'] / 1e4:,.1f} ha seen")
    path = np.column_stack([np.linspace(500, 1500, 20), np.full(20, 1000.0), np.full(20, 60.0)])
    wall, cpu, seen = timed(lambda: viewshed(scene, path, reach_m=500))
    row("a path of 20 viewpoints, 500 m", wall, cpu, f"{seen.areas_m2()['visible'] / 1e4:,.1f} ha seen")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rays", type=int, default=10_000_000)
    parser.add_argument("--only", default="rays,scenes,flood,viewshed,raster")
    parser.add_argument("--engines", default=",".join(ENGINES))
    chosen = parser.parse_args()
    for name, measure in (
        ("rays", lambda: measure_rays(chosen.rays, chosen.engines.split(","))),
        ("flood", measure_flood),
        ("viewshed", measure_viewshed),
        ("scenes", measure_scenes),
        ("raster", measure_raster),
    ):
        if name in chosen.only.split(","):
            measure()


if __name__ == "__main__":
    main()
