"""A street in Jiaozhou to be analysed: three buildings and three cameras on terrain that rises to the east."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
import shapely
from rasterio import Affine

from layers.policy import Actor
from layers.reviewing import Decision, Verb
from layers.scenes.delivery import DeliveryWish, deliver
from layers.scenes.desk import SceneDesk
from scenes3d.sources.reference import Stated
from tiles.terrain.shelf import TerrainShelf
from twin.crs import parse_crs, transform_points
from twin.feature import Feature, FeatureBatch
from twin.local_frame import LocalFrame
from twin.schema import GeometryType, Property, PropertyType, Schema
from twin.store.port import Author, LayerSpec, Store
from twin.text import LocalText

PLACE = LocalFrame(120.0, 36.28)
__all__ = ["PLACE", "area", "at", "box_model", "with_scene", "with_street", "with_terrain"]
_STEP = 0.0001
_BUILDINGS = Schema(
    GeometryType.POLYGON,
    (Property("height_m", PropertyType.NUMBER), Property("floors", PropertyType.INTEGER)),
)
_CAMERAS = Schema(
    GeometryType.POINT,
    tuple(Property(name, PropertyType.NUMBER) for name in ("height_m", "azimuth_deg", "fov_deg", "range_m")),
)


_GB_CAMERAS = Schema(
    GeometryType.POINT,
    (
        Property("height_m", PropertyType.NUMBER),
        Property("DirectionType", PropertyType.INTEGER),
        *(Property(f"{word}FieldAngle", PropertyType.NUMBER) for word in ("Horizontal", "Vertical")),
        *(Property(name, PropertyType.NUMBER) for name in ("MaxViewDistance", "down", "level")),
    ),
)


def at(east: float, north: float) -> list[float]:
    """Longitude and latitude of metres east and north of the street's middle."""
    lon, lat = PLACE.to_geodetic(east, north)
    return [float(lon), float(lat)]


def area(west: float, south: float, east: float, north: float) -> dict[str, object]:
    """A box in metres of the street as a GeoJSON polygon."""
    ring = [at(west, south), at(east, south), at(east, north), at(west, north), at(west, south)]
    return {"type": "Polygon", "coordinates": [ring]}


def with_street(store: Store) -> Store:
    """The store with the layers buildings, cameras and gb-cameras, whose one camera carries the names of GB/T 28181.

    "tower" (x 40 to 50, y -50 to 50) is 20 m high, "house" (x -60 to -50) has two floors, "shed" nothing that tells its height.
    "east" looks east from 6 m, "behind" looks west from behind the tower, "broken" has no range.
    """
    boxes = {"tower": (40, -50, 50, 50), "house": (-60, -10, -50, 10), "shed": (-90, -10, -85, 10)}
    known = {"tower": (20.0, None), "house": (None, 2), "shed": (None, None)}
    with store.write("buildings", Author("clerk"), create=LayerSpec("buildings", _BUILDINGS)) as writer:
        rows = [
            Feature(
                name,
                shapely.geometry.shape(area(*boxes[name])),
                dict(zip(("height_m", "floors"), known[name], strict=True)),
            )
            for name in boxes
        ]
        writer.upsert(FeatureBatch.of(_BUILDINGS, rows))
    cameras = {"east": (0, 0, 6, 90, 60, 80), "behind": (80, 0, 6, 270, 60, 100), "broken": (10, 0, 6, 90, 60, None)}
    with store.write("cameras", Author("clerk"), create=LayerSpec("cameras", _CAMERAS)) as writer:
        rows = [
            Feature(
                name,
                shapely.Point(at(row[0], row[1])),
                dict(zip(("height_m", "azimuth_deg", "fov_deg", "range_m"), row[2:], strict=True)),
            )
            for name, row in cameras.items()
        ]
        writer.upsert(FeatureBatch.of(_CAMERAS, rows))
    with store.write("gb-cameras", Author("clerk"), create=LayerSpec("gb-cameras", _GB_CAMERAS)) as writer:
        values = dict(zip(_GB_CAMERAS.names, (6, 1, 60, 30, 80, 45, 0), strict=True))
        writer.upsert(FeatureBatch.of(_GB_CAMERAS, [Feature("fixed", shapely.Point(at(0, 0)), values)]))
    return store


def with_terrain(folder, tmp_path) -> TerrainShelf:
    """A terrain that rises 1 m on 100 m to the east, 20 m at the street's middle, void in the north beyond 500 m."""
    columns = np.arange(200) * _STEP + 120.0 - 100 * _STEP
    east, _ = PLACE.to_local(columns + _STEP / 2, np.full(200, 36.28))
    heights = np.tile(20 + east / 100, (200, 1)).astype(np.float32)
    lat = 36.28 + 100 * _STEP - (np.arange(200) + 0.5) * _STEP
    heights[PLACE.to_local(np.full(200, 120.0), lat)[1] > 500] = -9999
    path = tmp_path / "slope.tif"
    with rasterio.open(
        path, "w", driver="GTiff", height=200, width=200, count=1, dtype="float32", crs="EPSG:4490",
        transform=Affine(_STEP, 0, 120.0 - 100 * _STEP, 0, -_STEP, 36.28 + 100 * _STEP), nodata=-9999,
    ) as out:  # fmt: skip
        out.write(heights, 1)
    shelf = TerrainShelf(folder)
    shelf.add(path, "dem", LocalText("斜坡", "Slope"), "EPSG:5737")
    return shelf


def box_model(path: Path, west: float, south: float, east: float, north: float, low: float, high: float) -> Path:
    """A CityJSON of one box in metres of the street, heights as they are said, in EPSG:4549. Its building is called like the file."""
    ring = np.array([at(x, y) for x, y in ((west, south), (east, south), (east, north), (west, north))])
    plan = np.column_stack(transform_points(ring[:, 0], ring[:, 1], parse_crs("EPSG:4490"), parse_crs("EPSG:4549")))
    vertices = [[x, y, z] for z in (low, high) for x, y in plan.tolist()]
    walls = [[[i, (i + 1) % 4, (i + 1) % 4 + 4, i + 4]] for i in range(4)]
    solid = {"type": "MultiSurface", "lod": "2", "boundaries": [*walls, [[4, 5, 6, 7]], [[3, 2, 1, 0]]]}
    document = {
        "type": "CityJSON",
        "version": "2.0",
        "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/4549"},
        "CityObjects": {path.name.partition(".")[0]: {"type": "Building", "geometry": [solid], "attributes": {}}},
        "vertices": vertices,
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def with_scene(desk: SceneDesk, path: Path, datum: str = "EPSG:5737", *, published: bool = True) -> None:
    """Deliver a model as a scene that is called like its file."""
    clerk, name = Actor("clerk"), path.name.partition(".")[0]
    wish = DeliveryWish(Stated(vertical_datum=datum), title_zh=name, title_en=name, date="2026-03-01")
    deliver(desk, name, [path], wish, clerk, None)
    if published:
        desk.review(name, Decision(Verb.ACCEPT, "looked at"), clerk)
