"""A small delivery of oblique photogrammetry: OSGB of three levels over a closed form, made by OpenSceneGraph's own converter.

The ground is z = 20 + 3 sin(x / 11) cos(y / 13) over 80 × 80 m; a level has a grid of nodes, so that every vertex of every level lies on it.
"""

from __future__ import annotations

import io
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from loud_skips import skip_loudly

SIDE_M = 80.0
CELLS = 4
RADIUS_M = 56.0
PIXELS = {"": 200.0, "_L17_0": 400.0}
ORIGIN = (500_000.0, 4_013_000.0, 7.5)
_HEAD = "#Ascii Scene\n#Version 161\n#Generator OpenSceneGraph 3.6.5\n\n"


def require_osgconv() -> None:
    """Skip loudly where OpenSceneGraph's converter is not installed."""
    if shutil.which("osgconv") is None:
        skip_loudly("OSGB with OpenSceneGraph's converter", "sudo apt-get install openscenegraph")


def ground(x: npt.ArrayLike, y: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Height of the ground, metres."""
    return np.asarray(20 + 3 * np.sin(np.asarray(x) / 11) * np.cos(np.asarray(y) / 13))


def osgb(scene: str, path: Path, *options: str) -> Path:
    """Write a scene, the text of nodes, as OSGB."""
    text = path.with_suffix(".osgt")
    text.write_text(_HEAD + scene, encoding="utf-8")
    command = ["osgconv", "-O", " ".join(("WriteImageHint=IncludeFile", *options)), text.name, path.name]
    subprocess.run(command, cwd=path.parent, check=True, capture_output=True, timeout=60)
    text.unlink()
    return path


def photograph(path: Path, colour: tuple[int, int, int]) -> Path:
    """A JPEG for the converter to read; it is 16 × 16, its upper left quarter white."""
    image = Image.new("RGB", (16, 16), colour)
    image.paste((255, 255, 255), (0, 0, 8, 8))
    packed = io.BytesIO()
    image.save(packed, "JPEG", quality=90)
    path.write_bytes(packed.getvalue())
    return path


def block(name: str, *lines: str) -> str:
    return "\n".join([f"{name} {{", *lines, "}"])


def group(number: int, *nodes: str, name: str = "osg::Group", lists: Sequence[str] = ()) -> str:
    return block(name, f"UniqueID {number}", *lists, block(f"Children {len(nodes)}", *nodes))


def paged(number: int, node: str, pixels: float, file: str, radius: float = RADIUS_M) -> str:
    """A level that another file takes the place of."""
    lists = [
        "CenterMode USER_DEFINED_CENTER",
        f"UserCenter {SIDE_M / 2} {SIDE_M / 2} 20 {radius}",
        "RangeMode PIXEL_SIZE_ON_SCREEN",
        block("RangeList 2", f"0 {pixels}", f"{pixels} 1e+30"),
        block("RangeDataList 2", '""', f'"{file}"'),
        block("PriorityList 2", "0 1", "0 1"),
    ]
    return group(number, node, name="osg::PagedLOD", lists=lists)


def geode(number: int, *geometries: str) -> str:
    return block("osg::Geode", f"UniqueID {number}", block(f"Drawables {len(geometries)}", *geometries))


def array(name: str, kind: str, number: int, rows: npt.NDArray[np.float64]) -> str:
    lines = [" ".join(repr(float(value)) for value in row) for row in rows]
    return block(
        f"{name} TRUE",
        block(f"osg::{kind}", f"UniqueID {number}", "Binding BIND_PER_VERTEX", block(f"vector {len(rows)}", *lines)),
    )


def geometry(
    number: int,
    points: npt.NDArray[np.float64],
    sets: Sequence[str],
    uv: npt.NDArray[np.float64] | None = None,
    image: str = "",
    kind: str = "Vec3Array",
) -> str:
    """A geometry; numbers from `number` on to `number` + 9 are its own."""
    said = [_state(number + 1, image)] if image else []
    said += [block(f"PrimitiveSetList {len(sets)}", *sets), array("VertexArray", kind, number + 2, points)]
    if uv is not None:
        coordinates = array("x", "Vec2Array", number + 3, uv).split("\n", 1)[1].rsplit("\n", 1)[0]
        said.append(block("TexCoordArrayList 1", coordinates))
    return block("osg::Geometry", f"UniqueID {number}", *said)


def _state(number: int, image: str) -> str:
    """A state set with a texture; of its own are the numbers `number`, and 4 and 5 above it."""
    picture = block(
        "Image TRUE", "ClassName osg::Image", f"UniqueID {number + 5}", f'FileName "{image}"', "WriteHint 0 2"
    )
    texture = block("osg::Texture2D", f"UniqueID {number + 4}", "WRAP_S CLAMP_TO_EDGE", "WRAP_T CLAMP_TO_EDGE", picture)
    on = block("TextureModeList 1", block("Data 1", "GL_TEXTURE_2D ON"))
    attributes = block("TextureAttributeList 1", block("Data 1", texture, "Value OFF"))
    return block("StateSet TRUE", block("osg::StateSet", f"UniqueID {number}", on, attributes))


def elements(number: int, mode: str, indices: Sequence[int]) -> str:
    numbers = " ".join(map(str, indices))
    return block(
        "osg::DrawElementsUInt", f"UniqueID {number}", f"Mode {mode}", block(f"vector {len(indices)}", numbers)
    )


def patch(number: int, west: float, south: float, side: float, cells: int, image: str) -> str:
    """The ground over a square, `cells` × `cells`, with its photograph from corner to corner."""
    steps = np.linspace(0, 1, cells + 1)
    u, v = (part.ravel() for part in np.meshgrid(steps, steps))
    x, y = west + u * side, south + v * side
    corner = (np.arange(cells)[:, None] * (cells + 1) + np.arange(cells)).ravel()
    a, b, c, d = corner, corner + 1, corner + cells + 2, corner + cells + 1
    indices = np.column_stack([a, b, c, a, c, d]).ravel().tolist()
    points, uv = np.column_stack([x, y, ground(x, y)]), np.column_stack([u, v])
    return geometry(number, points, [elements(number + 4, "TRIANGLES", indices)], uv, image)


def write_delivery(folder: Path, srs: str = "EPSG:4549", origin: tuple[float, float, float] = ORIGIN) -> Path:
    """The delivery; gives its metadata.xml. One tree has three levels in six files, the other a single leaf to the east of it."""
    require_osgconv()
    west, east = (folder / "Data" / name for name in ("Tile_+000_+000", "Tile_+001_+000"))
    for made in (west, east):
        made.mkdir(parents=True)
    half = SIDE_M / 2
    photograph(west / "root.jpg", (200, 30, 30))
    top = paged(1, geode(2, patch(10, 0, 0, SIDE_M, CELLS, "root.jpg")), PIXELS[""], f"{west.name}_L17_0.osgb")
    osgb(top, west / f"{west.name}.osgb")
    quarters = []
    for q in range(4):
        x, y = q % 2 * half, q // 2 * half
        photograph(west / f"quarter{q}.jpg", (30, 60 * q, 200))
        node = geode(100 * q + 2, patch(100 * q + 10, x, y, half, CELLS, f"quarter{q}.jpg"))
        name = f"{west.name}_L18_{q}.osgb"
        quarters.append(paged(100 * q + 1, node, PIXELS["_L17_0"], name, RADIUS_M / 2))
        photograph(west / f"leaf{q}.jpg", (60 * q, 200, 30))
        osgb(geode(1, patch(10, x, y, half, 2 * CELLS, f"leaf{q}.jpg")), west / name)
    osgb(group(1000, *quarters), west / f"{west.name}_L17_0.osgb")
    photograph(east / "east.jpg", (10, 10, 10))
    osgb(geode(1, patch(10, SIDE_M, 0, half, CELLS, "east.jpg")), east / f"{east.name}.osgb")
    for image in [*west.glob("*.jpg"), *east.glob("*.jpg")]:
        image.unlink()
    metadata = folder / "metadata.xml"
    said = ",".join(map(repr, origin))
    metadata.write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<ModelMetadata version="1">\n'
        f"\t<SRS>{srs}</SRS>\n\t<SRSOrigin>{said}</SRSOrigin>\n"
        "\t<Texture>\n\t\t<ColorSource>Visible</ColorSource>\n\t</Texture>\n</ModelMetadata>\n",
        encoding="utf-8",
    )
    return metadata
