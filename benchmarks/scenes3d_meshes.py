"""Textured meshes to levels of detail: a generated ground with houses and four photographs, and a real mesh; size, time, memory, errors.

The mesh is an OBJ with pictures made by a formula, so that every colour is known: the tiles are compared with it. Every run is a process
of its own; CPU is that of the process and of all it started, memory is the largest of any of them. With `--workers 2` the same is built
by two processes, and the bytes must be the same.

    python benchmarks/scenes3d_meshes.py --work DIR [--triangles 320000] [--rounds 1] [--workers 2]
    python benchmarks/scenes3d_meshes.py --work DIR --triangles 5000000
"""

from __future__ import annotations

import argparse
import io
import math
import sys
from pathlib import Path

import numpy as np
from machine import print_machine
from measure import CHECKOUT, Run, print_table, run_program, spread
from PIL import Image

from scenes3d.frames import Frame
from scenes3d.glb.reading import read_model
from scenes3d.tileset.checking import check_tileset
from scenes3d.tileset.folder import folder_opener
from scenes3d.tileset.reading import read_tileset

HERE = Frame(120.03, 36.26, 20.0)
SCEAUX = CHECKOUT.parent / "shared/data/model3d/sceaux-photogrammetry-mesh.ply"
PICTURES = 2
_OWN = """
import sys
from pathlib import Path
from scenes3d.frames import Frame
from scenes3d.meshes.building import build_mesh
from scenes3d.models.shaping import Faults
from scenes3d.sources.meshes.obj_mesh import ObjMesh
from scenes3d.sources.meshes.ply import PlyMesh
from scenes3d.sources.meshes.source import open_source
from scenes3d.sources.reference import Anchored
from twin.tasks.opening import open_tasks
if __name__ == "__main__":
    path, faults = Path(sys.argv[1]), Faults()
    mesh = (PlyMesh if path.suffix == ".ply" else ObjMesh)(path, faults)
    source = open_source([(mesh, Anchored(Frame(120.03, 36.26, 20.0), "EPSG:5737"))], None, faults)
    report = build_mesh(source, Path(sys.argv[2]), tasks=open_tasks(sys.argv[3]))
    print(report.triangles, report.tiles, report.levels, report.error_m)
"""


def main() -> None:
    """Generate, measure, check, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for meshes and tilesets (200 bytes a triangle)"
    )
    parser.add_argument("--triangles", type=int, default=320_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1, help="processes of a row of its own")
    parser.add_argument("--generate", action="store_true", help="make the mesh and nothing else")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    ground = work / f"ground-{arguments.triangles}"
    if arguments.generate:
        generate(ground, arguments.triangles)
        return
    print_machine()
    work.mkdir(parents=True, exist_ok=True)
    # By another process: the memory of this one would be counted as that of those which it starts.
    run_program([sys.executable, __file__, *sys.argv[1:], "--generate"], {"PYTHONPATH": str(CHECKOUT)})
    program = work / "build.py"
    program.write_text(_OWN)
    jobs = {"ground with pictures": (ground / "ground.obj", "1")}
    if arguments.workers > 1:
        jobs[f"the same, {arguments.workers} processes"] = (ground / "ground.obj", str(arguments.workers))
    if SCEAUX.exists():
        jobs["Sceaux, no pictures"] = (SCEAUX, "1")
    measured: dict[str, list[Run]] = {name: [] for name in jobs}
    for _ in range(arguments.rounds):
        for number, (name, (file, workers)) in enumerate(jobs.items()):
            command = [sys.executable, "-P", str(program), str(file), str(work / f"out-{number}"), workers]
            measured[name].append(run_program(command, {"PYTHONPATH": str(CHECKOUT)}, 3_600))
    report(measured, work)


def generate(folder: Path, triangles: int) -> None:
    """An OBJ of about so many triangles, a metre a side, houses every 25 m, and four pictures of 12 pixels a metre at most."""
    file = folder / "ground.obj"
    if file.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    cells = math.isqrt(triangles // 2) // PICTURES * PICTURES
    step = np.arange(cells + 1.0) - cells / 2
    x, y = np.meshgrid(step, step)
    house = (np.abs(x % 25 - 12.5) < 7) & (np.abs(y % 25 - 12.5) < 7)
    z = 8 * np.sin(x / 60) * np.cos(y / 45) + 1.5 * np.sin(x / 9) * np.sin(y / 7) + 9.0 * house
    part = cells // PICTURES
    side = min(4096, part * 12)
    number = np.arange((cells + 1) ** 2).reshape(cells + 1, cells + 1) + 1
    local = np.arange((part + 1) ** 2).reshape(part + 1, part + 1)
    share = np.linspace(0, 1, part + 1)
    libraries = []
    with file.open("w") as target:
        target.write("mtllib ground.mtl\n")
        np.savetxt(target, np.column_stack([x.ravel(), y.ravel(), z.ravel()]), fmt="v %.3f %.3f %.3f")
        for k in range(PICTURES**2):
            column, row = k % PICTURES, k // PICTURES
            pixel = (np.arange(side) + 0.5) / side * part
            east, north = np.meshgrid(step[column * part] + pixel, step[(row + 1) * part] - pixel)
            Image.fromarray(np.rint(colour(east, north)).astype(np.uint8)).save(folder / f"{k}.jpg", quality=95)
            libraries += [f"newmtl m{k}", f"map_Kd {k}.jpg"]
            u, v = np.meshgrid(share, share)
            np.savetxt(target, np.column_stack([u.ravel(), v.ravel()]), fmt="vt %.6f %.6f")
            target.write(f"usemtl m{k}\n")
            own = number[row * part : (row + 1) * part + 1, column * part : (column + 1) * part + 1]
            pairs = np.stack([own, local + 1 + k * (part + 1) ** 2], axis=-1)
            a, b, c, d = (pairs[i, j].reshape(-1, 2) for i, j in _CORNERS)
            for corners in ((a, b, c), (a, c, d)):
                np.savetxt(target, np.column_stack(corners), fmt="f %d/%d %d/%d %d/%d")
    (folder / "ground.mtl").write_text("\n".join(libraries))


_CORNERS = (
    (slice(None, -1), slice(None, -1)),
    (slice(None, -1), slice(1, None)),
    (slice(1, None), slice(1, None)),
    (slice(1, None), slice(None, -1)),
)


def colour(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Slow waves with a checkerboard of four metres over them, 0…255."""
    check = ((np.floor(x / 4) + np.floor(y / 4)) % 2) * 25
    waves = [np.sin(x / 31), np.sin(y / 37 + 1), np.cos((x + y) / 53)]
    return np.stack([110 + 80 * wave + check for wave in waves], axis=-1)


def report(measured: dict[str, list[Run]], work: Path) -> None:
    """The table, what the check of the volumes found, whether processes gave the same bytes, and the colours of each level."""
    rows = []
    for number, (name, runs) in enumerate(measured.items()):
        folder = work / f"out-{number}"
        triangles, tiles, levels, error = runs[-1].output.split()[-4:]
        size = sum(file.stat().st_size for file in folder.iterdir()) / 1e6
        faults = len(check_tileset("tileset.json", folder_opener(folder)).faults)
        rows.append([name, f"{int(triangles):,}", spread([r.cpu_s for r in runs], 1), spread([r.wall_s for r in runs], 1),
                     f"{max(r.peak_mb for r in runs):,.0f}", tiles, levels, f"{size:,.1f}", f"{float(error):.3f}", faults])  # fmt: skip
    heads = [
        "",
        "triangles",
        "CPU s",
        "wall s",
        "memory MB",
        "tiles",
        "levels",
        "MB",
        "root off by at most, m",
        "faults",
    ]
    print_table(heads, rows)
    if any("processes" in name for name in measured):
        same = all(
            file.read_bytes() == (work / "out-1" / file.name).read_bytes() for file in (work / "out-0").iterdir()
        )
        print(f"\none process and many give the same bytes: {same}")
    print("\nColours of the ground with pictures, off from the formula (of 255), by level from the root:")
    print_table(["level", "geometric error, m", "median", "95 %"], colours(work / "out-0"))


def colours(folder: Path) -> list[list[object]]:
    """By level: how far vertices' colours are from the formula, on ground that is not steep."""
    found: dict[int, list[np.ndarray]] = {}
    errors: dict[int, float] = {}
    opened = folder_opener(folder)
    for tile in read_tileset("tileset.json", opened):
        level = len(tile.ancestors)
        errors[level] = max(errors.get(level, 0.0), tile.geometric_error)
        for address, _ in tile.contents:
            for drawn in read_model(opened(address)).primitives:
                if drawn.image is None or drawn.uv is None:
                    continue
                pixels = np.asarray(Image.open(io.BytesIO(drawn.image)).convert("RGB")).astype(float)
                triangles = drawn.indices.reshape(-1, 3)
                places = HERE.local(drawn.positions @ tile.matrix[:3, :3].T + tile.matrix[:3, 3])[triangles]
                normals = np.cross(places[:, 1] - places[:, 0], places[:, 2] - places[:, 0])
                flat = normals[:, 2] > 0.9 * np.linalg.norm(normals, axis=1)
                middle, uv = places[flat].mean(axis=1), drawn.uv[triangles][flat].mean(axis=1)
                column, row = (uv * [pixels.shape[1], pixels.shape[0]]).astype(int).T
                found.setdefault(level, []).append(
                    np.abs(pixels[row, column] - colour(middle[:, 0], middle[:, 1])).max(axis=1)
                )
    rows: list[list[object]] = []
    for level in sorted(found):
        off = np.concatenate(found[level])
        rows.append([level, f"{errors[level]:.2f}", f"{np.median(off):.1f}", f"{np.percentile(off, 95):.1f}"])
    return rows


if __name__ == "__main__":
    main()
