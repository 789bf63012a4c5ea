"""Real files counted and measured by other readers than ours: laspy, GDAL, json and PROJ."""

from __future__ import annotations

import json
import re
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pyproj

from scene_vertices import Box, box_of

Measured = tuple[int, Box]
"""How many, and the box in degrees and metres."""


def clouds(files: Sequence[Path], crs: str | None, metres: float = 1.0) -> Measured:
    """Points of LAS files, by laspy; in the CRS of the header where none is said."""
    read = [laspy.read(file) for file in files]
    x, y, z = (np.concatenate([np.asarray(getattr(cloud, axis)) for cloud in read]) for axis in "xyz")
    return len(x), box_of(*_degrees(x, y, crs or read[0].header.parse_crs()), z * metres)


def cityjson(file: Path, crs: str) -> Measured:
    """Objects of a CityJSON, and its vertices: all of them are used."""
    document = json.loads(file.read_bytes())
    x, y, z = np.array(document["vertices"], dtype=float).T
    if "transform" in document:
        moved, scale = (np.array(document["transform"][key]) for key in ("translate", "scale"))
        x, y, z = np.array([x, y, z]) * scale[:, None] + moved[:, None]
    return len(document["CityObjects"]), box_of(*_degrees(x, y, crs), z)


def citygml(file: Path, crs: str, folder: Path, *, north_first: bool) -> Measured:
    """Features as GDAL counts them, and the box of all lists of positions."""
    copy = folder / file.name
    shutil.copyfile(file, copy)  # GDAL writes what it has learnt beside the file
    said = subprocess.run(["ogrinfo", "-ro", "-so", "-al", copy], capture_output=True, text=True, check=True).stdout
    counts = dict(re.findall(r"Layer name: (\w+)\n.*?Feature Count: (\d+)", said, re.DOTALL))
    counts.pop("Appearance", None)
    # Nothing but surfaces has lists of positions in these files.
    lists = re.findall(r"<gml:(?:posList|pos)\b[^>]*>([^<]+)<", file.read_text(encoding="utf-8"))
    x, y, z = np.array(" ".join(lists).split(), dtype=float).reshape(-1, 3).T
    if north_first:
        x, y = y, x
    return sum(map(int, counts.values())), box_of(*_degrees(x, y, crs), z)


def obj(archive: Path, crs: str) -> Measured:
    """Groups and vertices of the one OBJ in an archive."""
    with zipfile.ZipFile(archive) as packed:
        (name,) = [name for name in packed.namelist() if name.endswith(".obj")]
        lines = packed.read(name).decode().splitlines()
    x, y, z = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], dtype=float).T
    return sum(line.startswith("o ") for line in lines), box_of(*_degrees(x, y, crs), z)


def ply(file: Path, lon: float, lat: float, height: float) -> Measured:
    """Triangles of a binary PLY whose vertices are three floats first of all, metres east, north and up of an anchor."""
    head, _, body = file.read_bytes().partition(b"end_header\n")
    count = int(re.search(rb"element vertex (\d+)", head)[1])  # type: ignore[index]
    fields = re.findall(rb"property (\w+) \w+", head.partition(b"element face")[0])
    assert set(fields) == {b"float32"}, fields
    faces = int(re.search(rb"element face (\d+)", head)[1])  # type: ignore[index]
    return faces, _anchored(np.frombuffer(body, "<f4", count * len(fields)).reshape(count, -1)[:, :3], lon, lat, height)


def osgb(file: Path, lon: float, lat: float, height: float, folder: Path) -> Measured:
    """Vertices of one OSGB around an anchor, as OpenSceneGraph's converter writes them to an OBJ."""
    made = folder / "foreign.obj"
    subprocess.run(["osgconv", file, made], cwd=folder, check=True, capture_output=True)
    rows = [line.split()[1:4] for line in made.read_text().splitlines() if line.startswith("v ")]
    return len(rows), _anchored(np.array(rows, dtype=float), lon, lat, height)


def _anchored(points: Any, lon: float, lat: float, height: float) -> Box:
    """The box of points east, north and up of a place, by PROJ."""
    x, y, z = np.asarray(points, dtype=float).T
    local = pyproj.Transformer.from_pipeline(
        f"+proj=pipeline +step +inv +proj=topocentric +ellps=WGS84 +lon_0={lon} +lat_0={lat} +h_0={height} "
        "+step +inv +proj=cart +ellps=WGS84 +step +proj=unitconvert +xy_in=rad +xy_out=deg"
    )
    return box_of(*local.transform(x, y, z))


def tileset_vertices(archive: Path) -> int:
    """Vertices of all contents of an archive of 3D Tiles, from the heads of its files; every content is drawn once."""
    total = 0
    with zipfile.ZipFile(archive) as packed:
        for name in packed.namelist():
            data = packed.read(name)
            if name.endswith(".pnts"):
                (length,) = struct.unpack_from("<I", data, 12)
                total += json.loads(data[28 : 28 + length])["POINTS_LENGTH"]
            elif name.endswith((".glb", ".b3dm")):
                total += _glb_vertices(data[data.index(b"glTF") :])
    return total


def _glb_vertices(data: bytes) -> int:
    (length,) = struct.unpack_from("<I", data, 12)
    said: dict[str, Any] = json.loads(data[20 : 20 + length])
    drawn = [node["mesh"] for node in said["nodes"] if "mesh" in node]
    positions = [part["attributes"]["POSITION"] for mesh in drawn for part in said["meshes"][mesh]["primitives"]]
    return sum(said["accessors"][accessor]["count"] for accessor in positions)


def _degrees(x: Any, y: Any, crs: Any) -> tuple[Any, Any]:
    plane = pyproj.CRS(crs)
    plane = plane.sub_crs_list[0] if plane.is_compound else plane.to_2d()
    lon, lat = pyproj.Transformer.from_crs(plane, "EPSG:4326", always_xy=True).transform(x, y)
    return lon, lat
